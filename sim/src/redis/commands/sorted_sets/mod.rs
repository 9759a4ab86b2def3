//! Commands on sorted sets: giving scores, one member, ranges, removal by ranges, popping (which
//! may wait), several sets at once, and going through a whole set.

mod add;
mod algebra;
mod members;
mod pops;
mod ranges;
mod removals;
mod scans;
mod span;

use super::{Command, Reply};
use crate::redis::reply::Protocol;

pub(super) const TABLES: [&[Command]; 7] = [
    add::TABLE,
    algebra::TABLE,
    members::TABLE,
    pops::TABLE,
    ranges::TABLE,
    removals::TABLE,
    scans::TABLE,
];

/// Members, with their scores if wanted; the new protocol has each pair in a list of its own.
fn listed<M: AsRef<[u8]>>(
    members: impl Iterator<Item = (M, f64)>,
    with_scores: bool,
    protocol: Protocol,
) -> Vec<Reply> {
    let told = members.flat_map(|(member, score)| {
        let (member, score) = (Reply::bulk(member), Reply::Double(score));
        match (with_scores, protocol) {
            (false, _) => vec![member],
            (true, Protocol::Resp2) => vec![member, score],
            (true, Protocol::Resp3) => vec![Reply::Array(vec![member, score])],
        }
    });
    told.collect()
}
