//! The life of a world: set-up, `duration` with workload and faults, `settle`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use im::env::Nanos;
use im::model::DeviceId;
use im::proto::device::Operation as Asked;
use im::units::Span;
use im_reports::record::FaultReport;

use super::faults::{self, Change, Faults, Turn};
use crate::cluster::{self, Cluster, Device};
use crate::engine::sim::{AcceptQueue, HostId, NetStats, ProcessorStats, Sim};
use crate::faults::Drawn;
use crate::history::{History, Operation, What};
use crate::recorder::Recorder;
use crate::scenario::{Role, Scenario, Schedule};
use crate::workload::{Plan, Planned};

/// Devices start over this long, so that they do not all log in at the same instant.
const STARTS_WITHIN: Span = Span::s(1);
/// Each of the two parts of the set-up may take so long.
const SETUP_MAX: Span = Span::s(120);
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
#[error("after {waited} of virtual time the set-up is not done: {missing}")]
pub struct SetupError {
    waited: Span,
    missing: String,
}

/// Counters by role and name.
pub type Counters = BTreeMap<String, BTreeMap<String, u64>>;

/// What a world leaves behind.
pub struct Observed {
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
    /// The engine's counters over the whole run.
    pub net: NetStats,
    /// The same as they stood when `duration` began.
    pub net_before: NetStats,
    /// What the processors did during `duration`, by role.
    pub processors: BTreeMap<Role, Vec<ProcessorStats>>,
    /// Rolling hash over every event.
    pub digest: u64,
    /// The hash as it was after each so many events.
    pub checkpoints: Vec<u64>,
    /// A line about each event of the window that was asked for.
    pub trace: Vec<String>,
}

/// Builds the scenario's cluster and lives through it.
pub fn live_through(
    scenario: &Scenario,
    seed: u64,
    progress: &Progress,
) -> Result<Observed, SetupError> {
    let drawn = crate::faults::draw(scenario, seed);
    let plan = Plan::draw(scenario, &drawn, seed);
    let mut world = World::new(scenario, seed, plan, drawn);
    world.sim.trace(progress.traced.clone());
    world.set_up()?;
    let origin = world.sim.now();
    let before = (world.cluster.counters(), world.sim.stats());
    world.sim.count_processors_from_zero();
    world.go_through(origin, progress);
    let processors = world.cluster.processors(&world.sim);
    world.settle(scenario.settle.0, origin, progress);
    let complete = !progress.stop.load(Ordering::Relaxed);
    Ok(Observed { processors, ..world.observed(origin, &before, complete) })
}

