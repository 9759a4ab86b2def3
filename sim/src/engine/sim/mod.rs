//! The discrete-event engine: virtual nanoseconds, single-threaded hosts, one queue of events.
//!
//! Idle time costs nothing: the engine polls what is ready, then jumps to the next event. One
//! [`Sim`] lives on one thread; everything in it follows from its seed.
//!
//! In reading order: `world` (what exists and happens), `executor` (ready tasks), `net/` (streams),
//! `host/` (processors, supervisors, fault points), `heap`, `timers`, `digest` (tools), `env` (what nodes
//! see of it), `engine` (what runs see of it).

mod digest;
mod engine;
mod env;
mod executor;
mod heap;
mod host;
mod net;
mod timers;
mod world;

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Range;
use std::rc::Rc;

use im::env::Nanos;

use super::network::{Hops, Tier};
use super::rng;
pub use super::{
    Bursts, Condition, ConditionId, DiskFault, DiskProfile, HostId, LinkKind, LinkProfile,
    LinkStats, NetStats, Network, Rate, Torn, Where,
};
pub use digest::CHECKPOINT_WORDS;
pub use env::{SimEnv, SimListener, SimSleep, SimStream, SimTask};
pub use host::cores::CoreStats;
pub use host::processor::{Costs, ProcessorStats};
pub use net::dial::AcceptQueue;
pub use net::keepalive::KeepAlive;

use host::cores::Cores;
use host::{points, supervise};
use world::{Step, World};

/// A simulated world. Only one can exist on a thread at a time.
pub struct Sim {
    /// The world lies in a thread-local: this handle must not leave its thread.
    not_send: PhantomData<Rc<()>>,
}

impl Sim {
    /// An empty world.
    pub fn new(seed: u64, network: Network) -> Self {
        world::install(World::new(seed, network.clients, network.backend));
        Self { not_send: PhantomData }
    }

    /// From now on tasks that are ready at the same instant run in an order drawn from the seed.
    pub fn schedule_randomly(&mut self) {
        let seed = world::with(|world| world.seed);
        executor::choose_by(Some(rng::stream(seed, "schedule")));
    }

    /// Adds a host that is switched on but runs nothing yet. `disk` is what its disk
    /// operations cost; `boot` makes the program that [`Sim::start`] runs.
    pub fn add_host<F>(
        &mut self,
        name: &str,
        kind: LinkKind,
        disk: impl Into<DiskProfile>,
        boot: impl Fn(SimEnv) -> F + 'static,
    ) -> HostId
    where
        F: Future<Output = ()> + 'static,
    {
        let boot = Rc::new(move |env| Box::pin(boot(env)) as _);
        world::with(|world| world.add_host(name.to_owned(), kind, disk.into(), boot))
    }

    /// Counts the host's traffic with that of other hosts of this tier.
    pub fn set_tier(&mut self, id: HostId, tier: Tier) {
        world::with(|world| world.host(id).tier = tier);
    }

    /// What went between tiers so far.
    pub fn hops(&self) -> Hops {
        world::with(|world| world.hops.clone())
    }

    /// Starts the host's program (again). Nothing happens when it runs already.
    pub fn start(&mut self, id: HostId) {
        supervise::start(id);
    }

    /// Kills the host's process at once. Its disk stays as it is, and its kernel resets the peers.
    pub fn crash(&mut self, id: HostId) -> Torn {
        self.stop(id, true, false)
    }

    /// Cuts the host's power: what was not synced is lost, and peers hear nothing. When `torn`, a
    /// part of what was not synced stays on the disk, its last bytes possibly damaged.
    pub fn lose_power(&mut self, id: HostId, torn: bool) -> Torn {
        self.stop(id, false, torn)
    }

    /// The host's process gets no processor time until [`Sim::resume`]; its kernel goes on.
    pub fn pause(&mut self, id: HostId) {
        executor::model_processors(true);
        world::with(|world| world.pause_processor(id));
    }

    /// Ends a pause; returns how many tasks were held up by it.
    pub fn resume(&mut self, id: HostId) -> u64 {
        world::with(|world| world.resume_processor(id))
    }

