//! How the drawn faults are done to the world, and the books of what each of them touched.

use std::collections::{BTreeMap, BTreeSet};

use im::env::Nanos;
use im_reports::record::FaultReport;

use super::left_out;
use crate::cluster::{self, Cluster};
use crate::engine::{
    Condition, ConditionId, DiskFault, Engine, Foreseen, HostId, Kind, LinkKind, Torn, Where,
};
use crate::faults::{Act, Drawn, On};
use crate::scenario::{Links, NodeRef, Scenario, Way};

/// A point in time at which something is done to the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// From the start of `duration`.
    pub at: Nanos,
    /// Which fault, by its place in the list.
    pub fault: usize,
    /// What of it.
    pub step: Step,
}

/// What of a fault is done. At the same instant ends come first, so that what heals is free for the
/// next fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// It is healed.
    Ends,
    /// It begins.
    Begins,
    /// It strikes again.
    Again,
}

/// A host whose program went down or came up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// The host.
    pub host: HostId,
    /// Whether it came up.
    pub up: bool,
}

/// All steps of all faults, in order.
fn schedule(faults: &[Drawn]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (fault, drawn) in faults.iter().enumerate() {
        let step = |at, step| Change { at, fault, step };
        changes.push(step(drawn.at, Step::Begins));
        changes.push(step(drawn.until, Step::Ends));
        if let Act::Reset { every: Some(every), .. } = &drawn.act {
            let again = (1..).map(|count| drawn.at + every.0 * count);
            changes
                .extend(again.take_while(|at| *at < drawn.until).map(|at| step(at, Step::Again)));
        }
    }
    changes.sort_by_key(|change| (change.at, change.step, change.fault));
    changes
}

/// Does faults to the world and keeps the books of what they touched.
pub struct Faults {
    drawn: Vec<Drawn>,
    /// Why the engine cannot do each, if it cannot.
    left_out: Vec<Option<&'static str>>,
    /// Faults that have begun.
    begun: BTreeSet<usize>,
    /// Faults of which the engine cannot tell what they touched.
    uncounted: BTreeSet<usize>,
    effects: Vec<BTreeMap<String, u64>>,
    conditions: BTreeMap<usize, ConditionId>,
    /// Crashes that wait for a fault point, by the host that they wait on.
    armed: BTreeMap<HostId, usize>,
    /// The masters of Redis that faults were done to.
    masters: BTreeMap<usize, NodeRef>,
    /// How often the clock of a host had been read when a fault of it began.
    clock_reads: BTreeMap<usize, u64>,
}

impl Faults {
    /// What one of the engines cannot do is left out.
    pub fn new(engines: &[Kind], drawn: Vec<Drawn>) -> Self {
        let effects = vec![BTreeMap::new(); drawn.len()];
        let left_out =
            |drawn: &Drawn| engines.iter().find_map(|engine| left_out::fault(*engine, &drawn.act));
        let left_out = drawn.iter().map(left_out).collect();
        Self {
            drawn,
            left_out,
            begun: BTreeSet::new(),
            uncounted: BTreeSet::new(),
            effects,
            conditions: BTreeMap::new(),
            armed: BTreeMap::new(),
            masters: BTreeMap::new(),
            clock_reads: BTreeMap::new(),
        }
    }

    /// All steps of the faults that the engine can do, in order.
    pub fn schedule(&self) -> Vec<Change> {
        let mut changes = schedule(&self.drawn);
        changes.retain(|change| self.left_out[change.fault].is_none());
        changes
    }

    /// What the faults will do to the network.
    pub fn foresee(&self, scenario: &Scenario, cluster: &Cluster) -> Foreseen {
        let mut foreseen = Foreseen::default();
        for (drawn, left_out) in self.drawn.iter().zip(&self.left_out) {
            if left_out.is_some() {
                continue;
            }
            let acts = match &drawn.act {
                // Any of them may be the master then.
                Act::OfRedisMaster(what) => {
                    cluster.redis_nodes().map(|node| what.to(node)).collect()
                }
                act => vec![act.clone()],
            };
            for act in &acts {
                foreseen.conditions.extend(condition(act, scenario, cluster).map(|(it, _)| it));
            }
            foreseen.resets |= matches!(drawn.act, Act::Reset { .. });
            if let Act::PowerLoss { node, .. } = &drawn.act {
                foreseen.power_losses.insert(cluster.nodes[node]);
            }
        }
        foreseen
    }

