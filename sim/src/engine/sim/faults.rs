//! Conditions imposed on the network while a fault lasts, and how much traffic each one touched.

use std::collections::BTreeSet;

use im::env::Nanos;

use super::link::{self, Bursts, LinkProfile, Rate};
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

/// Which packets a condition is for.
#[derive(Clone, Debug)]
pub enum Where {
    /// Those on links of that kind.
    Links(LinkKind),
    /// Those from or to one of these hosts.
    Hosts(BTreeSet<HostId>),
    /// Those from a host of one group to one of the other, either way.
    Between(BTreeSet<HostId>, BTreeSet<HostId>),
}

/// One condition.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Extra independent loss per packet, in a million.
    Loss(Where, u32),
    /// Extra loss in bursts; a chain for each direction of each connection.
    BurstLoss(Where, Bursts),
    /// Extra one-way latency.
    Delay(Where, Nanos),
    /// The links of these hosts, or of all hosts on that kind of link, carry no more than this.
    Bandwidth(Where, Rate),
    /// Nothing passes between the two groups, either way.
    Cut(BTreeSet<HostId>, BTreeSet<HostId>),
    /// Nothing passes from the first group to the second; the way back is open.
    CutOneWay(BTreeSet<HostId>, BTreeSet<HostId>),
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
        let applies = |to_what: &Where| match to_what {
            Where::Links(on) => *on == kind,
            Where::Hosts(hosts) => hosts.contains(&from) || hosts.contains(&to),
            Where::Between(a, b) => {
                a.contains(&from) && b.contains(&to) || b.contains(&from) && a.contains(&to)
            }
        };
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
                Condition::CutOneWay(a, b) => {
                    if a.contains(&from) && b.contains(&to) {
                        imposed.touched += 1;
                        return Fare::Swallowed;
                    }
                }
                Condition::Loss(on, ppm) if applies(on) => {
                    if link::any_lost(rng, bytes, *ppm) {
                        imposed.touched += 1;
                        return Fare::Lost;
                    }
                }
                Condition::Delay(on, by) if applies(on) => {
                    imposed.touched += 1;
                    latency += by;
                }
                Condition::Loss(..)
                | Condition::Delay(..)
                | Condition::BurstLoss(..)
                | Condition::Bandwidth(..) => {}
            }
        }
        if link::any_lost(rng, bytes, profile.loss_ppm) {
            return Fare::Lost;
        }
        Fare::Arrives(latency)
    }
}
