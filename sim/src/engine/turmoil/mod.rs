//! The same nodes on [turmoil](https://docs.rs/turmoil), a second opinion on the simulator: its own
//! streams, its tokio runtimes, virtual time in ticks of a millisecond.
//!
//! Some thirty of its hosts are as many as it bears, so devices share them (`places`). What it cannot
//! do is not asked of it: it loses no packet that a stream recovers from, has no bandwidth, and
//! its programs compute in no time. A cut stream stays silent for good, since turmoil sends nothing
//! again. In reading order: [`Turmoil`], `places` (who shares a turmoil host), `links` (conditions as
//! turmoil knows them), `fabric` (sockets and disks).

mod fabric;
mod links;
mod places;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use im::env::Nanos;
use im::points::Point;

use super::process::{Boot, Host, HostEnv, Machine, Notice};
use super::{
    Condition, ConditionId, DiskFault, Engine, Foreseen, HostId, HostSpec, LinkStats, NetStats,
    Network, ProcessorStats, Torn, Trail,
};
use fabric::TurmoilFabric;
use links::{Cuts, Links};
use places::Places;

/// Time that passes per step. Turmoil's timers know nothing shorter.
pub const TICK: Duration = Duration::from_millis(1);
/// Longer than any run, since turmoil fails a simulation that outlives its duration.
const DURATION: Duration = Duration::from_secs(30 * 86_400);
/// Segments that a stream, and SYNs that a listener, may queue; turmoil panics on a SYN beyond it.
const TCP_CAPACITY: usize = 4_096;
/// Ports to dial from, above those that nodes listen on. Turmoil keeps the one of a dial that failed
/// for good, and panics when none is left.
const DIALLING_PORTS: RangeInclusive<u16> = 10_000..=u16::MAX;

/// A world on turmoil. It lives on the thread that made it.
pub struct Turmoil {
    hosts: Vec<Rc<Host<TurmoilFabric>>>,
    specs: Vec<HostSpec>,
    seed: u64,
    network: Network,
    restart_after: Nanos,
    now: Rc<Cell<Nanos>>,
    notices: Rc<RefCell<VecDeque<Notice>>>,
    foreseen: Foreseen,
    cuts: Cuts,
    /// Made when the first host starts.
    links: Option<Links>,
}

impl Turmoil {
    /// An empty world.
    pub fn new(seed: u64, network: Network, restart_after: Nanos) -> Self {
        Self {
            hosts: Vec::new(),
            specs: Vec::new(),
            seed,
            network,
            restart_after,
            now: Rc::default(),
            notices: Rc::default(),
            foreseen: Foreseen::default(),
            cuts: Cuts::default(),
            links: None,
        }
    }

    /// Builds turmoil's world, now that all hosts are known.
    fn links(&mut self) -> &mut Links {
        let Self { hosts, specs, foreseen, network, seed, cuts, .. } = self;
        self.links.get_or_insert_with(|| {
            let places = Places::of(specs, foreseen);
            let mut sim = build(*seed);
            for (place, members) in places.members().iter().enumerate() {
                let members: Vec<_> =
                    members.iter().map(|host| hosts[*host as usize].clone()).collect();
                sim.host(places::name(place), move || run_all(members.clone()));
            }
            for host in hosts {
                host.fabric.know(places.of_hosts());
            }
            Links::new(sim, places, *network, cuts.clone())
        })
    }

    fn host(&self, host: HostId) -> &Host<TurmoilFabric> {
        &self.hosts[host as usize]
    }

    /// Whoever stands at a fault point on the host no longer does.
    fn forget_arrivals(&self, host: HostId) {
        self.notices.borrow_mut().retain(|notice| *notice != Notice::Reached(host));
    }
}

#[allow(clippy::disallowed_types, reason = "turmoil takes its epoch as a SystemTime; it is fixed")]
fn build(seed: u64) -> turmoil::Sim<'static> {
    turmoil::Builder::new()
        .rng_seed(seed)
        .epoch(std::time::SystemTime::UNIX_EPOCH)
        .tick_duration(TICK)
        .simulation_duration(DURATION)
        .min_message_latency(TICK)
        .max_message_latency(TICK)
        .tcp_capacity(TCP_CAPACITY)
        .ephemeral_ports(DIALLING_PORTS)
        .build()
}

/// Runs the machines of the hosts that share a turmoil host.
#[allow(clippy::disallowed_methods, reason = "turmoil runs every host in a tokio runtime")]
async fn run_all(hosts: Vec<Rc<Host<TurmoilFabric>>>) -> turmoil::Result {
    for host in hosts {
        tokio::task::spawn_local(Machine::new(host));
    }
    std::future::pending().await
}

impl Engine for Turmoil {
    type Env = HostEnv<TurmoilFabric>;

