//! A sorted set: members with scores, ordered by score and then by bytes.

mod order;
mod range;

use std::collections::BTreeMap;
use std::ops::Range;

use order::Order;
pub use range::{LexEnd, LexRange, ScoreRange};

/// The value of a key that is a sorted set.
#[derive(Clone, Debug, Default)]
pub struct SortedSet {
    scores: BTreeMap<Vec<u8>, f64>,
    order: Order,
    large: bool,
}

impl PartialEq for SortedSet {
    /// The order follows from the scores.
    fn eq(&self, other: &Self) -> bool {
        self.scores == other.scores && self.large == other.large
    }
}

/// Redis keeps a set in a compact form up to so many members
/// (`zset-max-listpack-entries`, at its default) …
pub const COMPACT_MEMBERS_MAX: usize = 128;

/// … of so many bytes each (`zset-max-listpack-value`, at its default).
const COMPACT_MEMBER_BYTES_MAX: usize = 64;

impl SortedSet {
    /// An empty set that is not in the compact form of Redis, however few members it will have.
    pub fn large() -> Self {
        Self { large: true, ..Self::default() }
    }

    /// The same set in the compact form, if it is small enough for that.
    pub fn compacted(self) -> Self {
        let long = |member: &Vec<u8>| member.len() > COMPACT_MEMBER_BYTES_MAX;
        if self.len() > COMPACT_MEMBERS_MAX || self.scores.keys().any(long) {
            return self;
        }
        let mut compact = Self::default();
        self.scores.iter().for_each(|(member, score)| compact.set(member, *score));
        compact
    }

    /// The set leaves the compact form of Redis for good.
    pub fn grow_out(&mut self) {
        self.large = true;
    }

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
            self.order.remove(old, member);
        }
        self.order.insert(score, member);
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let Some(score) = self.scores.remove(member) else { return false };
        self.order.remove(score, member);
        true
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

    /// How many members come before this one.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        Some(self.order.rank(self.score(member)?, member))
    }

    /// Members and scores at these ranks, from 0, which must lie within.
    pub fn at(&self, ranks: Range<usize>) -> impl DoubleEndedIterator<Item = (&[u8], f64)> {
        self.order.at(ranks)
    }

    /// Members behind `after` in the order of bytes, with their scores; all when it is `None`.
    pub fn after(&self, after: Option<&[u8]>) -> impl Iterator<Item = (&[u8], f64)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let members = self.scores.range::<[u8], _>((after.map_or(Unbounded, Excluded), Unbounded));
        members.map(|(member, score)| (member.as_slice(), *score))
    }

    /// The ranks of the members whose scores lie within the range.
    pub fn within(&self, range: ScoreRange) -> Range<usize> {
        let start = self.order.count_while(|score, _| !range.above_min(score));
        let end = self.order.count_while(|score, _| range.below_max(score));
        start..end.max(start)
    }

    /// The ranks of the members that lie within the range by their bytes, when all have the same
    /// score, without the first `skipped` of them (the last if `reverse`). When scores differ,
    /// Redis goes from one end to the first member that is inside, skips so many, and goes on while
    /// members are; what it finds is of no use, but definite for a set in the compact form.
    pub fn within_lex(&self, range: &LexRange, reverse: bool, skipped: usize) -> Range<usize> {
        if self.large {
            let start = self.order.count_while(|_, member| !range.above_min(member));
            let end = self.order.count_while(|_, member| range.below_max(member)).max(start);
            let skipped = skipped.min(end - start);
            return if reverse { start..end - skipped } else { start + skipped..end };
        }
        let members: Vec<&[u8]> = self.at(0..self.len()).map(|(member, _)| member).collect();
        let (Some(first), Some(last)) = (members.first(), members.last()) else { return 0..0 };
        if range.is_empty() || !range.above_min(last) || !range.below_max(first) {
            return 0..0;
        }
        let inside = |member: &[u8]| range.above_min(member) && range.below_max(member);
        if reverse {
            let end = members.iter().rposition(|member| range.below_max(member));
            let end = end.filter(|at| inside(members[*at])).map_or(0, |at| at + 1);
            let end = end.saturating_sub(skipped);
            let rest = members[..end].iter().rev();
            let count = rest.take_while(|member| range.above_min(member)).count();
            return end - count..end;
        }
        let start = members.iter().position(|member| range.above_min(member));
        let start = start.filter(|at| inside(members[*at])).unwrap_or(members.len());
        let start = start.saturating_add(skipped).min(members.len());
        let count = members[start..].iter().take_while(|member| range.below_max(member)).count();
        start..start + count
    }

    /// Removes the members at these ranks; how many there were.
    pub fn remove_at(&mut self, ranks: Range<usize>) -> usize {
        let gone: Vec<Vec<u8>> = self.at(ranks).map(|(member, _)| member.to_vec()).collect();
        gone.iter().filter(|member| self.remove(member)).count()
    }
}
