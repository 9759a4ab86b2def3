//! What the decoder answers when a value does not fit: where it stands, and what is wrong.
//!
//! It is serde's error type, which keeps what serde's visitors report as data until it is said.

use std::fmt::{self, Display};

use serde::de::{Error, Expected, Unexpected};

use super::explain::Reason;
use super::tree::{Node, Path};

/// A value that does not fit, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    /// Steps from the decoded node to the value, the last one first.
    inward: Path,
    reason: Reason,
}

impl Refusal {
    /// The path from the decoded node, and what is wrong there.
    pub fn into_parts(self) -> (Path, String) {
        let explained = self.reason.explain();
        (self.inward.into_iter().rev().collect(), explained)
    }

    /// The same, seen from one step further out.
    pub fn within(mut self, step: impl Into<String>) -> Self {
        self.inward.push(step.into());
        self
    }

    /// The value is of another kind than is wanted.
    pub fn wrong_kind(node: &Node, wanted: &str) -> Self {
        Error::invalid_type(node.value.unexpected(), &wanted)
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { inward: Path::new(), reason }
    }
}

fn describe(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}` is a boolean"),
        Unexpected::Signed(value) => format!("`{value}` is a whole number"),
        Unexpected::Unsigned(value) => format!("`{value}` is a whole number"),
        Unexpected::Float(value) => format!("`{value:?}` is a number with a fraction"),
        Unexpected::Str(text) => format!("`{text}` is text"),
        Unexpected::Seq => "this is an array".to_owned(),
        Unexpected::Map => "this is a table".to_owned(),
        Unexpected::Other(words) => format!("this is {words}"),
        other => format!("this is {other}"),
    }
}

impl std::error::Error for Refusal {}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason.explain())
    }
}

impl Error for Refusal {
    fn custom<T: Display>(words: T) -> Self {
        Self::from(Reason::Words(words.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::from(Reason::WrongKind { found: describe(found), wanted: wanted.to_string() })
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Signed(value) => format!("`{value}`"),
            other => describe(other),
        };
        Self::from(Reason::OutOfRange { found, wanted: wanted.to_string() })
    }

    fn invalid_length(length: usize, wanted: &dyn Expected) -> Self {
        let entries = if length == 1 { "is 1 entry" } else { &format!("are {length} entries") };
        Self::from(Reason::Words(format!("there {entries}; write {wanted}")))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::from(Reason::UnknownWord { word: word.to_owned(), known: known.to_vec() })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        let reason = Reason::UnknownKey { key: key.to_owned(), known: known.to_vec() };
        Self::from(reason).within(key)
    }

    fn missing_field(key: &'static str) -> Self {
        Self::from(Reason::MissingKey(key)).within(key)
    }
}
