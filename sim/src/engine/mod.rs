//! Engines: the worlds that stand behind [`im::env::Env`].
//!
//! An engine knows hosts, streams, disks and time. It must not know the IM, scenarios or checkers.
//! In reading order: [`Engine`] (what a run asks of any of them), `network` (links and what is imposed
//! on them), `disk`, `clock` and `rng` (parts that engines share), then the engines: [`sim`] and, on
//! `process` (hosts whose programs run on tokio), [`turmoil`] and [`live`].

mod clock;
mod disk;
mod kind;
pub mod network;
pub mod rng;

pub mod live;
mod process;
pub mod sim;
pub mod turmoil;

use std::collections::BTreeSet;
use std::future::Future;
use std::rc::Rc;

use im::env::{Env, Nanos, Work};
use im::points::Point;

pub use disk::{DiskFault, DiskProfile};
pub use kind::Kind;
pub use network::{
    Bursts, Condition, ConditionId, Hop, Hops, LinkKind, LinkProfile, LinkStats, NetStats, Network,
    Rate, Tier, Where,
};
pub use sim::{Costs, ProcessorStats};

/// Number of a host, from 0 in the order in which they are added; also its node number in
/// [`im::env::Addr`].
pub type HostId = u32;

/// What a host is like.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// Its name, for people.
    pub name: String,
    /// With which hosts its traffic is counted.
    pub tier: Tier,
    /// What kind of link leads to it.
    pub link: LinkKind,
    /// What its disk operations cost.
    pub disk: DiskProfile,
    /// What its work costs; nothing without it. Engines on which work takes its own time ignore it.
    pub costs: Option<Rc<Costs>>,
}

/// What stopping a host tore down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Torn {
    /// Connections that had an end on the host.
    pub connections: u64,
    /// Tasks that were dropped.
    pub tasks: u64,
    /// Bytes on disk that were not synced and are gone (loss of power only).
    pub disk_bytes: u64,
}

/// What a host has done, in counts. `work` is in the order of [`Work::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the fields are named as those of `Costs`")]
pub struct WorkDone {
    pub polls: u64,
    pub wakes: u64,
    pub packets_written: u64,
    pub packets_read: u64,
    pub bytes_written: u64,
    pub bytes_read: u64,
    pub work: [u64; Work::ALL.len()],
}

impl WorkDone {
    /// What came after `before`.
    pub fn since(&self, before: &Self) -> Self {
        self.with(before, |now, then| now - then)
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, |one, other| one + other)
    }

    fn with(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            polls: combine(self.polls, other.polls),
            wakes: combine(self.wakes, other.wakes),
            packets_written: combine(self.packets_written, other.packets_written),
            packets_read: combine(self.packets_read, other.packets_read),
            bytes_written: combine(self.bytes_written, other.bytes_written),
            bytes_read: combine(self.bytes_read, other.bytes_read),
            work: std::array::from_fn(|place| combine(self.work[place], other.work[place])),
        }
    }
}

/// What the faults of a run will do to the network, so that an engine can prepare for it.
#[derive(Clone, Debug, Default)]
pub struct Foreseen {
    /// Conditions that will be imposed.
    pub conditions: Vec<Condition>,
    /// Hosts that will lose power.
    pub power_losses: BTreeSet<HostId>,
    /// Whether connections will be reset.
    pub resets: bool,
}

/// What an engine knows of a run when it is over.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trail {
    /// Rolling hash over every event; `None` where events are not the engine's own.
    pub digest: Option<u64>,
    /// The hash as it was after each so many events.
    pub checkpoints: Vec<u64>,
    /// A line about each event of the window that was asked for.
    pub trace: Vec<String>,
}

/// What a run asks of the world under it.
///
/// Hosts are added first; then the world lives from one [`Engine::run_until`] to the next, and what
/// is done to it in between happens at [`Engine::now`].
pub trait Engine {
    /// The world as programs on a host see it.
    type Env: Env;

