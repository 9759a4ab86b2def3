//! The life of a world: set-up, `duration` with workload and faults, `settle`.

mod changes;
mod samples;
mod settle;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use im::env::Nanos;
use im::model::DeviceId;
use im::proto::device::Operation as Asked;
use im::units::Span;
use im_reports::record::FaultReport;

use changes::Changes;
pub use samples::Sample;
use settle::is_up_to_date;

use super::engines;
use super::faults::{Change, Faults, Turn};
use super::redis::{self, RedisObserved};
use crate::cluster::{Cluster, Counters, Device};
use crate::engine::{Engine, Hop, HostId, Kind, NetStats, ProcessorStats, Trail, WorkDone};
use crate::history::{History, Operation, Promised, What};
use crate::recorder::Recorder;
use crate::scenario::{Role, Scenario, promised_within};
use crate::workload::{Action, Plan, Planned};

/// Devices start over this long, so that they do not all log in at the same instant.
const STARTS_WITHIN: Span = Span::s(1);
/// Each of the two parts of the set-up may take so long.
const SETUP_MAX: Span = Span::s(120);
/// Devices that have not moved for so long, and have failed to log in so often each, never will.
const STUCK_AFTER: Span = Span::s(10);
/// See [`STUCK_AFTER`].
const FAILED_LOGINS: u32 = 5;
/// How often the harness looks whether the set-up is done, or nothing is owed any more.
const LOOK: Span = Span::ms(100);

/// How far a run is; shared with the thread that draws the progress bar, which may also ask the
/// run to stop, or for a trace.
#[derive(Default)]
pub struct Progress {
    /// Which events of the digest are told of in the trace.
    pub traced: Range<u64>,
    /// Virtual time since the start of `duration`, in nanoseconds.
    pub virtual_ns: AtomicU64,
    /// Set to end the run early; what has happened by then is kept.
    pub stop: AtomicBool,
}

/// The cluster did not come up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The devices did not come so far in time.
    #[error("after {waited} the set-up is not done: {missing}")]
    NotDone {
        /// How long the harness has waited, by the engine's clock.
        waited: Span,
        /// Who waits for what.
        missing: String,
    },
    /// The machine does not give what the live engine needs.
    #[error("the live engine cannot start on this machine: {0}")]
    NoMachine(#[from] io::Error),
    /// Somebody has asked to stop before the cluster was up.
    #[error("interrupted before the cluster was up; there is nothing to keep")]
    Interrupted,
}

/// What a world leaves behind.
pub struct Observed {
    /// The engine that it ran on.
    pub engine: Kind,
    /// What happened at the devices' edge.
    pub history: History,
    /// The plan it followed.
    pub plan: Plan,
    /// When `duration` began, in the history's time.
    pub origin: Nanos,
    /// When the run ended.
    pub end: Nanos,
    /// The faults and what they touched.
    pub faults: Vec<FaultReport>,
    /// Counters by role, over `duration` and settle.
    pub counters: Counters,
    /// The servers by the second, over `duration` and settle.
    pub samples: Vec<Sample>,
    /// What went between roles over `duration` and settle, from and to; nothing where the engine does not
    /// count it.
    pub hops: Vec<(Role, Role, Hop)>,
    /// The engine's counters over the whole run.
    pub net: NetStats,
    /// The same as they stood when `duration` began.
    pub net_before: NetStats,
    /// What the processors did during `duration`, by role.
    pub processors: BTreeMap<Role, Vec<ProcessorStats>>,
    /// What the hosts did during `duration`, by role, where the engine counts it.
    pub work_done: BTreeMap<Role, WorkDone>,
    /// What clients of Redis saw, if there were any.
    pub redis: Option<RedisObserved>,
    /// What the engine knows of the run.
    pub trail: Trail,
}

impl Observed {
    /// A hash that two runs share when they are the same: over the engine's events or, where these
    /// are not its own, over what happened at the devices' edge.
    pub fn digest(&self) -> u64 {
        self.trail.digest.unwrap_or_else(|| self.history.digest())
    }
}

/// Builds the scenario's cluster on an engine and lives through it.
pub fn live_through(
    scenario: &Scenario,
    seed: u64,
    engine: Kind,
    progress: &Progress,
) -> Result<Observed, SetupError> {
    live_beside(scenario, seed, engine, &[engine], progress)
}

