//! The faults of a run as a timed list, and how each is done to the world.

use std::collections::{BTreeMap, BTreeSet};

use im::env::Nanos;
use im_reports::record::FaultReport;

use crate::cluster::Cluster;
use crate::engine::sim::{Condition, ConditionId, HostId, LinkKind, Sim, Torn, Where};
use crate::scenario::{Fault, Links, NodeRef, Scenario, Target};

/// A point in time at which a fault begins or ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// From the start of `duration`.
    pub at: Nanos,
    /// Which fault, from 0.
    pub fault: usize,
    /// Whether it begins here.
    pub begins: bool,
}

/// Beginnings and ends in order; at the same instant ends come first.
pub fn schedule(faults: &[Fault]) -> Vec<Change> {
    let mut changes: Vec<Change> = faults
        .iter()
        .enumerate()
        .flat_map(|(fault, spec)| {
            [
                Change { at: spec.at().0, fault, begins: true },
                Change { at: spec.end().0, fault, begins: false },
            ]
        })
        .collect();
    changes.sort_by_key(|change| (change.at, change.begins, change.fault));
    changes
}

/// Does faults to the world and keeps the books of what they touched.
pub struct Faults {
    specs: Vec<Fault>,
    effects: Vec<BTreeMap<String, u64>>,
    conditions: BTreeMap<usize, ConditionId>,
}

impl Faults {
    pub fn new(scenario: &Scenario) -> Self {
        let specs = scenario.faults.clone();
        let effects = vec![BTreeMap::new(); specs.len()];
        Self { specs, effects, conditions: BTreeMap::new() }
    }

    /// Does what begins or ends. Returns the device host that went down or came up, if any.
    pub fn apply(&mut self, change: Change, sim: &mut Sim, cluster: &Cluster) -> Option<HostId> {
        let number = change.fault;
        let spec = self.specs[number].clone();
        if let Some(condition) = condition(&spec, cluster) {
            if change.begins {
                self.conditions.insert(number, sim.impose(condition));
            } else if let Some(id) = self.conditions.remove(&number) {
                self.count(number, touched_name(&spec), sim.lift(id));
            }
            return None;
        }
        let (node, power) = match &spec {
            Fault::Crash(crash) => (crash.node, false),
            Fault::PowerLoss(loss) => (loss.node, true),
            // Its operations are part of the plan.
            _ => return None,
        };
        let host = cluster.nodes[&node];
        if change.begins {
            let torn = if power { sim.lose_power(host, false) } else { sim.crash(host) };
            self.count_torn(number, torn);
        } else {
            sim.start(host);
        }
        Some(host)
    }

    fn count_torn(&mut self, number: usize, torn: Torn) {
        self.count(number, "connections_torn", torn.connections);
        self.count(number, "tasks_dropped", torn.tasks);
        if torn.disk_bytes > 0 {
            self.count(number, "unsynced_bytes_lost", torn.disk_bytes);
        }
    }

    /// Adds to an effect of a fault.
    pub fn count(&mut self, number: usize, effect: &str, count: u64) {
        *self.effects[number].entry(effect.to_owned()).or_default() += count;
    }

    /// Every fault with what it touched.
    pub fn reports(&self) -> Vec<FaultReport> {
        let report =
            |(place, (spec, effect)): (usize, (&Fault, &BTreeMap<String, u64>))| FaultReport {
                number: place as u32 + 1,
                kind: spec.kind().to_owned(),
                target: target(spec),
                from_ns: spec.at().0,
                until_ns: spec.end().0,
                effect: effect.clone(),
            };
        self.specs.iter().zip(&self.effects).enumerate().map(report).collect()
    }
}

/// The condition on the network that a fault is, if it is one.
fn condition(spec: &Fault, cluster: &Cluster) -> Option<Condition> {
    let kind = |links: Links| match links {
        Links::Clients => LinkKind::Client,
        Links::Backend => LinkKind::Backend,
    };
    match spec {
        Fault::Loss(loss) => {
            Some(Condition::Loss(Where::Links(kind(loss.links)), loss.rate.per_million()))
        }
        Fault::DelaySpike(spike) => {
            Some(Condition::Delay(Where::Links(kind(spike.links)), spike.by.0))
        }
        Fault::Partition(partition) => {
            let [a, b] = partition.between.map(|target| hosts(target, cluster));
            Some(Condition::Cut(a, b))
        }
        Fault::Crash(_) | Fault::PowerLoss(_) | Fault::MembershipChurn(_) => None,
    }
}

/// The hosts that a target covers. All devices of a user go with the user's first one.
fn hosts(target: Target, cluster: &Cluster) -> BTreeSet<HostId> {
    let servers = cluster.nodes.iter().filter(|(node, _)| target.covers(**node));
    let mut hosts: BTreeSet<HostId> = servers.map(|(_, host)| *host).collect();
    for device in &cluster.devices {
        if target.covers(NodeRef { role: crate::scenario::Role::Device, index: device.id.user.0 }) {
            hosts.insert(device.host);
        }
    }
    hosts
}

fn touched_name(spec: &Fault) -> &'static str {
    match spec {
        Fault::Loss(_) => "packets_lost",
        Fault::DelaySpike(_) => "packets_delayed",
        _ => "packets_swallowed",
    }
}

fn links(links: Links) -> &'static str {
    match links {
        Links::Clients => "client links",
        Links::Backend => "backend links",
    }
}

/// What a fault is aimed at, in words.
fn target(spec: &Fault) -> String {
    match spec {
        Fault::Loss(loss) => format!("{}, {}", links(loss.links), loss.rate),
        Fault::DelaySpike(spike) => format!("{}, {}", links(spike.links), spike.by),
        Fault::Partition(partition) => {
            let [a, b] = partition.between;
            format!("{a} ↔ {b}")
        }
        Fault::Crash(crash) => crash.node.to_string(),
        Fault::PowerLoss(loss) => loss.node.to_string(),
        Fault::MembershipChurn(churn) => format!("{}, {}", churn.workload, churn.rate),
    }
}