    /// Does one step. Tells of the host that went down or came up by it, if one did.
    pub fn apply(
        &mut self,
        change: Change,
        engine: &mut impl Engine,
        (scenario, cluster): (&Scenario, &Cluster),
    ) -> Option<Turn> {
        let number = change.fault;
        self.begun.insert(number);
        let mut drawn = self.drawn[number].clone();
        if let Act::OfRedisMaster(what) = &drawn.act {
            let master = *self.masters.entry(number).or_insert_with(|| cluster.redis_master());
            drawn.act = what.to(master);
        }
        if let Some((condition, touched)) = condition(&drawn.act, scenario, cluster) {
            match change.step {
                Step::Begins => {
                    self.conditions.insert(number, engine.impose(condition));
                }
                Step::Ends => {
                    let id = self.conditions.remove(&number).expect("what ends has begun");
                    match engine.lift(id) {
                        Some(count) => self.count(number, touched, count),
                        None => drop(self.uncounted.insert(number)),
                    }
                }
                Step::Again => unreachable!("only resets strike again"),
            }
            return None;
        }
        if let Act::Reset { on, with, .. } = &drawn.act {
            if change.step != Step::Ends {
                let with = with.as_ref().map(|with| cluster.hosts(scenario, with));
                let reset = reset(engine, &cluster.hosts(scenario, on), with.as_ref());
                self.count(number, "connections_reset", reset);
            }
            return None;
        }
        // Of churn, the operations are part of the plan.
        let node = node(&drawn.act)?;
        let host = cluster.nodes[&node];
        match change.step {
            Step::Begins => self.begin(number, host, engine, &drawn),
            Step::Ends => self.end(number, host, engine, &drawn),
            Step::Again => unreachable!("only resets strike again"),
        }
    }

    /// A host has come to the fault point that a crash waits for.
    pub fn reached(&mut self, host: HostId, engine: &mut impl Engine) -> Turn {
        let number = self.armed.remove(&host).expect("only what is armed is reached");
        let torn = engine.crash(host);
        engine.disarm(host);
        self.count_torn(number, torn);
        self.count(number, "points_reached", 1);
        Turn { host, up: false }
    }

    fn begin(
        &mut self,
        number: usize,
        host: HostId,
        engine: &mut impl Engine,
        drawn: &Drawn,
    ) -> Option<Turn> {
        let down = Some(Turn { host, up: false });
        match &drawn.act {
            Act::Crash { point: Some((point, nth)), .. } => {
                engine.arm(host, *point, u64::from(*nth));
                self.armed.insert(host, number);
                return None;
            }
            Act::Crash { point: None, .. } => {
                let torn = engine.crash(host);
                self.count_torn(number, torn);
                return down;
            }
            Act::PowerLoss { torn, .. } => {
                let torn = engine.lose_power(host, *torn);
                self.count_torn(number, torn);
                return down;
            }
            Act::Pause { .. } => engine.pause(host),
            Act::StepClock { by, .. } => {
                self.clock_reads.insert(number, engine.clock_reads(host));
                engine.step_clock(host, by.ms);
            }
            Act::DriftClock { ppm, .. } => {
                self.clock_reads.insert(number, engine.clock_reads(host));
                engine.set_clock_drift(host, i64::from(*ppm));
            }
            Act::SlowDisk { times, by, .. } => {
                engine.impose_on_disk(host, DiskFault::Slow { times: *times, by: by.0 });
            }
            Act::FillDisk { .. } => engine.impose_on_disk(host, DiskFault::Full),
            Act::FailDisk { .. } => engine.impose_on_disk(host, DiskFault::Failing),
            other => unreachable!("not done to a host: {other:?}"),
        }
        None
    }

