//! `ZRANGE` and its older forms: a part of a sorted set, told or stored.

use std::ops::Range;

use super::super::flags::{DENY_OOM, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use super::listed;
use super::span::Span;
use crate::redis::number::integer;
use crate::redis::values::{COMPACT_MEMBERS_MAX, Kind, SortedSet};

pub(in super::super) const TABLE: &[Command] = &[
    command("zrange", -4, READ, FIRST, zrange),
    command("zrangebylex", -4, READ, FIRST, zrangebylex),
    command("zrangebyscore", -4, READ, FIRST, zrangebyscore),
    command("zrangestore", -5, WRITE | DENY_OOM, Keys::Range(1, 2, 1), zrangestore),
    command("zrevrange", -4, READ, FIRST, zrevrange),
    command("zrevrangebylex", -4, READ, FIRST, zrevrangebylex),
    command("zrevrangebyscore", -4, READ, FIRST, zrevrangebyscore),
];

/// By what members are chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What the name of a command says already; the options say the rest.
#[derive(Clone, Copy, Default)]
struct Form {
    by: Option<By>,
    reverse: Option<bool>,
    store: bool,
}

fn zrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, &words[1..], Form::default())
}

fn zrevrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told_by(context, words, By::Rank, true)
}

fn zrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told_by(context, words, By::Score, false)
}

fn zrevrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told_by(context, words, By::Score, true)
}

fn zrangebylex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told_by(context, words, By::Lex, false)
}

fn zrevrangebylex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told_by(context, words, By::Lex, true)
}

fn told_by(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    by: By,
    reverse: bool,
) -> Result<Reply, Failure> {
    tell(context, &words[1..], Form { by: Some(by), reverse: Some(reverse), store: false })
}

/// Tells what the words, from the key on, ask for.
fn tell(context: &mut Context<'_>, words: &[Vec<u8>], form: Form) -> Result<Reply, Failure> {
    let query = Query::parse(words, form)?;
    let protocol = context.session().protocol;
    let Some(set) = context.sorted_set(&words[0])? else { return Ok(Reply::Array(Vec::new())) };
    let found = set.at(query.ranks(set));
    Ok(Reply::Array(match query.reverse {
        false => listed(found, query.with_scores, protocol),
        true => listed(found.rev(), query.with_scores, protocol),
    }))
}

fn zrangestore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let query = Query::parse(&words[2..], Form { store: true, ..Form::default() })?;
    let stored = context.sorted_set(&words[2])?.map(|set| query.copied(set));
    store(context, &words[1], stored.unwrap_or_default())
}

/// Stores what a command has found; nothing remains at a key for which nothing was found.
pub(super) fn store(
    context: &mut Context<'_>,
    to: &[u8],
    set: SortedSet,
) -> Result<Reply, Failure> {
    let len = set.len();
    let replaced = context.db().remove_for(to, len).map(|value| value.kind());
    if len > 0 {
        context.db().set(to, set.into());
    }
    match replaced {
        None if len == 0 => {}
        None | Some(Kind::Stream) => context.modified(to),
        // Redis serves those who wait for a key only where there was none.
        Some(_) => context.lessened(to),
    }
    Ok(Reply::count(len))
}

/// A part of a set, as it is asked for.
struct Query {
    span: Span,
    reverse: bool,
    with_scores: bool,
    /// How many are left out, and how many are told at most.
    limit: (i64, i64),
}

impl Query {
    /// Reads the ends and the options behind the key.
    fn parse(words: &[Vec<u8>], form: Form) -> Result<Self, Failure> {
        let Form { mut by, mut reverse, store } = form;
        let (mut with_scores, mut limit) = (false, (0, -1));
        let mut options = words[3..].iter();
        while let Some(option) = options.next() {
            match option.to_ascii_lowercase().as_slice() {
                b"withscores" if !store => with_scores = true,
                b"limit" if options.len() >= 2 => {
                    let mut number = || options.next().and_then(|word| integer(word));
                    limit.0 = number().ok_or(Failure::NotAnInteger)?;
                    limit.1 = number().ok_or(Failure::NotAnInteger)?;
                }
                b"rev" if reverse.is_none() => reverse = Some(true),
                b"bylex" if by.is_none() => by = Some(By::Lex),
                b"byscore" if by.is_none() => by = Some(By::Score),
                _ => return Err(Failure::Syntax),
            }
        }
        let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
        if limit.1 != -1 && by == By::Rank {
            let text = "syntax error, LIMIT is only supported in combination with either \
                        BYSCORE or BYLEX";
            return Err(Failure::text(text));
        }
        if with_scores && by == By::Lex {
            let text = "syntax error, WITHSCORES not supported in combination with BYLEX";
            return Err(Failure::text(text));
        }
        let (first, second) = (&words[1], &words[2]);
        let (min, max) = if reverse { (second, first) } else { (first, second) };
        let span = match by {
            By::Rank => Span::ranks(first, second)?,
            By::Score => Span::scores(min, max)?,
            By::Lex => Span::lex(min, max)?,
        };
        Ok(Self { span, reverse, with_scores, limit })
    }

    /// The ranks, counted from the first member, of what is told.
    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        // A negative offset lies behind every member, a negative count is none.
        let offset = usize::try_from(self.limit.0).unwrap_or(usize::MAX);
        let Range { start, end } = self.span.search(set, self.reverse, offset);
        let count = usize::try_from(self.limit.1).unwrap_or(usize::MAX).min(end - start);
        match (&self.span, self.reverse) {
            (Span::Ranks(..), _) => start..end,
            (_, false) => start..start + count,
            (_, true) => end - count..end,
        }
    }

    /// A set of what is told. Redis knows beforehand how many will be stored only if they are
    /// chosen by rank.
    fn copied(&self, set: &SortedSet) -> SortedSet {
        let ranks = self.ranks(set);
        let many = ranks.len() > COMPACT_MEMBERS_MAX && matches!(self.span, Span::Ranks(..));
        let mut copy = if many { SortedSet::large() } else { SortedSet::default() };
        match self.reverse {
            false => set.at(ranks).for_each(|(member, score)| copy.set(member, score)),
            true => set.at(ranks).rev().for_each(|(member, score)| copy.set(member, score)),
        }
        copy
    }
}
