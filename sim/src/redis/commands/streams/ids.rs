//! Ids as clients write them.

use super::super::{Failure, up_to_zero};
use crate::redis::number::integer;
use crate::redis::values::stream::Id;

/// An id has at most so many bytes.
const ID_BYTES_MAX: usize = 127;

/// The id for a new entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NewId {
    /// `*`: from the time.
    Auto,
    /// `5-*`: the next one of this millisecond.
    Within(u64),
    /// This one.
    Given(Id),
}

/// An id; a sequence number that is not there is 0.
pub(super) fn id(word: &[u8]) -> Result<Id, Failure> {
    strict(word, 0)
}

/// An id, or `-` or `+` for the least and the greatest.
pub(super) fn id_or_end(word: &[u8], missing_seq: u64) -> Result<Id, Failure> {
    match word {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        _ => strict(word, missing_seq),
    }
}

/// The id that `XADD` is given.
pub(super) fn new_id(word: &[u8]) -> Result<NewId, Failure> {
    if word == b"*" {
        return Ok(NewId::Auto);
    }
    match up_to_zero(word).strip_suffix(b"-*") {
        Some(ms) if word.len() <= ID_BYTES_MAX && !ms.contains(&b'-') => {
            unsigned(ms).map(NewId::Within).ok_or_else(invalid)
        }
        _ => id(word).map(NewId::Given),
    }
}

/// The first id of an interval; `(` leaves the id itself out.
pub(super) fn start(word: &[u8]) -> Result<Id, Failure> {
    match word.strip_prefix(b"(").filter(|rest| !rest.is_empty()) {
        Some(rest) => strict(rest, 0)?
            .next()
            .ok_or_else(|| Failure::text("invalid start ID for the interval")),
        None => id_or_end(word, 0),
    }
}

/// The last id of an interval; a sequence number that is not there is the greatest.
pub(super) fn end(word: &[u8]) -> Result<Id, Failure> {
    match word.strip_prefix(b"(").filter(|rest| !rest.is_empty()) {
        Some(rest) => strict(rest, u64::MAX)?
            .previous()
            .ok_or_else(|| Failure::text("invalid end ID for the interval")),
        None => id_or_end(word, u64::MAX),
    }
}

fn invalid() -> Failure {
    Failure::text("Invalid stream ID specified as stream command argument")
}

fn strict(word: &[u8], missing_seq: u64) -> Result<Id, Failure> {
    if word.len() > ID_BYTES_MAX {
        return Err(invalid());
    }
    let text = up_to_zero(word);
    let parsed = match text.iter().position(|byte| *byte == b'-') {
        Some(at) => unsigned(&text[..at]).zip(unsigned(&text[at + 1..])),
        None => unsigned(text).map(|ms| (ms, missing_seq)),
    };
    parsed.map(|(ms, seq)| Id { ms, seq }).ok_or_else(invalid)
}

/// A number as C's `strtoull` reads it: spaces, a sign and zeros may stand in front, and what is
/// negative is counted from the end, unless it is written as Redis writes integers.
fn unsigned(text: &[u8]) -> Option<u64> {
    if let Some(number) = integer(text) {
        return u64::try_from(number).ok();
    }
    let space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let text = &text[text.iter().take_while(|byte| space(byte)).count()..];
    let digits = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(if text.starts_with(b"-") { number.wrapping_neg() } else { number })
}
