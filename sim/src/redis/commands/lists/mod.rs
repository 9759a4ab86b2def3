//! Commands on lists: those that take from the ends or move between lists, which may wait, and
//! those on the elements between.

mod elements;
mod ends;
mod moves;

use super::{Command, Failure};

pub(super) const TABLES: [&[Command]; 3] = [elements::TABLE, ends::TABLE, moves::TABLE];

/// An end of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Left,
    Right,
}

impl End {
    fn parse(word: &[u8]) -> Result<Self, Failure> {
        match word.to_ascii_lowercase().as_slice() {
            b"left" => Ok(Self::Left),
            b"right" => Ok(Self::Right),
            _ => Err(Failure::Syntax),
        }
    }

    fn word(self) -> Vec<u8> {
        match self {
            Self::Left => b"left".to_vec(),
            Self::Right => b"right".to_vec(),
        }
    }

    /// The command that takes elements from here.
    fn pop(self) -> Vec<u8> {
        match self {
            Self::Left => b"LPOP".to_vec(),
            Self::Right => b"RPOP".to_vec(),
        }
    }
}