    fn add_host<F>(
        &mut self,
        spec: HostSpec,
        boot: impl Fn(Self::Env) -> F + Send + Sync + 'static,
    ) -> HostId
    where
        F: Future<Output = ()> + 'static,
    {
        assert!(self.links.is_none(), "hosts are added before the first one starts");
        let id = self.hosts.len() as HostId;
        let boot: Boot<TurmoilFabric> = Arc::new(move |env| Box::pin(boot(env)) as _);
        let fabric = TurmoilFabric::new(id, self.seed, spec.disk, self.cuts.clone());
        let notices = self.notices.clone();
        let notify = move |notice| notices.borrow_mut().push_back(notice);
        self.hosts.push(Host::new(
            id,
            self.seed,
            fabric,
            boot,
            self.restart_after,
            Arc::default(),
            notify,
        ));
        self.specs.push(spec);
        id
    }

    fn foresee(&mut self, foreseen: Foreseen) {
        assert!(self.links.is_none(), "what comes is told before anything is done");
        self.foreseen = foreseen;
    }

    fn start(&mut self, host: HostId) {
        self.links().lighten(host);
        self.host(host).start();
    }

    fn crash(&mut self, host: HostId) -> Torn {
        let (connections, tasks) = self.host(host).kill();
        self.forget_arrivals(host);
        Torn { connections, tasks, disk_bytes: 0 }
    }

    fn lose_power(&mut self, host: HostId, torn: bool) -> Torn {
        // First the cut: what the dying process' sockets say must not reach anybody.
        self.links().darken(host);
        let disk_bytes = self.host(host).fabric.lose_power(torn);
        Torn { disk_bytes, ..self.crash(host) }
    }

    fn pause(&mut self, host: HostId) {
        self.host(host).pause();
    }

    fn resume(&mut self, host: HostId) -> u64 {
        self.host(host).resume()
    }

    fn step_clock(&mut self, host: HostId, by_ms: i64) {
        self.host(host).clock.borrow_mut().step(by_ms);
    }

    fn set_clock_drift(&mut self, host: HostId, ppm: i64) {
        self.host(host).clock.borrow_mut().drift(self.now(), ppm);
    }

    fn clock_reads(&self, host: HostId) -> u64 {
        self.host(host).clock.borrow().reads()
    }

    fn impose_on_disk(&mut self, host: HostId, fault: DiskFault) {
        self.host(host).fabric.impose_on_disk(fault);
    }

    fn heal_disk(&mut self, host: HostId) -> u64 {
        self.host(host).fabric.heal_disk()
    }

    fn reset_connections(&mut self, host: HostId, with: &dyn Fn(HostId) -> bool) -> u64 {
        let meant = |from: HostId, to: HostId| from == host && with(to) || to == host && with(from);
        self.hosts.iter().map(|each| each.reset(meant)).sum()
    }

    fn arm(&mut self, host: HostId, point: Point, nth: u64) {
        self.host(host).arm(point, nth);
    }

    fn disarm(&mut self, host: HostId) {
        self.host(host).disarm();
        self.forget_arrivals(host);
    }

    fn impose(&mut self, condition: Condition) -> ConditionId {
        self.links().impose(condition)
    }

    /// Turmoil does not count what it swallows.
    fn lift(&mut self, id: ConditionId) -> Option<u64> {
        self.links().lift(id);
        None
    }

    fn run_until(&mut self, until: Nanos) -> Option<HostId> {
        loop {
            match self.notices.borrow_mut().pop_front() {
                Some(Notice::Reached(host)) => return Some(host),
                Some(Notice::Panicked(host)) => {
                    panic!("a program on {} has panicked", self.specs[host as usize].name)
                }
                None => {}
            }
            if self.now() >= until {
                return None;
            }
            self.links().step();
            self.now.set(self.now() + TICK.as_nanos() as Nanos);
        }
    }

    fn now(&self) -> Nanos {
        self.now.get()
    }

    fn net_stats(&self) -> NetStats {
        let total = |count: fn(&super::process::Tally) -> u64| {
            self.hosts.iter().map(|host| count(&host.tally)).sum()
        };
        NetStats {
            events: self.now() / TICK.as_nanos() as Nanos,
            packets_sent: total(|tally| tally.packets_written.get()),
            bytes_sent: total(|tally| tally.bytes_written.get()),
            dials: total(|tally| tally.dials.get()),
            clients: LinkStats::default(),
            ..NetStats::default()
        }
    }

    fn processor(&self, host: HostId) -> ProcessorStats {
        ProcessorStats { polls: self.host(host).tally.polls.get(), ..ProcessorStats::default() }
    }

    fn count_processors_from_zero(&mut self) {}

    fn trail(&self) -> Trail {
        Trail::default()
    }
}
