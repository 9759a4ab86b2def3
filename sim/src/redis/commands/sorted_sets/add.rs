//! Commands that give members of a sorted set their scores, take members out, or ask for scores.

use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::number::float;
use crate::redis::values::SortedSet;

pub(in super::super) const TABLE: &[Command] = &[
    command("zadd", -4, WRITE | DENY_OOM | FAST, FIRST, zadd),
    command("zcard", 2, READ | FAST, FIRST, zcard),
    command("zincrby", 4, WRITE | DENY_OOM | FAST, FIRST, zincrby),
    command("zmscore", -3, READ | FAST, FIRST, zmscore),
    command("zrank", 3, READ | FAST, FIRST, zrank),
    command("zrem", -3, WRITE | FAST, FIRST, zrem),
    command("zrevrank", 3, READ | FAST, FIRST, zrevrank),
    command("zscore", 3, READ | FAST, FIRST, zscore),
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
    add(context, &words[1], &options, pairs)
}

fn zincrby(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let options = Options { increment: true, ..Options::default() };
    add(context, &words[1], &options, &words[2..])
}

fn add(
    context: &mut Context<'_>,
    key: &[u8],
    options: &Options,
    pairs: &[Vec<u8>],
) -> Result<Reply, Failure> {
    let parsed = pairs.chunks_exact(2).map(|pair| Some((float(&pair[0])?, &pair[1])));
    let members: Vec<_> = parsed.collect::<Option<_>>().ok_or(Failure::NotAFloat)?;
    if options.only_there && context.sorted_set(key)?.is_none() {
        return Ok(if options.increment { Reply::Null } else { Reply::Integer(0) });
    }
    let set = context.made::<SortedSet>(key)?;
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
        context.modified(key);
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

fn zscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let score = context.sorted_set(&words[1])?.and_then(|set| set.score(&words[2]));
    Ok(score.map_or(Reply::Null, Reply::Double))
}

fn zmscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let set = context.sorted_set(&words[1])?;
    let score = |member| set.as_ref().and_then(|set| set.score(member));
    let told = words[2..].iter().map(|member| score(member).map_or(Reply::Null, Reply::Double));
    Ok(Reply::Array(told.collect()))
}

fn zrem(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(set) = context.sorted_set(&words[1])? else { return Ok(Reply::Integer(0)) };
    let gone = words[2..].iter().filter(|member| set.remove(member)).count();
    if gone > 0 {
        context.shrunk(&words[1]);
    }
    Ok(Reply::count(gone))
}

fn zrank(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let rank = context.sorted_set(&words[1])?.and_then(|set| set.rank(&words[2]));
    Ok(rank.map_or(Reply::Null, Reply::count))
}

fn zrevrank(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let set = context.sorted_set(&words[1])?;
    let rank = set.and_then(|set| Some(set.len() - 1 - set.rank(&words[2])?));
    Ok(rank.map_or(Reply::Null, Reply::count))
}
