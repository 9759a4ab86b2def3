//! Commands on sorted sets.

use super::super::number::{bound, float, integer};
use super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::{Command, Context, FIRST, Failure, Reply, command};

use crate::redis::reply::Protocol;
use crate::redis::values::{ScoreRange, SortedSet};

pub(super) const TABLE: &[Command] = &[
    command("zadd", -4, WRITE | DENY_OOM | FAST, FIRST, zadd),
    command("zcard", 2, READ | FAST, FIRST, zcard),
    command("zrangebyscore", -4, READ, FIRST, zrangebyscore),
    command("zremrangebyrank", 4, WRITE, FIRST, zremrangebyrank),
    command("zremrangebyscore", 4, WRITE, FIRST, zremrangebyscore),
];

/// The options of `ZADD`.
#[derive(Default)]
struct Options {
    only_new: bool,
    only_there: bool,
    greater: bool,
    less: bool,
    count_changed: bool,
    increment: bool,
}

/// What became of one member.
enum Added {
    New(f64),
    Changed(f64),
    Same(f64),
    Refused,
}

fn zadd(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (options, pairs) = options(&words[2..]);
    if pairs.is_empty() || pairs.len() % 2 == 1 {
        return Err(Failure::Syntax);
    }
    options.check(pairs.len() / 2)?;
    let parsed = pairs.chunks_exact(2).map(|pair| Some((float(&pair[0])?, &pair[1])));
    let members: Vec<_> = parsed.collect::<Option<_>>().ok_or(Failure::NotAFloat)?;
    if options.only_there && context.sorted_set(&words[1])?.is_none() {
        return Ok(if options.increment { Reply::Null } else { Reply::Integer(0) });
    }
    let set = context.made::<SortedSet>(&words[1])?;
    let (mut new, mut changed, mut last) = (0, 0, Reply::Null);
    for (score, member) in members {
        match options.add(set, score, member)? {
            Added::New(score) => (new, last) = (new + 1, Reply::Double(score)),
            Added::Changed(score) => (changed, last) = (changed + 1, Reply::Double(score)),
            Added::Same(score) => last = Reply::Double(score),
            Added::Refused => last = Reply::Null,
        }
    }
    if new + changed > 0 {
        context.modified(&words[1]);
    }
    Ok(match options {
        Options { increment: true, .. } => last,
        Options { count_changed: true, .. } => Reply::count(new + changed),
        _ => Reply::count(new),
    })
}

/// The options at the front, and what follows them.
fn options(words: &[Vec<u8>]) -> (Options, &[Vec<u8>]) {
    let mut options = Options::default();
    for (at, word) in words.iter().enumerate() {
        match word.to_ascii_lowercase().as_slice() {
            b"nx" => options.only_new = true,
            b"xx" => options.only_there = true,
            b"gt" => options.greater = true,
            b"lt" => options.less = true,
            b"ch" => options.count_changed = true,
            b"incr" => options.increment = true,
            _ => return (options, &words[at..]),
        }
    }
    (options, &[])
}

impl Options {
    fn check(&self, pairs: usize) -> Result<(), Failure> {
        let Self { only_new, only_there, greater, less, increment, .. } = *self;
        if only_new && only_there {
            let text = "XX and NX options at the same time are not compatible";
            return Err(Failure::text(text));
        }
        if only_new && (greater || less) || greater && less {
            let text = "GT, LT, and/or NX options at the same time are not compatible";
            return Err(Failure::text(text));
        }
        if increment && pairs > 1 {
            return Err(Failure::text("INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    fn add(&self, set: &mut SortedSet, score: f64, member: &[u8]) -> Result<Added, Failure> {
        let Some(old) = set.score(member) else {
            if self.only_there {
                return Ok(Added::Refused);
            }
            set.set(member, score);
            return Ok(Added::New(score));
        };
        if self.only_new {
            return Ok(Added::Refused);
        }
        let score = if self.increment { old + score } else { score };
        if score.is_nan() {
            return Err(Failure::text("resulting score is not a number (NaN)"));
        }
        if self.less && score >= old || self.greater && score <= old {
            return Ok(Added::Refused);
        }
        if score == old {
            return Ok(Added::Same(score));
        }
        set.set(member, score);
        Ok(Added::Changed(score))
    }
}

fn zcard(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.sorted_set(&words[1])?.map_or(0, |set| set.len())))
}

fn zrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (mut with_scores, mut offset, mut limit) = (false, 0, -1);
    let mut options = words[4..].iter();
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"withscores") {
            with_scores = true;
        } else if option.eq_ignore_ascii_case(b"limit") && options.len() >= 2 {
            let mut number = || options.next().and_then(|word| integer(word));
            offset = number().ok_or(Failure::NotAnInteger)?;
            limit = number().ok_or(Failure::NotAnInteger)?;
        } else {
            return Err(Failure::Syntax);
        }
    }
    let range = range(&words[2], &words[3])?;
    let pairs = context.session().protocol == Protocol::Resp3;
    let Some(set) = context.sorted_set(&words[1])? else { return Ok(Reply::Array(Vec::new())) };
    // A negative offset lies behind every member, a negative limit is none.
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    for (member, score) in set.within(range).skip(offset).take(limit) {
        let (member, score) = (Reply::bulk(member), Reply::Double(score));
        match (with_scores, pairs) {
            (false, _) => items.push(member),
            (true, false) => items.extend([member, score]),
            (true, true) => items.push(Reply::Array(vec![member, score])),
        }
    }
    Ok(Reply::Array(items))
}

fn range(min: &[u8], max: &[u8]) -> Result<ScoreRange, Failure> {
    let end = |word: &[u8]| {
        let bare = word.strip_prefix(b"(");
        Some((bound(bare.unwrap_or(word))?, bare.is_some()))
    };
    let ends = end(min).zip(end(max));
    let ends = ends.ok_or_else(|| Failure::text("min or max is not a float"))?;
    let ((min, min_excluded), (max, max_excluded)) = ends;
    Ok(ScoreRange { min, min_excluded, max, max_excluded })
}

fn zremrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let range = range(&words[2], &words[3])?;
    remove(context, &words[1], |set| set.remove_within(range))
}

fn zremrangebyrank(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let start = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let stop = integer(&words[3]).ok_or(Failure::NotAnInteger)?;
    remove(context, &words[1], |set| {
        let len = i64::try_from(set.len()).expect("no collection is that large");
        // Negative ranks count from the end; what lies before the first is the first.
        let rank = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
        let start = usize::try_from(rank(start)).unwrap_or(0);
        let Ok(stop) = usize::try_from(rank(stop).min(len - 1)) else { return 0 };
        if start > stop { 0 } else { set.remove_ranks(start, stop) }
    })
}

/// Removes members; a set without members is no longer there.
fn remove(
    context: &mut Context<'_>,
    key: &[u8],
    gone: impl FnOnce(&mut SortedSet) -> usize,
) -> Result<Reply, Failure> {
    let Some(set) = context.sorted_set(key)? else { return Ok(Reply::Integer(0)) };
    let gone = gone(set);
    if gone > 0 {
        context.shrunk(key);
    }
    Ok(Reply::count(gone))
}
