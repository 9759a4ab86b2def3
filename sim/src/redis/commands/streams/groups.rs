//! `XGROUP`: groups of consumers are made, changed and removed.

use super::super::flags::{DENY_OOM, LOADING, STALE, WRITE};
use super::super::{Command, Context, Failure, Keys, Reply, command, container, up_to_zero};
use super::ids;
use crate::redis::number::integer;
use crate::redis::values::Stream;
use crate::redis::values::stream::{Group, Id};

pub(in super::super) const TABLE: &[Command] = &[container("xgroup", -2, XGROUP)];

const KEY: Keys = Keys::Range(2, 2, 1);

const XGROUP: &[Command] = &[
    command("create", -5, WRITE | DENY_OOM, KEY, create),
    command("createconsumer", 5, WRITE | DENY_OOM, KEY, create_consumer),
    command("delconsumer", 5, WRITE, KEY, delete_consumer),
    command("destroy", 4, WRITE, KEY, destroy),
    command("help", 2, LOADING | STALE, Keys::None, help),
    command("setid", -5, WRITE, KEY, set_id),
];

/// The options of `CREATE` and `SETID`.
struct Options {
    make: bool,
    entries_read: Option<i64>,
    /// There are more of them than there are different ones.
    too_many: bool,
}

fn options(words: &[Vec<u8>], creates: bool) -> Result<Options, Failure> {
    let most = if creates { 8 } else { 7 };
    let too_many = words.len() > most;
    let mut options = Options { make: false, entries_read: None, too_many };
    let mut rest = words[5..].iter();
    while let Some(option) = rest.next() {
        match option.to_ascii_lowercase().as_slice() {
            b"mkstream" if creates => options.make = true,
            b"entriesread" if rest.len() > 0 => {
                let value = rest.next().expect("one is left");
                let number = integer(value).ok_or(Failure::NotAnInteger)?;
                if number < -1 {
                    return Err(Failure::text("value for ENTRIESREAD must be positive or -1"));
                }
                options.entries_read = Some(number).filter(|number| *number >= 0);
            }
            _ => return Err(misused(words, "XGROUP")),
        }
    }
    Ok(options)
}

/// The error of a subcommand whose words make no sense.
pub(super) fn misused(words: &[Vec<u8>], container: &str) -> Failure {
    let name = up_to_zero(&words[1]);
    let start = &b"unknown subcommand or wrong number of arguments for '"[..];
    Failure::text([start, name, b"'. Try ", container.as_bytes(), b" HELP."].concat())
}

fn create(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let options = options(words, true)?;
    let (key, name) = (&words[2], &words[3]);
    let last_id = context.stream(key)?.map(|stream| stream.last_id);
    if last_id.is_none() && !options.make {
        return Err(no_key());
    }
    if options.too_many {
        return Err(misused(words, "XGROUP"));
    }
    let id = match words[4].as_slice() {
        b"$" => last_id.unwrap_or(Id::MIN),
        word => ids::id(word)?,
    };
    if last_id.is_none() {
        context.made::<Stream>(key)?;
        context.modified(key);
    }
    let stream = context.stream(key)?.expect("it is there now");
    if stream.groups.contains_key(name) {
        return Err(Failure::Other(b"BUSYGROUP Consumer Group name already exists".to_vec()));
    }
    stream.groups.insert(name.clone(), Group::new(id, options.entries_read));
    context.changed();
    Ok(Reply::OK)
}

fn no_key() -> Failure {
    Failure::text(
        "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to \
         use the MKSTREAM option to create an empty stream automatically.",
    )
}

/// The stream, if it has the group.
fn stream_of<'a>(
    context: &'a mut Context<'_>,
    words: &[Vec<u8>],
) -> Result<&'a mut Stream, Failure> {
    let (key, name) = (&words[2], &words[3]);
    let stream = context.stream(key)?.ok_or_else(no_key)?;
    if stream.groups.contains_key(name) { Ok(stream) } else { Err(not_in_key(name, key)) }
}

/// The key has no such group.
pub(super) fn not_in_key(name: &[u8], key: &[u8]) -> Failure {
    let (name, key) = (up_to_zero(name), up_to_zero(key));
    let start = &b"NOGROUP No such consumer group '"[..];
    Failure::Other([start, name, b"' for key name '", key, b"'"].concat())
}

fn set_id(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let options = options(words, false)?;
    let stream = stream_of(context, words)?;
    if options.too_many {
        return Err(misused(words, "XGROUP"));
    }
    let id = match words[4].as_slice() {
        b"$" => stream.last_id,
        word => ids::id_or_end(word, 0)?,
    };
    let group = stream.groups.get_mut(&words[3]).expect("it has the group");
    (group.last_id, group.entries_read) = (id, options.entries_read);
    context.changed();
    Ok(Reply::OK)
}

fn destroy(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let stream = context.stream(&words[2])?.ok_or_else(no_key)?;
    if stream.groups.remove(&words[3]).is_none() {
        return Ok(Reply::Integer(0));
    }
    context.changed();
    // Who waits as a consumer of this group is told that it is no more.
    context.ready(&words[2]);
    Ok(Reply::Integer(1))
}

fn create_consumer(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let now_ms = context.now_ms();
    let group = stream_of(context, words)?.groups.get_mut(&words[3]).expect("it has the group");
    let new = group.create_consumer(&words[4], now_ms);
    if new {
        context.changed();
    }
    Ok(Reply::Integer(new.into()))
}

fn delete_consumer(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let group = stream_of(context, words)?.groups.get_mut(&words[3]).expect("it has the group");
    let pending = group.remove_consumer(&words[4]);
    if pending.is_some() {
        context.changed();
    }
    Ok(Reply::count(pending.unwrap_or(0)))
}

fn help(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(help_lines(
        "XGROUP",
        "\
CREATE <key> <groupname> <id|$> [option]
    Create a new consumer group. Options are:
    * MKSTREAM
      Create the empty stream if it does not exist.
    * ENTRIESREAD entries_read
      Set the group's entries_read counter (internal use).
CREATECONSUMER <key> <groupname> <consumer>
    Create a new consumer in the specified group.
DELCONSUMER <key> <groupname> <consumer>
    Remove the specified consumer.
DESTROY <key> <groupname>
    Remove the specified group.
SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]
    Set the current group ID and entries_read counter.",
    ))
}

/// What `HELP` tells.
pub(super) fn help_lines(container: &str, text: &str) -> Reply {
    let first = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let last = "HELP\n    Prints this help.";
    let lines = std::iter::once(first.as_str()).chain(text.lines()).chain(last.lines());
    Reply::Array(lines.map(|line| Reply::Status(line.as_bytes().to_vec())).collect())
}
