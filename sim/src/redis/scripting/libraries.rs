//! The libraries of scripts: `bit`, `cjson`, `math.random`, and the part of `redis` that calls no command.
//!
//! `cmsgpack` and `struct` are missing.

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Result, Table, Value};

use super::interpreter::{fail, raise};
use super::values::truncated;
use super::{json, json_reader, sha1};
use crate::redis::commands::{self, Failure, up_to_zero};

/// What the random numbers of a Redis begin with.
const RANDOM_SEED: u64 = 0x1234_ABCD_330E;

/// The largest number that they draw.
const RANDOM_MAX: i64 = i32::MAX as i64;

/// An operation on two words of 32 bits.
type Binary = fn(u32, u32) -> u32;

/// A function of one word of bits.
type One = fn(u32) -> u32;

fn number(lua: &Lua, values: &MultiValue, at: usize, name: &str) -> Result<f64> {
    let given = values.get(at);
    let number = given.and_then(|value| lua.coerce_number(value.clone()).ok().flatten());
    number.ok_or_else(|| {
        let kind = given.map_or("no value", type_name);
        let text = format!("bad argument #{} to '{name}' (number expected, got {kind})", at + 1);
        raise(lua, &text)
    })
}

/// As C takes a number for its `int`: the lower 32 bits of what stands before the point.
fn int(lua: &Lua, values: &MultiValue, at: usize, name: &str) -> Result<i32> {
    Ok(truncated(number(lua, values, at, name)?) as i32)
}

/// A number rounded to an integer, of which the lower 32 bits are taken, as far as it has so many:
/// the library lets the sum with this number do that.
fn word(lua: &Lua, values: &MultiValue, at: usize, name: &str) -> Result<u32> {
    const ROUNDING: f64 = 6_755_399_441_055_744.0;
    let number = number(lua, values, at, name)?;
    Ok((number + ROUNDING).to_bits() as u32)
}

fn signed(word: u32) -> f64 {
    f64::from(word as i32)
}

/// `bit`: operations on words of 32 bits.
pub(super) fn bit(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    let folds: [(&str, Binary); 3] =
        [("band", |a, b| a & b), ("bor", |a, b| a | b), ("bxor", |a, b| a ^ b)];
    for (name, fold) in folds {
        let function = move |lua: &Lua, values: MultiValue| {
            let mut result = word(lua, &values, 0, name)?;
            // The library begins with the last one, whose errors come first.
            for at in (1..values.len()).rev() {
                result = fold(result, word(lua, &values, at, name)?);
            }
            Ok(signed(result))
        };
        table.raw_set(name, lua.create_function(function)?)?;
    }
    let shifts: [(&str, Binary); 5] = [
        ("lshift", |a, n| a << (n & 31)),
        ("rshift", |a, n| a >> (n & 31)),
        ("arshift", |a, n| ((a as i32) >> (n & 31)) as u32),
        ("rol", |a, n| a.rotate_left(n & 31)),
        ("ror", |a, n| a.rotate_right(n & 31)),
    ];
    for (name, shift) in shifts {
        let function = move |lua: &Lua, values: MultiValue| {
            Ok(signed(shift(word(lua, &values, 0, name)?, word(lua, &values, 1, name)?)))
        };
        table.raw_set(name, lua.create_function(function)?)?;
    }
    let ones: [(&str, One); 3] = [("tobit", |a| a), ("bnot", |a| !a), ("bswap", u32::swap_bytes)];
    for (name, one) in ones {
        let function =
            move |lua: &Lua, values: MultiValue| Ok(signed(one(word(lua, &values, 0, name)?)));
        table.raw_set(name, lua.create_function(function)?)?;
    }
    table.raw_set("tohex", lua.create_function(tohex)?)?;
    Ok(table)
}

fn tohex(lua: &Lua, values: MultiValue) -> Result<String> {
    let bits = word(lua, &values, 0, "tohex")?;
    let digits = if values.len() > 1 { word(lua, &values, 1, "tohex")? as i32 } else { 8 };
    let count = usize::try_from(digits.unsigned_abs().min(8)).expect("at most 8");
    let text = format!("{bits:08x}");
    let text = &text[8 - count..];
    Ok(if digits < 0 { text.to_ascii_uppercase() } else { text.to_owned() })
}

/// `math.random` and `math.randomseed`, which draw the same numbers in every Redis.
pub(super) fn random(lua: &Lua) -> Result<(Function, Function)> {
    let state = Rc::new(Cell::new(RANDOM_SEED));
    let seeded = state.clone();
    let draw = lua.create_function(move |lua, values: MultiValue| {
        let next = state.get().wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & 0xFFFF_FFFF_FFFF;
        state.set(next);
        let drawn = i64::try_from(next >> 17).expect("31 bits are left") % RANDOM_MAX;
        let part = drawn as f64 / RANDOM_MAX as f64;
        let empty =
            |at: usize| raise(lua, &format!("bad argument #{at} to 'random' (interval is empty)"));
        match values.len() {
            0 => Ok(part),
            1 => {
                let upper = int(lua, &values, 0, "random")?;
                let place = (part * f64::from(upper)).floor() + 1.0;
                if upper < 1 { Err(empty(1)) } else { Ok(place) }
            }
            2 => {
                let lower = int(lua, &values, 0, "random")?;
                let upper = int(lua, &values, 1, "random")?;
                let count = f64::from(upper.wrapping_sub(lower).wrapping_add(1));
                let place = (part * count).floor() + f64::from(lower);
                if lower > upper { Err(empty(2)) } else { Ok(place) }
            }
            _ => Err(raise(lua, "wrong number of arguments")),
        }
    })?;
    let seed = lua.create_function(move |lua, values: MultiValue| {
        let seed = int(lua, &values, 0, "randomseed")?;
        seeded.set((u64::from(seed as u32) << 16) | 0x330E);
        Ok(())
    })?;
    Ok((draw, seed))
}

