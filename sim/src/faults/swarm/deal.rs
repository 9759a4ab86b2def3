//! Who may take hold of which node, and when: dealt out per seed, by slots of time.
//!
//! The run is divided into slots, and in each slot each node belongs to one of the families that
//! take hold of nodes. A family finds its own slots without a look at what the others have drawn.

use im::units::Span;

use crate::engine::rng;
use crate::scenario::{Family, NodeRef, Role, Scenario, Swarm};

/// Families that take hold of single nodes.
const HOLDERS: [Family; 6] = [
    Family::Crash,
    Family::PowerLoss,
    Family::Pause,
    Family::DiskSlow,
    Family::DiskFull,
    Family::DiskFailing,
];

/// Families that take hold of the Redis master.
const MASTER_HOLDERS: [Family; 2] = [Family::RedisMasterCrash, Family::RedisMasterPause];

/// In one of so many slots the Redis nodes belong to them.
const MASTERS_IN: u64 = 2;

/// In one of so many slots a whole role belongs to the rolling restarts.
const ROLLING_IN: u64 = 5;

/// Time between the end of a fault in one slot and the beginning of one in the next: a restarted
/// node lives for a moment.
const BREATH: Span = Span::ms(500);

/// The deal of a seed.
pub struct Deal {
    seed: u64,
    /// Whether Redis masters change, so that nobody knows beforehand who holds which.
    failover: bool,
    slot: Span,
    slots: u64,
}

impl Deal {
    pub fn new(scenario: &Scenario, swarm: &Swarm, seed: u64) -> Self {
        let slot = Span(swarm.longest.0 + BREATH.0);
        // A short run may have room for one slot only, which then has no breath.
        let slots = (scenario.duration.0 / slot.0).max(1);
        let failover = scenario.cluster.redis.sentinels > 0;
        Self { seed, failover, slot, slots }
    }

    /// How many slots there are.
    pub fn slots(&self) -> u64 {
        self.slots
    }

    /// When a slot begins.
    pub fn start(&self, slot: u64) -> Span {
        assert!(slot < self.slots);
        Span(self.slot.0 * slot)
    }

    /// Whether the node is the family's in that slot.
    pub fn owns(&self, family: Family, node: NodeRef, slot: u64) -> bool {
        if self.is_rolling(node.role, slot) || node.role == Role::Redis && self.is_masters(slot) {
            return false;
        }
        let mut rng = rng::stream(self.seed, &format!("swarm deal {node} {slot}"));
        HOLDERS[rng::below(&mut rng, HOLDERS.len() as u64) as usize] == family
    }

    /// Whether all Redis nodes belong to a family of faults of the master in that slot.
    fn is_masters(&self, slot: u64) -> bool {
        let mut rng = rng::stream(self.seed, &format!("swarm deal redis-master {slot}"));
        self.failover && rng::below(&mut rng, MASTERS_IN) == 0
    }

    /// Whether the master of Redis is the family's in that slot, whoever it is.
    pub fn owns_master(&self, family: Family, slot: u64) -> bool {
        let mut rng = rng::stream(self.seed, &format!("swarm deal redis-master of {slot}"));
        let of_slot = MASTER_HOLDERS[rng::below(&mut rng, MASTER_HOLDERS.len() as u64) as usize];
        self.is_masters(slot) && of_slot == family
    }

    /// Whether all nodes of the role are the rolling restarts' in that slot.
    pub fn is_rolling(&self, role: Role, slot: u64) -> bool {
        let mut rng = rng::stream(self.seed, &format!("swarm deal {role} {slot}"));
        let masters = role == Role::Redis && self.is_masters(slot);
        role != Role::Device && !masters && rng::below(&mut rng, ROLLING_IN) == 0
    }
}
