//! What became of the writes of `[redis_clients]`: from what they saw and what was done to the Redis
//! nodes to the record.

use std::collections::{BTreeMap, BTreeSet};

use im::env::Nanos;
use im_reports::redis::{RedisBucket, RedisCause, RedisEvent, RedisWrites};
use serde::Serialize;

use super::faults::Faults;
use crate::cluster::Cluster;
use crate::engine::HostId;
use crate::faults::Act;
use crate::redis_study::accounting::{Account, Cause, Change, Event, account};
use crate::redis_study::checkers::{lost_writes, values_repeated};
use crate::redis_study::history::{History, Kind, Outcome};
use crate::scenario::{NodeRef, Persistence, Role, Scenario};

const SECOND: Nanos = 1_000_000_000;

/// What is known of Redis when a run has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedisObserved {
    /// What the clients saw.
    history: History,
    /// What happened to the nodes, in the order of time.
    events: Vec<Event>,
    names: BTreeMap<HostId, NodeRef>,
}

/// Gathers it; `None` if nobody wrote to Redis.
pub fn observe(
    scenario: &Scenario,
    cluster: &Cluster,
    faults: &Faults,
    origin: Nanos,
) -> Option<RedisObserved> {
    let clients = cluster.redis_clients.as_ref()?;
    let roles = cluster.redis_roles();
    let mut events = of_faults(scenario, cluster, faults, origin);
    for (host, (_, changes)) in &roles {
        for pair in changes.windows(2) {
            let what = match (pair[0].master, pair[1].master) {
                (false, true) => Change::Promoted,
                (true, false) => Change::Demoted,
                _ => continue,
            };
            events.push(Event { at: pair[1].at, node: *host, what });
        }
    }
    events.sort_by_key(|event| event.at);
    let names = roles.into_iter().map(|(host, (node, _))| (host, node)).collect();
    Some(RedisObserved { history: clients.recorder.history().clone(), events, names })
}

/// What faults have done to Redis nodes.
fn of_faults(scenario: &Scenario, cluster: &Cluster, faults: &Faults, origin: Nanos) -> Vec<Event> {
    let keeps = scenario.cluster.redis.persistence != Persistence::None;
    let mut events = Vec::new();
    for drawn in faults.done() {
        let [begins, ends] = match &drawn.act {
            Act::Crash { .. } | Act::PowerLoss { .. } => {
                [Change::Killed, Change::Restarted { keeps }]
            }
            Act::Cut { .. } => [Change::CutOff, Change::Healed],
            _ => continue,
        };
        let hit: BTreeSet<HostId> = match &drawn.act {
            Act::Crash { node, .. } | Act::PowerLoss { node, .. } => [cluster.nodes[node]].into(),
            Act::Cut { side, from, .. } => {
                let sides = side.iter().chain(from.iter().flatten()).cloned();
                cluster.hosts(scenario, &sides.collect::<Vec<_>>())
            }
            _ => BTreeSet::new(),
        };
        for node in cluster.redis_nodes().map(|node| cluster.nodes[&node]) {
            if hit.contains(&node) {
                events.push(Event { at: origin + drawn.at, node, what: begins });
                events.push(Event { at: origin + drawn.until, node, what: ends });
            }
        }
    }
    events
}

impl RedisObserved {
    /// As it stands in the record, where times count from `origin`.
    pub fn writes(&self, origin: Nanos) -> RedisWrites {
        let count = |is: fn(&Outcome) -> bool| {
            self.history.operations.iter().filter(|one| is(&one.outcome)).count() as u64
        };
        let lost = lost_writes(&self.history);
        let repeated = values_repeated(&self.history);
        let mut timeline: BTreeMap<u64, RedisBucket> = BTreeMap::new();
        let second = |at: Nanos| at.saturating_sub(origin) / SECOND;
        let done = || self.history.operations.iter().filter(|one| is_done(&one.outcome));
        if let Some(last) = done().map(|one| second(one.ended)).max() {
            timeline = (0..=last)
                .map(|at| (at, RedisBucket { second: at, ..Default::default() }))
                .collect();
        }
        let mut bucket = |at: Nanos, add: fn(&mut RedisBucket)| {
            timeline.get_mut(&second(at)).into_iter().for_each(add);
        };
        done().for_each(|one| bucket(one.ended, |bucket| bucket.acked += 1));
        lost.iter().for_each(|one| bucket(one.ended, |bucket| bucket.lost += 1));
        for twins in repeated.values() {
            twins.iter().for_each(|one| bucket(one.ended, |bucket| bucket.repeated += 1));
        }
        let known = self.history.read_back.is_some();
        RedisWrites {
            acked: done().filter(|one| one.kind != Kind::Incr).count() as u64,
            refused: count(|outcome| matches!(outcome, Outcome::Refused(_))),
            unknown: count(|outcome| matches!(outcome, Outcome::Maybe(_))),
            lost: known.then_some(lost.len() as u64),
            repeated: repeated.len() as u64,
            longest_silence_ns: longest_silence(done().map(|one| one.ended)),
            causes: causes(&account(&self.history, &self.events)),
            timeline: timeline.into_values().collect(),
            events: self.events.iter().map(|event| self.told(event, origin)).collect(),
        }
    }

    fn told(&self, event: &Event, origin: Nanos) -> RedisEvent {
        let node = self.names.get(&event.node).copied().unwrap_or(Role::Redis.node(0));
        let what = match event.what {
            Change::Killed => "killed",
            Change::Restarted { keeps: true } => "restarted with what it had synced",
            Change::Restarted { keeps: false } => "restarted empty",
            Change::CutOff => "cut off",
            Change::Healed => "can be reached again",
            Change::Promoted => "promoted",
            Change::Demoted => "demoted",
        };
        let at_ns = event.at.saturating_sub(origin);
        RedisEvent { at_ns, node: node.to_string(), what: what.to_owned() }
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(_))
}

/// The longest time between two of these, which rise.
fn longest_silence(times: impl Iterator<Item = Nanos> + Clone) -> Nanos {
    times.clone().zip(times.skip(1)).map(|(one, next)| next - one).max().unwrap_or(0)
}

fn causes(account: &Account) -> Vec<RedisCause> {
    let told = |effect: &str, ((hop, window, guard), count): (&Cause, &u64)| RedisCause {
        effect: effect.to_owned(),
        hop: id(hop),
        window: id(window),
        guard: id(guard),
        count: *count,
    };
    let lost = account.lost.iter().map(|one| told("lost", one));
    let repeated = account.repeated.iter().map(|one| told("repeated", one));
    let mut causes: Vec<RedisCause> = lost.chain(repeated).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    causes
}

/// The word that stands for a variant in JSON.
fn id(variant: &impl Serialize) -> String {
    let json = serde_json::to_value(variant).expect("it is one word");
    json.as_str().expect("it is one word").to_owned()
}
