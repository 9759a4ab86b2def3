//! A node of a stream: the entries that Redis packs into one listpack.
//!
//! Approximate trimming removes whole nodes only, so that clients see where one ends. Therefore it
//! is known here how many bytes the real listpack has.

use super::Id;
use crate::redis::number::integer;

/// A node takes so many entries, with deleted ones (`stream-node-max-entries`, at its default) …
pub(super) const ENTRIES_MAX: usize = 100;

/// … or so many bytes (`stream-node-max-bytes`, at its default).
const BYTES_MAX: usize = 4096;

/// What an empty listpack takes: its header and its end.
const EMPTY_BYTES: usize = 7;

/// Entries, in the order in which they were added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node {
    bytes: usize,
    /// How many entries are not deleted.
    pub(super) live: usize,
    /// The fields of its first entry. Entries with the same ones do not repeat them.
    fields: Vec<Vec<u8>>,
    pub(super) entries: Vec<Entry>,
}

/// Field, value, field, value …
pub type Fields = Vec<Vec<u8>>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) id: Id,
    /// `None` when it is deleted: its place remains.
    pub(super) fields: Option<Fields>,
}

impl Node {
    /// A node for a first entry with these fields, which is not in it yet.
    pub(super) fn new(words: &[Vec<u8>]) -> Self {
        let fields: Vec<Vec<u8>> = words.iter().step_by(2).cloned().collect();
        let names: usize = fields.iter().map(|field| packed(field)).sum();
        // How many entries, how many of them deleted, how many fields, those, and a zero.
        let number = packed_integer(count(fields.len()));
        let bytes = EMPTY_BYTES + 2 * packed_integer(0) + number + names + packed_integer(0);
        Self { bytes, live: 0, fields, entries: Vec::new() }
    }

    /// Whether an entry of these words would have to go into another node.
    pub(super) fn is_full_for(&self, words: &[Vec<u8>]) -> bool {
        let more: usize = words.iter().map(Vec::len).sum();
        self.bytes + more >= BYTES_MAX || self.entries.len() >= ENTRIES_MAX
    }

    /// Appends an entry; `first` is the id of the node.
    pub(super) fn push(&mut self, first: Id, id: Id, words: &[Vec<u8>]) {
        let same = words.len() / 2 == self.fields.len()
            && words.iter().step_by(2).zip(&self.fields).all(|(one, other)| one == other);
        let values: usize = words.iter().skip(1).step_by(2).map(|value| packed(value)).sum();
        let names: usize = words.iter().step_by(2).map(|field| packed(field)).sum();
        let number = count(words.len() / 2);
        // Flags, the id as differences, perhaps fields and how many, values, how many elements.
        let differences = packed_integer(id.ms.wrapping_sub(first.ms) as i64)
            + packed_integer(id.seq.wrapping_sub(first.seq) as i64);
        self.bytes += 2 + differences + values;
        self.bytes += match same {
            true => packed_integer(number + 3),
            false => packed_integer(number) + names + packed_integer(2 * number + 4),
        };
        self.live += 1;
        self.entries.push(Entry { id, fields: Some(words.to_vec()) });
    }
}

fn count(things: usize) -> i64 {
    i64::try_from(things).expect("words are counted in 32 bits")
}

/// The bytes that a text takes; numbers are packed as such.
fn packed(text: &[u8]) -> usize {
    if let Some(number) = integer(text) {
        return packed_integer(number);
    }
    let header = match text.len() {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    };
    with_length(header + text.len())
}

fn packed_integer(number: i64) -> usize {
    with_length(match number {
        0..=127 => 1,
        -4096..=4095 => 2,
        -0x8000..=0x7fff => 3,
        -0x80_0000..=0x7f_ffff => 4,
        -0x8000_0000..=0x7fff_ffff => 5,
        _ => 9,
    })
}

/// Behind every element stands how long it is.
fn with_length(bytes: usize) -> usize {
    bytes
        + match bytes {
            0..=127 => 1,
            128..=16382 => 2,
            16383..=2097150 => 3,
            2097151..=268435454 => 4,
            _ => 5,
        }
}
