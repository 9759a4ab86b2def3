//! Conditions imposed on the network while a fault lasts, and how much traffic each one touched.

use std::collections::BTreeSet;

use im::env::Nanos;

use super::link::{self, LinkProfile};
use super::rng::Stream;
use super::world::HostId;

/// Which of the two kinds of path: a device's access network, or the servers' own network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkKind {
    /// Between a device and a server.
    Client,
    /// Between servers.
    Backend,
}

/// One condition.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Extra independent loss per packet, in a million, on links of that kind.
    Loss(LinkKind, u32),
    /// Extra one-way latency on links of that kind.
    Delay(LinkKind, Nanos),
    /// Nothing passes between the two groups, either way.
    Cut(BTreeSet<HostId>, BTreeSet<HostId>),
}

/// Names an imposed condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConditionId(u32);

struct Imposed {
    id: ConditionId,
    condition: Condition,
    touched: u64,
}

/// How a packet fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fare {
    /// It arrives after this latency.
    Arrives(Nanos),
    /// It is lost on the way; sending it again may help.
    Lost,
    /// A partition swallows it.
    Swallowed,
}

/// The conditions in force.
#[derive(Default)]
pub struct Conditions {
    imposed: Vec<Imposed>,
    next: u32,
}

impl Conditions {
    pub fn impose(&mut self, condition: Condition) -> ConditionId {
        let id = ConditionId(self.next);
        self.next += 1;
        self.imposed.push(Imposed { id, condition, touched: 0 });
        id
    }

    /// Ends the condition; returns how many packets it touched.
    pub fn lift(&mut self, id: ConditionId) -> u64 {
        let place = self.imposed.iter().position(|imposed| imposed.id == id);
        self.imposed.remove(place.expect("a condition is lifted once")).touched
    }

    /// How one write of `bytes` payload bytes fares from `from` to `to`. Every draw comes from the
    /// connection's own stream.
    pub fn fare(
        &mut self,
        (from, to): (HostId, HostId),
        kind: LinkKind,
        profile: &LinkProfile,
        bytes: usize,
        rng: &mut Stream,
    ) -> Fare {
        let mut latency = profile.latency(rng);
        for imposed in &mut self.imposed {
            match &imposed.condition {
                Condition::Cut(a, b) => {
                    let cut = a.contains(&from) && b.contains(&to)
                        || b.contains(&from) && a.contains(&to);
                    if cut {
                        imposed.touched += 1;
                        return Fare::Swallowed;
                    }
                }
                Condition::Loss(on, ppm) if *on == kind => {
                    if link::any_lost(rng, bytes, *ppm) {
                        imposed.touched += 1;
                        return Fare::Lost;
                    }
                }
                Condition::Delay(on, by) if *on == kind => {
                    imposed.touched += 1;
                    latency += by;
                }
                Condition::Loss(..) | Condition::Delay(..) => {}
            }
        }
        if link::any_lost(rng, bytes, profile.loss_ppm) {
            return Fare::Lost;
        }
        Fare::Arrives(latency)
    }
}
