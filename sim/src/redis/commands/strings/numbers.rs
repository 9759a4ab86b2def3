//! Commands on numbers that strings hold.

use super::super::flags::{DENY_OOM, FAST, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::long_double::LongDouble;
use crate::redis::number::integer;
use crate::redis::values::Value;

const COUNTER: u32 = WRITE | DENY_OOM | FAST;

pub(in super::super) const TABLE: &[Command] = &[
    command("decr", 2, COUNTER, FIRST, decr),
    command("decrby", 3, COUNTER, FIRST, decrby),
    command("incr", 2, COUNTER, FIRST, incr),
    command("incrby", 3, COUNTER, FIRST, incrby),
    command("incrbyfloat", 3, COUNTER, FIRST, incrbyfloat),
];

fn incr(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    add(context, &words[1], 1)
}

fn decr(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    add(context, &words[1], -1)
}

fn incrby(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let by = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    add(context, &words[1], by)
}

fn decrby(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let by = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let by = by.checked_neg().ok_or_else(|| Failure::text("decrement would overflow"))?;
    add(context, &words[1], by)
}

/// Adds to the number that the key holds, keeping its end.
fn add(context: &mut Context<'_>, key: &[u8], by: i64) -> Result<Reply, Failure> {
    let old = match context.string(key)? {
        Some(bytes) => integer(bytes).ok_or(Failure::NotAnInteger)?,
        None => 0,
    };
    let overflow = || Failure::text("increment or decrement would overflow");
    let new = old.checked_add(by).ok_or_else(overflow)?;
    write(context, key, new.to_string().into_bytes());
    Ok(Reply::Integer(new))
}

fn incrbyfloat(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let key = &words[1];
    let old = match context.string(key)? {
        Some(bytes) => LongDouble::parse(bytes).ok_or(Failure::NotAFloat)?,
        None => LongDouble::ZERO,
    };
    let by = LongDouble::parse(&words[2]).ok_or(Failure::NotAFloat)?;
    let new = old + by;
    if !new.is_finite() {
        return Err(Failure::text("increment would produce NaN or Infinity"));
    }
    let text = new.to_string().into_bytes();
    write(context, key, text.clone());
    // Floats are not added twice: a replica may round otherwise.
    let words = vec![b"SET".to_vec(), key.clone(), text.clone(), b"KEEPTTL".to_vec()];
    context.propagate_as(vec![words]);
    Ok(Reply::Bulk(text))
}

fn write(context: &mut Context<'_>, key: &[u8], text: Vec<u8>) {
    match context.db().get(key) {
        Some(value) => *value = Value::String(text),
        None => context.db().set(key, Value::String(text)),
    }
    context.modified(key);
}