struct World<'a> {
    scenario: &'a Scenario,
    cluster: Cluster,
    recorder: Recorder,
    plan: Plan,
    schedule: Vec<Change>,
    faults: Faults,
    duration: Nanos,
    by_device: BTreeMap<DeviceId, usize>,
    /// Declared last: clients in the cluster's slots must go before the world does.
    sim: Sim,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, seed: u64, plan: Plan, drawn: Vec<Drawn>) -> Self {
        let mut sim = Sim::new(seed, cluster::network(scenario));
        sim.set_accept_queue(AcceptQueue {
            backlog: scenario.network.backlog,
            syn_cookies: scenario.network.syn_cookies,
        });
        if scenario.schedule == Schedule::Random {
            sim.schedule_randomly();
        }
        let recorder = Recorder::default();
        let clock = sim.env(0);
        let cluster =
            Cluster::build(&mut sim, scenario, &plan.devices, |device| recorder.on(device, clock));
        let numbered = plan.devices.iter().enumerate();
        let by_device = numbered.map(|(place, device)| (*device, place)).collect();
        Self {
            scenario,
            cluster,
            recorder,
            schedule: faults::schedule(&drawn),
            faults: Faults::new(drawn),
            duration: scenario.duration.0,
            by_device,
            plan,
            sim,
        }
    }

    /// Starts servers, then devices; opens the conversations; waits until everybody has seen them.
    fn set_up(&mut self) -> Result<(), SetupError> {
        let devices: Vec<HostId> = self.cluster.devices.iter().map(|device| device.host).collect();
        for (node, host) in &self.cluster.nodes {
            if node.role != Role::Device {
                self.sim.start(*host);
            }
        }
        let step = STARTS_WITHIN.0 / devices.len().max(1) as u64;
        for host in devices {
            self.sim.start(host);
            self.sim.run_until(self.sim.now() + step);
        }
        self.wait_for("logins", |device| {
            device.slot.borrow().as_ref().is_some_and(im::client::Client::is_online)
        })?;
        for conversation in &self.plan.conversations {
            let opener = DeviceId { user: conversation.members[0], index: 0 };
            let operation = Asked::Create(conversation.members.clone());
            let device = &self.cluster.devices[self.by_device[&opener]];
            let client = device.slot.borrow();
            let client = client.as_ref().expect("logged in");
            client.submit(conversation.id, operation, self.sim.now());
        }
        // Operations take a moment to be taken in before they count as unsettled.
        self.sim.run_until(self.sim.now() + LOOK.0);
        let recorder = self.recorder.clone();
        // What is missing after that the checkers will find: the run goes on without it.
        let _ = self.wait_for("openings of conversations", |d| is_up_to_date(&recorder, d));
        Ok(())
    }

    fn wait_for(&mut self, what: &str, done: impl Fn(&Device) -> bool) -> Result<(), SetupError> {
        let until = self.sim.now() + SETUP_MAX.0;
        while self.sim.now() < until {
            if self.cluster.devices.iter().all(&done) {
                return Ok(());
            }
            self.sim.run_until(self.sim.now() + LOOK.0);
        }
        let behind = self.cluster.devices.iter().filter(|device| !done(device)).count();
        let missing = format!("{behind} of {} devices wait for {what}", self.cluster.devices.len());
        Err(SetupError { waited: SETUP_MAX, missing })
    }

    /// Lives through `duration`: operations and faults in the order of their times.
    fn go_through(&mut self, origin: Nanos, progress: &Progress) {
        let operations = std::mem::take(&mut self.plan.operations);
        let schedule = std::mem::take(&mut self.schedule);
        let mut changes = schedule.iter().peekable();
        for planned in &operations {
            while let Some(change) = changes.next_if(|change| change.at <= planned.at) {
                self.reach(origin, change.at, progress);
                self.change(*change);
            }
            if progress.stop.load(Ordering::Relaxed) {
                break;
            }
            self.reach(origin, planned.at, progress);
            self.ask(planned);
        }
        for change in changes {
            self.reach(origin, change.at, progress);
            self.change(*change);
        }
        self.reach(origin, self.duration, progress);
        self.plan.operations = operations;
    }

    fn reach(&mut self, origin: Nanos, at: Nanos, progress: &Progress) {
        if !progress.stop.load(Ordering::Relaxed) {
            while let Some(host) = self.sim.run_until(origin + at) {
                let turn = self.faults.reached(host, &mut self.sim);
                self.note_turn(turn);
            }
            progress.virtual_ns.store(at, Ordering::Relaxed);
        }
    }

    fn change(&mut self, change: Change) {
        let world = (self.scenario, &self.cluster);
        if let Some(turn) = self.faults.apply(change, &mut self.sim, world) {
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
        self.recorder.note(self.sim.now(), device.id, what);
        if !turn.up {
            device.slot.replace(None);
        }
    }

    /// The user asks their device, if it is up.
    fn ask(&mut self, planned: &Planned) {
        let device = &self.cluster.devices[self.by_device[&planned.device]];
        let client = device.slot.borrow();
        let Some(client) = client.as_ref() else { return };
        let operation = match &planned.operation {
            Operation::Create(members) => Asked::Create(members.clone()),
            Operation::Join => Asked::Join,
            Operation::Leave => Asked::Leave,
            Operation::Send(bytes) => Asked::Send(Bytes::from(vec![b'x'; *bytes as usize])),
        };
        if let Some(churn) = planned.fault {
            self.faults.count(churn, "changes_asked_for", 1);
        }
        client.submit(planned.conversation, operation, self.sim.now());
    }

    /// Everything has healed; runs until nothing is owed, or for `settle`.
    fn settle(&mut self, settle: Nanos, origin: Nanos, progress: &Progress) {
        let end = self.sim.now() + settle;
        while self.sim.now() < end && !progress.stop.load(Ordering::Relaxed) {
            if self.cluster.devices.iter().all(|device| is_up_to_date(&self.recorder, device)) {
                break;
            }
            let next = (self.sim.now() + LOOK.0).min(end);
            self.sim.run_until(next);
            progress.virtual_ns.store(next - origin, Ordering::Relaxed);
        }
        let now = self.sim.now();
        for device in &self.cluster.devices {
            for (conversation, seq) in device.cursors() {
                self.recorder.note(now, device.id, What::Cursor { conversation, seq });
            }
        }
    }

    fn observed(
        self,
        origin: Nanos,
        (before, net_before): &(Counters, NetStats),
        complete: bool,
    ) -> Observed {
        let mut counters = self.cluster.counters();
        for (role, of_role) in &mut counters {
            for (name, count) in of_role {
                *count -= before.get(role).and_then(|then| then.get(name)).copied().unwrap_or(0);
            }
        }
        Observed {
            history: self.recorder.finish(complete),
            origin,
            end: self.sim.now(),
            faults: self.faults.reports(),
            counters,
            net: self.sim.stats(),
            net_before: *net_before,
            processors: BTreeMap::new(),
            digest: self.sim.digest(),
            checkpoints: self.sim.checkpoints(),
            trace: self.sim.traced(),
            plan: self.plan,
        }
    }
}

impl Device {
    fn cursors(&self) -> Vec<(im::model::ConversationId, im::model::Seq)> {
        self.slot.borrow().as_ref().map(im::client::Client::cursors).unwrap_or_default()
    }
}

/// Whether the device knows the outcome of all it was asked for and has all rows it must have.
fn is_up_to_date(recorder: &Recorder, device: &Device) -> bool {
    let slot = device.slot.borrow();
    slot.as_ref().is_some_and(|client| {
        client.unsettled() == 0 && recorder.lacks(device.id.user, &client.cursors()) == 0
    })
}
