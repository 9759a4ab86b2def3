//! Commands of publishing and subscribing.

use super::super::pubsub::Way;
use super::flags::{FAST, LOADING, MAY_REPLICATE, NO_SCRIPT, PUBSUB, STALE};
use super::{Command, Context, Failure, Keys, Reply, command, container, pattern};

const LISTEN: u32 = PUBSUB | NO_SCRIPT | LOADING | STALE;
const PUBLISH: u32 = PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE;
const ASK: u32 = PUBSUB | LOADING | STALE;
const SHARDS: Keys = Keys::Range(1, -1, 1);

pub(super) const TABLE: &[Command] = &[
    command("psubscribe", -2, LISTEN, Keys::None, psubscribe),
    command("publish", 3, PUBLISH, Keys::None, publish),
    container("pubsub", -2, PUBSUB_TABLE),
    command("punsubscribe", -1, LISTEN, Keys::None, punsubscribe),
    command("spublish", 3, PUBLISH, Keys::Range(1, 1, 1), spublish),
    command("ssubscribe", -2, LISTEN, SHARDS, ssubscribe),
    command("subscribe", -2, LISTEN, Keys::None, subscribe),
    command("sunsubscribe", -1, LISTEN, SHARDS, sunsubscribe),
    command("unsubscribe", -1, LISTEN, Keys::None, unsubscribe),
];

const PUBSUB_TABLE: &[Command] = &[
    command("channels", -2, ASK, Keys::None, channels),
    command("help", 2, LOADING | STALE, Keys::None, help),
    command("numpat", 2, ASK, Keys::None, numpat),
    command("numsub", -2, ASK, Keys::None, numsub),
    command("shardchannels", -2, ASK, Keys::None, shardchannels),
    command("shardnumsub", -2, ASK, Keys::None, shardnumsub),
];

fn listen(context: &mut Context<'_>, way: Way, names: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (client, listeners) = (context.client, &mut context.instance.listeners);
    Ok(Reply::Several(names.iter().map(|name| listeners.add(client, way, name)).collect()))
}

fn end(context: &mut Context<'_>, way: Way, names: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(context.instance.listeners.remove(context.client, way, names))
}

fn subscribe(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    listen(context, Way::Channel, &words[1..])
}

fn psubscribe(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    listen(context, Way::Pattern, &words[1..])
}

fn ssubscribe(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    // The older ways to listen are admitted in transactions, for the sake of older clients.
    if !context.may_block() {
        return Err(Failure::text("SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    listen(context, Way::Shard, &words[1..])
}

fn unsubscribe(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    end(context, Way::Channel, &words[1..])
}

fn punsubscribe(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    end(context, Way::Pattern, &words[1..])
}

fn sunsubscribe(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    end(context, Way::Shard, &words[1..])
}

fn publish(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, Way::Channel, words)
}

fn spublish(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, Way::Shard, words)
}

/// Replicas tell their clients, too.
fn tell(context: &mut Context<'_>, way: Way, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let count = context.instance.publish(way, &words[1], &words[2]);
    context.propagate_as(vec![words.to_vec()]);
    Ok(Reply::count(count))
}

fn channels(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    names(context, Way::Channel, words)
}

fn shardchannels(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    names(context, Way::Shard, words)
}

fn names(context: &mut Context<'_>, way: Way, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let admitted = match &words[2..] {
        [] => None,
        [pattern] => Some(pattern),
        _ => return Err(subcommand(words)),
    };
    let names = context.instance.listeners.names(way).map(|(name, _)| name);
    let names = names.filter(|name| admitted.is_none_or(|one| pattern::matches(one, name)));
    Ok(Reply::Array(names.map(Reply::bulk).collect()))
}

fn subcommand(words: &[Vec<u8>]) -> Failure {
    let text = b"unknown subcommand or wrong number of arguments for '";
    Failure::text([&text[..], &words[1], b"'. Try PUBSUB HELP."].concat())
}

fn numsub(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(counts(context, Way::Channel, &words[2..]))
}

fn shardnumsub(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(counts(context, Way::Shard, &words[2..]))
}

fn counts(context: &mut Context<'_>, way: Way, names: &[Vec<u8>]) -> Reply {
    let listeners = &context.instance.listeners;
    let count = |name: &Vec<u8>| [Reply::bulk(name), Reply::count(listeners.count(way, name))];
    Reply::Array(names.iter().flat_map(count).collect())
}

fn numpat(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.instance.listeners.names(Way::Pattern).count()))
}

fn help(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Array(HELP.iter().map(|line| Reply::Simple(line)).collect()))
}

/// What `PUBSUB HELP` of Redis 7.0 answers.
const HELP: [&str; 14] = [
    "PUBSUB <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
    "HELP",
    "    Prints this help.",
];
