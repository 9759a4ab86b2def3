//! The snapshot format of Redis 7.0 (RDB version 10): what a full resynchronisation transfers.
//!
//! Written in the plain encodings only; a real server reads them. What a real server writes is read
//! here (`packed` are its encodings of small collections). It knows databases and values, and nothing
//! of who asks for a snapshot. A single value in this format is what `DUMP` tells.

mod packed;
mod streams;
mod wire;

use super::db::Db;
use super::instance::DATABASES;
use super::values::{Hash, List, Set, SortedSet, Value};
use wire::{Source, crc64, length, string};

/// The version of the format.
const VERSION: u16 = 10;
/// Opens every snapshot: the magic word and the version.
pub(super) const MAGIC: &[u8] = b"REDIS0010";
const STRING: u8 = 0;
const LIST: u8 = 1;
const SET: u8 = 2;
const HASH: u8 = 4;
const SORTED_SET: u8 = 5;
const INTEGERS: u8 = 11;
const HASH_PACKED: u8 = 16;
const SORTED_SET_PACKED: u8 = 17;
const LIST_PACKED: u8 = 18;
const STREAM: u8 = 19;
const AUX: u8 = 0xfa;
const RESIZE: u8 = 0xfb;
const EXPIRES_MS: u8 = 0xfc;
const SELECT: u8 = 0xfe;
const END: u8 = 0xff;

/// What is wrong with a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Damaged(pub &'static str);

/// Writes a snapshot of all databases.
pub(super) fn write(databases: &[Db]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for (name, value) in [("redis-ver", super::VERSION), ("redis-bits", "64")] {
        out.push(AUX);
        string(&mut out, name.as_bytes());
        string(&mut out, value.as_bytes());
    }
    for (number, db) in databases.iter().enumerate().filter(|(_, db)| !db.is_empty()) {
        out.push(SELECT);
        length(&mut out, number);
        out.push(RESIZE);
        length(&mut out, db.len());
        length(&mut out, db.expiring());
        for (key, value, expires_ms) in db.iter() {
            if let Some(at_ms) = expires_ms {
                out.push(EXPIRES_MS);
                out.extend(at_ms.to_le_bytes());
            }
            out.push(kind_of(value));
            string(&mut out, key);
            write_value(&mut out, value);
        }
    }
    out.push(END);
    let sum = crc64(&out);
    out.extend(sum.to_le_bytes());
    out
}

/// By which number the kind of a value is told.
fn kind_of(value: &Value) -> u8 {
    match value {
        Value::String(_) => STRING,
        Value::List(_) => LIST,
        Value::Set(_) => SET,
        Value::Hash(_) => HASH,
        Value::SortedSet(_) => SORTED_SET,
        Value::Stream(_) => STREAM,
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(bytes) => string(out, bytes),
        Value::List(list) => {
            length(out, list.len());
            list.iter().for_each(|element| string(out, element));
        }
        Value::Set(set) => {
            length(out, set.len());
            set.members().iter().for_each(|member| string(out, member));
        }
        Value::Hash(hash) => {
            length(out, hash.len());
            hash.iter().for_each(|(field, value)| {
                string(out, field);
                string(out, value);
            });
        }
        Value::SortedSet(set) => {
            length(out, set.len());
            set.at(0..set.len()).for_each(|(member, score)| {
                string(out, member);
                out.extend(score.to_le_bytes());
            });
        }
        Value::Stream(stream) => streams::write(out, stream),
    }
}

/// Scores of this older kind of sorted set are doubles as eight bytes.
fn read_value(kind: u8, from: &mut Source<'_>) -> Result<Value, Damaged> {
    match kind {
        STRING => return Ok(Value::String(from.string()?)),
        INTEGERS | HASH_PACKED | SORTED_SET_PACKED => return packed::read(kind, &from.string()?),
        _ => {}
    }
    let len = from.length()?;
    Ok(match kind {
        LIST => Value::List((0..len).map(|_| from.string()).collect::<Result<List, _>>()?),
        LIST_PACKED => packed::read_list(len, from)?,
        SET => {
            let mut set = Set::default();
            for _ in 0..len {
                set.insert(&from.string()?);
            }
            Value::Set(set)
        }
        HASH => {
            let mut hash = Hash::default();
            for _ in 0..len {
                let field = from.string()?;
                hash.set(&field, &from.string()?);
            }
            Value::Hash(hash)
        }
        SORTED_SET => {
            let mut set = SortedSet::default();
            for _ in 0..len {
                let member = from.string()?;
                set.set(&member, f64::from_le_bytes(from.array()?));
            }
            Value::SortedSet(set)
        }
        STREAM => Value::Stream(streams::read(len, from)?),
        _ => return Err(Damaged("an encoding that is not read here")),
    })
}

