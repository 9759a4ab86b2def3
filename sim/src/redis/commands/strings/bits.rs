//! Commands on the bits of strings, of which the first is the highest of the first byte.

use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use super::BYTES_MAX;
use crate::redis::number::integer;
use crate::redis::values::Value;

pub(in super::super) const TABLE: &[Command] = &[
    command("bitcount", -2, READ, FIRST, bitcount),
    command("bitop", -4, WRITE | DENY_OOM, Keys::Range(2, -1, 1), bitop),
    command("bitpos", -3, READ, FIRST, bitpos),
    command("getbit", 3, READ | FAST, FIRST, getbit),
    command("setbit", 4, WRITE | DENY_OOM, FIRST, setbit),
];

fn offset(word: &[u8]) -> Result<usize, Failure> {
    let offset = integer(word).and_then(|offset| usize::try_from(offset).ok());
    let offset = offset.filter(|offset| offset / 8 < BYTES_MAX);
    offset.ok_or_else(|| Failure::text("bit offset is not an integer or out of range"))
}

/// The byte of a bit, and the mask that it has there.
fn place(bit: usize) -> (usize, u8) {
    (bit / 8, 0x80 >> (bit % 8))
}

fn is_set(bytes: &[u8], bit: usize) -> bool {
    let (byte, mask) = place(bit);
    bytes.get(byte).is_some_and(|byte| byte & mask != 0)
}

fn getbit(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let bit = offset(&words[2])?;
    let bytes = context.string(&words[1])?;
    Ok(Reply::Integer(bytes.is_some_and(|bytes| is_set(bytes, bit)).into()))
}

fn setbit(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let bit = offset(&words[2])?;
    let set = match integer(&words[3]) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Failure::text("bit is not an integer or out of range")),
    };
    let key = &words[1];
    if context.string(key)?.is_none() {
        context.db().set(key, Value::String(Vec::new()));
    }
    let bytes = context.string(key)?.expect("it is there now");
    let (byte, mask) = place(bit);
    let grows = bytes.len() <= byte;
    if grows {
        bytes.resize(byte + 1, 0);
    }
    let before = is_set(bytes, bit);
    bytes[byte] = if set { bytes[byte] | mask } else { bytes[byte] & !mask };
    if grows || before != set {
        context.modified(key);
    }
    Ok(Reply::Integer(before.into()))
}

/// Whether bits are counted by themselves, and not in bytes.
fn by_bit(word: &[u8]) -> Result<bool, Failure> {
    match word.to_ascii_lowercase().as_slice() {
        b"bit" => Ok(true),
        b"byte" => Ok(false),
        _ => Err(Failure::Syntax),
    }
}

/// The bits from one place to another, each of which counts from the end when negative, of a string of
/// so many bytes.
fn bits(start: i64, end: i64, by_bit: bool, len: usize) -> std::ops::Range<usize> {
    let unit = if by_bit { 1 } else { 8 };
    let len = i64::try_from(len * 8 / unit).expect("no string is that long");
    let place = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let (start, end) = (place(start), place(end).min(len - 1));
    if start > end {
        return 0..0;
    }
    let number = |at: i64| usize::try_from(at).expect("places are not negative here") * unit;
    number(start)..number(end + 1)
}

fn bitcount(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let number = |word: &Vec<u8>| integer(word).ok_or(Failure::NotAnInteger);
    let Some(bytes) = context.string(&words[1])? else { return Ok(Reply::Integer(0)) };
    let range = match &words[2..] {
        [] => 0..bytes.len() * 8,
        [start, end, unit @ ..] if unit.len() < 2 => {
            let (start, end) = (number(start)?, number(end)?);
            if start < 0 && end < 0 && start > end {
                return Ok(Reply::Integer(0));
            }
            let by_bit = unit.first().map_or(Ok(false), |unit| by_bit(unit))?;
            bits(start, end, by_bit, bytes.len())
        }
        _ => return Err(Failure::Syntax),
    };
    Ok(Reply::count(range.filter(|bit| is_set(bytes, *bit)).count()))
}

fn bitpos(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let number = |word: &Vec<u8>| integer(word).ok_or(Failure::NotAnInteger);
    let wanted = match number(&words[2])? {
        0 => false,
        1 => true,
        _ => return Err(Failure::text("The bit argument must be 1 or 0.")),
    };
    let none = Ok(Reply::Integer(-1));
    let Some(bytes) = context.string(&words[1])? else {
        return if wanted { none } else { Ok(Reply::Integer(0)) };
    };
    let (range, open) = match &words[3..] {
        [] => (0..bytes.len() * 8, true),
        [start, rest @ ..] if rest.len() < 3 => {
            let start = number(start)?;
            let by_bit = rest.get(1).map_or(Ok(false), |unit| by_bit(unit))?;
            let end = rest.first().map_or(Ok(-1), number)?;
            (bits(start, end, by_bit, bytes.len()), rest.is_empty())
        }
        _ => return Err(Failure::Syntax),
    };
    if range.is_empty() {
        return none;
    }
    let behind = range.end;
    match range.into_iter().find(|bit| is_set(bytes, *bit) == wanted) {
        Some(bit) => Ok(Reply::count(bit)),
        // Behind a string there are zeros, if nobody has said where it ends.
        None if open && !wanted => Ok(Reply::count(behind)),
        None => none,
    }
}

fn bitop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let combine: fn(u8, u8) -> u8 = match words[1].to_ascii_lowercase().as_slice() {
        b"and" => |one, other| one & other,
        b"or" => |one, other| one | other,
        b"xor" => |one, other| one ^ other,
        b"not" if words.len() != 4 => {
            return Err(Failure::text("BITOP NOT must be called with a single source key."));
        }
        b"not" => |one, _| one,
        _ => return Err(Failure::Syntax),
    };
    let negates = words[1].eq_ignore_ascii_case(b"not");
    let mut sources = Vec::new();
    for key in &words[3..] {
        sources.push(context.string(key)?.map_or_else(Vec::new, |bytes| bytes.clone()));
    }
    let len = sources.iter().map(Vec::len).max().unwrap_or(0);
    let byte = |source: &Vec<u8>, at: usize| source.get(at).copied().unwrap_or(0);
    let combined = |at: usize| {
        let (first, others) = sources.split_first().expect("there is a source");
        let start = if negates { !byte(first, at) } else { byte(first, at) };
        others.iter().fold(start, |one, other| combine(one, byte(other, at)))
    };
    let result: Vec<u8> = (0..len).map(combined).collect();
    let to = &words[2];
    let replaced = context.db().remove_for(to, len).is_some();
    if len > 0 {
        context.db().set(to, Value::String(result));
    }
    if replaced || len > 0 {
        context.modified(to);
    }
    Ok(Reply::count(len))
}
