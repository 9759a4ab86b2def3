//! `XREAD` and `XREADGROUP`: what is new in several streams, which may be waited for.

use super::super::flags::{BLOCKING, READ, WRITE};
use super::super::{Command, Context, Failure, Keys, Reply, command};
use super::consume::{NEW, Reader};
use super::{ids, no_group, told};
use crate::redis::instance::{Blocked, Wait};
use crate::redis::number::integer;
use crate::redis::reply::Protocol;
use crate::redis::request::Request;
use crate::redis::values::stream::Id;
use crate::redis::values::{Kind, Stream};

pub(in super::super) const TABLE: &[Command] = &[
    command("xread", -4, READ | BLOCKING, Keys::Streams, xread),
    command("xreadgroup", -7, WRITE | BLOCKING, Keys::Streams, xreadgroup),
];

/// Who has waited and gave no count gets so many entries.
const COUNT_AFTER_WAIT: usize = 1000;

fn xread(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let read = Read::parse(context, words, false)?;
    run(context, &read, words).map(|(reply, _)| reply)
}

fn xreadgroup(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let read = Read::parse(context, words, true)?;
    let (reply, log) = run(context, &read, words)?;
    context.propagate_as(log);
    Ok(reply)
}

/// What is to be read.
struct Read<'a> {
    /// Until when it waits, if it does; for ever if that is `None`.
    block: Option<Option<i64>>,
    count: Option<usize>,
    keys: &'a [Vec<u8>],
    /// Which word is the id of the first key.
    ids_at: usize,
    /// A group, and the name of a consumer.
    group: Option<(&'a [u8], &'a [u8])>,
    no_ack: bool,
}

impl<'a> Read<'a> {
    fn parse(context: &Context<'_>, words: &'a [Vec<u8>], in_group: bool) -> Result<Self, Failure> {
        let (keys, ids_at) = (&words[..0], 0);
        let mut read = Read { block: None, count: None, keys, ids_at, group: None, no_ack: false };
        let only = |option: &str| {
            let text = "option is only supported by XREADGROUP. You called XREAD instead.";
            if in_group { Ok(()) } else { Err(Failure::text(format!("The {option} {text}"))) }
        };
        let mut at = 1;
        while at < words.len() && read.ids_at == 0 {
            let rest = &words[at + 1..];
            match (words[at].to_ascii_lowercase().as_slice(), rest) {
                (b"block", [value, ..]) => {
                    read.block = Some(until_ms(context, value)?);
                    at += 1;
                }
                (b"count", [value, ..]) => {
                    let count = integer(value).ok_or(Failure::NotAnInteger)?;
                    read.count = usize::try_from(count).ok().filter(|count| *count > 0);
                    at += 1;
                }
                (b"streams", [_, ..]) => {
                    if rest.len() % 2 == 1 {
                        let text = "Unbalanced XREAD list of streams: for each stream key an ID \
                                    or '$' must be specified.";
                        return Err(Failure::text(text));
                    }
                    read.keys = &rest[..rest.len() / 2];
                    read.ids_at = at + 1 + rest.len() / 2;
                }
                (b"group", [name, consumer, ..]) => {
                    only("GROUP")?;
                    read.group = Some((name, consumer));
                    at += 2;
                }
                (b"noack", _) => {
                    only("NOACK")?;
                    read.no_ack = true;
                }
                _ => return Err(Failure::Syntax),
            }
            at += 1;
        }
        if read.ids_at == 0 {
            return Err(Failure::Syntax);
        }
        if in_group && read.group.is_none() {
            return Err(Failure::text("Missing GROUP option for XREADGROUP"));
        }
        Ok(read)
    }