/// The same, without the faults that one of several engines cannot do, so that runs on all of them
/// can be compared.
pub fn live_beside(
    scenario: &Scenario,
    seed: u64,
    engine: Kind,
    engines: &[Kind],
    progress: &Progress,
) -> Result<Observed, SetupError> {
    let drawn = crate::faults::draw(scenario, seed);
    let plan = Plan::draw(scenario, &drawn, seed);
    let faults = Faults::new(engines, drawn);
    match engine {
        Kind::Sim => {
            let mut sim = engines::sim(scenario, seed);
            sim.trace(progress.traced.clone());
            World::new(scenario, engine, sim, plan, faults).live(progress)
        }
        Kind::Turmoil => {
            let turmoil = engines::turmoil(scenario, seed);
            World::new(scenario, engine, turmoil, plan, faults).live(progress)
        }
        Kind::Live => {
            let live = engines::live(scenario, seed)?;
            World::new(scenario, engine, live, plan, faults).live(progress)
        }
    }
}

fn is_online(device: &Device) -> bool {
    device.slot.client().is_some_and(|client| client.is_online())
}

struct World<'a, G: Engine> {
    scenario: &'a Scenario,
    kind: Kind,
    cluster: Cluster,
    recorder: Recorder,
    plan: Plan,
    schedule: Vec<Change>,
    faults: Faults,
    changes: Changes,
    duration: Nanos,
    by_device: BTreeMap<DeviceId, usize>,
    samples: Vec<Sample>,
    /// Declared last: clients in the cluster's slots must go before the world does.
    engine: G,
}

impl<'a, G: Engine> World<'a, G> {
    fn new(scenario: &'a Scenario, kind: Kind, mut engine: G, plan: Plan, faults: Faults) -> Self {
        let recorder = Recorder::default();
        let listening = recorder.clone();
        let ear = move |device, env| listening.on(device, env);
        let cluster = Cluster::build(&mut engine, scenario, &plan.devices, ear);
        // An engine prepares for what it foresees; only then may anything be imposed.
        let standing = cluster.standing_conditions(scenario);
        let mut foreseen = faults.foresee(scenario, &cluster);
        foreseen.conditions.extend(standing.iter().cloned());
        engine.foresee(foreseen);
        for condition in standing {
            engine.impose(condition);
        }
        let numbered = plan.devices.iter().enumerate();
        let by_device = numbered.map(|(place, device)| (*device, place)).collect();
        Self {
            scenario,
            kind,
            changes: Changes::new(scenario, &cluster),
            cluster,
            recorder,
            schedule: faults.schedule(),
            faults,
            duration: scenario.duration.0,
            by_device,
            samples: Vec::new(),
            plan,
            engine,
        }
    }

    fn live(mut self, progress: &Progress) -> Result<Observed, SetupError> {
        self.set_up(progress)?;
        let origin = self.engine.now();
        let before = (self.cluster.counters(), self.engine.net_stats());
        let hops_before = self.engine.hops();
        self.engine.count_processors_from_zero();
        self.sample(origin);
        self.start_redis_clients(origin);
        self.go_through(origin, progress);
        let processors = self.cluster.processors(&self.engine);
        let work_done = self.cluster.work_done(&self.engine);
        self.settle(self.scenario.settle.0, origin, progress);
        let complete = !progress.stop.load(Ordering::Relaxed);
        let hops = hops_before.zip(self.engine.hops());
        let hops = hops.map_or_else(Vec::new, |(then, now)| self.cluster.hops(&then, &now));
        Ok(Observed { processors, work_done, hops, ..self.observed(origin, &before, complete) })
    }

