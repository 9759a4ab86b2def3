//! Commands on ranges of sorted sets.

use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use super::bounds::{By, Range};
use super::told;
use crate::redis::number::integer;
use crate::redis::values::SortedSet;

pub(in super::super) const TABLE: &[Command] = &[
    command("zcount", 4, READ | FAST, FIRST, zcount),
    command("zlexcount", 4, READ | FAST, FIRST, zlexcount),
    command("zrange", -4, READ, FIRST, zrange),
    command("zrangebylex", -4, READ, FIRST, zrangebylex),
    command("zrangebyscore", -4, READ, FIRST, zrangebyscore),
    command("zrangestore", -5, WRITE | DENY_OOM, Keys::Range(1, 2, 1), zrangestore),
    command("zremrangebylex", 4, WRITE, FIRST, zremrangebylex),
    command("zremrangebyrank", 4, WRITE, FIRST, zremrangebyrank),
    command("zremrangebyscore", 4, WRITE, FIRST, zremrangebyscore),
    command("zrevrange", -4, READ, FIRST, zrevrange),
    command("zrevrangebylex", -4, READ, FIRST, zrevrangebylex),
    command("zrevrangebyscore", -4, READ, FIRST, zrevrangebyscore),
];

/// A range that is asked for.
struct Asked {
    range: Range,
    reverse: bool,
    with_scores: bool,
    offset: usize,
    limit: usize,
}

/// What a command says of its range by its name; `None` where its options say it.
struct Named {
    by: Option<By>,
    reverse: Option<bool>,
    stored: bool,
}

const fn named(by: Option<By>, reverse: Option<bool>) -> Named {
    Named { by, reverse, stored: false }
}

fn zrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, &named(None, None))
}

fn zrevrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, &named(Some(By::Rank), Some(true)))
}

fn zrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, &named(Some(By::Score), Some(false)))
}

fn zrevrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, &named(Some(By::Score), Some(true)))
}

fn zrangebylex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, &named(Some(By::Bytes), Some(false)))
}

fn zrevrangebylex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, &named(Some(By::Bytes), Some(true)))
}

fn tell(context: &mut Context<'_>, words: &[Vec<u8>], named: &Named) -> Result<Reply, Failure> {
    let asked = asked(&words[2..], named)?;
    let found = found(context, &words[1], &asked)?;
    Ok(told(context, found, asked.with_scores))
}

fn found(
    context: &mut Context<'_>,
    key: &[u8],
    asked: &Asked,
) -> Result<Vec<(Vec<u8>, f64)>, Failure> {
    let Asked { range, reverse, offset, limit, .. } = asked;
    let set = context.sorted_set(key)?;
    Ok(set.map_or(Vec::new(), |set| range.of(set, *reverse, *offset, *limit)))
}

fn zrangestore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let asked = asked(&words[3..], &Named { by: None, reverse: None, stored: true })?;
    let found = found(context, &words[2], &asked)?;
    store(context, &words[1], found)
}

/// Replaces what the key holds by these members.
pub(super) fn store(
    context: &mut Context<'_>,
    key: &[u8],
    members: Vec<(Vec<u8>, f64)>,
) -> Result<Reply, Failure> {
    let replaced = context.db().remove(key).is_some();
    let mut set = SortedSet::default();
    members.iter().for_each(|(member, score)| set.set(member, *score));
    let len = set.len();
    if len > 0 {
        context.db().set(key, set.into());
    }
    if replaced || len > 0 {
        context.modified(key);
    }
    Ok(Reply::count(len))
}

/// Reads two ends and the options behind them.
fn asked(words: &[Vec<u8>], named: &Named) -> Result<Asked, Failure> {
    let (mut by, mut reverse, mut with_scores) = (named.by, named.reverse, false);
    let mut window = None;
    let mut options = words[2..].iter();
    while let Some(option) = options.next() {
        match option.to_ascii_lowercase().as_slice() {
            b"withscores" if !named.stored => with_scores = true,
            b"limit" if options.len() >= 2 => {
                let mut number = || options.next().and_then(|word| integer(word));
                let offset = number().ok_or(Failure::NotAnInteger)?;
                window = Some((offset, number().ok_or(Failure::NotAnInteger)?));
            }
            b"rev" if reverse.is_none() => reverse = Some(true),
            b"bylex" if by.is_none() => by = Some(By::Bytes),
            b"byscore" if by.is_none() => by = Some(By::Score),
            _ => return Err(Failure::Syntax),
        }
    }
    let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
    if window.is_some_and(|(_, limit)| limit != -1) && by == By::Rank {
        let text =
            "syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
        return Err(Failure::text(text));
    }
    if with_scores && by == By::Bytes {
        let text = "syntax error, WITHSCORES not supported in combination with BYLEX";
        return Err(Failure::text(text));
    }
    let (min, max) = match reverse && by != By::Rank {
        true => (&words[1], &words[0]),
        false => (&words[0], &words[1]),
    };
    // A negative offset lies behind every member, a negative limit is none.
    let (offset, limit) = window.unwrap_or((0, -1));
    Ok(Asked {
        range: Range::parse(by, min, max)?,
        reverse,
        with_scores,
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    })
}

fn zcount(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    count(context, words, By::Score)
}

fn zlexcount(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    count(context, words, By::Bytes)
}

fn count(context: &mut Context<'_>, words: &[Vec<u8>], by: By) -> Result<Reply, Failure> {
    let range = Range::parse(by, &words[2], &words[3])?;
    let set = context.sorted_set(&words[1])?;
    Ok(Reply::count(set.map_or(0, |set| range.of(set, false, 0, usize::MAX).len())))
}

fn zremrangebyrank(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    remove(context, words, By::Rank)
}

fn zremrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    remove(context, words, By::Score)
}

fn zremrangebylex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    remove(context, words, By::Bytes)
}

/// Removes members; a set without members is no longer there.
fn remove(context: &mut Context<'_>, words: &[Vec<u8>], by: By) -> Result<Reply, Failure> {
    let range = Range::parse(by, &words[2], &words[3])?;
    let Some(set) = context.sorted_set(&words[1])? else { return Ok(Reply::Integer(0)) };
    let gone = range.of(set, false, 0, usize::MAX);
    gone.iter().for_each(|(member, _)| assert!(set.remove(member), "it was found there"));
    if !gone.is_empty() {
        context.shrunk(&words[1]);
    }
    Ok(Reply::count(gone.len()))
}