    /// Behind which id to read in each stream.
    fn behind(&self, context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Vec<Id>, Failure> {
        let mut behind = Vec::new();
        for (key, word) in self.keys.iter().zip(&words[self.ids_at..]) {
            let stream = context.stream(key)?;
            if let Some((name, _)) = self.group
                && stream.as_ref().is_none_or(|stream| !stream.groups.contains_key(name))
            {
                return Err(no_group(key, name, " in XREADGROUP with GROUP option"));
            }
            behind.push(match (word.as_slice(), self.group) {
                (b"$", Some(_)) => return Err(Failure::text(DOLLAR_IN_GROUP)),
                (b"$", None) => stream.map_or(Id::MIN, |stream| stream.last_id),
                (b">", Some(_)) => NEW,
                (b">", None) => return Err(Failure::text(NEW_WITHOUT_GROUP)),
                (word, _) => ids::id(word)?,
            });
        }
        Ok(behind)
    }
}

const DOLLAR_IN_GROUP: &str = "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this \
     consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just \
     return an empty result set.";

const NEW_WITHOUT_GROUP: &str = "The > ID can be specified only when calling XREADGROUP using \
                                 the GROUP <group> <consumer> option.";

fn until_ms(context: &Context<'_>, word: &[u8]) -> Result<Option<i64>, Failure> {
    let number = integer(word);
    let ms = number.ok_or_else(|| Failure::text("timeout is not an integer or out of range"))?;
    if ms < 0 {
        return Err(Failure::text("timeout is negative"));
    }
    Ok(context.deadline_ms(ms))
}

/// The reply, and what replicas hear.
type Outcome = Result<(Reply, Vec<Request>), Failure>;

fn run(context: &mut Context<'_>, read: &Read<'_>, words: &[Vec<u8>]) -> Outcome {
    if let Some(key) = context.served_key().map(<[u8]>::to_vec) {
        return serve(context, read, words, &key);
    }
    let (behind, now_ms) = (read.behind(context, words)?, context.now_ms());
    let (mut parts, mut log) = (Vec::new(), Vec::new());
    for (key, behind) in read.keys.iter().zip(&behind) {
        let Some(stream) = context.stream(key)? else { continue };
        let entries = match read.group {
            Some((name, consumer)) => {
                let reader = Reader { key, name, consumer, no_ack: read.no_ack, now_ms };
                reader.read(stream, *behind, read.count, &mut log)
            }
            None => {
                let new = stream.last_entry_id().is_some_and(|last| last > *behind);
                new.then(|| after(stream, *behind, read.count))
            }
        };
        parts.extend(entries.map(|entries| (Reply::bulk(key), Reply::Array(entries))));
    }
    if !parts.is_empty() {
        return Ok((by_stream(context, parts), log));
    }
    let reply = match read.block {
        Some(deadline_ms) => wait(context, read, words, &behind, deadline_ms),
        None => Reply::NullArray,
    };
    Ok((reply, log))
}

/// What was found, by stream.
fn by_stream(context: &mut Context<'_>, parts: Vec<(Reply, Reply)>) -> Reply {
    match context.session().protocol {
        Protocol::Resp3 => Reply::Map(parts),
        Protocol::Resp2 => {
            let pairs = parts.into_iter().map(|(key, entries)| Reply::Array(vec![key, entries]));
            Reply::Array(pairs.collect())
        }
    }
}

fn after(stream: &Stream, id: Id, count: Option<usize>) -> Vec<Reply> {
    let Some(start) = id.next() else { return Vec::new() };
    stream.range(start, Id::MAX).take(count.unwrap_or(usize::MAX)).map(told).collect()
}

fn wait(
    context: &mut Context<'_>,
    read: &Read<'_>,
    words: &[Vec<u8>],
    behind: &[Id],
    deadline_ms: Option<i64>,
) -> Reply {
    if !context.may_block() {
        return Reply::NullArray;
    }
    let gone = b"UNBLOCKED the stream key no longer exists".to_vec();
    let gone = read.group.map(|_| Reply::Error(gone));
    let wait = Wait::Keys { keys: read.keys.to_vec(), kind: Kind::Stream, gone };
    // What is the last entry now must not be looked up again later.
    let mut retry = words.to_vec();
    for (word, id) in retry[read.ids_at..].iter_mut().zip(behind).filter(|(word, _)| *word == b"$")
    {
        *word = id.to_string().into_bytes();
    }
    context.block(Blocked { wait, deadline_ms, timed_out: Reply::NullArray, retry });
    Reply::Nothing
}

/// Serves a client that has waited from the one stream that has changed.
fn serve(context: &mut Context<'_>, read: &Read<'_>, words: &[Vec<u8>], key: &[u8]) -> Outcome {
    let (now_ms, count) = (context.now_ms(), Some(read.count.unwrap_or(COUNT_AFTER_WAIT)));
    let at = read.keys.iter().position(|one| one == key).expect("it waits for the key");
    let stream = context.stream(key)?.expect("who waits for streams is served from one");
    let mut log = Vec::new();
    let entries = match read.group {
        None => {
            let behind = ids::id(&words[read.ids_at + at])?;
            (stream.last_id > behind).then(|| after(stream, behind, count))
        }
        Some((name, consumer)) => {
            let gone = "NOGROUP the consumer group this client was blocked on no longer exists";
            let group = stream.groups.get(name);
            let group = group.ok_or_else(|| Failure::Other(gone.as_bytes().to_vec()))?;
            let reader = Reader { key, name, consumer, no_ack: read.no_ack, now_ms };
            let new = stream.last_id > group.last_id;
            new.then(|| reader.consume(stream, count, &mut log))
        }
    };
    let Some(entries) = entries else { return Ok((Reply::Nothing, log)) };
    let parts = vec![(Reply::bulk(key), Reply::Array(entries))];
    Ok((by_stream(context, parts), log))
}