    /// Adds a host that is switched on but runs nothing yet. `boot` makes the program that
    /// [`Engine::start`] runs; it is called where the program lives, which may be another thread.
    fn add_host<F>(
        &mut self,
        spec: HostSpec,
        boot: impl Fn(Self::Env) -> F + Send + Sync + 'static,
    ) -> HostId
    where
        F: Future<Output = ()> + 'static;

    /// Tells, after all hosts are added and before the first one starts, what will be done to the
    /// network.
    fn foresee(&mut self, foreseen: Foreseen) {
        drop(foreseen);
    }

    /// Starts the host's program (again). Nothing happens when it runs already.
    fn start(&mut self, host: HostId);

    /// Kills the host's process at once. Its disk stays as it is, and its kernel ends its
    /// connections.
    fn crash(&mut self, host: HostId) -> Torn;

    /// Cuts the host's power: what was not synced is lost, and peers hear nothing. When `torn`, a
    /// part of what was not synced stays on the disk, its last bytes possibly damaged.
    fn lose_power(&mut self, host: HostId, torn: bool) -> Torn;

    /// The host's process gets no processor time until [`Engine::resume`]; its kernel goes on.
    fn pause(&mut self, host: HostId);

    /// Ends a pause; returns how many tasks were held up by it, as far as the engine can tell.
    fn resume(&mut self, host: HostId) -> u64;

    /// Puts the host's wall clock forward, or back, by so many milliseconds.
    fn step_clock(&mut self, host: HostId, by_ms: i64);

    /// From now on the host's wall clock gains so many microseconds a second, or loses them.
    fn set_clock_drift(&mut self, host: HostId, ppm: i64);

    /// How often the host's programs have looked at its wall clock.
    fn clock_reads(&self, host: HostId) -> u64;

    /// The host's disk misbehaves until [`Engine::heal_disk`].
    fn impose_on_disk(&mut self, host: HostId, fault: DiskFault);

    /// Ends the faults of the host's disk; returns how many operations they touched.
    fn heal_disk(&mut self, host: HostId) -> u64;

    /// Resets the connections between the host and the hosts that `with` names, as a firewall does
    /// that has forgotten them: both ends get an error. Returns how many.
    fn reset_connections(&mut self, host: HostId, with: &dyn Fn(HostId) -> bool) -> u64;

    /// Makes [`Engine::run_until`] return early when the host's program reaches the fault point for
    /// the `nth` time from now (from 1). The program goes no further than there.
    fn arm(&mut self, host: HostId, point: Point, nth: u64);

    /// Forgets what was armed on the host; whatever stands at a fault point goes on.
    fn disarm(&mut self, host: HostId);

    /// Imposes a condition on the network.
    fn impose(&mut self, condition: Condition) -> ConditionId;

    /// Ends a condition; returns how much traffic it touched, if the engine can tell.
    fn lift(&mut self, id: ConditionId) -> Option<u64>;

    /// Lets the world live until `until` (inclusive). Returns early, with the host, when a fault
    /// point is reached that [`Engine::arm`] asked for.
    fn run_until(&mut self, until: Nanos) -> Option<HostId>;

    /// Time since the world began.
    fn now(&self) -> Nanos;

    /// What the network has done so far, as far as the engine can tell.
    fn net_stats(&self) -> NetStats;

    /// What went between tiers, if the engine counts it.
    fn hops(&self) -> Option<Hops> {
        None
    }

    /// What the host's processor has done since [`Engine::count_processors_from_zero`].
    fn processor(&self, host: HostId) -> ProcessorStats;

    /// What the host has done since then, if the engine counts it.
    fn work_done(&self, host: HostId) -> Option<WorkDone> {
        let _ = host;
        None
    }

    /// Forgets what the processors have done so far.
    fn count_processors_from_zero(&mut self);

    /// What is to be known of the run.
    fn trail(&self) -> Trail;
}
