//! The `[expect]` table: the verdict that each promise must get, and bounds on figures.
//!
//! A claim is a scenario that expects something else than `valid`. Knows no checker, and of a metric its name
//! and unit.

mod limit;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use im_reports::record::Verdict;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metrics::{self, Metric};
pub use limit::Limit;

/// Bounds by the names of their metrics.
pub type Limits = BTreeMap<String, Limit>;

/// The `[expect]` table. By default every promise holds and is put to the test, and no figure is bounded.
#[derive(Clone, PartialEq, Debug)]
pub struct Expect {
    /// Every message owed to a device is shown on it.
    pub delivery: Verdict,
    /// No device shows a message twice.
    pub duplicates: Verdict,
    /// Every device shows a conversation in its order.
    pub order: Verdict,
    /// Every owed row is shown, pending, or dropped for a reason.
    pub ledger: Verdict,
    /// Whether any message is owed to anybody.
    pub tested: bool,
    /// Bounds on figures of the whole run.
    pub bounds: Limits,
    /// Bounds on figures of one workload's messages.
    pub workload: BTreeMap<String, Limits>,
}

/// Keys that are no metrics.
const KEYS: [&str; 6] = ["delivery", "duplicates", "order", "ledger", "tested", "workload"];

/// All keys.
static KNOWN: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| KEYS.into_iter().chain(metrics::NAMES.iter().copied()).collect());

impl Expect {
    /// The verdict that the promise of a checker must get; `id` is the checker's.
    pub fn of(&self, id: &str) -> Verdict {
        match id {
            "A1" => self.delivery,
            "A2" => self.duplicates,
            "A3" => self.order,
            "ledger" => self.ledger,
            other => unreachable!("no checker `{other}`"),
        }
    }
}

impl Default for Expect {
    fn default() -> Self {
        let valid = Verdict::Valid;
        Self {
            delivery: valid,
            duplicates: valid,
            order: valid,
            ledger: valid,
            tested: true,
            bounds: Limits::new(),
            workload: BTreeMap::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Expect;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of verdicts and bounds")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Expect, A::Error> {
        let mut expect = Expect::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "delivery" => expect.delivery = map.next_value()?,
                "duplicates" => expect.duplicates = map.next_value()?,
                "order" => expect.order = map.next_value()?,
                "ledger" => expect.ledger = map.next_value()?,
                "tested" => expect.tested = map.next_value()?,
                "workload" => {
                    let tables: BTreeMap<String, Bounds> = map.next_value()?;
                    let named = tables.into_iter();
                    expect.workload = named.map(|(name, bounds)| (name, bounds.0)).collect();
                }
                metric => {
                    let known = Metric::named(metric);
                    let metric = known.ok_or_else(|| A::Error::unknown_field(metric, &KNOWN))?;
                    expect.bounds.insert(key, map.next_value_seed(limit::Of(metric))?);
                }
            }
        }
        Ok(expect)
    }
}

/// A table of bounds alone.
struct Bounds(Limits);

impl<'de> Deserialize<'de> for Bounds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BoundsTable).map(Self)
    }
}

struct BoundsTable;

impl<'de> Visitor<'de> for BoundsTable {
    type Value = Limits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of bounds")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Limits, A::Error> {
        let mut limits = Limits::new();
        while let Some(key) = map.next_key::<String>()? {
            let metric = Metric::named(&key)
                .ok_or_else(|| A::Error::unknown_field(&key, &metrics::NAMES))?;
            limits.insert(key, map.next_value_seed(limit::Of(metric))?);
        }
        Ok(limits)
    }
}

impl Serialize for Expect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("delivery", &self.delivery)?;
        map.serialize_entry("duplicates", &self.duplicates)?;
        map.serialize_entry("order", &self.order)?;
        map.serialize_entry("ledger", &self.ledger)?;
        map.serialize_entry("tested", &self.tested)?;
        for (metric, limit) in &self.bounds {
            map.serialize_entry(metric, limit)?;
        }
        if !self.workload.is_empty() {
            map.serialize_entry("workload", &self.workload)?;
        }
        map.end()
    }
}

impl JsonSchema for Expect {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let verdict = |about: &str| {
            let words = ["valid", "invalid", "unknown"];
            serde_json::json!({
                "description": about, "type": "string", "enum": words, "default": "valid"
            })
        };
        let bound = |metric: &Metric| {
            let unit = if metric.unit.is_empty() { "a count" } else { metric.unit };
            serde_json::json!({
                "description": format!("A bound on: {} ({unit}).", metric.about),
                "type": "string",
                "pattern": "^\\s*[<>]=?\\s*[0-9]",
            })
        };
        let bounds = |by_workload: bool| {
            let bounded = metrics::ALL.iter().filter(|metric| !by_workload || metric.by_workload());
            let named = bounded.map(|metric| (metric.name.to_owned(), bound(metric)));
            named.collect::<serde_json::Map<_, _>>()
        };
        let mut properties = bounds(false);
        for (key, schema) in [
            ("delivery", verdict("A1: every message owed to a device is shown on it.")),
            ("duplicates", verdict("A2: no device shows a message twice.")),
            ("order", verdict("A3: every device shows a conversation in its order.")),
            ("ledger", verdict("Every owed row is shown, pending, or dropped for a reason.")),
            (
                "tested",
                serde_json::json!({
                    "description": "Whether any message is owed to anybody. Where that is not so, no \
                                    promise is put to the test.",
                    "type": "boolean", "default": true
                }),
            ),
            (
                "workload",
                serde_json::json!({
                    "description": "Bounds on the messages of one workload, by its name.",
                    "type": "object",
                    "additionalProperties": {
                        "type": "object", "properties": bounds(true), "additionalProperties": false
                    }
                }),
            ),
        ] {
            properties.insert(key.to_owned(), schema);
        }
        json_schema!({
            "description": "The verdict that each promise must get, and bounds on figures (missed: exit 3).",
            "type": "object", "properties": properties, "additionalProperties": false
        })
    }
}
