//! Which nodes a fault takes hold of, and which holds contradict each other: a node that is down
//! cannot go down, and a disk fails in one way at a time.

use im::units::Span;

use super::Fault;
use crate::scenario::Scenario;
use crate::scenario::nodes::{NodeRef, Role};

/// What a fault does to a node for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// Its process is killed, or may be at any moment.
    Down,
    /// It has no power.
    Off,
    /// Its process stands still.
    Paused,
    /// Its disk is faulty.
    Disk,
    /// Its clock drifts.
    Drifts,
}

/// A node in the hold of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The node.
    pub node: NodeRef,
    /// What is done to it.
    pub held: Held,
    /// From when on.
    pub from: Span,
    /// Until when.
    pub until: Span,
}

impl Held {
    /// Whether both cannot be at the same time on the same node.
    pub fn contradicts(self, other: Self) -> bool {
        let stops = |held| matches!(held, Self::Down | Self::Off | Self::Paused);
        let unpowered_disk = |one, other| one == Self::Off && other == Self::Disk;
        stops(self) && stops(other)
            || self == other
            || unpowered_disk(self, other)
            || unpowered_disk(other, self)
    }
}

impl Hold {
    /// Whether both cannot be. One must have ended before the other begins, not at the same
    /// instant, so that a node is seen to live between the two.
    pub fn contradicts(&self, other: &Self) -> bool {
        self.node == other.node
            && self.held.contradicts(other.held)
            && self.from <= other.until
            && other.from <= self.until
    }
}

impl Fault {
    /// The nodes that it takes hold of. What it does to the network is no hold: such faults add up.
    pub fn holds(&self, scenario: &Scenario) -> Vec<Hold> {
        let one =
            |node, held| vec![Hold { node, held, from: self.at(), until: self.end(scenario) }];
        let of_any_redis = |held| {
            let nodes = (0..scenario.nodes(Role::Redis)).map(|index| Role::Redis.node(index));
            nodes.flat_map(|node| one(node, held)).collect()
        };
        match self {
            Self::Crash(fault) => one(fault.node, Held::Down),
            Self::PowerLoss(fault) => one(fault.node, Held::Off),
            Self::Pause(fault) => one(fault.node, Held::Paused),
            Self::ClockDrift(fault) => one(fault.node, Held::Drifts),
            Self::DiskSlow(fault) => one(fault.node, Held::Disk),
            Self::DiskFull(fault) => one(fault.node, Held::Disk),
            Self::DiskFailing(fault) => one(fault.node, Held::Disk),
            Self::RollingRestart(fault) => (0..scenario.nodes(fault.role))
                .map(|index| {
                    let from = fault.kill_at(index);
                    let until = Span(from.0.saturating_add(fault.down.0));
                    Hold { node: fault.role.node(index), held: Held::Down, from, until }
                })
                .collect(),
            // Whoever will be the master.
            Self::RedisMasterCrash(_) => of_any_redis(Held::Down),
            Self::RedisMasterPause(_) => of_any_redis(Held::Paused),
            _ => Vec::new(),
        }
    }
}
