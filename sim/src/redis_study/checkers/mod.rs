//! What a study's history proves: pure functions of it, one promise per file.
//!
//! They must not know how the history came about.

mod fencing;
mod locks;
mod lost;
mod repeats;

use im_reports::record::Verdict;

use super::history::History;

pub use fencing::fencing;
pub use locks::{Overlaps, locks, overlaps};
pub use lost::{lost, lost_writes};
pub use repeats::{repeats, values_repeated};

/// What a checker says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Whether the promise held; unknown where there was nothing to see.
    pub verdict: Verdict,
    /// In numbers, for people.
    pub evidence: String,
}

/// Judges a history.
pub type Checker = fn(&History) -> Answer;

/// The promises by the words that `[expect]` uses for them.
pub const CHECKERS: [(&str, Checker); 4] =
    [("acked-writes", lost), ("counter-values", repeats), ("lock", locks), ("fencing", fencing)];

/// The answer of a checker that has seen `seen` cases, of which `bad` broke the promise.
fn judged(seen: usize, bad: usize, evidence: String) -> Answer {
    let verdict = match (seen, bad) {
        (_, 1..) => Verdict::Invalid,
        (0, 0) => Verdict::Unknown,
        (_, 0) => Verdict::Valid,
    };
    Answer { verdict, evidence }
}

#[cfg(test)]
pub(super) mod samples {
    use crate::redis_study::history::{History, Kind, Operation, Outcome, ReadBack};

    /// An operation on node 1 that began at `id` seconds and took half of one.
    pub fn operation(id: u64, kind: Kind, outcome: Outcome) -> Operation {
        let invoked = id * 1_000_000_000;
        let ended = invoked + 500_000_000;
        Operation { id, client: 0, kind, node: 1, invoked, ended, outcome }
    }

    pub fn history(operations: Vec<Operation>, present: &[u64]) -> History {
        let present = present.iter().copied().collect();
        let read_back = Some(ReadBack { node: 2, present, counter: 0 });
        History { operations, read_back, ..History::default() }
    }
}
