//! What cannot be, though every key has a value of the right kind.
//!
//! Each rule names the key that is wrong, the keys that have a part in it, and the remedy. Rules
//! see the decoded scenario only; where its values came from is for the loader to find out.

mod aftermath;
mod cluster;
mod cpu;
mod expect;
mod faults;
mod timing;
mod variants;
mod workload;

pub use timing::{promised_within, settle_floor};

use super::Scenario;
use super::tree::Path;

/// A rule that does not hold.
pub(super) struct Violation {
    /// The key that is wrong, then the keys that have a part in it. Array elements by index.
    pub keys: Vec<Path>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Everything that is impossible in the scenario.
pub(super) fn validate(scenario: &Scenario) -> Vec<Violation> {
    let mut rules = Rules { violations: Vec::new() };
    cluster::check(scenario, &mut rules);
    cpu::check(&scenario.cpu, &mut rules);
    timing::check(scenario, &mut rules);
    variants::check(scenario, &mut rules);
    workload::check(scenario, &mut rules);
    faults::check(scenario, &mut rules);
    expect::check(scenario, &mut rules);
    rules.violations
}

/// Collects the rules that do not hold.
struct Rules {
    violations: Vec<Violation>,
}

impl Rules {
    /// Demands that a rule holds. `keys` are written with dots, the wrong one first.
    fn demand(&mut self, holds: bool, keys: &[&str], message: impl FnOnce() -> String) {
        if holds {
            return;
        }
        let path = |key: &&str| key.split('.').map(str::to_owned).collect();
        let keys = keys.iter().map(path).collect();
        self.violations.push(Violation { keys, message: message() });
    }

    /// Demands that a count is at least 1.
    fn demand_some(&mut self, key: &str, count: usize, what: &str) {
        self.demand(count >= 1, &[key], || format!("`0` leaves {what}; write 1 or more"));
    }
}
