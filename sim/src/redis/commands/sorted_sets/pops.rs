//! Commands that take members from the ends of sorted sets, and may wait for them.

use super::super::arguments::{positive, timeout};
use super::super::flags::{BLOCKING, FAST, NO_SCRIPT, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use super::listed;
use crate::redis::number::integer;
use crate::redis::reply::Protocol;
use crate::redis::values::Kind;

const WAITS: u32 = WRITE | NO_SCRIPT | FAST | BLOCKING;

pub(in super::super) const TABLE: &[Command] = &[
    command("bzmpop", -5, WRITE | BLOCKING, Keys::Counted(2), bzmpop),
    command("bzpopmax", -3, WAITS, Keys::Range(1, -2, 1), bzpopmax),
    command("bzpopmin", -3, WAITS, Keys::Range(1, -2, 1), bzpopmin),
    command("zmpop", -4, WRITE, Keys::Counted(1), zmpop),
    command("zpopmax", -2, WRITE | FAST, FIRST, zpopmax),
    command("zpopmin", -2, WRITE | FAST, FIRST, zpopmin),
];

/// An end of a sorted set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

impl End {
    fn pop(self) -> Vec<u8> {
        match self {
            Self::Min => b"ZPOPMIN".to_vec(),
            Self::Max => b"ZPOPMAX".to_vec(),
        }
    }
}

fn zpopmin(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop(context, words, End::Min)
}

fn zpopmax(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop(context, words, End::Max)
}

fn pop(context: &mut Context<'_>, words: &[Vec<u8>], end: End) -> Result<Reply, Failure> {
    let count = match &words[2..] {
        [] => None,
        [count] => Some(positive(count)?),
        _ => return Err(Failure::Syntax),
    };
    let taken = take(context, &words[1], end, count.unwrap_or(1))?;
    let in_pairs = context.session().protocol == Protocol::Resp3;
    // Without a count the new protocol has no pair around the one member.
    if count.is_none() && in_pairs {
        let flat = taken.into_iter();
        let flat = flat.flat_map(|(member, score)| [Reply::Bulk(member), Reply::Double(score)]);
        return Ok(Reply::Array(flat.collect()));
    }
    Ok(Reply::Array(listed(taken.into_iter(), true, context.session().protocol)))
}

/// Takes members from the end; none if there is no set.
fn take(
    context: &mut Context<'_>,
    key: &[u8],
    end: End,
    count: usize,
) -> Result<Vec<(Vec<u8>, f64)>, Failure> {
    let Some(set) = context.sorted_set(key)? else { return Ok(Vec::new()) };
    let own = |(member, score): (&[u8], f64)| (member.to_vec(), score);
    let taken: Vec<_> = match end {
        End::Min => set.at(0..count.min(set.len())).map(own).collect(),
        End::Max => set.at(set.len().saturating_sub(count)..set.len()).rev().map(own).collect(),
    };
    taken.iter().for_each(|(member, _)| assert!(set.remove(member), "it was found there"));
    if !taken.is_empty() {
        context.shrunk(key);
    }
    Ok(taken)
}

fn bzpopmin(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop_or_wait(context, words, End::Min)
}

fn bzpopmax(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop_or_wait(context, words, End::Max)
}

fn pop_or_wait(context: &mut Context<'_>, words: &[Vec<u8>], end: End) -> Result<Reply, Failure> {
    let (keys, last) = (&words[1..words.len() - 1], &words[words.len() - 1]);
    let deadline_ms = timeout(context, last)?;
    for key in context.due_keys(keys) {
        let mut taken = take(context, &key, end, 1)?;
        if let Some((member, score)) = taken.pop() {
            context.propagate_as(vec![vec![end.pop(), key.clone()]]);
            let told = vec![Reply::Bulk(key), Reply::Bulk(member), Reply::Double(score)];
            return Ok(Reply::Array(told));
        }
    }
    Ok(context.wait_for_keys(Kind::SortedSet, keys, deadline_ms, words, Reply::NullArray))
}

fn zmpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pops = pops(&words[1..])?;
    Ok(pop_several(context, &pops)?.unwrap_or(Reply::NullArray))
}

fn bzmpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pops = pops(&words[2..])?;
    let deadline_ms = timeout(context, &words[1])?;
    if let Some(reply) = pop_several(context, &pops)? {
        return Ok(reply);
    }
    let (kind, nothing) = (Kind::SortedSet, Reply::NullArray);
    Ok(context.wait_for_keys(kind, pops.keys, deadline_ms, words, nothing))
}

/// From which of these keys to take, from which end, and how many.
struct Pops<'a> {
    keys: &'a [Vec<u8>],
    end: End,
    count: usize,
}

fn pops(words: &[Vec<u8>]) -> Result<Pops<'_>, Failure> {
    let number = above_zero(&words[0], "numkeys")?;
    let keys = words.get(1..number.saturating_add(1)).ok_or(Failure::Syntax)?;
    let end = match words.get(number + 1).map(|word| word.to_ascii_lowercase()).as_deref() {
        Some(b"min") => End::Min,
        Some(b"max") => End::Max,
        _ => return Err(Failure::Syntax),
    };
    let (mut count, mut options) = (None, words[number + 2..].iter());
    while let Some(option) = options.next() {
        let value = options.next().ok_or(Failure::Syntax)?;
        if count.is_some() || !option.eq_ignore_ascii_case(b"count") {
            return Err(Failure::Syntax);
        }
        count = Some(above_zero(value, "count")?);
    }
    Ok(Pops { keys, end, count: count.unwrap_or(1) })
}

fn above_zero(word: &[u8], name: &str) -> Result<usize, Failure> {
    let number = integer(word).and_then(|number| usize::try_from(number).ok());
    let few = || Failure::text(format!("{name} should be greater than 0"));
    number.filter(|number| *number > 0).ok_or_else(few)
}

fn pop_several(context: &mut Context<'_>, pops: &Pops<'_>) -> Result<Option<Reply>, Failure> {
    for key in context.due_keys(pops.keys) {
        let taken = take(context, &key, pops.end, pops.count)?;
        if taken.is_empty() {
            continue;
        }
        let count = taken.len().to_string().into_bytes();
        context.propagate_as(vec![vec![pops.end.pop(), key.clone(), count]]);
        let pair = |(member, score)| Reply::Array(vec![Reply::Bulk(member), Reply::Double(score)]);
        let taken = Reply::Array(taken.into_iter().map(pair).collect());
        return Ok(Some(Reply::Array(vec![Reply::Bulk(key), taken])));
    }
    Ok(None)
}
