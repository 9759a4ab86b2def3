//! Commands on sets: on one, and on several.

mod algebra;
mod members;

use super::Command;

pub(super) const TABLES: [&[Command]; 2] = [algebra::TABLE, members::TABLE];
