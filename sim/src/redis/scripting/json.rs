//! `cjson.encode`: from tables of Lua to JSON, as the library in Redis does it. The way back is in
//! `json_reader`.

use std::fmt::Write as _;

use mlua::{Lua, MultiValue, Result, Table, Value};

use super::interpreter::raise;
use super::libraries::type_name;

/// How deep values may nest: `cjson.encode_max_depth()`.
const DEPTH_MAX: usize = 1000;

/// An array with so many places more than members, and more than this many, is refused.
const SPARSE_RATIO: usize = 2;
const SPARSE_SAFE: usize = 10;

pub(super) fn encode(lua: &Lua, values: MultiValue) -> Result<mlua::LuaString> {
    let [value] = values.iter().collect::<Vec<_>>()[..] else {
        return Err(raise(lua, "bad argument #1 to 'encode' (expected 1 argument)"));
    };
    let mut out = Vec::new();
    write(lua, value, 0, &mut out)?;
    lua.create_string(out)
}

fn write(lua: &Lua, value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Nil => out.extend(b"null"),
        value if *value == Value::NULL => out.extend(b"null"),
        Value::Boolean(yes) => out.extend(if *yes { &b"true"[..] } else { b"false" }),
        Value::Integer(number) => out.extend(decimal(lua, *number as f64)?.as_bytes()),
        Value::Number(number) => out.extend(decimal(lua, *number)?.as_bytes()),
        Value::String(text) => string(&text.as_bytes(), out),
        Value::Table(_) if depth >= DEPTH_MAX => {
            let text = format!("Cannot serialise, excessive depth ({})", depth + 1);
            return Err(raise(lua, &text));
        }
        Value::Table(table) => return write_table(lua, table, depth + 1, out),
        other => {
            let text = format!("Cannot serialise {}: type not supported", type_name(other));
            return Err(raise(lua, &text));
        }
    }
    Ok(())
}

fn write_table(lua: &Lua, table: &Table, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    if let Some(len) = array_len(lua, table)? {
        out.push(b'[');
        for at in 1..=len {
            if at > 1 {
                out.push(b',');
            }
            write(lua, &table.raw_get(at)?, depth, out)?;
        }
        out.push(b']');
        return Ok(());
    }
    out.push(b'{');
    for (count, pair) in table.pairs::<Value, Value>().enumerate() {
        let (key, value) = pair?;
        if count > 0 {
            out.push(b',');
        }
        match key {
            Value::String(text) => string(&text.as_bytes(), out),
            Value::Integer(number) => string(decimal(lua, number as f64)?.as_bytes(), out),
            Value::Number(number) => string(decimal(lua, number)?.as_bytes(), out),
            other => {
                let name = type_name(&other);
                let text = format!("Cannot serialise {name}: table key must be a number or string");
                return Err(raise(lua, &text));
            }
        }
        out.push(b':');
        write(lua, &value, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// How long the array is that the table is, if it is one. A place beyond what C's `int` holds is
/// taken for one below all.
fn array_len(lua: &Lua, table: &Table) -> Result<Option<usize>> {
    let (mut largest, mut count) = (0, 0);
    for pair in table.pairs::<Value, Value>() {
        let at = match pair?.0 {
            Value::Integer(at) => at as f64,
            Value::Number(at) => at,
            _ => return Ok(None),
        };
        if at.fract() != 0.0 || at < 1.0 {
            return Ok(None);
        }
        if at > f64::from(largest) {
            largest = if at <= f64::from(i32::MAX) { at as i32 } else { i32::MIN };
        }
        count += 1;
    }
    let len = usize::try_from(largest).unwrap_or(0);
    if len > SPARSE_SAFE && len > count * SPARSE_RATIO {
        return Err(raise(lua, "Cannot serialise table: excessively sparse array"));
    }
    Ok((len > 0).then_some(len))
}

/// A number as C's `%.14g` writes it.
fn decimal(lua: &Lua, number: f64) -> Result<String> {
    if !number.is_finite() {
        return Err(raise(lua, "Cannot serialise number: must not be NaN or Inf"));
    }
    let scientific = format!("{number:.13e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a decimal exponent");
    let short = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..14).contains(&exponent) {
        let decimals = usize::try_from(13 - exponent).expect("the exponent is below 14");
        return Ok(short(&format!("{number:.decimals$}")));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Ok(format!("{}e{sign}{:02}", short(mantissa), exponent.abs()))
}

fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' | b'/' => out.extend([b'\\', *byte]),
            8 => out.extend(b"\\b"),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            12 => out.extend(b"\\f"),
            b'\r' => out.extend(b"\\r"),
            0..=31 | 127 => {
                let mut escape = String::new();
                write!(escape, "\\u{byte:04x}").expect("a string takes everything");
                out.extend(escape.as_bytes());
            }
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}
