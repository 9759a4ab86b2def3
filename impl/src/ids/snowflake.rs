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
    /// The generator of node `node` (its lowest ten bits count).
    pub fn new(node: u32) -> Self {
        let node = u64::from(node) & ((1 << NODE_BITS) - 1);
        Self { node, last_ms: Cell::new(0), counter: Cell::new(0) }
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
        let ids = Snowflake::new(3);
        let clocks = (0..10_000).map(|n| EPOCH_MS + 5 - u64::from(n > 5_000) * 4);
        let made: Vec<MessageId> = clocks.map(|clock| ids.next(clock)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| (id.0 >> COUNTER_BITS) & 0x3ff == 3));
    }
}
