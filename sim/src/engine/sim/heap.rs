//! The event queue: a monotone radix heap, first in first out among equal times. It is the one place
//! where things are scheduled, and it knows how far time has come.
//!
//! An event is never for the past. Whoever computes its time from now cannot miss, so that a push that
//! does is a bug, and stops the program. Two are computed from earlier instants: the timer of a sender
//! that needed none until now, and an ack that nobody looked out for. These may have passed, and then
//! what waits for them is due at once: [`EventQueue::due`]. Nobody else asks for it, so that it hides no
//! bug.
//!
//! An item lies in the bucket of the highest bit in which its time differs from the time of the
//! last pop. Each item moves at most 64 times in all, always towards bucket 0, and in order, so
//! equal times keep the order of their pushes.
//! Source: Ahuja, Mehlhorn, Orlin, Tarjan, "Faster algorithms for the shortest path problem", 1990.

use im::env::Nanos;

const BUCKETS: usize = 65;

/// A queue of `T` by time.
pub struct EventQueue<T> {
    buckets: [Vec<(Nanos, T)>; BUCKETS],
    /// Bit `i` is set when bucket `i` is not empty.
    occupied: u128,
    /// Items of bucket 0 already popped.
    popped: usize,
    /// Time of the last pop.
    last: Nanos,
    /// Time has come this far: no earlier than the last pop.
    now: Nanos,
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
            now: 0,
            earliest: None,
            len: 0,
        }
    }

    /// When something is due that was to happen at `at`: then, or at once if that has passed.
    pub fn due(&self, at: Nanos) -> Nanos {
        at.max(self.now)
    }

    /// Time passes up to `now`, without an event.
    pub fn pass_to(&mut self, now: Nanos) {
        assert!(now >= self.now, "time does not go back: {now} after {}", self.now);
        self.now = now;
    }

    /// # Panics
    /// When `at` has passed.
    pub fn push(&mut self, at: Nanos, item: T) {
        assert!(at >= self.now, "an event for the past: {at} before {}", self.now);
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
        self.now = earliest;
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
    fn what_is_overdue_is_due_at_once() {
        let mut queue = EventQueue::new();
        queue.push(10, 'a');
        assert_eq!((queue.due(7), queue.due(12)), (7, 12));
        queue.pop();
        assert_eq!((queue.due(7), queue.due(12)), (10, 12));
        queue.pass_to(11);
        assert_eq!((queue.due(7), queue.due(12)), (11, 12));
        queue.push(queue.due(7), 'b');
        assert_eq!(queue.pop(), Some((11, 'b')));
    }

    #[test]
    #[should_panic(expected = "an event for the past: 10 before 11")]
    fn nothing_is_scheduled_between_the_last_event_and_now() {
        let mut queue = EventQueue::new();
        queue.push(5, 'a');
        queue.pop();
        queue.pass_to(11);
        queue.push(10, 'b');
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
