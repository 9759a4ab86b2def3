//! Conditions on the network as turmoil knows them: latencies and cuts between pairs of places.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use im::env::Nanos;

use super::TICK;
use super::places::{self, Places};
use crate::engine::{Condition, ConditionId, HostId, LinkKind, Network};

/// A direction between two places.
type Way = (usize, usize);

/// Directions that are cut now.
pub type Cuts = Rc<RefCell<BTreeSet<Way>>>;

/// Turmoil's world, with what is imposed on it.
pub struct Links {
    sim: turmoil::Sim<'static>,
    places: Places,
    network: Network,
    imposed: Vec<(ConditionId, Condition)>,
    next: u32,
    /// Hosts without power.
    dark: BTreeSet<HostId>,
    /// Shared with those who dial.
    cuts: Cuts,
    /// What is added to the latency of each pair now; nothing for most.
    delayed: BTreeSet<(Way, Nanos)>,
}

impl Links {
    pub fn new(sim: turmoil::Sim<'static>, places: Places, network: Network, cuts: Cuts) -> Self {
        let links = Self {
            sim,
            places,
            network,
            imposed: Vec::new(),
            next: 0,
            dark: BTreeSet::new(),
            cuts,
            delayed: BTreeSet::new(),
        };
        for pair in links.pairs() {
            links.set_latency(pair, 0);
        }
        links
    }

    /// Lets a tick pass.
    pub fn step(&mut self) {
        self.sim.step().expect("no program ends");
    }

    pub fn impose(&mut self, condition: Condition) -> ConditionId {
        let id = ConditionId(self.next);
        self.next += 1;
        self.imposed.push((id, condition));
        self.apply();
        id
    }

    pub fn lift(&mut self, id: ConditionId) {
        self.imposed.retain(|(each, _)| *each != id);
        self.apply();
    }

    /// Nothing reaches the host any more, and nothing comes from it.
    pub fn darken(&mut self, host: HostId) {
        self.dark.insert(host);
        self.apply();
    }

    /// The host's machine is on.
    pub fn lighten(&mut self, host: HostId) {
        if self.dark.remove(&host) {
            self.apply();
        }
    }

    /// Every pair of places, the lower one first.
    fn pairs(&self) -> Vec<Way> {
        let count = self.places.members().len();
        (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect()
    }

    /// Any host of a place: conditions do not tell its hosts apart.
    fn host_of(&self, place: usize) -> HostId {
        self.places.members()[place][0]
    }

    fn apply(&mut self) {
        let mut cut = BTreeSet::new();
        let mut delayed = BTreeSet::new();
        for (a, b) in self.pairs() {
            let (one, other) = (self.host_of(a), self.host_of(b));
            for (way, hosts) in [((a, b), (one, other)), ((b, a), (other, one))] {
                let dark = self.dark.contains(&one) || self.dark.contains(&other);
                if dark || self.imposed.iter().any(|(_, each)| each.cuts(hosts)) {
                    cut.insert(way);
                }
            }
            let delay = self.delay((one, other));
            if delay > 0 {
                delayed.insert(((a, b), delay));
            }
        }
        let before = self.cuts.replace(cut.clone());
        for way in cut.difference(&before) {
            self.sim.partition_oneway(places::name(way.0), places::name(way.1));
        }
        for way in before.difference(&cut) {
            self.sim.repair_oneway(places::name(way.0), places::name(way.1));
        }
        for (pair, _) in self.delayed.difference(&delayed) {
            self.set_latency(*pair, 0);
        }
        for (pair, by) in delayed.difference(&self.delayed) {
            self.set_latency(*pair, *by);
        }
        self.delayed = delayed;
    }

    fn delay(&self, hosts: (HostId, HostId)) -> Nanos {
        let kind = self.kind(hosts);
        let delays = self.imposed.iter().map(|(_, each)| match each {
            Condition::Delay(on, by) if on.covers(hosts, kind) => *by,
            _ => 0,
        });
        delays.fold(0, Nanos::saturating_add)
    }

    fn kind(&self, (a, b): (HostId, HostId)) -> LinkKind {
        match self.places.is_device(a) || self.places.is_device(b) {
            true => LinkKind::Client,
            false => LinkKind::Backend,
        }
    }

    /// The median of the profile, without its spread; at least a tick.
    fn set_latency(&self, (a, b): Way, more: Nanos) {
        let profile = match self.kind((self.host_of(a), self.host_of(b))) {
            LinkKind::Client => self.network.clients,
            LinkKind::Backend => self.network.backend,
        };
        let latency = Duration::from_nanos(profile.median.saturating_add(more)).max(TICK);
        self.sim.set_link_latency(places::name(a), places::name(b), latency);
    }
}
