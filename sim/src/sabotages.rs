//! The planted bugs as data: which promise each of them breaks, and the shipped scenario that
//! reveals it. How a bug is done stands in the `im` package, and only there.
//!
//! No scenario here rests on lost packets or on the bandwidth of links, so that engines without
//! them can be held to the same table.

use im::config::Sabotage;

use crate::scenario::Scenario;

/// A planted bug, and how it comes to light.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Planted {
    /// The bug.
    pub bug: Sabotage,
    /// Id of a promise that it breaks, as in [`Promise::id`](im_reports::record::Promise::id).
    pub breaks: &'static str,
    /// The shipped scenario that reveals it with most seeds: a path below `scenarios/`.
    pub scenario: &'static str,
}

const fn planted(bug: Sabotage, breaks: &'static str, scenario: &'static str) -> Planted {
    Planted { bug, breaks, scenario }
}

/// A planted bug that breaks no promise: with it everything comes, and too late.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delaying {
    /// The bug.
    pub bug: Sabotage,
    /// The shipped scenario that reveals it, by a bound that is missed: a path below `scenarios/`.
    pub scenario: &'static str,
}

/// Every planted bug that delays, behind those of [`ALL`] in the order of [`Sabotage::ALL`].
pub const DELAYING: &[Delaying] = &[Delaying {
    bug: Sabotage::IdleRedisLink,
    scenario: "regress/redis-silent-on-idle-links.toml",
}];

/// Every planted bug that breaks a promise, in the order of [`Sabotage::ALL`].
pub const ALL: &[Planted] = &[
    planted(Sabotage::AckBeforeCommit, "A1", "faults/chat-and-store-crash.toml"),
    planted(Sabotage::AckBeforeSync, "A1", "faults/power-loss.toml"),
    planted(Sabotage::NoDedupe, "A2", "faults/chat-and-store-crash.toml"),
    planted(Sabotage::ForgetRefusals, "A2", "regress/refused-after-takeover.toml"),
    planted(Sabotage::NoFencing, "A3", "faults/pause.toml"),
    planted(Sabotage::ReuseIds, "A2", "faults/rolling-restart.toml"),
    planted(Sabotage::UnversionedMembers, "A1", "faults/membership-churn.toml"),
    planted(Sabotage::TrustCache, "A1", "faults/redis-gone.toml"),
    planted(Sabotage::PushOnce, "A1", "faults/device-crash.toml"),
    planted(Sabotage::NoHoldBack, "A3", "faults/dispatcher-crash.toml"),
    planted(Sabotage::SendsUnordered, "A3", "faults/chat-and-store-crash.toml"),
    planted(Sabotage::ShowBeforeSync, "A2", "faults/device-crash.toml"),
    planted(Sabotage::ForgetCursors, "A2", "faults/device-crash.toml"),
];

impl Planted {
    /// The scenario with the bug in it.
    pub fn plant_into(self, sound: &Scenario) -> Scenario {
        let mut sabotaged = sound.clone();
        sabotaged.im.sabotage = self.bug;
        sabotaged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkers::check_all;
    use crate::history::History;

    #[test]
    fn every_bug_is_in_the_table_once() {
        let breaking = ALL.iter().map(|planted| planted.bug);
        let bugs: Vec<_> = breaking.chain(DELAYING.iter().map(|delaying| delaying.bug)).collect();
        assert_eq!(bugs, Sabotage::ALL);
    }

    #[test]
    fn every_promise_has_a_bug_that_breaks_it() {
        for promise in check_all(&History::default()).promises {
            // The ledger keeps the books of what the promises judge.
            let broken = ALL.iter().any(|planted| planted.breaks == promise.id);
            assert!(broken || promise.id == "ledger", "{}", promise.id);
        }
    }
}
