//! Commands on hashes: fields, numbers in them, and scans.

mod fields;
mod numbers;
mod scans;

use super::Command;

pub(super) const TABLES: [&[Command]; 3] = [fields::TABLE, numbers::TABLE, scans::TABLE];