    fn end(
        &mut self,
        number: usize,
        host: HostId,
        engine: &mut impl Engine,
        drawn: &Drawn,
    ) -> Option<Turn> {
        match &drawn.act {
            Act::Crash { .. } if self.armed.remove(&host).is_some() => {
                engine.disarm(host);
                return None;
            }
            Act::Crash { .. } | Act::PowerLoss { .. } => {
                engine.start(host);
                return Some(Turn { host, up: true });
            }
            Act::Pause { .. } => {
                let held_up = engine.resume(host);
                self.count(number, "tasks_held_up", held_up);
            }
            Act::StepClock { by, .. } => {
                engine.step_clock(host, -by.ms);
                self.count_clock_reads(number, host, engine);
            }
            Act::DriftClock { ppm, .. } => {
                engine.set_clock_drift(host, 0);
                engine.step_clock(host, -drifted_ms(*ppm, drawn.until - drawn.at));
                self.count_clock_reads(number, host, engine);
            }
            Act::SlowDisk { .. } | Act::FillDisk { .. } | Act::FailDisk { .. } => {
                let touched = engine.heal_disk(host);
                let effect = match &drawn.act {
                    Act::SlowDisk { .. } => "disk_operations_slowed",
                    _ => "disk_operations_failed",
                };
                self.count(number, effect, touched);
            }
            other => unreachable!("not done to a host: {other:?}"),
        }
        None
    }

    fn count_torn(&mut self, number: usize, torn: Torn) {
        self.count(number, "connections_torn", torn.connections);
        self.count(number, "tasks_dropped", torn.tasks);
        if torn.disk_bytes > 0 {
            self.count(number, "unsynced_bytes_lost", torn.disk_bytes);
        }
    }

    fn count_clock_reads(&mut self, number: usize, host: HostId, engine: &impl Engine) {
        let before = self.clock_reads.remove(&number).expect("what ends has begun");
        self.count(number, "wrong_clock_reads", engine.clock_reads(host) - before);
    }

    /// What has begun, with the masters of Redis that it was done to.
    pub fn done(&self) -> impl Iterator<Item = Drawn> {
        self.begun.iter().map(|number| {
            let mut drawn = self.drawn[*number].clone();
            if let (Act::OfRedisMaster(what), Some(master)) = (&drawn.act, self.masters.get(number))
            {
                drawn.act = what.to(*master);
            }
            drawn
        })
    }

    /// Adds to an effect of a fault.
    pub fn count(&mut self, number: usize, effect: &str, count: u64) {
        *self.effects[number].entry(effect.to_owned()).or_default() += count;
    }

    /// Why a fault was not done, if it was not.
    fn why_not(&self, place: usize) -> Option<&'static str> {
        let never = (!self.begun.contains(&place)).then_some("the run was stopped before it");
        self.left_out[place].or(never)
    }

    /// Every fault with what it touched.
    pub fn reports(&self) -> Vec<FaultReport> {
        let report =
            |(place, (drawn, effect)): (usize, (&Drawn, &BTreeMap<String, u64>))| FaultReport {
                number: place as u32 + 1,
                kind: drawn.family.name().to_owned(),
                target: match self.masters.get(&place) {
                    Some(master) => format!("{} ({master})", drawn.target()),
                    None => drawn.target(),
                },
                from_ns: drawn.at,
                until_ns: drawn.until,
                effect: effect.clone(),
                origin: drawn.origin.to_string(),
                require_effect: drawn.require_effect,
                drawn: serde_json::to_value(drawn).expect("a fault has only keys that JSON has"),
                left_out: self.why_not(place).map(str::to_owned),
                // The history tells, once the run is over.
                caught_up_ns: None,
                recovery_ns: None,
                recovery_open: false,
                pushes_back_ns: None,
                uncounted: self.uncounted.contains(&place),
            };
        self.drawn.iter().zip(&self.effects).enumerate().map(report).collect()
    }
}

