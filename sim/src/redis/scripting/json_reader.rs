//! `cjson.decode`: from JSON to tables of Lua, as the library in Redis does it: what it takes beyond
//! JSON (hexadecimal numbers, infinities, control characters in strings) and the words of its errors.

use mlua::{Lua, MultiValue, Result, Value};

use super::interpreter::raise;
use crate::redis::number::leading_double;

/// How deep values may nest: `cjson.decode_max_depth()`.
const DEPTH_MAX: usize = 1000;

pub(super) fn decode(lua: &Lua, values: MultiValue) -> Result<Value> {
    let [value] = values.iter().collect::<Vec<_>>()[..] else {
        return Err(raise(lua, "bad argument #1 to 'decode' (expected 1 argument)"));
    };
    let Some(text) = lua.coerce_string(value.clone())? else {
        let name = super::libraries::type_name(value);
        let text = format!("bad argument #1 to 'decode' (string expected, got {name})");
        return Err(raise(lua, &text));
    };
    let text = text.as_bytes().to_vec();
    if text.len() >= 2 && text[..2].contains(&0) {
        return Err(raise(lua, "JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut reader = Reader { lua, text: &text, at: 0, depth: 0 };
    let first = reader.token();
    let value = reader.value(first)?;
    match reader.token() {
        Found { token: Token::End, .. } => Ok(value),
        other => Err(reader.unexpected("the end", &other)),
    }
}

/// A piece of JSON.
enum Token {
    /// One of `{}[]:,`.
    Mark(u8),
    Text(Vec<u8>),
    Number(f64),
    Bool(bool),
    Null,
    End,
    /// What is wrong.
    Wrong(&'static str),
}

impl Token {
    /// What errors call it.
    fn name(&self) -> &'static str {
        match self {
            Self::Mark(b'{') => "T_OBJ_BEGIN",
            Self::Mark(b'}') => "T_OBJ_END",
            Self::Mark(b'[') => "T_ARR_BEGIN",
            Self::Mark(b']') => "T_ARR_END",
            Self::Mark(b':') => "T_COLON",
            Self::Mark(_) => "T_COMMA",
            Self::Text(_) => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Bool(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::End => "T_END",
            Self::Wrong(why) => why,
        }
    }
}

/// A piece, and where it begins or is wrong, counted from 0.
struct Found {
    token: Token,
    at: usize,
}

struct Reader<'a> {
    lua: &'a Lua,
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self, found: Found) -> Result<Value> {
        match found.token {
            Token::Text(text) => self.lua.create_string(text).map(Value::String),
            Token::Number(number) => Ok(Value::Number(number)),
            Token::Bool(yes) => Ok(Value::Boolean(yes)),
            Token::Null => Ok(Value::NULL),
            Token::Mark(b'{') => self.object(),
            Token::Mark(b'[') => self.array(),
            _ => Err(self.unexpected("value", &found)),
        }
    }

    fn object(&mut self) -> Result<Value> {
        self.descend()?;
        let table = self.lua.create_table()?;
        let mut next = self.token();
        if matches!(next.token, Token::Mark(b'}')) {
            self.depth -= 1;
            return Ok(Value::Table(table));
        }
        loop {
            let Token::Text(key) = next.token else {
                return Err(self.unexpected("object key string", &next));
            };
            match self.token() {
                Found { token: Token::Mark(b':'), .. } => {}
                other => return Err(self.unexpected("colon", &other)),
            }
            let first = self.token();
            let value = self.value(first)?;
            table.raw_set(self.lua.create_string(key)?, value)?;
            if self.closed(b'}', "comma or object end")? {
                return Ok(Value::Table(table));
            }
            next = self.token();
        }
    }

    fn array(&mut self) -> Result<Value> {
        self.descend()?;
        let table = self.lua.create_table()?;
        let mut next = self.token();
        if matches!(next.token, Token::Mark(b']')) {
            self.depth -= 1;
            return Ok(Value::Table(table));
        }
        for place in 1.. {
            let value = self.value(next)?;
            table.raw_set(place, value)?;
            if self.closed(b']', "comma or array end")? {
                break;
            }
            next = self.token();
        }
        Ok(Value::Table(table))
    }

    fn descend(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            return Ok(());
        }
        let (depth, at) = (self.depth, self.at);
        let text = format!("Found too many nested data structures ({depth}) at character {at}");
        Err(raise(self.lua, &text))
    }

    /// Whether the table ends; otherwise a comma must follow.
    fn closed(&mut self, mark: u8, expected: &str) -> Result<bool> {
        let found = self.token();
        match found.token {
            Token::Mark(other) if other == mark => {
                self.depth -= 1;
                Ok(true)
            }
            Token::Mark(b',') => Ok(false),
            _ => Err(self.unexpected(expected, &found)),
        }
    }

    fn unexpected(&self, expected: &str, found: &Found) -> mlua::Error {
        let (name, at) = (found.token.name(), found.at + 1);
        raise(self.lua, &format!("Expected {expected} but found {name} at character {at}"))
    }

    /// The byte at this distance; 0 behind the end, as in C.
    fn peek(&self, distance: usize) -> u8 {
        self.text.get(self.at + distance).copied().unwrap_or(0)
    }

    fn token(&mut self) -> Found {
        while matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let at = self.at;
        let token = match self.peek(0) {
            0 => Token::End,
            mark @ (b'{' | b'}' | b'[' | b']' | b':' | b',') => {
                self.at += 1;
                Token::Mark(mark)
            }
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        };
        let at = if matches!(token, Token::Wrong(_)) { self.at } else { at };
        Found { token, at }
    }

    fn word(&mut self) -> Token {
        let words =
            [("true", Token::Bool(true)), ("false", Token::Bool(false)), ("null", Token::Null)];
        for (word, token) in words {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return token;
            }
        }
        let start = [0, 1, 2].map(|distance| self.peek(distance).to_ascii_lowercase());
        match self.peek(0) == b'+' || start == *b"inf" || start == *b"nan" {
            true => self.number(),
            false => Token::Wrong("invalid token"),
        }
    }

    fn number(&mut self) -> Token {
        match leading_double(&self.text[self.at..]) {
            Some((number, len)) => {
                self.at += len;
                Token::Number(number)
            }
            None => Token::Wrong("invalid number"),
        }
    }

    fn string(&mut self) -> Token {
        let mut text = Vec::new();
        self.at += 1;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'"', _) => break,
                (0, _) => return Token::Wrong("unexpected end of string"),
                (b'\\', b'u') => match self.escape() {
                    Some(letter) => {
                        text.extend(letter);
                        continue;
                    }
                    None => return Token::Wrong("invalid unicode escape code"),
                },
                (b'\\', escaped) => {
                    let Some(byte) = unescaped(escaped) else {
                        return Token::Wrong("invalid escape code");
                    };
                    text.push(byte);
                    self.at += 1;
                }
                (byte, _) => text.push(byte),
            }
            self.at += 1;
        }
        self.at += 1;
        Token::Text(text)
    }

    /// Takes `\u00e9`, or two of them that belong together; the letter in UTF-8.
    fn escape(&mut self) -> Option<Vec<u8>> {
        let mut code = self.hex(2)?;
        let mut len = 6;
        if code & 0xF800 == 0xD800 {
            let follows = (self.peek(6), self.peek(7)) == (b'\\', b'u') && code & 0x400 == 0;
            let low = self.hex(8).filter(|low| follows && low & 0xFC00 == 0xDC00)?;
            code = 0x1_0000 + ((code & 0x3FF) << 10 | low & 0x3FF);
            len = 12;
        }
        self.at += len;
        let letter = char::from_u32(code).expect("surrogates come in pairs here");
        Some(letter.to_string().into_bytes())
    }

    /// The number of four hexadecimal digits at this distance.
    fn hex(&self, distance: usize) -> Option<u32> {
        (0..4).try_fold(0, |code, place| {
            let digit = char::from(self.peek(distance + place)).to_digit(16)?;
            Some(code << 4 | digit)
        })
    }
}

/// What stands behind a backslash means.
fn unescaped(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 12,
        b'r' => b'\r',
        _ => return None,
    })
}
