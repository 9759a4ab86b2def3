//! Snowflake ids: 41 bits of milliseconds since an epoch, 10 bits of node, 12 bits of counter.
//! Source of the layout: Twitter, "Announcing Snowflake", 2010; 4,096 ids per millisecond and node.

use std::cell::Cell;

use crate::model::MessageId;

/// 2026-01-01T00:00:00Z; 41 bits of milliseconds last until 2095.
const EPOCH_MS: u64 = 1_767_225_600_000;
const COUNTER_BITS: u32 = 12;
const NODE_BITS: u32 = 10;

/// A generator for one node. While the wall clock stands still or steps back, it goes on from the
/// last millisecond it has seen.
pub struct Snowflake {
    node: u64,
    last_ms: Cell<u64>,
    counter: Cell<u64>,
}

impl Snowflake {
    /// The generator of node `node` (its lowest ten bits count); its ids lie behind the millisecond
    /// `last_ms` since the epoch of ids, or begin with it when that is 0.
    pub fn after(node: u32, last_ms: u64) -> Self {
        let node = u64::from(node) & ((1 << NODE_BITS) - 1);
        let counter = if last_ms == 0 { 0 } else { (1 << COUNTER_BITS) - 1 };
        Self { node, last_ms: Cell::new(last_ms), counter: Cell::new(counter) }
    }

    /// The millisecond of the last of the next `count` ids, or a later one, when the wall clock
    /// shows `wall_ms`.
    pub fn reaches(&self, wall_ms: u64, count: usize) -> u64 {
        let since_epoch = wall_ms.saturating_sub(EPOCH_MS);
        since_epoch.max(self.last_ms.get()) + 1 + (count as u64 >> COUNTER_BITS)
    }

    /// The millisecond in an id, since the epoch of ids.
    pub fn since_epoch_ms(id: MessageId) -> u64 {
        id.0 >> (NODE_BITS + COUNTER_BITS)
    }

    /// What a wall clock shows at a millisecond since the epoch of ids.
    pub fn wall_ms_of(since_epoch_ms: u64) -> u64 {
        EPOCH_MS + since_epoch_ms
    }

    /// The next id, when the wall clock shows `wall_ms`.
    pub fn next(&self, wall_ms: u64) -> MessageId {
        let since_epoch = wall_ms.saturating_sub(EPOCH_MS);
        if since_epoch > self.last_ms.get() {
            self.last_ms.set(since_epoch);
            self.counter.set(0);
        } else if self.counter.get() + 1 == 1 << COUNTER_BITS {
            // This millisecond is used up: borrow from the next one.
            self.last_ms.set(self.last_ms.get() + 1);
            self.counter.set(0);
        } else {
            self.counter.set(self.counter.get() + 1);
        }
        let high = self.last_ms.get() << (NODE_BITS + COUNTER_BITS);
        MessageId(high | self.node << COUNTER_BITS | self.counter.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_within_a_millisecond_past_its_end_and_over_a_clock_that_steps_back() {
        let ids = Snowflake::after(3, 0);
        let clocks = (0..10_000).map(|n| EPOCH_MS + 5 - u64::from(n > 5_000) * 4);
        let made: Vec<MessageId> = clocks.map(|clock| ids.next(clock)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| (id.0 >> COUNTER_BITS) & 0x3ff == 3));
    }

    #[test]
    fn ids_resume_behind_a_millisecond_and_reach_no_further_than_foretold() {
        let ids = Snowflake::after(3, 700);
        let reach = ids.reaches(EPOCH_MS + 5, 9_000);
        let made: Vec<MessageId> = (0..9_000).map(|_| ids.next(EPOCH_MS + 5)).collect();
        assert_eq!(Snowflake::since_epoch_ms(made[0]), 701);
        assert!(Snowflake::since_epoch_ms(made[8_999]) <= reach);
    }
}
