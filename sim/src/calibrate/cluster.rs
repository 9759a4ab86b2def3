//! A whole cluster, live under load: what its threads take beyond what `loops` explains is waking
//! them, and what the nodes themselves do.

use std::collections::BTreeMap;

use im::env::Work;

use super::{Effort, Figure, Measured};
use crate::engine::{Kind, WorkDone};
use crate::run::{self, Observed, Progress};
use crate::scenario::{self, Scenario};

/// Small enough for two processors, and with every part of the path in it.
const LOAD: &str = r#"
about = "The load under which a machine is calibrated"
[cluster]
gateways = 2
[im]
hybrid_threshold = 15
[network]
clients = "perfect"
backend = "perfect"
[population]
users = 40
[[workload]]
name = "pairs"
kind = "one-to-one"
pairs = 40
rate = "60/s"
[[workload]]
name = "groups"
kind = "group"
groups = 8
members = { zipf = 1.0, min = 3, max = 20 }
rate = "40/s"
"#;

/// A role of the cluster: what its threads took, and what the parts explain.
#[derive(Clone, PartialEq, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it did, over all runs.
    pub done: WorkDone,
    /// Processor time of its threads over all runs, in nanoseconds.
    pub busy_ns: f64,
    /// Of that, what the loops explain.
    pub explained_ns: f64,
    /// The step that the rest is laid upon, and how often it was done.
    pub unit: Option<(Work, u64)>,
}

/// The step that stands for what a role does beside moving bytes.
fn unit(role: scenario::Role) -> Option<Work> {
    match role {
        scenario::Role::Chat => Some(Work::Operation),
        scenario::Role::Store => Some(Work::StoreRow),
        scenario::Role::Log => Some(Work::LogRecord),
        scenario::Role::Dispatcher => Some(Work::Recipient),
        scenario::Role::Gateway => Some(Work::Push),
        scenario::Role::Redis | scenario::Role::Lock => Some(Work::RedisCommand),
        scenario::Role::Registry
        | scenario::Role::Sentinel
        | scenario::Role::RedisClient
        | scenario::Role::Device => None,
    }
}

/// Measures what only shows in a cluster: what it takes to wake a thread that slept, and the end of a
/// sync, and the steps of the roles.
pub fn measure(effort: Effort, into: &mut Measured, tell: impl Fn(&str)) -> Result<(), String> {
    let span = format!("duration=\"{}s\"", effort.run / 1_000_000_000);
    let scenario = Scenario::from_str("calibration", LOAD, &[span]);
    let scenario = scenario.map_err(|error| error.to_string())?;
    let (mut wakes, mut syncs) = (Vec::new(), Vec::new());
    let mut units: BTreeMap<Work, Vec<f64>> = BTreeMap::new();
    let mut sums: BTreeMap<scenario::Role, Role> = BTreeMap::new();
    for number in 1..=effort.runs {
        tell(&format!("a live cluster, run {number} of {}", effort.runs));
        let observed =
            run::live_through(&scenario, number as u64, Kind::Live, &Progress::default());
        let mut roles = of_roles(&observed.map_err(|error| error.to_string())?, into);
        let waking = Waking::of(&roles);
        wakes.push(waking.wake_ns);
        syncs.push(waking.sync_ns);
        for (role, of_run) in &mut roles {
            of_run.explained_ns += waking.explains_ns(&of_run.done);
            if let Some((unit, count)) = of_run.unit.filter(|(_, count)| *count > 0) {
                units.entry(unit).or_default().push(of_run.rest_ns() / count as f64);
            }
            sums.entry(*role).and_modify(|sum| sum.add(of_run)).or_insert_with(|| of_run.clone());
        }
    }
    into.wake = Figure::of(wakes);
    let elsewhere = into.journal_sync.median;
    into.journal_sync = Figure::of(syncs).map(|here| elsewhere + here);
    let mut figure = |unit| Figure::of(units.remove(&unit).unwrap_or_default());
    into.operation = figure(Work::Operation);
    into.store_row = figure(Work::StoreRow);
    into.log_record = figure(Work::LogRecord);
    into.recipient = figure(Work::Recipient);
    into.push = figure(Work::Push);
    into.redis_command = figure(Work::RedisCommand);
    into.roles = sums.into_values().collect();
    Ok(())
}

