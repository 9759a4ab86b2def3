//! Commands that ask for keys, or remove them.

use super::super::flags::{FAST, READ, WRITE};
use super::super::memory::{freq, idletime};
use super::super::{ALL, Command, Context, FIRST, Failure, Keys, Reply, command, container};
use crate::redis::number::integer;
use crate::redis::values::Value;

pub(in super::super) const TABLE: &[Command] = &[
    command("del", -2, WRITE, ALL, del),
    command("exists", -2, READ | FAST, ALL, exists),
    container("object", -2, OBJECT),
    command("touch", -2, READ | FAST, ALL, touch),
    command("type", 2, READ | FAST, FIRST, kind),
    command("unlink", -2, WRITE | FAST, ALL, del),
];

const OBJECT: &[Command] = &[
    command("encoding", 3, READ, Keys::Range(2, 2, 1), encoding),
    command("freq", 3, READ, Keys::Range(2, 2, 1), freq),
    command("idletime", 3, READ, Keys::Range(2, 2, 1), idletime),
    command("refcount", 3, READ, Keys::Range(2, 2, 1), refcount),
];

/// A string of so many bytes is kept beside its header.
const EMBEDDED_BYTES_MAX: usize = 44;

/// Strings that are such numbers are shared by all keys: `OBJ_SHARED_INTEGERS`.
const SHARED: std::ops::Range<i64> = 0..10_000;

fn del(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let mut gone = 0;
    for key in &words[1..] {
        if context.db().remove(key).is_some() {
            context.modified(key);
            gone += 1;
        }
    }
    Ok(Reply::count(gone))
}

fn exists(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(words[1..].iter().filter(|key| context.db().look(key).is_some()).count()))
}

fn touch(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(words[1..].iter().filter(|key| context.db().get(key).is_some()).count()))
}

fn kind(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let kind = context.db().look(&words[1]).map(|value| value.kind().name());
    Ok(Reply::Simple(kind.unwrap_or("none")))
}

fn encoding(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(context.db().look(&words[2]).map_or(Reply::Null, |value| Reply::bulk(encoding_of(value))))
}

/// How Redis would keep a value.
pub(in super::super) fn encoding_of(value: &Value) -> &'static str {
    match value {
        Value::String(bytes) if integer(bytes).is_some() => "int",
        Value::String(bytes) if bytes.len() <= EMBEDDED_BYTES_MAX => "embstr",
        Value::String(_) => "raw",
        Value::List(_) => "quicklist",
        Value::Set(set) if set.is_integers() => "intset",
        Value::Set(_) => "hashtable",
        Value::Hash(hash) if hash.is_compact() => "listpack",
        Value::Hash(_) => "hashtable",
        Value::SortedSet(set) if set.is_compact() => "listpack",
        Value::SortedSet(_) => "skiplist",
        Value::Stream(_) => "stream",
    }
}

fn refcount(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(match context.db().look(&words[2]) {
        None => Reply::Null,
        Some(Value::String(bytes)) if integer(bytes).is_some_and(|n| SHARED.contains(&n)) => {
            Reply::Integer(i32::MAX.into())
        }
        Some(_) => Reply::Integer(1),
    })
}
