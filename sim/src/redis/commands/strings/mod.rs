//! Commands on strings: whole values, parts and bits of them, and numbers in them.

mod bits;
mod numbers;
mod parts;
mod set;

use super::Command;

pub(super) const TABLES: [&[Command]; 4] = [bits::TABLE, numbers::TABLE, parts::TABLE, set::TABLE];

/// A string is no longer than this: `proto-max-bulk-len` at its default.
const BYTES_MAX: usize = 512 * 1024 * 1024;
