//! The conditions in force, and whom they held up. It must not know connections.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::Kind;
use crate::engine::{Condition, ConditionId, HostId};

/// From which host to which.
pub type Path = (HostId, HostId);

/// What is in force between hosts.
pub struct Conditions {
    kind: Kind,
    imposed: Mutex<Imposed>,
    /// Wakes whoever is held whenever a condition ends.
    lifted: Notify,
}

#[derive(Default)]
struct Imposed {
    next: u32,
    in_force: BTreeMap<u32, InForce>,
}

struct InForce {
    condition: Condition,
    /// Chunks and dials that it held up or delayed.
    touched: u64,
}

impl Conditions {
    pub fn new(kind: Kind) -> Self {
        Self { kind, imposed: Mutex::default(), lifted: Notify::new() }
    }

    pub fn impose(&self, condition: Condition) -> ConditionId {
        let mut imposed = self.imposed();
        let id = imposed.next;
        imposed.next += 1;
        imposed.in_force.insert(id, InForce { condition, touched: 0 });
        ConditionId(id)
    }

    pub fn lift(&self, id: ConditionId) -> u64 {
        let ended = self.imposed().in_force.remove(&id.0).expect("a condition ends once");
        self.lifted.notify_waiters();
        ended.touched
    }

    /// Completes at once when none of the paths is cut, or else as soon as that is so.
    pub async fn hold(&self, paths: &[Path]) {
        let mut met = BTreeSet::new();
        loop {
            // Made before the look at the conditions, so that no end of one is missed.
            let lifted = self.lifted.notified();
            if !self.meets_cut(paths, &mut met) {
                return;
            }
            lifted.await;
        }
    }

    /// How much later what takes these paths, one after the other, arrives.
    pub fn delay(&self, paths: &[Path]) -> Duration {
        let mut total = Duration::ZERO;
        for in_force in self.imposed().in_force.values_mut() {
            let Condition::Delay(on, by) = &in_force.condition else { continue };
            let covered = |path: &&Path| on.covers(**path, (self.kind)(path.0, path.1));
            let times = paths.iter().filter(covered).count();
            for _ in 0..times {
                total = total.saturating_add(Duration::from_nanos(*by));
            }
            in_force.touched += u64::from(times > 0);
        }
        total
    }

    /// Whether one of the paths is cut. Every cut that is not yet among those `met` counts it.
    fn meets_cut(&self, paths: &[Path], met: &mut BTreeSet<u32>) -> bool {
        let mut cut = false;
        for (id, in_force) in &mut self.imposed().in_force {
            if paths.iter().any(|path| in_force.condition.cuts(*path)) {
                cut = true;
                in_force.touched += u64::from(met.insert(*id));
            }
        }
        cut
    }

    /// How much a condition has touched so far.
    #[cfg(test)]
    pub fn touched(&self, id: ConditionId) -> u64 {
        self.imposed().in_force[&id.0].touched
    }

    fn imposed(&self) -> MutexGuard<'_, Imposed> {
        self.imposed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
