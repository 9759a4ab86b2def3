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

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let Some(score) = self.scores.remove(member) else { return false };
        self.order.remove(&(Score(score), member.to_vec()));
        true
    }

    /// How many members stand before this one. Takes time in proportion to that.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        let place = (Score(self.score(member)?), member.to_vec());
        Some(self.order.range(..place).count())
    }

    /// Members and scores, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], f64)> {
        self.order.iter().map(|(score, member)| (member.as_slice(), score.0))
    }

    /// Members behind `after` in the order of bytes; all of them when it is `None`.
    pub fn after(&self, after: Option<&[u8]>) -> impl Iterator<Item = (&[u8], f64)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let members = self.scores.range::<[u8], _>((after.map_or(Unbounded, Excluded), Unbounded));
        members.map(|(member, score)| (member.as_slice(), *score))
    }

    /// Members and scores within the range.
    pub fn within(&self, range: ScoreRange) -> impl DoubleEndedIterator<Item = (&[u8], f64)> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let empty = range.min > range.max
            || (range.min == range.max && (range.min_excluded || range.max_excluded));
        // The empty member is the least of its score, so that the next score's begins behind all
        // members of this one.
        let least = |score: f64| (Score(score), Vec::new());
        let from = match range.min_excluded {
            true => above(range.min).map_or(Unbounded, |next| Included(least(next))),
            false => Included(least(range.min)),
        };
        let to = match range.max_excluded {
            true => Excluded(least(range.max)),
            false => above(range.max).map_or(Unbounded, |next| Excluded(least(next))),
        };
        let nothing = empty || (range.min_excluded && range.min == f64::INFINITY);
        let known = (!nothing).then(|| self.order.range((from, to)));
        known.into_iter().flatten().map(|(score, member)| (member.as_slice(), score.0))
    }
}

/// The next greater score; none behind infinity.
fn above(score: f64) -> Option<f64> {
    // From a zero of either sign, for both are equal.
    (score < f64::INFINITY).then(|| (score + 0.0).next_up())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(min: f64, min_excluded: bool, max: f64, max_excluded: bool) -> String {
        let mut set = SortedSet::default();
        let scores = [("a", f64::NEG_INFINITY), ("b", 0.0), ("c", 1.0), ("d", f64::INFINITY)];
        scores.iter().for_each(|(member, score)| set.set(member.as_bytes(), *score));
        let range = ScoreRange { min, min_excluded, max, max_excluded };
        let names: Vec<u8> = set.within(range).flat_map(|(member, _)| member.to_vec()).collect();
        String::from_utf8(names).expect("names are texts")
    }

    #[test]
    fn ranges_hold_their_ends_unless_they_are_excluded() {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(members(low, false, high, false), "abcd");
        assert_eq!(members(low, true, high, true), "bc");
        assert_eq!(members(-0.0, false, 1.0, true), "b");
        assert_eq!(members(0.0, true, 1.0, false), "c");
        assert_eq!(members(high, false, high, false), "d");
        assert_eq!(members(high, true, high, false), "");
        assert_eq!(members(low, false, low, true), "");
        assert_eq!(members(1.0, false, 0.0, false), "");
    }
}
