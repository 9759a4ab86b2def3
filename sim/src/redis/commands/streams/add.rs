//! Commands that add entries to a stream, or trim it.

use super::super::flags::{DENY_OOM, FAST, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use super::ids::{self, NewId};
use super::told_id;
use crate::redis::number::integer;
use crate::redis::request::Request;
use crate::redis::values::Stream;
use crate::redis::values::stream::{Id, NodeLimits, Threshold, Trim, limit_default};

pub(in super::super) const TABLE: &[Command] = &[
    command("xadd", -5, WRITE | DENY_OOM | FAST, FIRST, xadd),
    command("xtrim", -4, WRITE, FIRST, xtrim),
];

fn xadd(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (options, id) = Options::parse(context, words, true)?;
    let fields = words.get(options.end + 1..).unwrap_or_default();
    if fields.is_empty() || fields.len() % 2 == 1 {
        return Err(context.arity());
    }
    if id == NewId::Given(Id::MIN) {
        return Err(Failure::text("The ID specified in XADD must be greater than 0-0"));
    }
    let (key, now_ms) = (&words[1], context.now_ms());
    if context.stream(key)?.is_none() && options.only_there {
        return Ok(Reply::Null);
    }
    let limits = node_limits(context);
    let stream = context.made::<Stream>(key)?;
    let added = added_id(stream, id, now_ms)?;
    stream.append(added, fields, limits);
    if let Some((trim, _)) = &options.trim {
        stream.trim(trim);
    }
    let mut told = options.exact(words, stream);
    if !matches!(id, NewId::Given(_)) {
        told[options.end] = added.to_string().into_bytes();
    }
    context.modified(key);
    context.propagate_as(vec![told]);
    Ok(told_id(added))
}

/// How much is packed together.
fn node_limits(context: &Context<'_>) -> NodeLimits {
    let number = |name| usize::try_from(context.instance.config.number(name));
    let [entries, bytes] =
        ["stream-node-max-entries", "stream-node-max-bytes"].map(|name| number(name).unwrap_or(0));
    NodeLimits { entries, bytes }
}

/// The id of an entry that is to be added.
fn added_id(stream: &Stream, id: NewId, now_ms: i64) -> Result<Id, Failure> {
    let last = stream.last_id;
    let Some(next) = last.next() else {
        let text = "The stream has exhausted the last possible ID, unable to add more items";
        return Err(Failure::text(text));
    };
    let id = match id {
        NewId::Auto => {
            let ms = u64::try_from(now_ms).unwrap_or(0);
            if ms > last.ms { Id { ms, seq: 0 } } else { next }
        }
        // So says Redis, though the sequence has come to its end.
        NewId::Within(ms) if ms == last.ms && last.seq == u64::MAX => {
            return Err(Failure::text("Elements are too large to be stored"));
        }
        NewId::Within(ms) if ms == last.ms => next,
        NewId::Within(ms) => Id { ms, seq: 0 },
        NewId::Given(id) => id,
    };
    let small = "The ID specified in XADD is equal or smaller than the target stream top item";
    if id > last { Ok(id) } else { Err(Failure::text(small)) }
}

fn xtrim(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (options, _) = Options::parse(context, words, false)?;
    let Some(stream) = context.stream(&words[1])? else { return Ok(Reply::Integer(0)) };
    let (trim, _) = options.trim.expect("`XTRIM` without it is refused");
    let removed = stream.trim(&trim);
    if removed > 0 {
        let told = options.exact(words, stream);
        context.lessened(&words[1]);
        context.propagate_as(vec![told]);
    }
    Ok(Reply::count(removed))
}

/// The options of `XADD` and `XTRIM`.
#[derive(Default)]
struct Options {
    only_there: bool,
    /// How to trim, and which word says how much remains.
    trim: Option<(Trim, usize)>,
    /// The word behind them, which is the id.
    end: usize,
}

impl Options {
    fn parse(
        context: &Context<'_>,
        words: &[Vec<u8>],
        adds: bool,
    ) -> Result<(Self, NewId), Failure> {
        let mut options = Self { end: words.len(), ..Self::default() };
        let (mut id, mut limit, mut at) = (NewId::Auto, None, 2);
        while at < words.len() {
            let rest = &words[at + 1..];
            match words[at].to_ascii_lowercase().as_slice() {
                b"*" if adds => {
                    options.end = at;
                    break;
                }
                name @ (b"maxlen" | b"minid") if !rest.is_empty() => {
                    at = options.threshold(name == b"maxlen", words, at)?;
                }
                b"limit" if !rest.is_empty() => {
                    let number = integer(&rest[0]).ok_or(Failure::NotAnInteger)?;
                    if number < 0 {
                        return Err(Failure::text("The LIMIT argument must be >= 0."));
                    }
                    limit = Some(number);
                    at += 1;
                }
                b"nomkstream" if adds => options.only_there = true,
                _ if adds => {
                    id = ids::new_id(&words[at])?;
                    options.end = at;
                    break;
                }
                _ => return Err(Failure::Syntax),
            }
            at += 1;
        }
        options.limit(limit, adds, context)?;
        Ok((options, id))
    }

    /// Reads `MAXLEN` or `MINID` at this word; the last word that it takes.
    fn threshold(&mut self, length: bool, words: &[Vec<u8>], at: usize) -> Result<usize, Failure> {
        if self.trim.is_some() {
            let text = "syntax error, MAXLEN and MINID options at the same time are not compatible";
            return Err(Failure::text(text));
        }
        let mark = Some(words[at + 1].as_slice()).filter(|_| at + 2 < words.len());
        let approximate = mark == Some(b"~");
        let at = if approximate || mark == Some(b"=") { at + 2 } else { at + 1 };
        let threshold = if length {
            let number = integer(&words[at]).ok_or(Failure::NotAnInteger)?;
            let negative = || Failure::text("The MAXLEN argument must be >= 0.");
            Threshold::Length(usize::try_from(number).map_err(|_| negative())?)
        } else {
            Threshold::Id(ids::id(&words[at])?)
        };
        self.trim = Some((Trim { threshold, approximate, limit: 0 }, at));
        Ok(at)
    }

    /// Settles how many entries are removed at most. What a master says has no limit.
    fn limit(
        &mut self,
        given: Option<i64>,
        adds: bool,
        context: &Context<'_>,
    ) -> Result<(), Failure> {
        let obeys = context.must_obey();
        let Some((trim, _)) = &mut self.trim else {
            return match (given, adds) {
                (Some(1..), _) => Err(Failure::text(
                    "syntax error, LIMIT cannot be used without specifying a trimming strategy",
                )),
                (_, true) => Ok(()),
                (_, false) => Err(Failure::text(
                    "syntax error, XTRIM must be called with a trimming strategy",
                )),
            };
        };
        if given.is_some() && !trim.approximate && !obeys {
            let text = "syntax error, LIMIT cannot be used without the special ~ option";
            return Err(Failure::text(text));
        }
        if trim.approximate && !obeys {
            trim.limit = given.unwrap_or_else(|| limit_default(node_limits(context)));
        }
        Ok(())
    }

    /// The command as it is told to replicas: an approximate trim removes there exactly what it
    /// has removed here.
    fn exact(&self, words: &[Vec<u8>], stream: &Stream) -> Request {
        let mut told = words.to_vec();
        if let Some((Trim { threshold, approximate: true, .. }, at)) = self.trim {
            told[at - 1] = b"=".to_vec();
            told[at] = match threshold {
                Threshold::Length(_) => stream.len().to_string().into_bytes(),
                Threshold::Id(_) => stream.edge_id().to_string().into_bytes(),
            };
        }
        told
    }
}
