//! The snapshot format of Redis 7.0 (RDB version 10): what a full resynchronisation transfers.
//!
//! Written in the plain encodings only; a real server reads them. It knows databases and values,
//! and nothing of who asks for a snapshot.

mod streams;
mod wire;

use super::db::Db;
use super::instance::DATABASES;
use super::values::{Hash, List, Set, SortedSet, Value};
use wire::{Source, crc64, length, string};

/// Opens every snapshot: the magic word and the version.
pub(super) const MAGIC: &[u8] = b"REDIS0010";
const STRING: u8 = 0;
const LIST: u8 = 1;
const SET: u8 = 2;
const HASH: u8 = 4;
const SORTED_SET: u8 = 5;
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
            write_value(&mut out, key, value);
        }
    }
    out.push(END);
    let sum = crc64(&out);
    out.extend(sum.to_le_bytes());
    out
}

fn write_value(out: &mut Vec<u8>, key: &[u8], value: &Value) {
    let mut begin = |kind, len: Option<usize>| {
        out.push(kind);
        string(out, key);
        len.into_iter().for_each(|len| length(out, len));
    };
    match value {
        Value::String(bytes) => {
            begin(STRING, None);
            string(out, bytes);
        }
        Value::List(list) => {
            begin(LIST, Some(list.len()));
            list.iter().for_each(|element| string(out, element));
        }
        Value::Set(set) => {
            begin(SET, Some(set.len()));
            set.members().iter().for_each(|member| string(out, member));
        }
        Value::Hash(hash) => {
            begin(HASH, Some(hash.len()));
            hash.iter().for_each(|(field, value)| {
                string(out, field);
                string(out, value);
            });
        }
        Value::SortedSet(set) => {
            begin(SORTED_SET, Some(set.len()));
            set.at(0..set.len()).for_each(|(member, score)| {
                string(out, member);
                out.extend(score.to_le_bytes());
            });
        }
        Value::Stream(stream) => {
            begin(STREAM, None);
            streams::write(out, stream);
        }
    }
}

/// Scores of this older kind of sorted set are doubles as eight bytes.
fn read_value(kind: u8, from: &mut Source<'_>) -> Result<Value, Damaged> {
    if kind == STRING {
        return Ok(Value::String(from.string()?));
    }
    let len = from.length()?;
    Ok(match kind {
        LIST => Value::List((0..len).map(|_| from.string()).collect::<Result<List, _>>()?),
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
    use crate::redis::values::stream::{Group, Id, Pending};

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
            stream.append(Id { ms, seq: 0 }, &words[..]);
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
