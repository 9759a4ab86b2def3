//! Commands on several sorted sets, or plain ones, whose members count with a score of 1.

use std::collections::{BTreeMap, BTreeSet};

use super::super::flags::{DENY_OOM, READ, WRITE};
use super::super::{Command, Context, Failure, Keys, Reply, command};
use super::listed;
use super::ranges::store;
use crate::redis::number::{float, integer};
use crate::redis::values::{SortedSet, Value};

const STORES: u32 = WRITE | DENY_OOM;

pub(in super::super) const TABLE: &[Command] = &[
    command("zdiff", -3, READ, Keys::Counted(1), zdiff),
    command("zdiffstore", -4, STORES, Keys::FirstAndCounted(2), zdiffstore),
    command("zinter", -3, READ, Keys::Counted(1), zinter),
    command("zintercard", -3, READ, Keys::Counted(1), zintercard),
    command("zinterstore", -4, STORES, Keys::FirstAndCounted(2), zinterstore),
    command("zunion", -3, READ, Keys::Counted(1), zunion),
    command("zunionstore", -4, STORES, Keys::FirstAndCounted(2), zunionstore),
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

/// Members with scores.
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
    let set = combined(&asked, combine);
    let protocol = context.session().protocol;
    Ok(Reply::Array(listed(set.at(0..set.len()), asked.with_scores, protocol)))
}

fn keep(context: &mut Context<'_>, words: &[Vec<u8>], combine: Combine) -> Result<Reply, Failure> {
    let weighted = combine != Combine::Difference;
    let options = Options { weighted, scored: false, limited: false };
    let asked = asked(context, &words[2..], &options)?;
    store(context, &words[1], combined(&asked, combine).compacted())
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
            Ok(set.after(None).map(|(member, score)| (member.to_vec(), score)).collect())
        }
        Some(_) => Err(Failure::WrongType),
    }
}

/// What is found; Redis does not keep it in its compact form.
fn combined(asked: &Asked, combine: Combine) -> SortedSet {
    let mut result = SortedSet::large();
    if combine == Combine::Difference {
        let (first, others) = asked.sets.split_first().expect("there is a key");
        let others: BTreeSet<&Vec<u8>> = others.iter().flatten().map(|(name, _)| name).collect();
        let apart = first.iter().filter(|(member, _)| !others.contains(member));
        apart.for_each(|(member, score)| result.set(member, *score));
        return result;
    }
    // In how many sets a member is, and its score.
    let mut found: BTreeMap<&[u8], (usize, f64)> = BTreeMap::new();
    // Redis begins with the smallest set, which decides how sums of more than two are rounded.
    let mut order: Vec<usize> = (0..asked.sets.len()).collect();
    order.sort_by_key(|at| asked.sets[*at].len());
    for at in order {
        for (member, score) in &asked.sets[at] {
            let score = score * asked.weights[at];
            match found.get_mut(member.as_slice()) {
                None => {
                    found.insert(member, (1, number(score)));
                }
                Some((count, total)) => {
                    // Of what follows in an intersection Redis looks only at the sum.
                    let score = if combine == Combine::Union { number(score) } else { score };
                    *total = asked.aggregate.of(*total, score);
                    *count += 1;
                }
            }
        }
    }
    let wanted = |count| combine == Combine::Union || count == asked.sets.len();
    let members = found.into_iter().filter(|(_, (count, _))| wanted(*count));
    members.for_each(|(member, (_, score))| result.set(member, score));
    result
}

/// What is no number, such as infinity times zero, counts as zero.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

impl Aggregate {
    fn of(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Sum => number(one + other),
            Self::Min => {
                if other < one {
                    other
                } else {
                    one
                }
            }
            Self::Max => {
                if other > one {
                    other
                } else {
                    one
                }
            }
        }
    }
}
