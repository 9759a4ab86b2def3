//! Probabilities and rates as people write them: `"0.5%"`, `"40/s"`.
//!
//! Held exactly, as integers: what is printed is what was written, and no rounding of one machine
//! can differ from another's. Knows nothing of the scenario that uses them.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A probability, held in parts per million and written in percent: `"1%"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Probability(u32);

/// How often something happens per virtual second, minute or hour: `"40/s"`, `"10/m"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Millionths of one event per `per`.
    millionths: u64,
    per: Per,
}

/// The unit of time of a [`Rate`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Probability {
    /// It never happens.
    pub const NEVER: Self = Self(0);

    /// It always happens.
    pub const ALWAYS: Self = Self(1_000_000);

    /// `count` parts in a hundred; `count` must not exceed 100.
    pub const fn percent(count: u32) -> Self {
        assert!(count <= 100);
        Self(count * 10_000)
    }

    /// `count` parts in a thousand; `count` must not exceed 1,000.
    pub const fn per_mille(count: u32) -> Self {
        assert!(count <= 1_000);
        Self(count * 1_000)
    }

    /// In parts per million, from 0 to 1,000,000: compare a uniform draw below 1,000,000 with it.
    pub const fn per_million(self) -> u32 {
        self.0
    }

    /// From 0 to 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl Rate {
    /// `count` events per second.
    pub const fn per_second(count: u64) -> Self {
        Self { millionths: count * 1_000_000, per: Per::Second }
    }

    /// Events per virtual second.
    pub fn hertz(self) -> f64 {
        self.millionths as f64 / 1e6 / self.per.seconds() as f64
    }

    /// So many hundredths of this.
    pub const fn percent(self, percent: u32) -> Self {
        Self { millionths: self.millionths * percent as u64 / 100, per: self.per }
    }

    /// Whether nothing ever happens.
    pub const fn is_zero(self) -> bool {
        self.millionths == 0
    }
}

impl Per {
    const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    const fn symbol(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
        }
    }
}

impl FromStr for Probability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_suffix('%')
            .and_then(|number| decimal(number, 4))
            .and_then(|parts| u32::try_from(parts).ok())
            .filter(|parts| *parts <= Self::ALWAYS.0)
            .map(Self)
            .ok_or_else(|| {
                format!(
                    "`{text}` is not a probability; write a percentage from 0% to 100% with at \
                     most four decimals, as in \"0.5%\""
                )
            })
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (number, unit) = text.split_once('/')?;
            let per = Per::ALL.into_iter().find(|per| per.symbol() == unit)?;
            Some(Self { millionths: decimal(number, 6)?, per })
        };
        parse().ok_or_else(|| {
            format!("`{text}` is not a rate; write a number and a unit of time, as in \"200/s\"")
        })
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, u64::from(self.0), 4)?;
        f.write_str("%")
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.millionths, 6)?;
        write!(f, "/{}", self.per.symbol())
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a percentage, as in \"0.5%\"")
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a number and a unit of time, as in \"200/s\"")
    }
}

impl Serialize for Probability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Probability {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A probability in percent, with at most four decimals.",
            "pattern": r"^[0-9]+(\.[0-9]{1,4})?%$",
            "examples": ["1%", "0.5%"],
        })
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Events per virtual second (s), minute (m) or hour (h).",
            "pattern": r"^[0-9]+(\.[0-9]{1,6})?/(s|m|h)$",
            "examples": ["200/s", "10/m"],
        })
    }
}

/// Reads a value that is written as text. `wanted` says what to write when it is no text at all;
/// what is text but wrong is explained by the type's own `FromStr`.
pub(super) fn from_text<'de, D, T>(deserializer: D, wanted: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = String>,
{
    struct Text<T>(&'static str, PhantomData<T>);

    impl<T: FromStr<Err = String>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(wanted, PhantomData))
}

/// `"12.5"` as 12.5 × 10^`places`, exactly; `None` for anything else than plain digits with at
/// most `places` decimals.
pub(super) fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    let complete = !whole.is_empty() && !text.ends_with('.');
    if !complete || !plain(whole) || !plain(fraction) || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

/// The inverse of [`decimal`], without trailing zeros.
pub(super) fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, places: usize) -> fmt::Result {
    let scale = 10_u64.pow(u32::try_from(places).expect("a handful of places"));
    let fraction = format!("{:0places$}", value % scale);
    match fraction.trim_end_matches('0') {
        "" => write!(f, "{}", value / scale),
        digits => write!(f, "{}.{digits}", value / scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_exact_and_print_as_written() {
        for (text, parts) in [("0%", 0), ("0.0001%", 1), ("0.5%", 5_000), ("100%", 1_000_000)] {
            let probability: Probability = text.parse().expect(text);
            assert_eq!(
                (probability.per_million(), probability.to_string().as_str()),
                (parts, text)
            );
        }
        assert_eq!(Probability::percent(30).as_f64(), 0.3);
    }

    #[test]
    fn rates_are_exact_and_print_as_written() {
        for (text, hertz) in [("40/s", 40.0), ("0.5/s", 0.5), ("30/m", 0.5), ("0/h", 0.0)] {
            let rate: Rate = text.parse().expect(text);
            assert_eq!((rate.hertz(), rate.to_string().as_str()), (hertz, text));
        }
        assert_eq!("7200/h".parse::<Rate>().map(Rate::hertz), Ok(2.0));
        assert!(Rate::per_second(0).is_zero() && !Rate::per_second(1).is_zero());
    }

    #[test]
    fn what_is_no_probability_or_rate_is_refused_with_a_remedy() {
        for text in ["", "1", "%", "101%", "-1%", "1.%", ".5%", "0.00001%", "1e1%", "1 %"] {
            let error = text.parse::<Probability>().expect_err(text);
            assert!(error.ends_with("as in \"0.5%\""), "{text}: {error}");
        }
        for text in ["", "40", "40/", "/s", "40/sec", "-1/s", "10 per s", "99999999999999999999/s"]
        {
            let error = text.parse::<Rate>().expect_err(text);
            assert!(error.ends_with("as in \"200/s\""), "{text}: {error}");
        }
    }
}