    /// Starts servers, then devices; opens the conversations; waits until everybody has seen them.
    fn set_up(&mut self, progress: &Progress) -> Result<(), SetupError> {
        let devices: Vec<HostId> = self.cluster.devices.iter().map(|device| device.host).collect();
        for (node, host) in &self.cluster.nodes {
            if !matches!(node.role, Role::Device | Role::RedisClient) {
                self.engine.start(*host);
            }
        }
        while !self.cluster.redis_is_ready(self.scenario) {
            if progress.stop.load(Ordering::Relaxed) {
                return Err(SetupError::Interrupted);
            }
            if self.engine.now() >= SETUP_MAX.0 {
                let missing = "Redis' replicas and Sentinels do not find each other".to_owned();
                return Err(SetupError::NotDone { waited: SETUP_MAX, missing });
            }
            self.engine.run_until(self.engine.now() + LOOK.0);
        }
        let step = STARTS_WITHIN.0 / devices.len().max(1) as u64;
        for host in devices {
            self.engine.start(host);
            self.engine.run_until(self.engine.now() + step);
        }
        self.wait_for("logins", progress, is_online)?;
        for conversation in &self.plan.conversations {
            let opener = DeviceId { user: conversation.members[0], index: 0 };
            let operation = Asked::Create(conversation.members.clone());
            let device = &self.cluster.devices[self.by_device[&opener]];
            let client = device.slot.client().expect("logged in");
            client.submit(conversation.id, operation, self.engine.now());
        }
        // Operations take a moment to be taken in before they count as unsettled.
        self.engine.run_until(self.engine.now() + LOOK.0);
        let recorder = self.recorder.clone();
        // What is missing after that the checkers will find: the run goes on without it.
        match self.wait_for("openings", progress, |device| is_up_to_date(&recorder, device)) {
            Err(SetupError::Interrupted) => Err(SetupError::Interrupted),
            _ => Ok(()),
        }
    }

    fn wait_for(
        &mut self,
        what: &str,
        progress: &Progress,
        done: impl Fn(&Device) -> bool,
    ) -> Result<(), SetupError> {
        let began = self.engine.now();
        let mut opened = None;
        let (mut looked, mut moved) = (began, (began, (0, 0)));
        while self.engine.now() < began + SETUP_MAX.0 {
            self.open_what_is_lacking(&mut opened);
            if self.cluster.devices.iter().all(&done) {
                return Ok(());
            }
            if self.engine.now() >= looked + STUCK_AFTER.0 / 10 {
                looked = self.engine.now();
                let (now, hopeless) = self.logins();
                if moved.1 != now {
                    moved = (looked, now);
                } else if hopeless && looked >= moved.0 + STUCK_AFTER.0 {
                    break;
                }
            }
            if progress.stop.load(Ordering::Relaxed) {
                return Err(SetupError::Interrupted);
            }
            self.engine.run_until(self.engine.now() + LOOK.0);
        }
        let behind = self.cluster.devices.iter().filter(|device| !done(device)).count();
        let all = self.cluster.devices.len();
        let missing = format!("{behind} of {all} devices wait for {what}{}", self.last_failure());
        Err(SetupError::NotDone { waited: Span(self.engine.now() - began), missing })
    }

    /// How many devices are not logged in, and how often gateways have said that they are at work on that; and
    /// whether all of them have failed again and again.
    fn logins(&self) -> ((usize, u32), bool) {
        let offline = self.cluster.devices.iter().filter(|device| !is_online(device));
        let (mut waiting, mut signs, mut hopeless) = (0, 0, true);
        for device in offline {
            let logins = device.slot.client().map(|client| client.logins()).unwrap_or_default();
            waiting += 1;
            signs += logins.signs;
            hopeless &= logins.failed >= FAILED_LOGINS;
        }
        ((waiting, signs), hopeless && waiting > 0)
    }

    /// Why a device is not logged in, if one is not.
    fn last_failure(&self) -> String {
        let failed = |device: &Device| {
            let logins = device.slot.client()?.logins();
            logins.last.map(|why| (device.id, logins.failed, why))
        };
        let mut offline = self.cluster.devices.iter().filter(|device| !is_online(device));
        let Some((device, failed, why)) = offline.find_map(failed) else { return String::new() };
        let trip = |way: Span| Span(2 * (way.0 + self.scenario.network.between_regions.0));
        let clients = &self.scenario.network.clients;
        let trips = match self.kind {
            Kind::Live => String::new(),
            _ => {
                let (usual, longest) = (trip(clients.median), trip(clients.max));
                format!("; a round trip takes {usual}, up to {longest} (network.clients)")
            }
        };
        format!("; {device} has tried {failed} times, and of the last time: {why}{trips}")
    }

    /// The programs that write to Redis begin with the load and end with it.
    fn start_redis_clients(&mut self, origin: Nanos) {
        let Some(clients) = &self.cluster.redis_clients else { return };
        clients.stop_at(origin + self.duration);
        for (node, host) in &self.cluster.nodes {
            if node.role == Role::RedisClient {
                self.engine.start(*host);
            }
        }
    }