impl Role {
    /// What nothing explains yet.
    fn rest_ns(&self) -> f64 {
        (self.busy_ns - self.explained_ns).max(0.0)
    }

    fn syncs(&self) -> u64 {
        self.done.work[Work::JournalSync as usize]
    }

    fn add(&mut self, other: &Self) {
        self.done = self.done.plus(&other.done);
        self.busy_ns += other.busy_ns;
        self.explained_ns += other.explained_ns;
        let more = other.unit.map_or(0, |(_, count)| count);
        self.unit = self.unit.map(|(unit, count)| (unit, count + more));
    }
}

/// What waking takes. In a loop a thread hardly sleeps; in a cluster it does all the time, and wakes
/// with cold caches.
struct Waking {
    wake_ns: f64,
    sync_ns: f64,
}

impl Waking {
    /// Waking is priced on the roles that do little else: those without syncs and, since they decide
    /// operations, without the chat nodes. Syncs are priced on what that leaves of the others.
    fn of(roles: &[(scenario::Role, Role)]) -> Self {
        let plain = |role: &scenario::Role| {
            matches!(
                role,
                scenario::Role::Redis | scenario::Role::Dispatcher | scenario::Role::Gateway
            )
        };
        let per = |rest: f64, count: u64| if count == 0 { 0.0 } else { rest / count as f64 };
        let movers = || roles.iter().filter(|(role, _)| plain(role)).map(|(_, it)| it);
        let rest: f64 = movers().map(Role::rest_ns).sum();
        let wake_ns = per(rest, movers().map(|it| it.done.wakes).sum());
        let syncers = || roles.iter().map(|(_, it)| it).filter(|it| it.syncs() > 10);
        let rest: f64 = syncers().map(|it| it.rest_ns() - wake_ns * it.done.wakes as f64).sum();
        let sync_ns = per(rest.max(0.0), syncers().map(Role::syncs).sum());
        Self { wake_ns, sync_ns }
    }

    fn explains_ns(&self, done: &WorkDone) -> f64 {
        let syncs = done.work[Work::JournalSync as usize] as f64;
        self.wake_ns * done.wakes as f64 + self.sync_ns * syncs
    }
}

fn of_roles(observed: &Observed, costs: &Measured) -> Vec<(scenario::Role, Role)> {
    let of_role = |(role, done): (&scenario::Role, &WorkDone)| {
        let hosts = observed.processors.get(role);
        let busy_ns = hosts.map_or(0, |hosts| hosts.iter().map(|host| host.busy_ns).sum());
        let role_measured = Role {
            name: role.to_string(),
            done: *done,
            busy_ns: busy_ns as f64,
            explained_ns: explained_ns(done, costs),
            unit: unit(*role).map(|unit| (unit, done.work[unit as usize])),
        };
        (*role, role_measured)
    };
    observed.work_done.iter().map(of_role).collect()
}

/// What the loops say that this takes, without the steps that are measured here.
fn explained_ns(done: &WorkDone, costs: &Measured) -> f64 {
    let parts = [
        (done.polls, costs.poll),
        (done.packets_written, costs.packet_written),
        (done.packets_read, costs.packet_read),
        (done.bytes_written, costs.byte_written),
        (done.bytes_read, costs.byte_read),
        (done.work[Work::Encode as usize], costs.encode),
        (done.work[Work::Decode as usize], costs.decode),
        (done.work[Work::CodedByte as usize], costs.coded_byte),
        (done.work[Work::JournalRecord as usize], costs.journal_record),
        (done.work[Work::JournalByte as usize], costs.journal_byte),
    ];
    parts.iter().map(|(count, cost)| *count as f64 * cost.median).sum()
}
