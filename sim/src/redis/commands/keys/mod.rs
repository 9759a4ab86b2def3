//! Commands on keys of any kind: whether they are there, how long they live, where they move, and
//! all of them.

mod dumps;
mod expiry;
mod moves;
pub(super) mod there;
mod whole;

use super::Command;

pub(super) const TABLES: [&[Command]; 5] =
    [dumps::TABLE, expiry::TABLE, moves::TABLE, there::TABLE, whole::TABLE];