    /// Lives through `duration`: operations and faults in the order of their times.
    fn go_through(&mut self, origin: Nanos, progress: &Progress) {
        let actions = std::mem::take(&mut self.plan.actions);
        let schedule = std::mem::take(&mut self.schedule);
        let mut changes = schedule.iter().peekable();
        for planned in &actions {
            while let Some(change) = changes.next_if(|change| change.at <= planned.at) {
                self.reach_and_change(origin, *change, progress);
            }
            self.reach(origin, planned.at, progress);
            if progress.stop.load(Ordering::Relaxed) {
                break;
            }
            self.act(planned);
        }
        for change in changes {
            self.reach_and_change(origin, *change, progress);
        }
        self.reach(origin, self.duration, progress);
        self.plan.actions = actions;
    }

    fn reach(&mut self, origin: Nanos, at: Nanos, progress: &Progress) {
        while !progress.stop.load(Ordering::Relaxed) {
            let due = self.changes.next().map_or(at, |change| change.min(at));
            let next = (self.engine.now() + LOOK.0).min(origin + due).min(self.next_sample(origin));
            while let Some(host) = self.engine.run_until(next) {
                let turn = self.faults.reached(host, &mut self.engine);
                self.note_turn(turn);
            }
            self.sample(origin);
            progress.virtual_ns.store(next.saturating_sub(origin), Ordering::Relaxed);
            self.changes.make(next.saturating_sub(origin));
            if next >= origin + at {
                break;
            }
        }
    }

    /// Does what is due, unless the run was stopped before.
    fn reach_and_change(&mut self, origin: Nanos, change: Change, progress: &Progress) {
        self.reach(origin, change.at, progress);
        if !progress.stop.load(Ordering::Relaxed) {
            self.change(change);
        }
    }

    fn change(&mut self, change: Change) {
        let world = (self.scenario, &self.cluster);
        if let Some(turn) = self.faults.apply(change, &mut self.engine, world) {
            self.note_turn(turn);
        }
    }

    /// A device that goes down or comes up stands in the history.
    fn note_turn(&mut self, turn: Turn) {
        let Some(device) = self.cluster.devices.iter().find(|device| device.host == turn.host)
        else {
            return;
        };
        let what = if turn.up { What::Restarted } else { What::Crashed };
        self.recorder.note(self.engine.now(), device.id, what);
        if !turn.up {
            device.slot.empty();
        }
    }

    /// The user does something on their device, if it is up.
    fn act(&mut self, planned: &Planned) {
        let device = &self.cluster.devices[self.by_device[&planned.device]];
        let Some(client) = device.slot.client() else { return };
        let operation = match &planned.action {
            Action::Open => return client.open(planned.conversation),
            Action::Ask(Operation::Create(members)) => Asked::Create(members.clone()),
            Action::Ask(Operation::Join) => Asked::Join,
            Action::Ask(Operation::Leave) => Asked::Leave,
            Action::Ask(Operation::Send(bytes)) => {
                Asked::Send(Bytes::from(vec![b'x'; *bytes as usize]))
            }
        };
        if let Some(churn) = planned.fault {
            self.faults.count(churn, "changes_asked_for", 1);
        }
        client.submit(planned.conversation, operation, self.engine.now());
    }

    fn observed(
        self,
        origin: Nanos,
        (before, net_before): &(Counters, NetStats),
        complete: bool,
    ) -> Observed {
        // A run that ended before its `settle` was over ended because nothing was owed any more.
        let (healed, end) = (origin + self.duration, self.engine.now());
        let within = promised_within(self.scenario).0;
        let exhausted = end >= healed + self.scenario.settle.0;
        let promised = exhausted.then_some(Promised { healed, within, end });
        let mut counters = self.cluster.counters();
        for (role, of_role) in &mut counters {
            for (name, count) in of_role {
                *count -= before.get(role).and_then(|then| then.get(name)).copied().unwrap_or(0);
            }
        }
        Observed {
            engine: self.kind,
            history: self.recorder.finish(complete, promised),
            origin,
            end: self.engine.now(),
            faults: self.faults.reports(),
            counters,
            samples: self.samples,
            hops: Vec::new(),
            net: self.engine.net_stats(),
            net_before: *net_before,
            processors: BTreeMap::new(),
            work_done: BTreeMap::new(),
            redis: redis::observe(self.scenario, &self.cluster, &self.faults, origin),
            trail: self.engine.trail(),
            plan: self.plan,
        }
    }
}
