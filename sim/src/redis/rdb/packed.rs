//! The encodings in which a real server writes small collections: listpacks, and integers in a row.

use super::wire::Source;
use super::{Damaged, HASH_PACKED, INTEGERS};
use crate::redis::number::double;
use crate::redis::values::listpack::Reader;
use crate::redis::values::{Hash, List, Set, SortedSet, Value};

/// A node of a list holds one large element as it is …
const PLAIN: usize = 1;

/// … or several in a listpack.
const PACKED: usize = 2;

/// Reads a set of integers, or a hash or a sorted set in a listpack.
pub(super) fn read(kind: u8, bytes: &[u8]) -> Result<Value, Damaged> {
    if kind == INTEGERS {
        return integers(bytes).map(Value::Set);
    }
    let elements = elements(bytes)?;
    let (pairs, []) = elements.as_chunks::<2>() else {
        return Err(Damaged("half a pair"));
    };
    if kind == HASH_PACKED {
        let mut hash = Hash::default();
        let new = pairs.iter().all(|[field, value]| hash.set(field, value));
        return if new { Ok(Value::Hash(hash)) } else { Err(Damaged("a field comes twice")) };
    }
    let mut set = SortedSet::default();
    for [member, score] in pairs {
        let score = std::str::from_utf8(score).ok().and_then(double);
        let score = score.filter(|score| !score.is_nan() && set.score(member).is_none());
        set.set(member, score.ok_or(Damaged("no score, or a member comes twice"))?);
    }
    Ok(Value::SortedSet(set))
}

/// Reads a list of so many nodes.
pub(super) fn read_list(nodes: usize, from: &mut Source<'_>) -> Result<Value, Damaged> {
    let mut list = List::new();
    for _ in 0..nodes {
        match (from.length()?, from.string()?) {
            (PLAIN, element) => list.push_back(element),
            (PACKED, bytes) => list.extend(elements(&bytes)?),
            _ => return Err(Damaged("a list of unknown nodes")),
        }
    }
    Ok(Value::List(list))
}

fn elements(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Damaged> {
    const WRONG: Damaged = Damaged("no listpack");
    let mut from = Reader::new(bytes).ok_or(WRONG)?;
    let mut elements = Vec::new();
    while !from.is_at_end() {
        elements.push(from.text().ok_or(WRONG)?);
    }
    Ok(elements)
}

/// How many bytes an integer has, how many integers there are, and these, lowest bytes first.
fn integers(bytes: &[u8]) -> Result<Set, Damaged> {
    let mut from = Source::new(bytes);
    let size = u32::from_le_bytes(from.array()?);
    let mut set = Set::default();
    for _ in 0..u32::from_le_bytes(from.array()?) {
        let number = match size {
            2 => i64::from(i16::from_le_bytes(from.array()?)),
            4 => i64::from(i32::from_le_bytes(from.array()?)),
            8 => i64::from_le_bytes(from.array()?),
            _ => return Err(Damaged("integers of an unknown size")),
        };
        if !set.insert(number.to_string().as_bytes()) {
            return Err(Damaged("a member comes twice"));
        }
    }
    Ok(set)
}