    /// From now on the host's work costs virtual time. Without this, nodes compute in no time.
    pub fn set_costs(&mut self, id: HostId, costs: Rc<Costs>) {
        executor::model_processors(true);
        world::with(|world| world.host(id).processor.set_costs(costs));
    }

    /// All hosts run on one machine with so many cores: work that costs virtual time needs one of
    /// them. Without this, each host has a processor of its own.
    ///
    /// # Panics
    /// When there is no core, or a host runs already.
    pub fn share_cores(&mut self, count: u32) {
        world::with(|world| {
            assert!(world.hosts.iter().all(|host| !host.alive), "cores are shared from the start");
            world.cores = Some(Cores::new(count));
        });
    }

    /// What the shared cores have done, since [`Sim::count_processors_from_zero`] at most; `None` if
    /// there are none.
    pub fn cores(&self) -> Option<CoreStats> {
        world::with(|world| world.cores.as_ref().map(Cores::stats))
    }

    /// What the host's processor has done, since [`Sim::count_processors_from_zero`] at most.
    pub fn processor(&self, id: HostId) -> ProcessorStats {
        world::with(|world| {
            let now = world.now;
            world.host(id).processor.stats(now)
        })
    }

    /// Forgets what the processors, and the cores that they share, have done so far.
    pub fn count_processors_from_zero(&mut self) {
        world::with(|world| {
            let now = world.now;
            world.hosts.iter_mut().for_each(|host| host.processor.count_from_zero(now));
            world.cores.iter_mut().for_each(Cores::count_from_zero);
        });
    }

    /// Puts the host's wall clock forward, or back, by so many milliseconds.
    pub fn step_clock(&mut self, id: HostId, by_ms: i64) {
        world::with(|world| world.host(id).clock.step(by_ms));
    }

    /// From now on the host's wall clock gains so many microseconds a second, or loses them.
    pub fn set_clock_drift(&mut self, id: HostId, ppm: i64) {
        world::with(|world| {
            let now = world.now;
            world.host(id).clock.drift(now, ppm);
        });
    }

    /// How often the host's programs have looked at its wall clock.
    pub fn clock_reads(&self, id: HostId) -> u64 {
        world::with(|world| world.host(id).clock.reads())
    }

    /// The host's disk misbehaves until [`Sim::heal_disk`].
    pub fn impose_on_disk(&mut self, id: HostId, fault: DiskFault) {
        world::with(|world| world.host(id).disk.impose(fault));
    }

    /// Ends the faults of the host's disk; returns how many operations they touched.
    pub fn heal_disk(&mut self, id: HostId) -> u64 {
        world::with(|world| world.host(id).disk.heal())
    }

    /// How long supervisors wait before they start a process again that ended itself.
    pub fn set_restart_after(&mut self, wait: Nanos) {
        world::with(|world| world.restart_after = wait);
    }

    /// How often the host's process has ended itself ([`im::env::Env::fail_stop`]).
    pub fn fail_stops(&self, id: HostId) -> u64 {
        world::with(|world| world.host(id).supervised.fail_stops())
    }

    /// Why the host's process last ended itself; empty when it never did.
    pub fn last_fail_stop(&self, id: HostId) -> String {
        world::with(|world| world.host(id).supervised.last_why().to_owned())
    }

    /// Resets the connections between the host and the hosts that `with` names, as a firewall does
    /// that has forgotten them: both ends get an error at once. Returns how many.
    pub fn reset_connections(&mut self, id: HostId, with: impl Fn(HostId) -> bool) -> u64 {
        world::with(|world| world.reset_connections(id, with))
    }

    /// Makes [`Sim::run_until`] return early when the host's program reaches the fault point of
    /// that name for the `nth` time from now (from 1). The program goes no further than there.
    ///
    /// # Panics
    /// When there is no such fault point.
    pub fn arm(&mut self, id: HostId, point: &str, nth: u64) {
        let point = point.parse().unwrap_or_else(|unknown: String| panic!("{unknown}"));
        world::with(|world| world.points.arm(id, point, nth));
    }

    /// Forgets what was armed on the host; whatever stands at a fault point goes on.
    pub fn disarm(&mut self, id: HostId) {
        for waker in world::with(|world| world.points.disarm(id)) {
            waker.wake();
        }
    }