/// A value by itself, as `DUMP` tells it: its kind, itself, the version and a checksum.
pub(super) fn dump(value: &Value) -> Vec<u8> {
    let mut out = vec![kind_of(value)];
    write_value(&mut out, value);
    out.extend(VERSION.to_le_bytes());
    let sum = crc64(&out);
    out.extend(sum.to_le_bytes());
    out
}

/// What is wrong with what should be a value by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unusable {
    /// It is of a later version, or has another checksum.
    Foreign,
    /// What it says is no value.
    Damaged,
}

/// Reads what [`dump`], or a real server, has written.
pub(super) fn restore(bytes: &[u8]) -> Result<Value, Unusable> {
    let (told, sum) = bytes.split_last_chunk::<8>().ok_or(Unusable::Foreign)?;
    let (_, version) = told.split_last_chunk::<2>().ok_or(Unusable::Foreign)?;
    let sum = u64::from_le_bytes(*sum);
    if u16::from_le_bytes(*version) > VERSION || sum != crc64(told) {
        return Err(Unusable::Foreign);
    }
    let mut from = Source::new(told);
    let value = from.byte().and_then(|kind| read_value(kind, &mut from));
    // No key may hold nothing.
    value.ok().filter(|value| !value.is_empty()).ok_or(Unusable::Damaged)
}

/// Reads a snapshot into databases, and tells how many bytes it has.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<Db>, usize), Damaged> {
    let mut from = Source::new(bytes);
    if from.take(9)?.get(..5) != Some(b"REDIS") {
        return Err(Damaged("no snapshot"));
    }
    let mut databases: Vec<Db> = (0..DATABASES).map(|_| Db::default()).collect();
    let (mut chosen, mut expires_ms) = (0, None);
    loop {
        match from.byte()? {
            AUX => {
                from.string()?;
                from.string()?;
            }
            RESIZE => {
                from.length()?;
                from.length()?;
            }
            SELECT => chosen = from.length()?,
            EXPIRES_MS => expires_ms = Some(i64::from_le_bytes(from.array()?)),
            END => return from.checked().map(|len| (databases, len)),
            kind => {
                let key = from.string()?;
                let value = read_value(kind, &mut from)?;
                let db = databases.get_mut(chosen).ok_or(Damaged("no such database"))?;
                db.set(&key, value);
                db.set_expires_ms(&key, expires_ms.take());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::values::Stream;
    use crate::redis::values::stream::{Group, Id, NodeLimits, Pending};

    #[test]
    fn what_is_written_is_read() {
        let mut databases: Vec<Db> = (0..DATABASES).map(|_| Db::default()).collect();
        databases[3].set(b"s", Value::String(vec![7; 70_000]));
        databases[3].set_expires_ms(b"s", Some(12));
        let mut zset = SortedSet::default();
        zset.set(b"m", f64::INFINITY);
        databases[0].set(b"z", Value::SortedSet(zset));
        databases[0].set(b"l", Value::List([b"a".to_vec(), Vec::new()].into()));
        let mut stream = Stream::default();
        for ms in 1..300 {
            let words = [b"field".to_vec(), ms.to_string().into_bytes()];
            stream.append(Id { ms, seq: 0 }, &words[..], NodeLimits::default());
        }
        stream.delete(Id { ms: 7, seq: 0 });
        let mut group = Group::new(Id { ms: 5, seq: 0 }, None);
        group.create_consumer(b"c", 77);
        let pending = Pending { consumer: b"c".to_vec(), delivered_ms: 9, deliveries: 1 };
        group.assign(Id { ms: 3, seq: 0 }, pending);
        stream.groups.insert(b"g".to_vec(), group);
        databases[0].set(b"x", Value::Stream(stream));
        let bytes = write(&databases);
        let (again, len) = read(&bytes).expect("it was just written");
        assert_eq!(len, bytes.len());
        assert_eq!(write(&again), bytes);
        assert!(read(&bytes[..bytes.len() - 20]).is_err());
        let mut damaged = bytes.clone();
        damaged[60] ^= 1;
        assert!(read(&damaged).is_err());
    }
}
