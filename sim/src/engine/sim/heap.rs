//! The event queue: a monotone radix heap, first in first out among equal times.
//!
//! An item lies in the bucket of the highest bit in which its time differs from the time of the
//! last pop. Each item moves at most 64 times in all, always towards bucket 0, and in order, so
//! equal times keep the order of their pushes.
//! Source: Ahuja, Mehlhorn, Orlin, Tarjan, "Faster algorithms for the shortest path problem", 1990.

use im::env::Nanos;

const BUCKETS: usize = 65;

/// A queue of `T` by time. Times may not be pushed below the time of the last pop.
pub struct EventQueue<T> {
    buckets: [Vec<(Nanos, T)>; BUCKETS],
    /// Bit `i` is set when bucket `i` is not empty.
    occupied: u128,
    /// Items of bucket 0 already popped.
    popped: usize,
    /// Time of the last pop.
    last: Nanos,
    /// Earliest time, while it is known without a search.
    earliest: Option<Nanos>,
    len: usize,
}

impl<T: Copy> EventQueue<T> {
    pub fn new() -> Self {
        Self {
            buckets: std::array::from_fn(|_| Vec::new()),
            occupied: 0,
            popped: 0,
            last: 0,
            earliest: None,
            len: 0,
        }
    }

    pub fn push(&mut self, at: Nanos, item: T) {
        assert!(at >= self.last, "an event for the past: {at} before {}", self.last);
        let bucket = Self::bucket(at ^ self.last);
        self.buckets[bucket].push((at, item));
        self.occupied |= 1 << bucket;
        if self.earliest.is_some_and(|earliest| at < earliest) || self.len == 0 {
            self.earliest = Some(at);
        }
        self.len += 1;
    }

    /// Time of the next item. Moves nothing, so that later pushes may still lie before it.
    pub fn peek(&mut self) -> Option<Nanos> {
        if self.len == 0 {
            return None;
        }
        if self.earliest.is_none() {
            let lowest = self.occupied.trailing_zeros() as usize;
            let from = if lowest == 0 { self.popped } else { 0 };
            self.earliest = self.buckets[lowest][from..].iter().map(|(at, _)| *at).min();
        }
        self.earliest
    }

    pub fn pop(&mut self) -> Option<(Nanos, T)> {
        let earliest = self.peek()?;
        if self.occupied & 1 == 0 {
            self.redistribute(earliest);
        }
        let item = self.buckets[0][self.popped];
        self.popped += 1;
        self.len -= 1;
        if self.popped == self.buckets[0].len() {
            self.buckets[0].clear();
            self.popped = 0;
            self.occupied &= !1;
            self.earliest = None;
        }
        Some(item)
    }

    /// Makes `earliest` the new base and moves the lowest bucket down, in order.
    fn redistribute(&mut self, earliest: Nanos) {
        let lowest = self.occupied.trailing_zeros() as usize;
        let mut moving = std::mem::take(&mut self.buckets[lowest]);
        self.occupied &= !(1 << lowest);
        self.last = earliest;
        for (at, item) in moving.drain(..) {
            let bucket = Self::bucket(at ^ earliest);
            self.buckets[bucket].push((at, item));
            self.occupied |= 1 << bucket;
        }
        self.buckets[lowest] = moving;
    }

    fn bucket(difference: u64) -> usize {
        (u64::BITS - difference.leading_zeros()) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a stable sort: pushes between pops, near and far, many of them equal.
        #[test]
        fn pops_like_a_stable_sort(steps in prop::collection::vec((0u64..50, 0u8..4, 0u8..4), 0..400)) {
            let mut queue = EventQueue::new();
            let mut model: Vec<(Nanos, usize)> = Vec::new();
            let mut now = 0;
            for (number, (delay, shift, pops)) in steps.into_iter().enumerate() {
                let at = now + (delay << (shift * 9));
                queue.push(at, number);
                model.push((at, number));
                for _ in 0..pops.min(2) {
                    model.sort_by_key(|(at, _)| *at);
                    prop_assert_eq!(queue.peek(), model.first().map(|(at, _)| *at));
                    let expected = (!model.is_empty()).then(|| model.remove(0));
                    let popped = queue.pop();
                    prop_assert_eq!(popped, expected);
                    now = popped.map_or(now, |(at, _)| at);
                }
            }
            model.sort_by_key(|(at, _)| *at);
            let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
            prop_assert_eq!(rest, model);
        }
    }

    #[test]
    fn peeking_far_ahead_leaves_room_for_earlier_pushes() {
        let mut queue = EventQueue::new();
        queue.push(1_000_000, 'z');
        assert_eq!(queue.peek(), Some(1_000_000));
        queue.push(10, 'a');
        assert_eq!(queue.pop(), Some((10, 'a')));
        assert_eq!(queue.pop(), Some((1_000_000, 'z')));
        assert_eq!(queue.pop(), None);
    }
}
