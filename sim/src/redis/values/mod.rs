//! The values of keys, as data structures that know no command, no database and no time.

mod hash;
mod sorted_set;

pub use hash::Hash;
pub use sorted_set::{ScoreRange, SortedSet};

/// The value of a key.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Bytes.
    String(Vec<u8>),
    /// Fields and values.
    Hash(Hash),
    /// Members with scores.
    SortedSet(SortedSet),
}

/// What sort of value a key holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// [`Value::String`].
    String,
    /// [`Value::Hash`].
    Hash,
    /// [`Value::SortedSet`].
    SortedSet,
}

impl Value {
    /// What sort of value it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::Hash(_) => Kind::Hash,
            Self::SortedSet(_) => Kind::SortedSet,
        }
    }
}

impl Kind {
    /// Its name, as `TYPE` tells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Hash => "hash",
            Self::SortedSet => "zset",
        }
    }
}
