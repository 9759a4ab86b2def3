//! How much memory Redis would take for a value: an estimate.
//!
//! Structures have the sizes of 7.0.15 on 64 bits, and what is allocated is rounded up to the classes
//! of jemalloc. Elements of a large collection are taken for as long as its first ones, as
//! `MEMORY USAGE` takes them; what a buffer has to spare is not known.

use super::{Hash, SortedSet, Stream, Value};
use crate::redis::number::integer;

/// So many elements are looked at: the default of `MEMORY USAGE`.
const SAMPLES: usize = 5;

/// `robj`, `dict`, `dictEntry`, `quicklist`, `quicklistNode` and a level of a skip list.
const OBJECT: usize = 16;
const DICT: usize = 56;
const DICT_ENTRY: usize = 24;
const QUICKLIST: usize = 48;
const QUICKLIST_NODE: usize = 32;

/// `zset`, `zskiplist` and its header; a node of one level and a third, as they are on average.
const ZSET: usize = 16 + 32 + 640;
const SKIPLIST_NODE: usize = 48;

/// A node of a list is at most so large: `list-max-listpack-size -2`.
const NODE_BYTES_MAX: usize = 8192;

/// A stream without its entries, and a node of it, which begins at full size.
const STREAM: usize = 600;
const STREAM_NODE: usize = 4096;

/// A string of so many bytes is kept beside its header.
const EMBEDDED_BYTES_MAX: usize = 44;

/// What `MEMORY USAGE` tells of a key.
pub fn of_entry(key: &[u8], value: &Value) -> usize {
    of_value(value) + DICT_ENTRY + of_key(key)
}

/// A string that is kept as a key, a member or a field.
fn of_key(text: &[u8]) -> usize {
    let header = match text.len() {
        0..32 => 1,
        32..256 => 3,
        256..65_536 => 5,
        _ => 9,
    };
    class(header + text.len() + 1)
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::String(bytes) if integer(bytes).is_some() => OBJECT,
        Value::String(bytes) if bytes.len() <= EMBEDDED_BYTES_MAX => {
            class(OBJECT + 3 + bytes.len() + 1)
        }
        Value::String(bytes) => OBJECT + of_key(bytes),
        Value::List(list) => {
            let packed = packed(list.len(), list.iter().map(|one| element(one)));
            let nodes = packed.div_ceil(NODE_BYTES_MAX).max(1);
            OBJECT + QUICKLIST + nodes * QUICKLIST_NODE + class(packed)
        }
        Value::Set(set) if set.is_integers() => {
            let numbers = set.after(None).take(SAMPLES).filter_map(integer);
            let wide = numbers.map(width).max().unwrap_or(2);
            OBJECT + class(8 + set.len() * wide)
        }
        Value::Set(set) => {
            let members = set.after(None).map(|member| of_key(member) + DICT_ENTRY);
            OBJECT + table(set.len(), members)
        }
        Value::Hash(hash) => of_hash(hash),
        Value::SortedSet(set) => of_sorted_set(set),
        Value::Stream(stream) => of_stream(stream),
    }
}

fn of_hash(hash: &Hash) -> usize {
    if hash.is_compact() {
        let fields = hash.iter().map(|(field, value)| element(field) + element(value));
        return OBJECT + class(packed(hash.len(), fields));
    }
    let fields = hash.iter().map(|(field, value)| of_key(field) + of_key(value) + DICT_ENTRY);
    OBJECT + table(hash.len(), fields)
}

fn of_sorted_set(set: &SortedSet) -> usize {
    if set.is_compact() {
        let members = set.after(None).map(|(member, score)| {
            let whole = score.fract() == 0.0 && score.abs() < 1e15;
            let score = if whole { integer_element(score as i64) } else { 10 };
            element(member) + score
        });
        return OBJECT + class(packed(set.len(), members));
    }
    let members = set.after(None).map(|(member, _)| of_key(member) + DICT_ENTRY + SKIPLIST_NODE);
    OBJECT + ZSET + table(set.len(), members)
}

fn of_stream(stream: &Stream) -> usize {
    let groups: usize = stream.groups.values().map(|group| 200 + 100 * group.pending().len()).sum();
    OBJECT + STREAM + stream.node_count() * STREAM_NODE + groups
}

/// A hash table with its elements.
fn table(len: usize, sizes: impl Iterator<Item = usize>) -> usize {
    DICT + len.next_power_of_two().max(4) * 8 + all(len, sizes)
}

/// A listpack with its elements.
fn packed(len: usize, sizes: impl Iterator<Item = usize>) -> usize {
    7 + all(len, sizes)
}

/// The first sizes stand for all of them.
fn all(len: usize, sizes: impl Iterator<Item = usize>) -> usize {
    let (mut count, mut sum) = (0, 0);
    for size in sizes.take(SAMPLES) {
        (count, sum) = (count + 1, sum + size);
    }
    (sum * len).checked_div(count).unwrap_or(0)
}

/// A text in a listpack, with how long it is before and behind it.
fn element(text: &[u8]) -> usize {
    if let Some(number) = integer(text) {
        return integer_element(number);
    }
    let head = match text.len() {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    };
    let len = head + text.len();
    len + if len < 128 { 1 } else { 2 }
}

fn integer_element(number: i64) -> usize {
    1 + match number {
        0..=127 => 1,
        -4096..=4095 => 2,
        -0x8000..=0x7fff => 3,
        -0x80_0000..=0x7f_ffff => 4,
        -0x8000_0000..=0x7fff_ffff => 5,
        _ => 9,
    }
}

/// Bytes of a number in a set of integers.
fn width(number: i64) -> usize {
    match number {
        -0x8000..=0x7fff => 2,
        -0x8000_0000..=0x7fff_ffff => 4,
        _ => 8,
    }
}

/// What jemalloc gives for so many bytes: four classes between a power of two and the next.
fn class(bytes: usize) -> usize {
    match bytes {
        0..=8 => 8,
        9..=128 => bytes.next_multiple_of(16),
        _ => bytes.next_multiple_of(bytes.next_power_of_two() / 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_jemalloc() {
        let rounded = [1, 8, 9, 17, 100, 128, 129, 160, 161, 256, 257, 4097].map(class);
        assert_eq!(rounded, [8, 8, 16, 32, 112, 128, 160, 160, 192, 256, 320, 5120]);
    }
}
