//! Commands that give members scores: `ZADD` and `ZINCRBY`.

use super::super::flags::{DENY_OOM, FAST, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::number::float;
use crate::redis::values::SortedSet;

pub(in super::super) const TABLE: &[Command] = &[
    command("zadd", -4, WRITE | DENY_OOM | FAST, FIRST, zadd),
    command("zincrby", 4, WRITE | DENY_OOM | FAST, FIRST, zincrby),
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
    add(context, words, Options::default())
}

/// Redis reads options here as well, though they leave no room for the score and the member.
fn zincrby(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    add(context, words, Options { increment: true, ..Options::default() })
}

fn add(context: &mut Context<'_>, words: &[Vec<u8>], implied: Options) -> Result<Reply, Failure> {
    let (options, pairs) = options(implied, &words[2..]);
    if pairs.is_empty() || pairs.len() % 2 == 1 {
        return Err(Failure::Syntax);
    }
    options.check(pairs.len() / 2)?;
    let parsed = pairs.chunks_exact(2).map(|pair| Some((float(&pair[0])?, &pair[1])));
    let members: Vec<_> = parsed.collect::<Option<_>>().ok_or(Failure::NotAFloat)?;
    if options.only_there && context.sorted_set(&words[1])?.is_none() {
        return Ok(if options.increment { Reply::Null } else { Reply::Integer(0) });
    }
    let there = context.sorted_set(&words[1])?.is_some();
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
    match new + changed {
        0 => {}
        _ if there => context.lessened(&words[1]),
        _ => context.modified(&words[1]),
    }
    Ok(match options {
        Options { increment: true, .. } => last,
        Options { count_changed: true, .. } => Reply::count(new + changed),
        _ => Reply::count(new),
    })
}

/// The options at the front, and what follows them.
fn options(mut options: Options, words: &[Vec<u8>]) -> (Options, &[Vec<u8>]) {
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
