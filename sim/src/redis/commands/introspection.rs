//! `COMMAND`: what commands there are, and which of their words are keys.
//!
//! Descriptions, hints and categories are not told.

use super::flags::{self, LOADING, STALE};
use super::{
    COMMANDS, Command, Context, Failure, Keys, Reply, Run, command, container, find, pattern,
};
use crate::redis::number::integer;

/// Flags with the names by which `COMMAND` tells them, in its order.
const FLAGS: &[(u32, &str)] = &[
    (flags::WRITE, "write"),
    (flags::READ, "readonly"),
    (flags::DENY_OOM, "denyoom"),
    (flags::ADMIN, "admin"),
    (flags::PUBSUB, "pubsub"),
    (flags::NO_SCRIPT, "noscript"),
    (flags::BLOCKING, "blocking"),
    (flags::LOADING, "loading"),
    (flags::STALE, "stale"),
    (flags::SKIP_MONITOR, "skip_monitor"),
    (flags::FAST, "fast"),
    (flags::NO_AUTH, "no_auth"),
    (flags::MAY_REPLICATE, "may_replicate"),
    (flags::NO_MULTI, "no_multi"),
];

pub(super) const TABLE: &[Command] =
    &[Command { run: Run::Either(all, COMMAND), ..container("command", -1, COMMAND) }];

const COMMAND: &[Command] = &[
    command("count", 2, LOADING | STALE, Keys::None, count),
    command("docs", -2, LOADING | STALE, Keys::None, docs),
    command("getkeys", -4, LOADING | STALE, Keys::None, getkeys),
    command("info", -2, LOADING | STALE, Keys::None, info),
    command("list", -2, LOADING | STALE, Keys::None, list),
];

/// As many as are known here, which is less than in Redis.
fn count(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(COMMANDS.len()))
}

/// Nobody has described them.
fn docs(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Map(Vec::new()))
}

/// All commands, as by `COMMAND` alone.
fn all(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Array(COMMANDS.values().map(|command| describe(command, command.name)).collect()))
}

fn info(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if words.len() == 2 {
        return all(context, words);
    }
    let described = words[2..].iter().map(|name| {
        let found = named(name);
        found.map_or(Reply::Null, |command| {
            describe(command, &String::from_utf8_lossy(name).to_ascii_lowercase())
        })
    });
    Ok(Reply::Array(described.collect()))
}

/// A command, or one of those among which another one chooses.
fn named(name: &[u8]) -> Option<&'static Command> {
    let name = name.to_ascii_lowercase();
    let mut words = name.splitn(2, |byte| *byte == b'|');
    let command = *COMMANDS.get(words.next().unwrap_or_default())?;
    let Some(word) = words.next() else { return Some(command) };
    command.table().iter().find(|one| one.name.as_bytes() == word)
}

/// Name, arity, flags, first and last key and their distance; the rest is empty.
fn describe(command: &Command, name: &str) -> Reply {
    let set = FLAGS.iter().filter(|(flag, _)| command.has(*flag));
    let flags = set.map(|(_, name)| Reply::Simple(name)).collect();
    let (first, last, step) = match command.keys {
        Keys::Range(first, last, step) => {
            let first = first as i64;
            (first, last, step as i64)
        }
        Keys::FirstAndStored => (1, 1, 1),
        _ => (0, 0, 0),
    };
    let below = command.table().iter().map(|one| describe(one, &format!("{name}|{}", one.name)));
    let (none, nothing) = (|| Reply::Set(Vec::new()), || Reply::Array(Vec::new()));
    Reply::Array(vec![
        Reply::bulk(name),
        Reply::Integer(command.arity),
        Reply::Set(flags),
        Reply::Integer(first),
        Reply::Integer(last),
        Reply::Integer(step),
        none(),
        none(),
        none(),
        if command.table().is_empty() { nothing() } else { Reply::Array(below.collect()) },
    ])
}

/// All names, or those that a pattern finds; commands have no categories and no modules here.
fn list(_: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let wanted = match &words[2..] {
        [] => Some(&b"*"[..]),
        [by, how, what] if by.eq_ignore_ascii_case(b"filterby") => {
            match how.to_ascii_lowercase().as_slice() {
                b"pattern" => Some(what.as_slice()),
                b"aclcat" | b"module" => None,
                _ => return Err(Failure::Syntax),
            }
        }
        _ => return Err(Failure::Syntax),
    };
    let admitted = |name: &&&[u8]| wanted.is_some_and(|wanted| pattern::matches(wanted, name));
    Ok(Reply::Set(COMMANDS.keys().filter(admitted).map(Reply::bulk).collect()))
}

fn getkeys(_: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let words = &words[2..];
    let (_, command) = find(words).map_err(|failure| match failure {
        Failure::Arity(_) => Failure::text("Invalid number of arguments specified for command"),
        _ => Failure::text("Invalid command specified"),
    })?;
    let keys = command.keys_of(words);
    match keys.is_empty() {
        true => Err(Failure::text("The command has no key arguments")),
        false => Ok(Reply::Array(keys.iter().map(Reply::bulk).collect())),
    }
}

impl Command {
    /// Those among which its second word chooses.
    fn table(&self) -> &'static [Command] {
        match self.run {
            Run::Command(_) => &[],
            Run::Container(table) | Run::Either(_, table) => table,
        }
    }

    /// The words that are keys; those after a number that is none are none.
    fn keys_of<'a>(&self, words: &'a [Vec<u8>]) -> Vec<&'a Vec<u8>> {
        match self.keys {
            Keys::None => Vec::new(),
            Keys::Range(first, last, step) => {
                let len = i64::try_from(words.len()).expect("words are counted in 32 bits");
                let last = if last < 0 { len + last } else { last };
                let count = usize::try_from(last + 1).unwrap_or(0).saturating_sub(first);
                words.iter().skip(first).take(count).step_by(step).collect()
            }
            Keys::Counted(at) => counted(words, at).collect(),
            Keys::FirstAndCounted(at) => {
                words.get(1).into_iter().chain(counted(words, at)).collect()
            }
            Keys::FirstAndStored => {
                let stored = stored(words).and_then(|at| words.get(at));
                words.get(1).into_iter().chain(stored).collect()
            }
            Keys::Streams => {
                let named = words.iter().position(|word| word.eq_ignore_ascii_case(b"streams"));
                let behind = named.map_or(&[][..], |at| &words[at + 1..]);
                behind.iter().take(behind.len() / 2).collect()
            }
        }
    }
}

/// Where the key stands to which `SORT` stores. Words of its other options are passed over.
fn stored(words: &[Vec<u8>]) -> Option<usize> {
    let (mut at, mut found) = (2, None);
    while at < words.len() {
        at += match words[at].to_ascii_lowercase().as_slice() {
            b"limit" => 3,
            b"get" | b"by" => 2,
            b"store" if at + 1 < words.len() => {
                found = Some(at + 1);
                1
            }
            _ => 1,
        };
    }
    found
}

/// As many words as the one at this place says, from the next one on.
fn counted(words: &[Vec<u8>], at: usize) -> impl Iterator<Item = &Vec<u8>> {
    let count = words.get(at).and_then(|word| integer(word));
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    words.iter().skip(at + 1).take(count)
}
