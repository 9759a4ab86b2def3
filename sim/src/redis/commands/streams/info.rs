//! `XINFO`: what is known of a stream, its groups and their consumers.

use super::super::flags::{LOADING, READ, STALE};
use super::super::{Command, Context, Failure, Keys, Reply, command, container};
use super::groups::{help_lines, misused, not_in_key};
use super::{told, told_id};
use crate::redis::number::integer;
use crate::redis::values::Stream;
use crate::redis::values::stream::{Consumer, Group, Id};

pub(in super::super) const TABLE: &[Command] = &[container("xinfo", -2, XINFO)];

const KEY: Keys = Keys::Range(2, 2, 1);

const XINFO: &[Command] = &[
    command("consumers", 4, READ, KEY, consumers),
    command("groups", 3, READ, KEY, groups),
    command("help", 2, LOADING | STALE, Keys::None, help),
    command("stream", -3, READ, KEY, stream),
];

/// How many entries of each list `FULL` tells when nobody says otherwise.
const COUNT_DEFAULT: usize = 10;

fn map(pairs: impl IntoIterator<Item = (&'static str, Reply)>) -> Reply {
    Reply::Map(pairs.into_iter().map(|(name, value)| (Reply::bulk(name), value)).collect())
}

fn known<'a>(context: &'a mut Context<'_>, key: &[u8]) -> Result<&'a Stream, Failure> {
    Ok(context.stream(key)?.ok_or_else(|| Failure::text("no such key"))?)
}

fn stream(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let stream = known(context, &words[2])?;
    let count = match &words[3..] {
        [] => None,
        [full] if full.eq_ignore_ascii_case(b"full") => Some(COUNT_DEFAULT),
        [full, name, count]
            if full.eq_ignore_ascii_case(b"full") && name.eq_ignore_ascii_case(b"count") =>
        {
            let count = integer(count).ok_or(Failure::NotAnInteger)?;
            Some(usize::try_from(count).unwrap_or(COUNT_DEFAULT))
        }
        _ => return Err(misused(words, "XINFO")),
    };
    let (keys, nodes) = stream.radix_tree();
    let mut pairs = vec![
        ("length", Reply::count(stream.len())),
        ("radix-tree-keys", Reply::count(keys)),
        ("radix-tree-nodes", Reply::count(nodes)),
        ("last-generated-id", told_id(stream.last_id)),
        ("max-deleted-entry-id", told_id(stream.max_deleted_id)),
        ("entries-added", Reply::Integer(stream.entries_added)),
        ("recorded-first-entry-id", told_id(stream.first_id())),
    ];
    let mut entries = stream.range(Id::MIN, Id::MAX);
    match count {
        None => {
            let (first, last) = (stream.range(Id::MIN, Id::MAX).next(), entries.next_back());
            pairs.push(("groups", Reply::count(stream.groups.len())));
            pairs.push(("first-entry", first.map_or(Reply::Null, told)));
            pairs.push(("last-entry", last.map_or(Reply::Null, told)));
        }
        Some(count) => {
            // None at all means all of them.
            let count = if count == 0 { usize::MAX } else { count };
            pairs.push(("entries", Reply::Array(entries.take(count).map(told).collect())));
            let groups = stream.groups.iter().map(|one| full_group(stream, one, count));
            pairs.push(("groups", Reply::Array(groups.collect())));
        }
    }
    Ok(map(pairs))
}

fn full_group(stream: &Stream, (name, group): (&Vec<u8>, &Group), count: usize) -> Reply {
    let pending = group.pending().iter().take(count).map(|(id, one)| {
        let (delivered_ms, deliveries) = (one.delivered_ms, one.deliveries);
        let numbers = [Reply::Integer(delivered_ms), Reply::Integer(deliveries)];
        Reply::Array(
            [told_id(*id), Reply::bulk(&one.consumer)].into_iter().chain(numbers).collect(),
        )
    });
    let consumers = group.consumers().iter().map(|one| full_consumer(group, one, count));
    map([
        ("name", Reply::bulk(name)),
        ("last-delivered-id", told_id(group.last_id)),
        ("entries-read", group.entries_read.map_or(Reply::Null, Reply::Integer)),
        ("lag", stream.lag(group).map_or(Reply::Null, Reply::Integer)),
        ("pel-count", Reply::count(group.pending().len())),
        ("pending", Reply::Array(pending.collect())),
        ("consumers", Reply::Array(consumers.collect())),
    ])
}

fn full_consumer(group: &Group, (name, consumer): (&Vec<u8>, &Consumer), count: usize) -> Reply {
    let pending = consumer.pending().iter().take(count).map(|id| {
        let one = &group.pending()[id];
        let numbers = [Reply::Integer(one.delivered_ms), Reply::Integer(one.deliveries)];
        Reply::Array([told_id(*id)].into_iter().chain(numbers).collect())
    });
    map([
        ("name", Reply::bulk(name)),
        ("seen-time", Reply::Integer(consumer.seen_ms)),
        ("pel-count", Reply::count(consumer.pending().len())),
        ("pending", Reply::Array(pending.collect())),
    ])
}

fn groups(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let stream = known(context, &words[2])?;
    let told = stream.groups.iter().map(|(name, group)| {
        map([
            ("name", Reply::bulk(name)),
            ("consumers", Reply::count(group.consumers().len())),
            ("pending", Reply::count(group.pending().len())),
            ("last-delivered-id", told_id(group.last_id)),
            ("entries-read", group.entries_read.map_or(Reply::Null, Reply::Integer)),
            ("lag", stream.lag(group).map_or(Reply::Null, Reply::Integer)),
        ])
    });
    Ok(Reply::Array(told.collect()))
}

fn consumers(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let now_ms = context.now_ms();
    let stream = known(context, &words[2])?;
    let group = stream.groups.get(&words[3]);
    let group = group.ok_or_else(|| not_in_key(&words[3], &words[2]))?;
    let told = group.consumers().iter().map(|(name, consumer)| {
        map([
            ("name", Reply::bulk(name)),
            ("pending", Reply::count(consumer.pending().len())),
            ("idle", Reply::Integer(now_ms.saturating_sub(consumer.seen_ms).max(0))),
        ])
    });
    Ok(Reply::Array(told.collect()))
}

fn help(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(help_lines(
        "XINFO",
        "\
CONSUMERS <key> <groupname>
    Show consumers of <groupname>.
GROUPS <key>
    Show the stream consumer groups.
STREAM <key> [FULL [COUNT <count>]
    Show information about the stream.",
    ))
}
