//! Calibration files: what work costs a node in virtual time, and where each number comes from.
//!
//! A file is complete: every cost stands in it, with its unit and its source; only those of a switch
//! and of waking may be left out. Knows neither which
//! hosts have which costs nor how the engine charges them.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use im::env::Work;
use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decode::decode;
use super::error::{Place, Problem};
use super::load::not_toml;
use super::tree::{Node, Origin};
use super::units::{decimal, from_text, write_decimal};

/// The calibration that is built into the program.
const SHIPPED: &str = include_str!("../../calibration/default.toml");

/// What work costs, and where the numbers come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What it is called in reports.
    pub name: Words,
    /// When it was measured.
    pub date: Words,
    /// What kind of machine it was measured on.
    pub machine: Words,
    /// How it was measured.
    pub method: Words,
    /// How much slower devices are.
    pub device_factor: DeviceFactor,
    /// What lies under live nodes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Machine>,
    /// One entry per cost.
    pub costs: Prices,
}

/// By how much costs are multiplied on devices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceFactor {
    /// The factor.
    pub times: NonZeroU32,
    /// Where it comes from.
    pub source: Words,
}

/// Every cost. The first six belong to the executor and to streams, the others are those of
/// [`Work`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// A poll of a task.
    pub poll: Price,
    /// A poll that finds the process asleep, since it had nothing to do, on top of that; nothing if
    /// it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake: Option<Price>,
    /// A poll on a shared core that last ran another host, on top of that; nothing if it is absent.
    /// Hosts switch after every poll here while others wait, more often than under Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Price>,
    /// A write to a stream.
    pub packet_written: Price,
    /// A read from a stream.
    pub packet_read: Price,
    /// Each byte written to a stream.
    pub byte_written: Price,
    /// Each byte read from a stream.
    pub byte_read: Price,
    /// A value encoded.
    pub encode: Price,
    /// A value decoded.
    pub decode: Price,
    /// Each byte of a value encoded or decoded.
    pub coded_byte: Price,
    /// A record appended to a write-ahead log.
    pub journal_record: Price,
    /// Each byte of such a record.
    pub journal_byte: Price,
    /// A sync of a log that is asked for, without the device's time.
    pub journal_sync: Price,
    /// An operation that a chat node decides.
    pub operation: Price,
    /// A row that the store writes or reads.
    pub store_row: Price,
    /// A record that the log takes in or hands out.
    pub log_record: Price,
    /// A recipient of a row.
    pub recipient: Price,
    /// A push to a device.
    pub push: Price,
    /// A command that Redis runs.
    pub redis_command: Price,
}

/// A cost and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Virtual time on one core.
    pub cost: Cost,
    /// How it was measured, or that it is assumed.
    pub source: Words,
    /// Between which costs the batches of the measurement lay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Words>,
}

/// A length of time that was measured, and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timed {
    /// The median.
    pub median: Span,
    /// How it was measured.
    pub source: Words,
    /// Between which times the middle nine tenths of the samples lay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Words>,
}

/// What lies under nodes that run live on the machine; simulations that are held against live runs
/// take it over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Processors.
    pub cores: NonZeroU32,
    /// From the end of a write on a loopback socket to the start of the poll that reads it, while
    /// processors are idle.
    pub loopback: Timed,
    /// A sync of a few hundred new bytes, in the folder where live disks lie.
    pub fsync: Timed,
}

/// A length of processor time, held in picoseconds and written with its unit: `"330ns"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cost(u64);

/// Text that says something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Words(#[schemars(length(min = 1))] String);

impl Calibration {
    /// The calibration that is built into the program.
    pub fn shipped() -> Self {
        let parsed = Self::parse("calibration/default.toml", SHIPPED);
        parsed.unwrap_or_else(|problems| panic!("the shipped calibration is sound: {problems:?}"))
    }

    /// Reads a calibration from TOML text; in errors, `file` stands for the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let root = Node::from_toml(text).map_err(|errors| not_toml(file, errors))?;
        decode(&root).map_err(|refusal| {
            let (path, message) = refusal.into_parts();
            let located = root.locate(&path);
            let line = match located.origin {
                Origin::Line(line) => Some(line),
                Origin::Set(_) | Origin::Nowhere => None,
            };
            let place = Place::File { file: file.to_owned(), line };
            vec![Problem { place, key: located.key, message }]
        })
    }
}

impl Prices {
    /// The cost of a heavy step.
    pub fn of(&self, work: Work) -> Cost {
        let price = match work {
            Work::Encode => &self.encode,
            Work::Decode => &self.decode,
            Work::CodedByte => &self.coded_byte,
            Work::JournalRecord => &self.journal_record,
            Work::JournalByte => &self.journal_byte,
            Work::JournalSync => &self.journal_sync,
            Work::Operation => &self.operation,
            Work::StoreRow => &self.store_row,
            Work::LogRecord => &self.log_record,
            Work::Recipient => &self.recipient,
            Work::Push => &self.push,
            Work::RedisCommand => &self.redis_command,
        };
        price.cost
    }
}

/// Units of a cost, and the decimals that each may have: a picosecond is not divided.
const UNITS: [(&str, usize); 4] = [("ps", 0), ("ns", 3), ("us", 6), ("ms", 9)];
/// Longer than this nothing takes that is not a mistake: 1 s.
const COST_MAX: u64 = 1_000_000_000_000;

impl Cost {
    /// In picoseconds.
    pub const fn picoseconds(self) -> u64 {
        self.0
    }
}

