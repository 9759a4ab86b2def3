//! How far a clock is put forward or back: `"+2s"`, `"-500ms"`.
//!
//! Knows nothing of clocks.

use std::fmt;
use std::str::FromStr;

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::from_text;

/// A span of time with a direction, in whole milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Shift {
    /// Forward if positive.
    pub ms: i64,
}

/// Ten years: beyond that it is a typing error.
const MS_MAX: u64 = 10 * 365 * 86_400_000;

impl FromStr for Shift {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sign, length) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let refuse = |why: &str| {
            Err(format!(
                "`{text}` is {why}; write a sign and a span of whole milliseconds up to {}h, as in \"-5s\"",
                MS_MAX / 3_600_000
            ))
        };
        match length.parse() {
            Ok(Span(ns)) if ns / 1_000_000 > MS_MAX => refuse("more than ten years"),
            Ok(Span(ns)) if ns.is_multiple_of(1_000_000) => {
                Ok(Self { ms: sign * (ns / 1_000_000) as i64 })
            }
            Ok(_) => refuse("no whole number of milliseconds"),
            Err(_) => refuse("not a step of a clock"),
        }
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.ms < 0 { '-' } else { '+' };
        write!(f, "{sign}{}", Span::ms(self.ms.unsigned_abs()))
    }
}

impl<'de> Deserialize<'de> for Shift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a sign and a span of time, as in \"-5s\"")
    }
}

impl Serialize for Shift {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Shift {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Shift".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A span of whole milliseconds, forward (+) or back (-).",
            "pattern": r"^[+-]?[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$",
            "examples": ["-5s", "+250ms"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_have_a_direction_and_print_with_it() {
        for (text, ms, printed) in
            [("-5s", -5_000, "-5s"), ("+250ms", 250, "+250ms"), ("1.5s", 1_500, "+1500ms")]
        {
            let shift: Shift = text.parse().expect(text);
            assert_eq!((shift.ms, shift.to_string().as_str()), (ms, printed));
        }
        for (text, why) in [
            ("", "not a step of a clock"),
            ("-", "not a step of a clock"),
            ("5", "not a step of a clock"),
            ("--5s", "not a step of a clock"),
            ("1us", "no whole number of milliseconds"),
            ("+876000h", "more than ten years"),
            ("-87601h", "more than ten years"),
        ] {
            let error = text.parse::<Shift>().expect_err(text);
            assert!(error.starts_with(&format!("`{text}` is {why};")), "{text}: {error}");
            assert!(error.ends_with("up to 87600h, as in \"-5s\""), "{text}: {error}");
        }
        assert_eq!("+87600h".parse(), Ok(Shift { ms: MS_MAX as i64 }));
    }
}
