//! The raw scenario: a tree of values that each know where they came from.
//!
//! It is built from TOML (or from the JSON of a record), changed by `--set`, read by the decoder,
//! and asked for the place of whatever turns out wrong. Knows no key of the scenario.

use std::collections::BTreeMap;

use serde::de::Unexpected;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and its origin.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    pub value: Value,
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// This line of the file, from 1.
    Line(usize),
    /// The `--set` of that number, from 0.
    Set(usize),
    /// Not written anywhere: the whole file, or a default.
    Nowhere,
}

/// A value as it was written.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Array(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// Something no key takes; the words say what.
    Other(String),
}

/// The place of a value in the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Located {
    /// The path as a user writes it: elements by their names.
    pub key: String,
    /// The origin of the value or, if it is absent, of the nearest table around it.
    pub origin: Origin,
    /// Whether the value is there.
    pub present: bool,
}

/// The keys and indices that lead from the root to a value.
pub(super) type Path = Vec<String>;

/// The line of each byte of a text.
pub(super) struct LineIndex(Vec<usize>);

impl Node {
    pub fn table(origin: Origin) -> Self {
        Self { value: Value::Table(BTreeMap::new()), origin }
    }

    /// The tree of a TOML document, or its syntax errors with their lines.
    pub fn from_toml(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let lines = LineIndex::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let value = table_from_toml(table.get_ref(), &|at| Origin::Line(lines.line(at)));
            return Ok(Self { value, origin: Origin::Nowhere });
        }
        let line = |error: &toml::de::Error| lines.line(error.span().map_or(0, |span| span.start));
        Err(errors.iter().map(|error| (line(error), error.message().to_owned())).collect())
    }

    /// One TOML value, as after a `--set key=`; `None` if the text is none.
    pub fn from_toml_value(text: &str, origin: Origin) -> Option<Self> {
        let value = DeValue::parse(text).ok()?;
        Some(Self { value: value_from_toml(value.get_ref(), &|_| origin), origin })
    }

    /// The tree of a JSON value.
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => Value::Other("null".to_owned()),
            Json::Bool(value) => Value::Boolean(*value),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => Value::Integer(integer),
                None => number.as_f64().map_or(Value::Other(number.to_string()), Value::Float),
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::Array(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => Value::Table(
                entries.iter().map(|(key, json)| (key.clone(), Self::from_json(json))).collect(),
            ),
        };
        Self { value, origin: Origin::Nowhere }
    }

    /// The value under this key, or of this name or index in an array.
    pub fn get(&self, step: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries.get(step),
            Value::Array(items) => items.get(position(items, step)?),
            _ => None,
        }
    }

    /// The elements of an array, or nothing.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// The `name` under which an element of an array can be addressed.
    pub fn name(&self) -> Option<&str> {
        match &self.get("name")?.value {
            Value::Text(name) => Some(name),
            _ => None,
        }
    }

    /// Where the value of that path is, or would be.
    pub fn locate(&self, path: &[String]) -> Located {
        let mut here = Some(self);
        let mut origin = self.origin;
        let mut shown = Vec::with_capacity(path.len());
        for step in path {
            let parent = here;
            here = parent.and_then(|node| node.get(step));
            origin = here.map_or(origin, |node| node.origin);
            let named = here.and_then(Self::name);
            let in_array = parent.is_some_and(|node| matches!(node.value, Value::Array(_)));
            shown.push(named.filter(|_| in_array).unwrap_or(step));
        }
        Located { key: shown.join("."), origin, present: here.is_some() }
    }
}

impl Value {
    /// The value as serde's visitors are told of it when they do not want it.
    pub fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Boolean(value) => Unexpected::Bool(*value),
            Self::Integer(value) => Unexpected::Signed(*value),
            Self::Float(value) => Unexpected::Float(*value),
            Self::Text(value) => Unexpected::Str(value),
            Self::Array(_) => Unexpected::Seq,
            Self::Table(_) => Unexpected::Map,
            Self::Other(words) => Unexpected::Other(words),
        }
    }
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line, from 1, of the byte at `offset`.
    pub fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }
}

