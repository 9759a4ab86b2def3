//! What a file holds, in pieces: a file that grows is never copied, and a small one takes little.

use std::ops::Range;

/// Length of every piece but the last.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes that grow at their end.
#[derive(Default)]
pub struct Content {
    pieces: Vec<Vec<u8>>,
}

impl Content {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self.pieces.split_last() {
            Some((last, full)) => full.len() * PIECE_BYTES + last.len(),
            None => 0,
        }
    }

    /// Adds bytes behind the others.
    pub fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.pieces.last().is_none_or(|last| last.len() == PIECE_BYTES) {
                // The first piece of a file may stay a small one.
                let room = if self.pieces.is_empty() { 0 } else { PIECE_BYTES };
                self.pieces.push(Vec::with_capacity(room));
            }
            let last = self.pieces.last_mut().expect("pushed where there was none");
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - last.len()));
            last.extend_from_slice(now);
            bytes = later;
        }
    }

    /// Cuts off what lies behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        self.pieces.truncate(len.div_ceil(PIECE_BYTES));
        if let Some(last) = self.pieces.last_mut() {
            last.truncate(len - (len - 1) / PIECE_BYTES * PIECE_BYTES);
        }
    }

    /// All of them.
    pub fn read(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    /// Changes the bytes of a range, piece by piece.
    pub fn change(&mut self, range: Range<usize>, mut change: impl FnMut(&mut [u8])) {
        for (number, piece) in self.pieces.iter_mut().enumerate() {
            let start = number * PIECE_BYTES;
            let within = |at: usize| at.clamp(start, start + piece.len()) - start;
            let (from, to) = (within(range.start), within(range.end));
            if from < to {
                change(&mut piece[from..to]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a plain vector: lengths around the borders of pieces.
        #[test]
        fn does_what_a_vector_does(
            steps in prop::collection::vec((0u8..3, 0usize..4, 0usize..3, any::<u8>()), 0..12),
        ) {
            let (mut content, mut model) = (Content::default(), Vec::new());
            for (kind, pieces, offset, byte) in steps {
                let len = (pieces * PIECE_BYTES + offset).saturating_sub(1);
                match kind {
                    0 => {
                        content.append(&vec![byte; len]);
                        model.extend(vec![byte; len]);
                    }
                    1 => {
                        content.truncate(len);
                        model.truncate(len);
                    }
                    _ => {
                        let range = len.min(model.len())..model.len();
                        content.change(range.clone(), |bytes| bytes.fill(byte));
                        model[range].fill(byte);
                    }
                }
                prop_assert_eq!(content.len(), model.len());
            }
            prop_assert!(content.read() == model);
        }
    }
}
