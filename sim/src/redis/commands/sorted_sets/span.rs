//! Parts of sorted sets as clients name them: by rank, by score, or by the bytes of members.

use std::ops::Range;

use super::super::{Failure, arguments};
use crate::redis::number::{bound, integer};
use crate::redis::values::{LexEnd, LexRange, ScoreRange, SortedSet};

/// A part of a sorted set.
pub(super) enum Span {
    /// From a rank to another, which count from the end when negative.
    Ranks(i64, i64),
    Scores(ScoreRange),
    Lex(LexRange),
}

impl Span {
    pub(super) fn ranks(start: &[u8], stop: &[u8]) -> Result<Self, Failure> {
        let number = |word| integer(word).ok_or(Failure::NotAnInteger);
        Ok(Self::Ranks(number(start)?, number(stop)?))
    }

    pub(super) fn scores(min: &[u8], max: &[u8]) -> Result<Self, Failure> {
        let end = |word: &[u8]| {
            let bare = word.strip_prefix(b"(");
            Some((bound(bare.unwrap_or(word))?, bare.is_some()))
        };
        let ends = end(min).zip(end(max));
        let ends = ends.ok_or_else(|| Failure::text("min or max is not a float"))?;
        let ((min, min_excluded), (max, max_excluded)) = ends;
        Ok(Self::Scores(ScoreRange { min, min_excluded, max, max_excluded }))
    }

    pub(super) fn lex(min: &[u8], max: &[u8]) -> Result<Self, Failure> {
        let end = |word: &[u8]| match word {
            b"-" => Some(LexEnd::Lowest),
            b"+" => Some(LexEnd::Highest),
            [b'(', text @ ..] => Some(LexEnd::At(text.to_vec(), true)),
            [b'[', text @ ..] => Some(LexEnd::At(text.to_vec(), false)),
            _ => None,
        };
        let ends = end(min).zip(end(max));
        let ends = ends.ok_or_else(|| Failure::text("min or max not valid string range item"))?;
        Ok(Self::Lex(LexRange { min: ends.0, max: ends.1 }))
    }

    /// The ranks that it covers, counted from the first member.
    pub(super) fn find(&self, set: &SortedSet) -> Range<usize> {
        match self {
            Self::Ranks(start, stop) => {
                let found = arguments::span(*start, *stop, set.len());
                found.map_or(0..0, |ranks| *ranks.start()..ranks.end() + 1)
            }
            Self::Scores(range) => set.within(*range),
            Self::Lex(range) => set.within_lex(range, false, 0),
        }
    }

    /// The ranks, counted from the first member, of what a search finds from one end without its
    /// first members. Ranks are those from that end, and nothing is left out of them.
    pub(super) fn search(&self, set: &SortedSet, reverse: bool, skipped: usize) -> Range<usize> {
        let found = match self {
            Self::Lex(range) => return set.within_lex(range, reverse, skipped),
            Self::Ranks(..) => {
                let Range { start, end } = self.find(set);
                return if reverse { set.len() - end..set.len() - start } else { start..end };
            }
            Self::Scores(range) => set.within(*range),
        };
        let skipped = skipped.min(found.len());
        match reverse {
            false => found.start + skipped..found.end,
            true => found.start..found.end - skipped,
        }
    }
}
