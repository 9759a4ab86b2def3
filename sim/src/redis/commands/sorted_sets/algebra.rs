//! Commands on several sorted sets, or plain ones, whose members count with a score of 1.

use std::collections::BTreeMap;

use super::super::flags::{DENY_OOM, READ, WRITE};
use super::super::{Command, Context, Failure, Keys, Reply, command};
use super::ranges::store;
use super::told;
use crate::redis::number::{float, integer};
use crate::redis::values::{SortedSet, Value};

const STORES: u32 = WRITE | DENY_OOM;

pub(in super::super) const TABLE: &[Command] = &[
    command("zdiff", -3, READ, Keys::Counted(1), zdiff),
    command("zdiffstore", -4, STORES, Keys::Counted(2), zdiffstore),
    command("zinter", -3, READ, Keys::Counted(1), zinter),
    command("zintercard", -3, READ, Keys::Counted(1), zintercard),
    command("zinterstore", -4, STORES, Keys::Counted(2), zinterstore),
    command("zunion", -3, READ, Keys::Counted(1), zunion),
    command("zunionstore", -4, STORES, Keys::Counted(2), zunionstore),
];

/// How sets are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Combine {
    Union,
    Intersection,
    Difference,
}

/// What becomes of the scores of one member.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

/// What is asked for.
struct Asked {
    sets: Vec<Members>,
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
    limit: usize,
}

/// Members with scores, in the order of scores.
type Members = Vec<(Vec<u8>, f64)>;

fn zunion(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, Combine::Union)
}

fn zinter(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, Combine::Intersection)
}

fn zdiff(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    tell(context, words, Combine::Difference)
}

fn zunionstore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    keep(context, words, Combine::Union)
}

fn zinterstore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    keep(context, words, Combine::Intersection)
}

fn zdiffstore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    keep(context, words, Combine::Difference)
}

fn tell(context: &mut Context<'_>, words: &[Vec<u8>], combine: Combine) -> Result<Reply, Failure> {
    let weighted = combine != Combine::Difference;
    let options = Options { weighted, scored: true, limited: false };
    let asked = asked(context, &words[1..], &options)?;
    let members = combined(&asked, combine);
    let mut set = SortedSet::default();
    members.iter().for_each(|(member, score)| set.set(member, *score));
    let members = set.iter().map(|(member, score)| (member.to_vec(), score)).collect();
    Ok(told(context, members, asked.with_scores))
}

fn keep(context: &mut Context<'_>, words: &[Vec<u8>], combine: Combine) -> Result<Reply, Failure> {
    let weighted = combine != Combine::Difference;
    let options = Options { weighted, scored: false, limited: false };
    let asked = asked(context, &words[2..], &options)?;
    store(context, &words[1], combined(&asked, combine))
}

fn zintercard(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let options = Options { weighted: false, scored: false, limited: true };
    let asked = asked(context, &words[1..], &options)?;
    let len = combined(&asked, Combine::Intersection).len();
    Ok(Reply::count(if asked.limit == 0 { len } else { len.min(asked.limit) }))
}

/// Which options a command takes.
struct Options {
    weighted: bool,
    scored: bool,
    limited: bool,
}

fn asked(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    options: &Options,
) -> Result<Asked, Failure> {
    let number = integer(&words[0]).ok_or(Failure::NotAnInteger)?;
    let number = usize::try_from(number).ok().filter(|number| *number > 0);
    let none = format!("at least 1 input key is needed for '{}' command", context.name);
    let number = number.ok_or_else(|| Failure::text(none))?;
    let keys = words.get(1..number.saturating_add(1)).ok_or(Failure::Syntax)?;
    let sets = keys.iter().map(|key| members(context, key)).collect::<Result<Vec<_>, _>>()?;
    let (weights, aggregate) = (vec![1.0; number], Aggregate::Sum);
    let mut asked = Asked { sets, weights, aggregate, with_scores: false, limit: 0 };
    let mut rest = words[number + 1..].iter();
    while let Some(word) = rest.next() {
        match word.to_ascii_lowercase().as_slice() {
            b"weights" if options.weighted && rest.len() >= number => {
                for weight in &mut asked.weights {
                    let word = rest.next().expect("they were counted");
                    let text = "weight value is not a float";
                    *weight = float(word).ok_or_else(|| Failure::text(text))?;
                }
            }
            b"aggregate" if options.weighted && rest.len() >= 1 => {
                let word = rest.next().expect("one is left");
                asked.aggregate = match word.to_ascii_lowercase().as_slice() {
                    b"sum" => Aggregate::Sum,
                    b"min" => Aggregate::Min,
                    b"max" => Aggregate::Max,
                    _ => return Err(Failure::Syntax),
                };
            }
            b"withscores" if options.scored => asked.with_scores = true,
            b"limit" if options.limited && rest.len() >= 1 => {
                let word = rest.next().expect("one is left");
                let negative = || Failure::text("LIMIT can't be negative");
                let limit = integer(word).ok_or_else(negative)?;
                asked.limit = usize::try_from(limit).map_err(|_| negative())?;
            }
            _ => return Err(Failure::Syntax),
        }
    }
    Ok(asked)
}

fn members(context: &mut Context<'_>, key: &[u8]) -> Result<Members, Failure> {
    match context.db().get(key) {
        None => Ok(Vec::new()),
        Some(Value::Set(set)) => {
            Ok(set.members().into_iter().map(|member| (member, 1.0)).collect())
        }
        Some(Value::SortedSet(set)) => {
            Ok(set.iter().map(|(member, score)| (member.to_vec(), score)).collect())
        }
        Some(_) => Err(Failure::WrongType),
    }
}

fn combined(asked: &Asked, combine: Combine) -> Members {
    if combine == Combine::Difference {
        let (first, others) = asked.sets.split_first().expect("there is a key");
        let apart = |(member, _): &&(Vec<u8>, f64)| {
            !others.iter().any(|set| set.iter().any(|(other, _)| other == member))
        };
        return first.iter().filter(apart).cloned().collect();
    }
    // In how many sets a member is, and its score.
    let mut found: BTreeMap<&[u8], (usize, f64)> = BTreeMap::new();
    // Redis begins with the smallest set, which decides how sums of more than two are rounded.
    let mut order: Vec<usize> = (0..asked.sets.len()).collect();
    order.sort_by_key(|at| asked.sets[*at].len());
    for at in order {
        for (member, score) in &asked.sets[at] {
            let score = number(score * asked.weights[at]);
            let entry = found.entry(member).or_insert((0, score));
            if entry.0 > 0 {
                entry.1 = asked.aggregate.of(entry.1, score);
            }
            entry.0 += 1;
        }
    }
    let everywhere = asked.sets.len();
    let wanted = |count: usize| combine == Combine::Union || count == everywhere;
    let members = found.into_iter().filter(|(_, (count, _))| wanted(*count));
    members.map(|(member, (_, score))| (member.to_vec(), score)).collect()
}

/// What is no number, such as infinity times zero, counts as zero.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

impl Aggregate {
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Sum => number(one + other),
            Self::Min => one.min(other),
            Self::Max => one.max(other),
        }
    }
}
