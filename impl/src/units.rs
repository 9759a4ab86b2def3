//! Spans of time as people write them: `"250us"`, `"20ms"`, `"10s"`, `"3m"`, `"1h"`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::env::Nanos;

/// A length of time, held in nanoseconds and written with its unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Nanos);

const UNITS: [(&str, Nanos); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl Span {
    /// `count` milliseconds.
    pub const fn ms(count: u64) -> Self {
        Self(count * 1_000_000)
    }

    /// `count` seconds.
    pub const fn s(count: u64) -> Self {
        Self(count * 1_000_000_000)
    }

    /// In seconds, for display and plots only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is not a span of time; write a number and one of ns, us, ms, s, m, h, \
                 as in \"250ms\""
            )
        };
        let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(refuse)?;
        let (number, unit) = text.split_at(split);
        let scale = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refuse)?.1;
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(scale).map(Self).ok_or_else(refuse);
        }
        let value: f64 = number.parse().map_err(|_| refuse())?;
        let nanos = value * scale as f64;
        if !(0.0..1.8e19).contains(&nanos) {
            return Err(refuse());
        }
        Ok(Self(nanos.round() as Nanos))
    }
}

impl fmt::Display for Span {
    /// The largest unit that divides the span.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (name, scale) =
            UNITS.iter().rev().find(|(_, scale)| self.0.is_multiple_of(*scale)).expect("1 divides");
        write!(f, "{}{name}", self.0 / scale)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A length of time with its unit: ns, us, ms, s, m or h.",
            "pattern": r"^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$",
            "examples": ["250ms", "1.5s"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_round_trip_in_their_largest_whole_unit() {
        for (text, nanos, shown) in [
            ("250us", 250_000, "250us"),
            ("1.5s", 1_500_000_000, "1500ms"),
            ("60s", 60_000_000_000, "1m"),
            ("0ms", 0, "0s"),
            ("2h", 7_200_000_000_000, "2h"),
        ] {
            let span: Span = text.parse().expect(text);
            assert_eq!((span.0, span.to_string().as_str()), (nanos, shown), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_span_is_refused_with_a_remedy() {
        for text in ["", "10", "ten s", "10 sec", "-1s", "1e30h", "NaNs", "99999999999999h"] {
            let error = text.parse::<Span>().expect_err(text);
            assert!(error.contains("as in \"250ms\""), "{text}: {error}");
        }
    }
}