    fn stop(&mut self, id: HostId, machine_up: bool, torn: bool) -> Torn {
        let (remains, disk_bytes) = world::with(|world| {
            let remains = world.end_process(id, machine_up);
            let disk = &mut world.host(id).disk;
            (remains, if machine_up { 0 } else { disk.lose_power(torn) })
        });
        let (connections, tasks) = (remains.connections, remains.tasks.len() as u64);
        remains.clear();
        executor::run_ready();
        Torn { connections, tasks, disk_bytes }
    }

    /// Imposes a condition on the network.
    pub fn impose(&mut self, condition: Condition) -> ConditionId {
        world::with(|world| world.conditions.impose(condition))
    }

    /// Ends a condition; returns how many packets it touched.
    pub fn lift(&mut self, id: ConditionId) -> u64 {
        world::with(|world| world.conditions.lift(id))
    }

    /// Runs the world until `until` (inclusive), which is then [`Sim::now`]. Returns early, with the
    /// host, when a fault point is reached that [`Sim::arm`] asked for.
    pub fn run_until(&mut self, until: Nanos) -> Option<HostId> {
        loop {
            executor::run_ready();
            if let Some(host) = executor::take_halted() {
                return Some(host);
            }
            match world::with(|world| world.step(until)) {
                Step::Idle => break,
                Step::Handled => {}
                Step::Start(host) => supervise::start(host),
            }
        }
        world::with(|world| world.pass_to(until));
        None
    }

    /// How ports listen from now on.
    pub fn set_accept_queue(&mut self, rules: AcceptQueue) {
        world::with(|world| world.accept_queue = rules);
    }

    /// All hosts are containers of one machine: its kernel's timers tick for all of them together.
    /// Without this each host has a kernel of its own.
    pub fn share_kernel(&mut self) {
        world::with(|world| world.one_kernel = true);
    }

    /// On connections dialled from now on, receivers may hold acks back, as on Linux. Without this, each
    /// packet is acked at once, which costs no events; sending then waits a little less after losses.
    pub fn delay_acks(&mut self) {
        world::with(|world| world.delayed_acks = true);
    }

    /// Virtual time.
    pub fn now(&self) -> Nanos {
        world::with(|world| world.now)
    }

    /// The host as its programs see it; for tasks of the harness that live on the host.
    pub fn env(&self, host: HostId) -> SimEnv {
        SimEnv::new(host)
    }

    /// The rolling hash over all events so far.
    pub fn digest(&self) -> u64 {
        world::with(|world| world.digest.value())
    }

    /// The hash after each [`CHECKPOINT_WORDS`] events: where two runs part, these do.
    pub fn checkpoints(&self) -> Vec<u64> {
        world::with(|world| world.digest.checkpoints().to_vec())
    }

    /// Keeps a line about each event of this window of the digest.
    pub fn trace(&mut self, window: Range<u64>) {
        world::with(|world| world.digest.trace(window));
    }

    /// The lines kept so far.
    pub fn traced(&self) -> Vec<String> {
        world::with(|world| world.digest.traced().to_vec())
    }

    /// Counters of the engine.
    pub fn stats(&self) -> NetStats {
        world::with(|world| world.stats)
    }

    /// Name of a host.
    pub fn name(&self, host: HostId) -> String {
        world::with(|world| world.host(host).name.clone())
    }
}

impl Drop for Sim {
    /// Cancels every task before any is polled again, and drops them while the world that they call
    /// still stands; also when a panic unwinds.
    fn drop(&mut self) {
        let (tasks, waiting) = world::with(|world| {
            let (mut tasks, mut waiting) = (Vec::new(), Vec::new());
            for host in &mut world.hosts {
                host.alive = false;
                tasks.extend(host.tasks.take_all());
                waiting.extend(host.processor.stop());
            }
            (tasks, waiting)
        });
        drop(tasks);
        drop(waiting);
        executor::take_halted();
        executor::run_ready();
        executor::choose_by(None);
        executor::model_processors(false);
        executor::take_halted();
        points::reset();
        world::uninstall();
    }
}
