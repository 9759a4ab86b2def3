//! A node of a stream: the entries that Redis packs into one listpack.
//!
//! Approximate trimming removes whole nodes only, so that clients see where one ends. Therefore it
//! is known here how many bytes the real listpack has.

use super::Id;
use crate::redis::values::listpack;

/// A listpack has at most so many bytes, whatever is set: `STREAM_LISTPACK_MAX_SIZE`.
const LISTPACK_BYTES_MAX: usize = 1 << 30;

/// How much a node takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeLimits {
    /// Entries, with deleted ones (`stream-node-max-entries`); any number when 0.
    pub entries: usize,
    /// Bytes (`stream-node-max-bytes`); as many as a listpack may have when 0.
    pub bytes: usize,
}

impl Default for NodeLimits {
    fn default() -> Self {
        Self { entries: 100, bytes: 4096 }
    }
}

/// The entry is deleted.
const DELETED: i64 = 1;

/// The entry has the fields of the node, which are not repeated.
const SAME_FIELDS: i64 = 2;

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

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) id: Id,
    /// Its place remains.
    pub(super) deleted: bool,
    /// Field, value, field, value …
    pub(super) words: Vec<Vec<u8>>,
}

impl Node {
    /// A node for a first entry with these words, which is not in it yet.
    pub(super) fn new(words: &[Vec<u8>]) -> Self {
        let fields = words.iter().step_by(2).cloned().collect();
        let mut node = Self { bytes: 0, live: 0, fields, entries: Vec::new() };
        node.bytes = node.pack(Id::MIN).len();
        node
    }

    /// Whether an entry of these words would have to go into another node.
    pub(super) fn is_full_for(&self, words: &[Vec<u8>], limits: NodeLimits) -> bool {
        let more: usize = words.iter().map(Vec::len).sum();
        let bytes_max = match limits.bytes {
            0 => LISTPACK_BYTES_MAX,
            bytes => bytes.min(LISTPACK_BYTES_MAX),
        };
        let many = limits.entries > 0 && self.entries.len() >= limits.entries;
        self.bytes + more >= bytes_max || many
    }

    /// Appends an entry; `first` is the id of the node.
    pub(super) fn push(&mut self, first: Id, id: Id, words: &[Vec<u8>]) {
        let entry = Entry { id, deleted: false, words: words.to_vec() };
        let mut more = listpack::Writer::default();
        self.pack_entry(first, &entry, &mut more);
        self.bytes += more.len();
        self.live += 1;
        self.entries.push(entry);
    }

    /// The listpack; `first` is the id of the node.
    pub(super) fn pack(&self, first: Id) -> Vec<u8> {
        let mut out = listpack::Writer::default();
        out.count(self.live);
        out.count(self.entries.len() - self.live);
        out.count(self.fields.len());
        self.fields.iter().for_each(|field| out.text(field));
        out.integer(0);
        self.entries.iter().for_each(|entry| self.pack_entry(first, entry, &mut out));
        out.finish()
    }

    fn pack_entry(&self, first: Id, entry: &Entry, out: &mut listpack::Writer) {
        let (words, count) = (&entry.words, entry.words.len() / 2);
        let same = count == self.fields.len()
            && words.iter().step_by(2).zip(&self.fields).all(|(one, other)| one == other);
        let deleted = if entry.deleted { DELETED } else { 0 };
        out.integer(if same { deleted | SAME_FIELDS } else { deleted });
        out.integer(entry.id.ms.wrapping_sub(first.ms) as i64);
        out.integer(entry.id.seq.wrapping_sub(first.seq) as i64);
        if same {
            words.iter().skip(1).step_by(2).for_each(|value| out.text(value));
            out.count(count + 3);
        } else {
            out.count(count);
            words.iter().for_each(|word| out.text(word));
            out.count(2 * count + 4);
        }
    }

    /// Reads a listpack back; `None` if it is none of a stream.
    pub(super) fn unpack(first: Id, bytes: &[u8]) -> Option<Self> {
        let mut from = listpack::Reader::new(bytes)?;
        let (live, deleted, count) = (from.count()?, from.count()?, from.count()?);
        let fields = (0..count).map(|_| from.text()).collect::<Option<Vec<_>>>()?;
        from.integer().filter(|end| *end == 0)?;
        let mut entries = Vec::new();
        for _ in 0..live.checked_add(deleted)? {
            entries.push(unpack_entry(first, &fields, &mut from)?);
        }
        let there = entries.iter().filter(|entry| !entry.deleted).count();
        (there == live).then_some(Self { bytes: bytes.len(), live, fields, entries })
    }
}

fn unpack_entry(first: Id, fields: &[Vec<u8>], from: &mut listpack::Reader<'_>) -> Option<Entry> {
    let flags = from.integer()?;
    let id = Id {
        ms: first.ms.wrapping_add(from.integer()? as u64),
        seq: first.seq.wrapping_add(from.integer()? as u64),
    };
    let mut words = Vec::new();
    if flags & SAME_FIELDS != 0 {
        for field in fields {
            words.extend([field.clone(), from.text()?]);
        }
    } else {
        for _ in 0..from.count()?.checked_mul(2)? {
            words.push(from.text()?);
        }
    }
    from.integer()?;
    Some(Entry { id, deleted: flags & DELETED != 0, words })
}
