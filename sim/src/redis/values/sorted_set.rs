//! A sorted set: members with scores, ordered by score and then by bytes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// The value of a key that is a sorted set.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SortedSet {
    scores: BTreeMap<Vec<u8>, f64>,
    order: BTreeSet<(Score, Vec<u8>)>,
    large: bool,
}

/// Redis keeps a set in a compact form up to so many members
/// (`zset-max-listpack-entries`, at its default) …
const COMPACT_MEMBERS_MAX: usize = 128;

/// … of so many bytes each (`zset-max-listpack-value`, at its default).
const COMPACT_MEMBER_BYTES_MAX: usize = 64;

/// A range of scores.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ScoreRange {
    /// The lower end.
    pub min: f64,
    /// Whether the lower end itself lies outside.
    pub min_excluded: bool,
    /// The upper end.
    pub max: f64,
    /// Whether the upper end itself lies outside.
    pub max_excluded: bool,
}

/// A score that is never NaN, ordered; both zeros are equal.
#[derive(Clone, Copy, Debug)]
struct Score(f64);

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).expect("a score is never NaN")
    }
}

impl SortedSet {
    /// The score of a member.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    /// Gives a member a score (not NaN). A set in the compact form of Redis drops the sign of a
    /// negative zero; once it is too large for that form it never returns to it.
    pub fn set(&mut self, member: &[u8], score: f64) {
        if !self.scores.contains_key(member) {
            self.large |= self.len() == COMPACT_MEMBERS_MAX;
            self.large |= member.len() > COMPACT_MEMBER_BYTES_MAX;
        }
        let score = if self.large { score } else { score + 0.0 };
        if let Some(old) = self.scores.insert(member.to_vec(), score) {
            self.order.remove(&(Score(old), member.to_vec()));
        }
        self.order.insert((Score(score), member.to_vec()));
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether Redis would keep it in a compact form.
    pub fn is_compact(&self) -> bool {
        !self.large
    }

    /// Members and scores within the range.
    pub fn within(&self, range: ScoreRange) -> impl Iterator<Item = (&[u8], f64)> {
        // The empty member is the least of its score.
        let from = (Score(range.min), Vec::new());
        let inside = move |score: f64| range.holds(score);
        let known = self.order.range(from..).map(|(score, member)| (member.as_slice(), score.0));
        known
            .skip_while(move |(_, score)| range.min_excluded && *score == range.min)
            .take_while(move |(_, score)| inside(*score))
    }

    /// Removes the members within the range; how many there were.
    pub fn remove_within(&mut self, range: ScoreRange) -> usize {
        let gone: Vec<Vec<u8>> = self.within(range).map(|(member, _)| member.to_vec()).collect();
        self.remove_all(gone)
    }

    /// Removes the members of ranks `start..=stop` (from 0); how many there were.
    pub fn remove_ranks(&mut self, start: usize, stop: usize) -> usize {
        let ranks = self.order.iter().skip(start).take((stop + 1).saturating_sub(start));
        let gone: Vec<Vec<u8>> = ranks.map(|(_, member)| member.clone()).collect();
        self.remove_all(gone)
    }

    fn remove_all(&mut self, gone: Vec<Vec<u8>>) -> usize {
        let count = gone.len();
        for member in gone {
            let score = self.scores.remove(&member).expect("only known members are removed");
            self.order.remove(&(Score(score), member));
        }
        count
    }
}

impl ScoreRange {
    fn holds(&self, score: f64) -> bool {
        let above = if self.min_excluded { score > self.min } else { score >= self.min };
        let below = if self.max_excluded { score < self.max } else { score <= self.max };
        above && below
    }
}
