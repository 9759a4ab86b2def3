//! The values of keys, as data structures that know no command, no database and no time.

mod hash;
pub(crate) mod listpack;
mod set;
pub(crate) mod size;
mod sorted_set;
pub mod stream;

use std::collections::VecDeque;

pub use hash::Hash;
pub use set::Set;
pub use sorted_set::{COMPACT_MEMBERS_MAX, LexEnd, LexRange, ScoreRange, SortedSet};
pub use stream::Stream;

/// The value of a key that is a list.
pub type List = VecDeque<Vec<u8>>;

/// The value of a key.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Bytes.
    String(Vec<u8>),
    /// Elements, from left to right.
    List(List),
    /// Members.
    Set(Set),
    /// Fields and values.
    Hash(Hash),
    /// Members with scores.
    SortedSet(SortedSet),
    /// Entries, and the groups that consume them.
    Stream(Stream),
}

/// What sort of value a key holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// [`Value::String`].
    String,
    /// [`Value::List`].
    List,
    /// [`Value::Set`].
    Set,
    /// [`Value::Hash`].
    Hash,
    /// [`Value::SortedSet`].
    SortedSet,
    /// [`Value::Stream`].
    Stream,
}

impl Value {
    /// What sort of value it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::String(_) => Kind::String,
            Self::List(_) => Kind::List,
            Self::Set(_) => Kind::Set,
            Self::Hash(_) => Kind::Hash,
            Self::SortedSet(_) => Kind::SortedSet,
            Self::Stream(_) => Kind::Stream,
        }
    }
}

impl Kind {
    /// Its name, as `TYPE` tells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Hash => "hash",
            Self::SortedSet => "zset",
            Self::Stream => "stream",
        }
    }
}

/// A collection that a key may hold.
pub trait Typed: Default + Into<Value> {
    /// The collection, if the value is one of this kind.
    fn of(value: &mut Value) -> Option<&mut Self>;
}

macro_rules! collections {
    ($($variant:ident($of:ty),)+) => {
        $(
            impl From<$of> for Value {
                fn from(value: $of) -> Self {
                    Self::$variant(value)
                }
            }

            impl Typed for $of {
                fn of(value: &mut Value) -> Option<&mut Self> {
                    match value {
                        Value::$variant(value) => Some(value),
                        _ => None,
                    }
                }
            }
        )+

        impl Value {
            /// Whether it is a collection without anything in it, which no key may hold.
            pub fn is_empty(&self) -> bool {
                match self {
                    Self::String(_) => false,
                    $(Self::$variant(value) => value.is_empty(),)+
                }
            }
        }
    };
}

collections! {
    List(List),
    Set(Set),
    Hash(Hash),
    SortedSet(SortedSet),
    Stream(Stream),
}