/// The condition on the network that a fault is, and what it touches; `None` if it is none.
fn condition(
    act: &Act,
    scenario: &Scenario,
    cluster: &Cluster,
) -> Option<(Condition, &'static str)> {
    let on = |on: &On| match on {
        On::Links(Links::Clients) => Where::Links(LinkKind::Client),
        On::Links(Links::Backend) => Where::Links(LinkKind::Backend),
        On::Nodes(nodes) => Where::Hosts(cluster.hosts(scenario, nodes)),
    };
    Some(match act {
        Act::Lose { on: at, rate } => (Condition::Loss(on(at), rate.per_million()), "packets_lost"),
        Act::LoseInBursts { on: at, bursts } => {
            (Condition::BurstLoss(on(at), cluster::bursts(bursts)), "packets_lost")
        }
        Act::Delay { on: at, by } => (Condition::Delay(on(at), by.0), "packets_delayed"),
        Act::Narrow { on: at, rate, queue } => {
            let rate = cluster::rate(*rate, *queue).expect("validated: a limit");
            (Condition::Bandwidth(on(at), rate), "packets_queued")
        }
        Act::Cut { side, from, way } => {
            let side = cluster.hosts(scenario, side);
            let from = match from {
                Some(from) => cluster.hosts(scenario, from),
                None => cluster.all_hosts().difference(&side).copied().collect(),
            };
            let cut = match way {
                Way::Both => Condition::Cut(side, from),
                Way::OneWay => Condition::CutOneWay(side, from),
            };
            (cut, "packets_swallowed")
        }
        _ => return None,
    })
}

/// Resets the connections of hosts, each once; returns how many.
fn reset(engine: &mut impl Engine, on: &BTreeSet<HostId>, with: Option<&BTreeSet<HostId>>) -> u64 {
    let all = |with: HostId, wanted: Option<&BTreeSet<HostId>>| {
        wanted.is_none_or(|wanted| wanted.contains(&with))
    };
    on.iter().map(|host| engine.reset_connections(*host, &|other| all(other, with))).sum()
}

/// The host that a fault is done to, if it is done to one.
fn node(act: &Act) -> Option<NodeRef> {
    match act {
        Act::Crash { node, .. }
        | Act::PowerLoss { node, .. }
        | Act::Pause { node }
        | Act::StepClock { node, .. }
        | Act::DriftClock { node, .. }
        | Act::SlowDisk { node, .. }
        | Act::FillDisk { node }
        | Act::FailDisk { node } => Some(*node),
        _ => None,
    }
}

/// How far a clock has gone wrong by drifting for so long, in whole milliseconds.
fn drifted_ms(ppm: i32, lasted: Nanos) -> i64 {
    (i128::from(ppm) * i128::from(lasted) / 1_000_000_000_000) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule_of(faults: &str) -> Vec<(u64, Step, usize)> {
        let text = format!("duration = \"60s\"\n{faults}");
        let scenario =
            Scenario::from_str("test", &text, &[]).unwrap_or_else(|error| panic!("{error}"));
        let changes = schedule(&crate::faults::draw(&scenario, 1));
        changes.into_iter().map(|c| (c.at / 1_000_000, c.step, c.fault)).collect()
    }

    #[test]
    fn ends_come_before_beginnings_of_the_same_instant() {
        let changes = schedule_of(
            "[[faults]]\nkind = \"crash\"\nnode = \"chat-1\"\nat = \"3s\"\nlasts = \"1s\"\n\
             [[faults]]\nkind = \"crash\"\nnode = \"chat-0\"\nat = \"1s\"\nlasts = \"2s\"\n",
        );
        let steps = [
            (1_000, Step::Begins, 1),
            (3_000, Step::Ends, 1),
            (3_000, Step::Begins, 0),
            (4_000, Step::Ends, 0),
        ];
        assert_eq!(changes, steps);
    }

    #[test]
    fn a_reset_storm_strikes_again_until_before_its_end() {
        let changes = schedule_of(
            "[[faults]]\nkind = \"reset-storm\"\non = \"gateway\"\nat = \"1s\"\nlasts = \"2s\"\n\
             every = \"800ms\"\n",
        );
        let steps = [
            (1_000, Step::Begins, 0),
            (1_800, Step::Again, 0),
            (2_600, Step::Again, 0),
            (3_000, Step::Ends, 0),
        ];
        assert_eq!(changes, steps);
    }

    #[test]
    fn what_strikes_once_ends_at_the_instant_it_begins() {
        let once = schedule_of("[[faults]]\nkind = \"reconnect-storm\"\nat = \"1s\"\n");
        assert_eq!(once.len(), 2);
        assert!(once.iter().all(|(at, ..)| *at == 1_000));
    }

    #[test]
    fn a_clock_that_drifted_is_put_right_by_what_it_gained() {
        assert_eq!(drifted_ms(100_000, 5_000_000_000), 500);
        assert_eq!(drifted_ms(-200, 10_000_000_000), -2);
        assert_eq!(drifted_ms(50, 1_000_000_000), 0);
    }
}
