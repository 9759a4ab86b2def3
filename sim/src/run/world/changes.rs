//! What is configured anew while the cluster runs. It stands for a configuration that is pushed to all
//! nodes, and that nodes find when they start again.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use im::env::Nanos;
use im::fanout::Threshold;

use crate::cluster::Cluster;
use crate::scenario::{Change, Scenario};

/// Changes to come, in the order of their times.
pub struct Changes {
    to_come: VecDeque<Change>,
    hybrid_threshold: Threshold,
}

impl Changes {
    pub fn new(scenario: &Scenario, cluster: &Cluster) -> Self {
        let mut changes = scenario.changes.clone();
        changes.sort_by_key(|change| change.at);
        Self { to_come: changes.into(), hybrid_threshold: cluster.hybrid_threshold.clone() }
    }

    /// When the next one is due, from the start of `duration`.
    pub fn next(&self) -> Option<Nanos> {
        self.to_come.front().map(|change| change.at.0)
    }

    /// Makes those that are due at `now`, from the start of `duration`.
    pub fn make(&mut self, now: Nanos) {
        while self.next().is_some_and(|at| at <= now) {
            let change = self.to_come.pop_front().expect("there is a next one");
            self.hybrid_threshold.store(change.hybrid_threshold, Ordering::Relaxed);
        }
    }
}
