//! The planted bugs as data: what each of them does to a run, and the shipped scenario that
//! reveals it. How a bug is done stands in the `im` package, and only there.
//!
//! No scenario here rests on lost packets or on the bandwidth of links, so that engines without
//! them can be held to the same table.

use im::config::Sabotage;

use crate::scenario::Scenario;

/// What a planted bug does to a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It breaks the promise of this id, as in [`Promise::id`](im_reports::record::Promise::id).
    Breaks(&'static str),
    /// It breaks no promise: everything comes, and too late. A bound of the scenario is missed.
    Delays,
}

/// A planted bug, and how it comes to light.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Planted {
    /// The bug.
    pub bug: Sabotage,
    /// What it does.
    pub effect: Effect,
    /// The shipped scenario that reveals it with most seeds: a path below `scenarios/`.
    pub scenario: &'static str,
}

const fn planted(bug: Sabotage, breaks: &'static str, scenario: &'static str) -> Planted {
    Planted { bug, effect: Effect::Breaks(breaks), scenario }
}

/// Every planted bug, in the order of [`Sabotage::ALL`].
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
    Planted {
        bug: Sabotage::IdleRedisLink,
        effect: Effect::Delays,
        scenario: "regress/redis-silent-on-idle-links.toml",
    },
];

impl Effect {
    /// What tells of it: the promise, or the bounds.
    pub const fn told_by(self) -> &'static str {
        match self {
            Self::Breaks(promise) => promise,
            Self::Delays => "bounds",
        }
    }
}

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
        let bugs: Vec<_> = ALL.iter().map(|planted| planted.bug).collect();
        assert_eq!(bugs, Sabotage::ALL);
    }

    #[test]
    fn every_promise_has_a_bug_that_breaks_it() {
        for promise in check_all(&History::default()).promises {
            // The ledger keeps the books of what the promises judge.
            let broken = ALL.iter().any(|planted| planted.effect.told_by() == promise.id);
            assert!(broken || promise.id == "ledger", "{}", promise.id);
        }
    }
}
