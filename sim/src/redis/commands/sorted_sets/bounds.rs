//! Ends of ranges: of scores, of members in the order of bytes, and of ranks.

use super::super::Failure;
use super::super::arguments::span;
use crate::redis::number::{bound, integer};
use crate::redis::values::{ScoreRange, SortedSet};

/// A range in one of the three orders.
pub(super) enum Range {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Bytes(End, End),
}

/// An end of a range of members.
pub(super) enum End {
    Least,
    Greatest,
    At { member: Vec<u8>, excluded: bool },
}

/// By what a range is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Rank,
    Score,
    Bytes,
}

impl Range {
    /// Reads the ends of a range.
    pub(super) fn parse(by: By, min: &[u8], max: &[u8]) -> Result<Self, Failure> {
        match by {
            By::Rank => {
                let rank = |word| integer(word).ok_or(Failure::NotAnInteger);
                Ok(Self::Ranks(rank(min)?, rank(max)?))
            }
            By::Score => scores(min, max).map(Self::Scores),
            By::Bytes => {
                let ends = End::parse(min).zip(End::parse(max));
                let text = "min or max not valid string range item";
                let (min, max) = ends.ok_or_else(|| Failure::text(text))?;
                Ok(Self::Bytes(min, max))
            }
        }
    }

    /// The members within, in order or in reverse; ranks count from the end then.
    pub(super) fn of(
        &self,
        set: &SortedSet,
        reverse: bool,
        offset: usize,
        limit: usize,
    ) -> Vec<(Vec<u8>, f64)> {
        let own = |(member, score): (&[u8], f64)| (member.to_vec(), score);
        match self {
            Self::Ranks(start, stop) => {
                let Some(ranks) = span(*start, *stop, set.len()) else { return Vec::new() };
                let count = ranks.end() - ranks.start() + 1;
                match reverse {
                    false => set.iter().skip(*ranks.start()).take(count).map(own).collect(),
                    true => set.iter().rev().skip(*ranks.start()).take(count).map(own).collect(),
                }
            }
            Self::Scores(range) => match reverse {
                false => set.within(*range).skip(offset).take(limit).map(own).collect(),
                true => set.within(*range).rev().skip(offset).take(limit).map(own).collect(),
            },
            Self::Bytes(min, max) => {
                let inside =
                    |(member, _): &(&[u8], f64)| min.is_below(member) && max.is_above(member);
                match reverse {
                    false => set.iter().filter(inside).skip(offset).take(limit).map(own).collect(),
                    true => {
                        set.iter().rev().filter(inside).skip(offset).take(limit).map(own).collect()
                    }
                }
            }
        }
    }
}

fn scores(min: &[u8], max: &[u8]) -> Result<ScoreRange, Failure> {
    let end = |word: &[u8]| {
        let bare = word.strip_prefix(b"(");
        Some((bound(bare.unwrap_or(word))?, bare.is_some()))
    };
    let ends = end(min).zip(end(max));
    let ends = ends.ok_or_else(|| Failure::text("min or max is not a float"))?;
    let ((min, min_excluded), (max, max_excluded)) = ends;
    Ok(ScoreRange { min, min_excluded, max, max_excluded })
}

impl End {
    fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"-" => Some(Self::Least),
            b"+" => Some(Self::Greatest),
            [b'(', member @ ..] => Some(Self::At { member: member.to_vec(), excluded: true }),
            [b'[', member @ ..] => Some(Self::At { member: member.to_vec(), excluded: false }),
            _ => None,
        }
    }

    /// Whether the member lies behind this lower end.
    fn is_below(&self, member: &[u8]) -> bool {
        match self {
            Self::Least => true,
            Self::Greatest => false,
            Self::At { member: end, excluded: true } => member > end.as_slice(),
            Self::At { member: end, excluded: false } => member >= end.as_slice(),
        }
    }

    /// Whether the member lies before this upper end.
    fn is_above(&self, member: &[u8]) -> bool {
        match self {
            Self::Least => false,
            Self::Greatest => true,
            Self::At { member: end, excluded: true } => member < end.as_slice(),
            Self::At { member: end, excluded: false } => member <= end.as_slice(),
        }
    }
}