/// What Lua calls values of this kind.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::LightUserData(_) => "userdata",
        other => other.type_name(),
    }
}

/// `cjson`.
pub(super) fn cjson(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("_NAME", "cjson")?;
    table.raw_set("_VERSION", "2.1.0")?;
    table.raw_set("null", Value::NULL)?;
    table.raw_set("encode", lua.create_function(json::encode)?)?;
    table.raw_set("decode", lua.create_function(json_reader::decode)?)?;
    Ok(table)
}

/// The part of `redis` that calls no command.
pub(super) fn redis(lua: &Lua) -> Result<Table> {
    let table = lua.create_table()?;
    for (name, number) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
        ("REDIS_VERSION_NUM", 0x0007_000F),
    ] {
        table.raw_set(name, number)?;
    }
    table.raw_set("REDIS_VERSION", crate::redis::VERSION)?;
    table.raw_set("sha1hex", lua.create_function(sha1hex)?)?;
    table.raw_set("log", lua.create_function(log)?)?;
    table.raw_set("error_reply", lua.create_function(error_reply)?)?;
    table.raw_set("status_reply", lua.create_function(status_reply)?)?;
    table.raw_set("replicate_commands", lua.create_function(|_, ()| Ok(true))?)?;
    table.raw_set("breakpoint", lua.create_function(|_, ()| Ok(false))?)?;
    table.raw_set("debug", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    table.raw_set("acl_check_cmd", lua.create_function(may_run)?)?;
    table.raw_set("set_repl", lua.create_function(|_, _: MultiValue| Ok(()))?)?;
    Ok(table)
}

/// Whether the script's user may run the command: there is only one user, who may run everything.
fn may_run(_: &Lua, values: MultiValue) -> Result<bool> {
    let words = super::command_words(values).map_err(|text| fail(&text))?;
    match commands::find(&words) {
        Ok(_) | Err(Failure::Arity(_)) => Ok(true),
        Err(_) => {
            let text = "Invalid command passed to redis.acl_check_cmd()";
            Err(fail(text))
        }
    }
}

fn sha1hex(lua: &Lua, values: MultiValue) -> Result<String> {
    let [value] = values.iter().collect::<Vec<_>>()[..] else {
        return Err(super::interpreter::fail("wrong number of arguments"));
    };
    let text = lua.coerce_string(value.clone())?;
    Ok(sha1::hex(&text.map_or(Vec::new(), |text| text.as_bytes().to_vec())))
}

/// The log is nobody's: what is written to it is checked and forgotten.
fn log(lua: &Lua, values: MultiValue) -> Result<()> {
    let fail = |text| Err(fail(text));
    if values.len() < 2 {
        return fail("redis.log() requires two arguments or more.");
    }
    let Some(level) =
        values.front().cloned().and_then(|level| lua.coerce_number(level).ok().flatten())
    else {
        return fail("First argument must be a number (log level).");
    };
    if (0.0..4.0).contains(&level.trunc()) { Ok(()) } else { fail("Invalid debug level.") }
}

/// What scripts see of an error that no command has answered.
pub(super) fn error(lua: &Lua, text: &str) -> Result<Table> {
    field(lua, "err", Some(format!("ERR {text}").into_bytes()))
}

/// A table with one field, if the one argument is a text.
fn field(lua: &Lua, name: &str, text: Option<Vec<u8>>) -> Result<Table> {
    let table = lua.create_table()?;
    match text {
        Some(text) => table.raw_set(name, lua.create_string(text)?)?,
        None => table.raw_set("err", "ERR wrong number or type of arguments")?,
    }
    Ok(table)
}

fn only_text(values: &MultiValue) -> Option<Vec<u8>> {
    match values.iter().collect::<Vec<_>>()[..] {
        [Value::String(text)] => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}

fn status_reply(lua: &Lua, values: MultiValue) -> Result<Table> {
    field(lua, "ok", only_text(&values))
}

fn error_reply(lua: &Lua, values: MultiValue) -> Result<Table> {
    let text = only_text(&values).map(|text| {
        let text = up_to_zero(&text);
        let bare = text.strip_prefix(b"-").unwrap_or(text);
        // A single word is no code.
        let space = bare.iter().position(|byte| *byte == b' ');
        let (code, text) = match space {
            Some(space) => (&bare[..space], &bare[space + 1..]),
            None => (&b"ERR"[..], bare),
        };
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = text.iter().position(|byte| !is_end(byte)).unwrap_or(text.len());
        let end = text.iter().rposition(|byte| !is_end(byte)).map_or(start, |last| last + 1);
        [code, b" ", &text[start..end]].concat()
    });
    field(lua, "err", text)
}