impl FromStr for Cost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let split = text.find(|c: char| c.is_ascii_alphabetic())?;
            let (number, unit) = text.split_at(split);
            let (_, places) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
            decimal(number, places).filter(|picoseconds| *picoseconds <= COST_MAX).map(Self)
        };
        parse().ok_or_else(|| {
            format!(
                "`{text}` is not a cost; write a number and one of ps, ns, us, ms, at most 1 s and \
                 not below 1 ps but 0, as in \"330ns\""
            )
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |places: usize| self.0 >= 10_u64.pow(places as u32);
        let unit = UNITS.iter().rev().find(|(_, places)| fits(*places));
        let (name, places) = unit.unwrap_or(&UNITS[0]);
        write_decimal(f, self.0, *places)?;
        f.write_str(name)
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "a cost, as in \"330ns\"")
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Cost {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cost".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Processor time with its unit: ps, ns, us or ms.",
            "pattern": r"^[0-9]+(\.[0-9]{1,9})?(ps|ns|us|ms)$",
            "examples": ["330ns", "1.3us"],
        })
    }
}

impl FromStr for Words {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Err("it says nothing; say where the number comes from, as in \"measured: …\" \
                       or \"assumed: …\""
                .to_owned()),
            words => Ok(Self(words.to_owned())),
        }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "text in quotes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(from: &str, to: &str) -> String {
        assert!(SHIPPED.contains(from), "{from}");
        let problems = Calibration::parse("c.toml", &SHIPPED.replacen(from, to, 1));
        let problems = problems.expect_err(to);
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn line_of(text: &str) -> usize {
        SHIPPED.lines().position(|line| line == text).expect(text) + 1
    }

    #[test]
    fn the_shipped_calibration_says_what_it_is() {
        let shipped = Calibration::shipped();
        assert_eq!(shipped.name.to_string(), "shipped default");
        assert_eq!(shipped.date.to_string(), "2026-11");
        for work in Work::ALL {
            assert!(shipped.costs.of(work) > Cost(0), "{work:?}");
        }
        let factor = shipped.device_factor;
        assert!(factor.source.to_string().starts_with("assumed"), "nobody measured phones");
    }

    #[test]
    fn the_cost_of_a_switch_may_be_left_out() {
        let switch = "[costs.switch]\ncost = \"1.5us\"\nsource = \"assumed\"\n";
        let of = |text: &str| Calibration::parse("c.toml", text).expect("it is sound").costs.switch;
        assert_eq!(of(SHIPPED), None);
        let price = of(&format!("{SHIPPED}\n{switch}")).expect("it is there");
        assert_eq!(price.cost.to_string(), "1.5us");
    }

    #[test]
    fn costs_are_exact_and_print_in_their_largest_unit() {
        for (text, picoseconds, shown) in [
            ("45ps", 45, "45ps"),
            ("1.3ns", 1_300, "1.3ns"),
            ("4.6us", 4_600_000, "4.6us"),
            ("0.088ns", 88, "88ps"),
            ("0ns", 0, "0ps"),
            ("1500us", 1_500_000_000, "1.5ms"),
        ] {
            let cost: Cost = text.parse().expect(text);
            assert_eq!((cost.picoseconds(), cost.to_string().as_str()), (picoseconds, shown));
        }
        for text in ["", "5", "ns", "1.5ps", "0.0001ns", "-1ns", "1 ns", "1s", "1001ms"] {
            let error = text.parse::<Cost>().expect_err(text);
            assert!(error.ends_with("as in \"330ns\""), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_line_and_key() {
        let poll = line_of("[costs.poll]");
        for (from, to, expected) in [
            (
                "cost = \"330ns\"",
                "cost = \"330\"",
                format!(
                    "c.toml:{}: costs.poll.cost: `330` is not a cost; write a number and one of ps, ns, us, ms, at most 1 s and not below 1 ps but 0, as in \"330ns\"",
                    poll + 1
                ),
            ),
            (
                "cost = \"330ns\"",
                "cost = 330",
                format!(
                    "c.toml:{}: costs.poll.cost: `330` is a whole number; write a cost, as in \"330ns\"",
                    poll + 1
                ),
            ),
            (
                "cost = \"330ns\"\n",
                "cost = \"330ns\"\nsorce = \"x\"\n",
                format!(
                    "c.toml:{}: costs.poll.sorce: there is no such key; did you mean `source`?",
                    poll + 2
                ),
            ),
            (
                "cost = \"330ns\"\n",
                "",
                format!(
                    "c.toml:{poll}: costs.poll.cost: it is missing; add it, as in `cost = \"330ns\"`"
                ),
            ),
            (
                "[costs.poll]",
                "[costs.pol]",
                format!("c.toml:{poll}: costs.pol: there is no such key; did you mean `poll`?"),
            ),
            (
                "times = 4",
                "times = 0",
                format!(
                    "c.toml:{}: device_factor.times: `0` is out of range; write a whole number, 1 or more",
                    line_of("times = 4")
                ),
            ),
            (
                "date = \"2026-11\"",
                "date = \" \"",
                format!(
                    "c.toml:{}: date: it says nothing; say where the number comes from, as in \"measured: …\" or \"assumed: …\"",
                    line_of("date = \"2026-11\"")
                ),
            ),
        ] {
            assert_eq!(refused(from, to), expected, "{to}");
        }
        assert!(refused("[costs.poll]", "[costs.poll").contains(": this is not TOML: "));
    }
}
