//! Commands on strings: whole values, parts of them, and numbers in them.

mod numbers;
mod parts;
mod set;

use super::Command;

pub(super) const TABLES: [&[Command]; 3] = [numbers::TABLE, parts::TABLE, set::TABLE];

/// A string is no longer than this: `proto-max-bulk-len` at its default.
const BYTES_MAX: usize = 512 * 1024 * 1024;