/// Which element of an array is meant: the one of that name, or else the one of that index.
pub(super) fn position(items: &[Node], step: &str) -> Option<usize> {
    let named = items.iter().position(|item| item.name() == Some(step));
    named.or_else(|| step.parse().ok().filter(|index| *index < items.len()))
}

fn table_from_toml(table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin) -> Value {
    let nodes = table.iter().map(|(key, value)| {
        let value = value_from_toml(value.get_ref(), origin);
        (key.get_ref().to_string(), Node { value, origin: origin(key.span().start) })
    });
    Value::Table(nodes.collect())
}

fn value_from_toml(value: &DeValue<'_>, origin: &dyn Fn(usize) -> Origin) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Other(format!("`{integer}`, a number too large")),
        },
        DeValue::Float(float) => match float.as_str().parse() {
            Ok(float) => Value::Float(float),
            Err(_) => Value::Other(format!("`{float}`, a number too large")),
        },
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(datetime) => Value::Other(format!("`{datetime}`, a date")),
        DeValue::Array(items) => {
            let node = |item: &Spanned<DeValue<'_>>| Node {
                value: value_from_toml(item.get_ref(), origin),
                origin: origin(item.span().start),
            };
            Value::Array(items.iter().map(node).collect())
        }
        DeValue::Table(table) => table_from_toml(table, origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"about = "x"

[cluster]
log = { brokers = 1,
        acks = "all" }
store.shards = 2

[[workload]]
name = "first"

[[workload]]
name = "second"
members = { min = 0x10, max = 1_000 }
waits = [
    "1s",
    "2s",
]
"#;

    fn locate(path: &str) -> Located {
        let tree = Node::from_toml(TEXT).expect("sound");
        let steps: Path = path.split('.').map(str::to_owned).collect();
        tree.locate(&steps)
    }

    #[test]
    fn every_value_knows_its_line() {
        for (path, shown, line) in [
            ("about", "about", 1),
            ("cluster", "cluster", 3),
            ("cluster.log", "cluster.log", 4),
            ("cluster.log.acks", "cluster.log.acks", 5),
            ("cluster.store.shards", "cluster.store.shards", 6),
            ("workload.0", "workload.first", 8),
            ("workload.1", "workload.second", 11),
            ("workload.second.members.min", "workload.second.members.min", 13),
            ("workload.1.waits.1", "workload.second.waits.1", 16),
        ] {
            let (key, origin) = (shown.to_owned(), Origin::Line(line));
            assert_eq!(locate(path), Located { key, origin, present: true }, "{path}");
        }
    }

    #[test]
    fn what_is_absent_has_the_line_of_the_table_around_it() {
        let missing = locate("workload.1.rate");
        assert_eq!(missing.key, "workload.second.rate");
        assert_eq!((missing.origin, missing.present), (Origin::Line(11), false));
        assert_eq!(locate("settle").origin, Origin::Nowhere);
    }

    #[test]
    fn numbers_are_read_in_every_notation() {
        let tree = Node::from_toml(TEXT).expect("sound");
        let members = tree.get("workload").and_then(|all| all.get("1")?.get("members"));
        let number = |key| members.and_then(|table| table.get(key)).map(|node| node.value.clone());
        assert_eq!(number("min"), Some(Value::Integer(16)));
        assert_eq!(number("max"), Some(Value::Integer(1_000)));
    }

    #[test]
    fn text_that_is_not_toml_gives_its_lines() {
        let errors = Node::from_toml("a = 1\nb = = 2\n\n[c\n").expect_err("broken");
        let lines: Vec<usize> = errors.iter().map(|(line, _)| *line).collect();
        assert!(lines.contains(&2) && lines.contains(&4), "{errors:?}");
    }
}
