//! Words that many commands share: counts, places, scan options, and patterns.

use super::{Context, Failure, Reply, pattern, up_to_zero};
use crate::redis::long_double::LongDouble;
use crate::redis::number::integer;

/// An integer that is not negative.
pub(super) fn positive(word: &[u8]) -> Result<usize, Failure> {
    let number = integer(word).and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| Failure::text("value is out of range, must be positive"))
}

/// How many items are to be chosen by chance; negative if one may be chosen several times.
pub(super) fn random_count(word: &[u8]) -> Result<i64, Failure> {
    let count = integer(word).ok_or(Failure::NotAnInteger)?;
    if count == i64::MIN {
        let (min, max) = (-i64::MAX, i64::MAX);
        let text = format!("value is out of range, value must between {min} and {max}");
        return Err(Failure::text(text));
    }
    Ok(count)
}

/// The part of a sequence of `len` from `start` to `stop`, both of which count from the end when
/// negative; `None` if nothing lies there.
pub(super) fn span(start: i64, stop: i64, len: usize) -> Option<std::ops::RangeInclusive<usize>> {
    let len = i64::try_from(len).expect("no collection is that large");
    let place = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (start, stop) = (place(start).max(0), place(stop).min(len - 1));
    let (start, stop) = (usize::try_from(start).ok()?, usize::try_from(stop).ok()?);
    (start <= stop).then_some(start..=stop)
}

/// Until when a command waits that is told how long, in seconds; 0 is for ever. What does not fit
/// into an integer of milliseconds is the least of them in Redis.
pub(super) fn timeout(context: &Context<'_>, word: &[u8]) -> Result<Option<i64>, Failure> {
    let invalid = || Failure::text("timeout is not a float or out of range");
    let seconds = LongDouble::parse(word).ok_or_else(invalid)?;
    match seconds.thousandfold().filter(|ms| *ms >= 0) {
        Some(ms) => Ok(context.deadline_ms(ms)),
        None => Err(Failure::text("timeout is negative")),
    }
}

/// The options of the `SCAN` family.
pub(super) struct Scan<'a> {
    /// Where it goes on; `None` where it begins.
    pub(super) after: Option<Vec<u8>>,
    /// The cursor is none that was given out.
    pub(super) over: bool,
    pub(super) pattern: Option<&'a [u8]>,
    pub(super) count: usize,
    /// Only keys of this type; for `SCAN` alone.
    pub(super) kind: Option<&'a [u8]>,
}

/// The number of a cursor. A collection that is not there is noticed before a wrong option, but
/// after a wrong cursor.
pub(super) fn cursor(word: &[u8]) -> Result<u64, Failure> {
    // As C reads it: a sign is taken, and a word with nothing in it is 0.
    let text = up_to_zero(word);
    if text.is_empty() {
        return Ok(0);
    }
    let negative = text.starts_with(b"-");
    let digits = if negative { &text[1..] } else { text.strip_prefix(b"+").unwrap_or(text) };
    let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with(['+', '-']));
    let cursor: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    let cursor = cursor.ok_or_else(|| Failure::text("invalid cursor"))?;
    Ok(if negative { cursor.wrapping_neg() } else { cursor })
}

/// Reads the cursor and the options behind it.
pub(super) fn scan<'a>(
    context: &Context<'_>,
    cursor: &[u8],
    words: &'a [Vec<u8>],
    with_kind: bool,
) -> Result<Scan<'a>, Failure> {
    let cursor = self::cursor(cursor)?;
    let after = context.instance.cursors.place(cursor).map(<[u8]>::to_vec);
    let over = cursor != 0 && after.is_none();
    let mut scan = Scan { after, over, pattern: None, count: 10, kind: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or(Failure::Syntax)?;
        match word.to_ascii_lowercase().as_slice() {
            b"count" => {
                let count = integer(value).ok_or(Failure::NotAnInteger)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                scan.count = count.ok_or(Failure::Syntax)?;
            }
            b"match" => scan.pattern = (!pattern::is_everything(value)).then_some(value),
            b"type" if with_kind => scan.kind = Some(value),
            _ => return Err(Failure::Syntax),
        }
    }
    Ok(scan)
}

impl Scan<'_> {
    /// Whether the pattern admits it.
    pub(super) fn admits(&self, text: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| pattern::matches(pattern, text))
    }

    /// The reply: the cursor behind `last`, if anything is left, and what was found.
    pub(super) fn reply(
        context: &mut Context<'_>,
        last: Option<Vec<u8>>,
        found: Vec<Reply>,
    ) -> Reply {
        let cursor = last.map_or(0, |last| context.instance.cursors.behind(&last));
        Reply::Array(vec![Reply::bulk(cursor.to_string()), Reply::Array(found)])
    }
}
