//! Fan-out: how a committed row reaches its recipients. One strategy per file.
//!
//! The chat node asks the strategy once per row, at its commit: it decides how the row is stored. What
//! travels to online devices is a choice of its own (`push`).

mod consumption;
mod hybrid;
mod push;
mod read;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::config::{Config, Fanout};
use crate::model::{Body, Delivery, Row, UserId};
use crate::proto::store::{ListChange, Listing};

/// A fan-out strategy.
pub trait Strategy {
    /// How a row for that many members is delivered, in a conversation that they open so often.
    fn delivery(&self, members: u32, consumption: &Consumption) -> Delivery;
}

/// Members from which hybrid fan-out reads at the moment. Whoever runs the cluster may change it while
/// it runs; what was committed before stays as it was decided.
pub type Threshold = Arc<AtomicU32>;

/// The strategy that the configuration names.
pub fn strategy(config: &Config, threshold: Threshold) -> Box<dyn Strategy> {
    match config.fanout {
        Fanout::Write => Box::new(write::Write),
        Fanout::Read => Box::new(read::Read),
        Fanout::Hybrid => {
            Box::new(hybrid::Hybrid { threshold, opens_percent: config.hybrid_opens_percent })
        }
    }
}

pub use consumption::Consumption;
pub use push::{lacking, push};

/// Whether each recipient's inbox gets a copy of the row.
pub fn copies(row: &Row) -> bool {
    row.delivery == Delivery::Write
}

/// How a membership row changes conversation lists.
pub fn list_changes(row: &Row) -> Vec<ListChange> {
    let of = |user: UserId, change| ListChange { user, conversation: row.conversation, change };
    match &row.body {
        Body::Created(users) => users.iter().map(|user| of(*user, Listing::Joined(1))).collect(),
        Body::Joined => vec![of(row.key.sender, Listing::Joined(row.seq))],
        Body::Left => vec![of(row.key.sender, Listing::Left(row.seq))],
        Body::Content(_) => Vec::new(),
    }
}
