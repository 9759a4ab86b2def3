//! Commands on numbers that fields hold.

use super::super::flags::{DENY_OOM, FAST, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::long_double::LongDouble;
use crate::redis::number::integer;
use crate::redis::values::Hash;

const COUNTER: u32 = WRITE | DENY_OOM | FAST;

pub(in super::super) const TABLE: &[Command] = &[
    command("hincrby", 4, COUNTER, FIRST, hincrby),
    command("hincrbyfloat", 4, COUNTER, FIRST, hincrbyfloat),
];

fn hincrby(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let by = integer(&words[3]).ok_or(Failure::NotAnInteger)?;
    let old = match context.hash(&words[1])?.and_then(|hash| hash.get(&words[2])) {
        Some(value) => {
            integer(value).ok_or_else(|| Failure::text("hash value is not an integer"))?
        }
        None => 0,
    };
    let overflow = || Failure::text("increment or decrement would overflow");
    let new = old.checked_add(by).ok_or_else(overflow)?;
    context.made::<Hash>(&words[1])?.set(&words[2], new.to_string().as_bytes());
    context.modified(&words[1]);
    Ok(Reply::Integer(new))
}

fn hincrbyfloat(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let by = LongDouble::parse(&words[3]).ok_or(Failure::NotAFloat)?;
    if !by.is_finite() {
        return Err(Failure::text("value is NaN or Infinity"));
    }
    let old = match context.hash(&words[1])?.and_then(|hash| hash.get(&words[2])) {
        Some(value) => {
            LongDouble::parse(value).ok_or_else(|| Failure::text("hash value is not a float"))?
        }
        None => LongDouble::ZERO,
    };
    let new = old + by;
    if !new.is_finite() {
        return Err(Failure::text("increment would produce NaN or Infinity"));
    }
    let text = new.to_string().into_bytes();
    context.made::<Hash>(&words[1])?.set(&words[2], &text);
    context.modified(&words[1]);
    // Floats are not added twice: a replica may round otherwise.
    let told = vec![b"HSET".to_vec(), words[1].clone(), words[2].clone(), text.clone()];
    context.propagate_as(vec![told]);
    Ok(Reply::Bulk(text))
}
