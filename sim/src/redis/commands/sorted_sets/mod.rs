//! Commands on sorted sets: members and scores, ranges, the ends, and several sets.

mod add;
mod algebra;
mod bounds;
mod ends;
mod ranges;
mod scans;

use super::{Command, Context, Reply};
use crate::redis::reply::Protocol;

pub(super) const TABLES: [&[Command]; 5] =
    [add::TABLE, algebra::TABLE, ends::TABLE, ranges::TABLE, scans::TABLE];

/// Members, perhaps with their scores: one after the other, or in pairs in the new protocol.
fn told(context: &mut Context<'_>, members: Vec<(Vec<u8>, f64)>, with_scores: bool) -> Reply {
    let in_pairs = context.session().protocol == Protocol::Resp3;
    let one = |(member, score): (Vec<u8>, f64)| match (with_scores, in_pairs) {
        (false, _) => vec![Reply::Bulk(member)],
        (true, false) => vec![Reply::Bulk(member), Reply::Double(score)],
        (true, true) => vec![Reply::Array(vec![Reply::Bulk(member), Reply::Double(score)])],
    };
    Reply::Array(members.into_iter().flat_map(one).collect())
}
