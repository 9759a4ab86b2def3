//! Between replies and the values of Lua, in both directions, as Redis converts them.

use mlua::{Lua, Result, Table, Value};

use crate::redis::commands::up_to_zero;
use crate::redis::number::write_float;
use crate::redis::reply::{Protocol, Reply};

/// Replies of scripts nest no deeper than this: what the stack of Lua holds in Redis.
const DEPTH_MAX: usize = 7995;

/// A mark in the tables of errors that commands have answered: Redis has counted them.
pub(super) const COUNTED: &str = "ignore_error_stats_update";

/// What a script sees of a command's reply.
pub(super) fn to_lua(lua: &Lua, reply: &Reply, protocol: Protocol) -> Result<Value> {
    let new = protocol == Protocol::Resp3;
    let text = |bytes: &[u8]| Ok(Value::String(lua.create_string(bytes)?));
    let list = |items: &[Reply]| {
        let table = lua.create_table()?;
        for (at, item) in items.iter().enumerate() {
            table.raw_set(at + 1, to_lua(lua, item, protocol)?)?;
        }
        Ok(Value::Table(table))
    };
    let named = |name: &str, value: Value| {
        let table = lua.create_table()?;
        table.raw_set(name, value)?;
        Ok(Value::Table(table))
    };
    match reply {
        Reply::Simple(status) => named("ok", text(status.as_bytes())?),
        Reply::Status(status) => named("ok", text(status)?),
        Reply::Error(error) => {
            let table = lua.create_table()?;
            table.raw_set("err", text(error)?)?;
            table.raw_set(COUNTED, true)?;
            Ok(Value::Table(table))
        }
        Reply::Integer(number) => Ok(Value::Number(*number as f64)),
        Reply::Bulk(bytes) => text(bytes),
        Reply::Null | Reply::NullArray if new => Ok(Value::Nil),
        Reply::Bool(yes) if new => Ok(Value::Boolean(*yes)),
        Reply::Bool(yes) => Ok(Value::Number(f64::from(u8::from(*yes)))),
        Reply::Double(value) if new => named("double", Value::Number(*value)),
        Reply::Double(value) => text(write_float(*value).as_bytes()),
        Reply::Text(words) if new => {
            let table = lua.create_table()?;
            table.raw_set("format", "txt")?;
            table.raw_set("string", words.as_str())?;
            named("verbatim_string", Value::Table(table))
        }
        Reply::Text(words) => text(words.as_bytes()),
        Reply::Array(items) | Reply::Push(items) => list(items),
        Reply::Set(items) if new => {
            let set = lua.create_table()?;
            for item in items {
                set.raw_set(to_lua(lua, item, protocol)?, true)?;
            }
            named("set", Value::Table(set))
        }
        Reply::Set(items) => list(items),
        Reply::Map(pairs) if new => {
            let map = lua.create_table()?;
            for (key, value) in pairs {
                map.raw_set(to_lua(lua, key, protocol)?, to_lua(lua, value, protocol)?)?;
            }
            named("map", Value::Table(map))
        }
        Reply::Map(pairs) => {
            let flat = pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]);
            list(&flat.collect::<Vec<_>>())
        }
        Reply::Null | Reply::NullArray | Reply::Nothing => Ok(Value::Boolean(false)),
        Reply::Several(_) | Reply::Raw(_) => Ok(Value::Boolean(false)),
    }
}

/// How a script's values become replies.
#[derive(Clone, Copy)]
pub(super) struct Speech {
    /// What the script has chosen for the replies that it gets.
    pub(super) script: Protocol,
    /// What its client speaks.
    pub(super) client: Protocol,
}

/// What the client is told of the value that a script returns.
pub(super) fn to_reply(value: &Value, speech: Speech) -> Result<Reply> {
    if let Some(reply) = single(value, speech)? {
        return Ok(reply);
    }
    let mut out = Vec::new();
    let mut left = vec![Piece::Value(value.clone(), 0)];
    while let Some(piece) = left.pop() {
        match piece {
            Piece::Items(table, at, len, depth) => {
                let value = table.raw_get(at)?;
                // A list that is done with is let go: Lua holds few at a time.
                if at < len {
                    left.push(Piece::Items(table, at + 1, len, depth));
                }
                left.push(Piece::Value(value, depth + 1));
            }
            Piece::Value(_, depth) if depth >= DEPTH_MAX => {
                let error = Reply::Error(b"ERR reached lua stack limit".to_vec());
                error.write(speech.client, &mut out);
            }
            Piece::Value(value, depth) => match (single(&value, speech)?, value) {
                (None, Value::Table(table)) => {
                    begin(table, depth, speech.client, &mut left, &mut out)?;
                }
                (reply, _) => reply.unwrap_or(Reply::Null).write(speech.client, &mut out),
            },
        }
    }
    Ok(Reply::Raw(out))
}

/// What is still to be told, the next one last. The depth is that of the stack of Lua in Redis; ours
/// is not used, for a list may hold itself.
enum Piece {
    Value(Value, usize),
    /// The items of a list from this one on, of so many.
    Items(Table, usize, usize, usize),
}

