//! What a link carries, as people write it: `"20Mbit/s"`, or `"unlimited"`.
//!
//! Held exactly, in bits a second. Knows nothing of the links that it is for.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::from_text;

/// The capacity of a link in one direction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Bandwidth {
    /// So many bits a second.
    Bits(u64),
    /// Bytes take no time of their own.
    Unlimited,
}

const UNITS: [(&str, u64); 4] =
    [("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000), ("bit/s", 1)];

impl Bandwidth {
    /// `count` megabits a second.
    pub const fn mbit(count: u64) -> Self {
        Self::Bits(count * 1_000_000)
    }

    /// `count` kilobits a second.
    pub const fn kbit(count: u64) -> Self {
        Self::Bits(count * 1_000)
    }

    /// Whole bytes a second; `None` without a limit.
    pub const fn bytes_per_s(self) -> Option<u64> {
        match self {
            Self::Bits(bits) => Some(bits / 8),
            Self::Unlimited => None,
        }
    }
}

impl FromStr for Bandwidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let parse = || {
            let (unit, scale) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
            let number = text.strip_suffix(unit)?;
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let bits = number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(*scale)?;
            Some(Self::Bits(bits))
        };
        parse().ok_or_else(|| {
            format!(
                "`{text}` is not a bandwidth; write a whole number and one of bit/s, kbit/s, \
                 Mbit/s, Gbit/s, as in \"20Mbit/s\", or \"unlimited\""
            )
        })
    }
}

impl fmt::Display for Bandwidth {
    /// The largest unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Bits(bits) = self else { return f.write_str("unlimited") };
        let divides =
            |(_, scale): &&(&str, u64)| *scale == 1 || (*bits > 0 && bits.is_multiple_of(*scale));
        let (unit, scale) = UNITS.iter().find(divides).expect("1 divides");
        write!(f, "{}{unit}", bits / scale)
    }
}

impl<'de> Deserialize<'de> for Bandwidth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a bandwidth, as in \"20Mbit/s\"")
    }
}

impl Serialize for Bandwidth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Bandwidth {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bandwidth".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Bits a second in one direction, or no limit.",
            "pattern": r"^([0-9]+(bit|kbit|Mbit|Gbit)/s|unlimited)$",
            "examples": ["20Mbit/s", "64kbit/s", "unlimited"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bandwidths_print_as_written() {
        for (text, bytes) in [
            ("20Mbit/s", Some(2_500_000)),
            ("1500bit/s", Some(187)),
            ("1Gbit/s", Some(125_000_000)),
            ("64kbit/s", Some(8_000)),
            ("0bit/s", Some(0)),
            ("unlimited", None),
        ] {
            let bandwidth: Bandwidth = text.parse().expect(text);
            assert_eq!((bandwidth.bytes_per_s(), bandwidth.to_string().as_str()), (bytes, text));
        }
    }

    #[test]
    fn what_is_no_bandwidth_is_refused_with_a_remedy() {
        for text in ["", "20", "20Mb/s", "-1bit/s", "1.5Mbit/s", "20 Mbit/s", "Mbit/s"] {
            let error = text.parse::<Bandwidth>().expect_err(text);
            assert!(error.ends_with("as in \"20Mbit/s\", or \"unlimited\""), "{text}: {error}");
        }
    }
}
