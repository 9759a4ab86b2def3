//! Members in their order, found by score or by rank.
//!
//! Blocks of at most [`BLOCK_MAX`] members, one after the other. A rank is found by adding up the
//! lengths of the blocks before it, of which even a large set has few.

use std::cmp::Ordering;
use std::ops::Range;

/// So many members are kept in one block.
const BLOCK_MAX: usize = 256;

/// Scores, never NaN, with their members.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// None of them is empty.
    blocks: Vec<Vec<(f64, Vec<u8>)>>,
}

/// Both zeros are equal.
fn compare(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    a.0.partial_cmp(&b.0).expect("a score is never NaN").then_with(|| a.1.cmp(b.1))
}

impl Order {
    /// Enters a member that is not there.
    pub(super) fn insert(&mut self, score: f64, member: &[u8]) {
        let (mut block, mut at) = self.place(score, member);
        // What comes behind everything goes to the end of the last block.
        if block == self.blocks.len() && block > 0 {
            block -= 1;
            at = self.blocks[block].len();
        }
        match self.blocks.get_mut(block) {
            None => self.blocks.push(vec![(score, member.to_vec())]),
            Some(members) => {
                members.insert(at, (score, member.to_vec()));
                if members.len() > BLOCK_MAX {
                    let behind = members.split_off(BLOCK_MAX / 2);
                    self.blocks.insert(block + 1, behind);
                }
            }
        }
    }

    /// Removes a member that is there.
    pub(super) fn remove(&mut self, score: f64, member: &[u8]) {
        let (block, at) = self.place(score, member);
        let (_, gone) = self.blocks[block].remove(at);
        assert_eq!(gone, member, "only members that are there are removed");
        if self.blocks[block].is_empty() {
            self.blocks.remove(block);
        }
    }

    /// How many come before this member.
    pub(super) fn rank(&self, score: f64, member: &[u8]) -> usize {
        let (block, at) = self.place(score, member);
        self.len_before(block) + at
    }

    /// How many there are from the first on of which `holds` is true, when it is true of none
    /// behind one of which it is not.
    pub(super) fn count_while(&self, holds: impl Fn(f64, &[u8]) -> bool) -> usize {
        let all = |block: &Vec<(f64, Vec<u8>)>| {
            block.last().is_some_and(|(score, member)| holds(*score, member))
        };
        let block = self.blocks.partition_point(all);
        let part = self
            .blocks
            .get(block)
            .map_or(0, |members| members.partition_point(|(score, member)| holds(*score, member)));
        self.len_before(block) + part
    }

    /// Those at these ranks, which must lie within.
    pub(super) fn at(&self, ranks: Range<usize>) -> impl DoubleEndedIterator<Item = (&[u8], f64)> {
        let (first, from) = self.find(ranks.start);
        let (last, to) = self.find(ranks.end.max(ranks.start));
        let blocks = self.blocks.get(first..self.blocks.len().min(last + 1)).unwrap_or_default();
        let parts = blocks.iter().enumerate().map(move |(at, block)| {
            let from = if at == 0 { from } else { 0 };
            let to = if first + at == last { to } else { block.len() };
            &block[from..to]
        });
        parts.flatten().map(|(score, member)| (member.as_slice(), *score))
    }

    /// The block, and the place in it, of a rank; behind the last block when there is none.
    fn find(&self, rank: usize) -> (usize, usize) {
        let mut rest = rank;
        for (at, block) in self.blocks.iter().enumerate() {
            if rest < block.len() {
                return (at, rest);
            }
            rest -= block.len();
        }
        (self.blocks.len(), 0)
    }

    /// Where the member is, or would be.
    fn place(&self, score: f64, member: &[u8]) -> (usize, usize) {
        let before = |(other, name): &(f64, Vec<u8>)| {
            compare((*other, name), (score, member)) == Ordering::Less
        };
        let block = self.blocks.partition_point(|block| block.last().is_some_and(before));
        let at = self.blocks.get(block).map_or(0, |members| members.partition_point(before));
        (block, at)
    }

    fn len_before(&self, block: usize) -> usize {
        self.blocks[..block].iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_stay_right_while_blocks_are_split_and_emptied() {
        let mut order = Order::default();
        let name = |number: usize| format!("{number:05}").into_bytes();
        // A walk through all numbers below 2003 that does not go upwards.
        let numbers: Vec<usize> = (0..2003).map(|step| step * 7 % 2003).collect();
        numbers.iter().for_each(|number| order.insert((number / 10) as f64, &name(*number)));
        for number in (0..2003).step_by(3) {
            order.remove((number / 10) as f64, &name(number));
        }
        let left: Vec<usize> = (0..2003).filter(|number| number % 3 != 0).collect();
        for (rank, number) in left.iter().enumerate() {
            assert_eq!(order.rank((number / 10) as f64, &name(*number)), rank);
        }
        let found: Vec<_> = order.at(100..900).rev().map(|(member, _)| member.to_vec()).collect();
        let expected: Vec<_> = left[100..900].iter().rev().map(|number| name(*number)).collect();
        assert_eq!(found, expected);
        assert_eq!(order.at(left.len()..left.len()).count(), 0);
        let below = left.iter().filter(|number| **number < 500).count();
        assert_eq!(order.count_while(|score, _| score < 50.0), below);
    }
}
