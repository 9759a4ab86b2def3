//! A bound on a figure, as people write it: `"< 800ms"`, `"> 99 %"`, `"<= 3"`.
//!
//! A span of time carries its unit; a share is in percent; everything else is a number in the metric's unit, which
//! may stand behind it.

use std::fmt;

use im::units::Span;
use serde::de::{DeserializeSeed, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::metrics::Metric;

/// A bound on a figure.
#[derive(Clone, PartialEq, Debug)]
pub struct Limit {
    relation: Relation,
    /// In the metric's unit.
    value: f64,
    /// The bound as it was written, without needless space.
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Relation {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Limit {
    /// Reads the bound of a metric.
    pub fn parse(metric: &Metric, text: &str) -> Result<Self, String> {
        let refuse = || {
            let example = example(metric);
            format!(
                "`{text}` is no bound of {}; write <, <=, > or >= and a value, as in \"{example}\"",
                metric.name
            )
        };
        let trimmed = text.trim();
        let signs = [
            ("<=", Relation::AtMost),
            (">=", Relation::AtLeast),
            ("<", Relation::Below),
            (">", Relation::Above),
        ];
        let (sign, relation) =
            signs.into_iter().find(|(sign, _)| trimmed.starts_with(sign)).ok_or_else(refuse)?;
        let amount = trimmed[sign.len()..].trim();
        let value = value(metric, amount).ok_or_else(refuse)?;
        Ok(Self { relation, value, text: format!("{sign} {amount}") })
    }

    /// Whether a figure is within the bound.
    pub fn holds(&self, value: f64) -> bool {
        match self.relation {
            Relation::Below => value < self.value,
            Relation::AtMost => value <= self.value,
            Relation::Above => value > self.value,
            Relation::AtLeast => value >= self.value,
        }
    }

    /// Whether larger figures than those measured would be out of bounds, too.
    pub fn is_upper(&self) -> bool {
        matches!(self.relation, Relation::Below | Relation::AtMost)
    }
}

fn value(metric: &Metric, amount: &str) -> Option<f64> {
    let spans = |per_ns: f64| Some(amount.replace(' ', "").parse::<Span>().ok()?.0 as f64 / per_ns);
    let number = |text: &str| {
        let value = text.trim().parse::<f64>().ok()?;
        (value.is_finite() && value >= 0.0).then_some(value)
    };
    match metric.unit {
        "ms" => spans(1e6),
        "s" => spans(1e9),
        "%" => number(amount.strip_suffix('%')?),
        "" => number(amount),
        "1/s" => number(amount.strip_suffix("/s").unwrap_or(amount)),
        unit => number(amount.strip_suffix(unit).unwrap_or(amount)),
    }
}

fn example(metric: &Metric) -> &'static str {
    match metric.unit {
        "ms" => "< 800ms",
        "s" => "< 10s",
        "%" => "> 99%",
        "" => "<= 3",
        "1/s" => "> 100/s",
        _ => "< 50",
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Decodes the bound of a metric.
pub(super) struct Of(pub &'static Metric);

impl<'de> DeserializeSeed<'de> for Of {
    type Value = Limit;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Limit, D::Error> {
        let text = String::deserialize(deserializer)?;
        Limit::parse(self.0, &text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(metric: &str, text: &str) -> Result<Limit, String> {
        Limit::parse(Metric::named(metric).expect(metric), text)
    }

    #[test]
    fn a_bound_is_a_relation_and_a_value_with_its_unit() {
        for (metric, text, inside, outside) in [
            ("show_p99", "< 800ms", 799.9, 800.0),
            ("show_p99", "<=1.5s", 1_500.0, 1_501.0),
            ("accepted", "> 99 %", 99.1, 99.0),
            ("accepted", ">=99.5%", 99.5, 99.4),
            ("unaccepted_gap", "< 5s", 4.9, 5.0),
            ("connections_lost", "<= 3", 3.0, 4.0),
            ("shown_per_s", "> 100/s", 101.0, 99.0),
            ("rows_written", "< 5.5", 5.4, 5.5),
            ("rows_written", "< 5.5 rows/message", 5.4, 5.5),
        ] {
            let limit = parse(metric, text).expect(text);
            assert!(limit.holds(inside) && !limit.holds(outside), "{metric} {text}: {limit:?}");
            assert_eq!(parse(metric, &limit.to_string()), Ok(limit), "{text}");
        }
    }

    #[test]
    fn what_is_no_bound_says_what_would_be() {
        for (metric, text) in [
            ("show_p99", "800ms"),
            ("show_p99", "< 800"),
            ("show_p99", "= 800ms"),
            ("accepted", "> 99"),
            ("connections_lost", "< -1"),
            ("connections_lost", "< many"),
            ("shown_per_s", "> inf"),
        ] {
            assert!(parse(metric, text).is_err(), "{metric} {text}");
        }
        assert_eq!(
            parse("show_p99", "800ms").unwrap_err(),
            "`800ms` is no bound of show_p99; write <, <=, > or >= and a value, as in \"< 800ms\""
        );
    }
}