/// Begins to tell a table of many values.
fn begin(
    table: Table,
    depth: usize,
    client: Protocol,
    left: &mut Vec<Piece>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let (map, set): (Value, Value) = (table.raw_get("map")?, table.raw_get("set")?);
    if let Value::Table(map) = map {
        let pairs: Vec<(Value, Value)> = map.pairs().collect::<Result<_>>()?;
        Reply::write_map_header(pairs.len(), client, out);
        left.extend(pairs.into_iter().rev().flat_map(|(key, value)| {
            [Piece::Value(value, depth + 3), Piece::Value(key, depth + 4)]
        }));
        return Ok(());
    }
    if let Value::Table(set) = set {
        let members: Vec<(Value, Value)> = set.pairs().collect::<Result<_>>()?;
        Reply::write_set_header(members.len(), client, out);
        let members = members.into_iter().rev();
        left.extend(members.map(|(member, _)| Piece::Value(member, depth + 3)));
        return Ok(());
    }
    let mut len = 0;
    while !table.raw_get::<Value>(len + 1)?.is_nil() {
        len += 1;
    }
    Reply::write_array_header(len, out);
    if len > 0 {
        left.push(Piece::Items(table, 1, len, depth));
    }
    Ok(())
}

/// The reply to a value that is not one of many; none if it is.
fn single(value: &Value, speech: Speech) -> Result<Option<Reply>> {
    Ok(Some(match value {
        Value::String(text) => Reply::Bulk(text.as_bytes().to_vec()),
        Value::Integer(number) => Reply::Integer(*number),
        Value::Number(number) => Reply::Integer(truncated(*number)),
        Value::Boolean(yes) if speech.script == Protocol::Resp3 => Reply::Bool(*yes),
        Value::Boolean(true) => Reply::Integer(1),
        Value::Table(table) => return named(table, speech.client),
        _ => Reply::Null,
    }))
}

/// The reply that a table stands for by one of its fields.
fn named(table: &Table, client: Protocol) -> Result<Option<Reply>> {
    if let Value::String(text) = table.raw_get::<Value>("err")? {
        return Ok(Some(error(&text.as_bytes())));
    }
    if let Value::String(text) = table.raw_get::<Value>("ok")? {
        return Ok(Some(Reply::Status(on_one_line(up_to_zero(&text.as_bytes())))));
    }
    if let Value::Number(number) = table.raw_get::<Value>("double")? {
        return Ok(Some(Reply::Double(number)));
    }
    if let Value::Integer(number) = table.raw_get::<Value>("double")? {
        return Ok(Some(Reply::Double(number as f64)));
    }
    if ["map", "set"].iter().any(|name| matches!(table.raw_get(*name), Ok(Value::Table(_)))) {
        return Ok(None);
    }
    if let Value::String(digits) = table.raw_get::<Value>("big_number")? {
        let digits = on_one_line(&digits.as_bytes());
        return Ok(Some(match client {
            Protocol::Resp2 => Reply::Bulk(digits),
            Protocol::Resp3 => Reply::Raw([b"(", digits.as_slice(), b"\r\n"].concat()),
        }));
    }
    if let Value::Table(verbatim) = table.raw_get::<Value>("verbatim_string")? {
        let parts: (Value, Value) = (verbatim.raw_get("format")?, verbatim.raw_get("string")?);
        if let (Value::String(format), Value::String(text)) = parts {
            return Ok(Some(verbatim_text(&format.as_bytes(), &text.as_bytes(), client)));
        }
    }
    Ok(None)
}

fn verbatim_text(format: &[u8], text: &[u8], client: Protocol) -> Reply {
    if client == Protocol::Resp2 {
        return Reply::bulk(text);
    }
    let mut kind = [b' '; 3];
    kind.iter_mut().zip(format).for_each(|(to, from)| *to = *from);
    let header = format!("={}\r\n", text.len() + 4);
    Reply::Raw([header.as_bytes(), &kind, b":", text, b"\r\n"].concat())
}

/// An error reply with the text of a script's error table.
pub(super) fn error(text: &[u8]) -> Reply {
    let text = up_to_zero(text);
    let end = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    Reply::Error(on_one_line(&text[..end.map_or(0, |last| last + 1)]))
}

fn on_one_line(text: &[u8]) -> Vec<u8> {
    let space = |byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte };
    text.iter().map(space).collect()
}

/// As C converts it on the processors that Redis runs on.
pub(super) fn truncated(number: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if fits { number as i64 } else { i64::MIN }
}

/// The words of a command that a script calls; none if one of them is neither text nor number.
pub(super) fn words(values: impl Iterator<Item = Value>) -> Option<Vec<Vec<u8>>> {
    let word = |value: Value| match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Integer(number) => Some(write_float(number as f64).into_bytes()),
        Value::Number(number) if number.is_nan() => {
            Some(if number.is_sign_negative() { b"-nan".to_vec() } else { b"nan".to_vec() })
        }
        Value::Number(number) => Some(write_float(number).into_bytes()),
        _ => None,
    };
    values.map(word).collect()
}
