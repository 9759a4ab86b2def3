//! Where scans go on: numbers for clients, the last key behind them.
//!
//! In Redis a cursor is a place in a hash table. Here it stands for the last key or member that was
//! told, so that everything that stays is told once and in an order that does not change.

use std::collections::BTreeMap;

/// So many cursors are remembered; an older one, or one that was never given out, is at the end.
const CURSORS_MAX: usize = 4096;

/// Cursors that were given out.
#[derive(Default)]
pub struct Cursors {
    places: BTreeMap<u64, Vec<u8>>,
    last: u64,
}

impl Cursors {
    /// A cursor that goes on behind this key or member.
    pub fn behind(&mut self, place: &[u8]) -> u64 {
        if self.places.len() == CURSORS_MAX {
            self.places.pop_first();
        }
        self.last += 1;
        self.places.insert(self.last, place.to_vec());
        self.last
    }

    /// What the cursor goes on behind.
    pub fn place(&self, cursor: u64) -> Option<&[u8]> {
        self.places.get(&cursor).map(Vec::as_slice)
    }
}
