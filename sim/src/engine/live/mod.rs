//! The same nodes on kernel sockets, files and processors of this machine, in real time.
//!
//! Every host has a thread of its own; only where there are hundreds of devices they share some. What is done to a
//! host is done on its thread. Faults of the network need something between the nodes: when some are
//! foreseen, connections go through relays, otherwise straight over loopback. In reading order:
//! [`Live`], `threads` (where hosts live), `fabric` (what they see), `relay`, `files`; and beside
//! them `loopback`, the machine for programs that are to be reached from outside.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real time is what this engine is for"
)]

mod fabric;
mod files;
mod loopback;
mod relay;
pub mod temporary;
mod threads;

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use im::env::Nanos;
use im::points::Point;

use super::process::{Host, HostEnv, Notice, Tally};
use super::{
    Condition, ConditionId, DiskFault, Engine, Foreseen, HostId, HostSpec, LinkKind, NetStats,
    ProcessorStats, Torn, Trail, WorkDone,
};
use fabric::{LiveFabric, Shared};
pub use loopback::{Loopback, Told};
use relay::Relays;
use temporary::Temporary;
use threads::{Seed, Threads};

/// A world of threads, sockets and files.
pub struct Live {
    seed: u64,
    restart_after: Nanos,
    shared: Arc<Shared>,
    specs: Vec<HostSpec>,
    tallies: Vec<Arc<Tally>>,
    /// Hosts whose threads have not begun.
    seeds: Vec<Seed>,
    foreseen: Foreseen,
    threads: Option<Threads>,
    notices: mpsc::Receiver<Notice>,
    /// Received, and not yet told of.
    pending: VecDeque<Notice>,
    notify: mpsc::Sender<Notice>,
    /// Cuts that stand for machines without power.
    dark: BTreeMap<HostId, ConditionId>,
    /// What the processors had done when they were last counted from zero.
    before: BTreeMap<HostId, (ProcessorStats, WorkDone)>,
    relays: Option<Relays>,
    /// Declared last: files go when nobody writes any more.
    disks: Temporary,
}

impl Live {
    /// An empty world. Disks lie in a folder of the system's temporary directory, which goes with
    /// it.
    pub fn new(seed: u64, restart_after: Nanos) -> io::Result<Self> {
        // Each device takes a socket and a file: a usual limit of 1,024 is soon reached.
        rlimit::increase_nofile_limit(u64::MAX)?;
        let (notify, notices) = mpsc::channel();
        Ok(Self {
            seed,
            restart_after,
            shared: Arc::new(Shared::new()),
            specs: Vec::new(),
            tallies: Vec::new(),
            seeds: Vec::new(),
            foreseen: Foreseen::default(),
            threads: None,
            notices,
            pending: VecDeque::new(),
            notify,
            dark: BTreeMap::new(),
            before: BTreeMap::new(),
            relays: None,
            disks: Temporary::with_prefix("imsim-")?,
        })
    }

    /// Starts the threads, now that all hosts are known.
    fn threads(&mut self) -> &Threads {
        let Self { threads, seeds, specs, shared, relays, foreseen, .. } = self;
        threads.get_or_insert_with(|| {
            let between = !foreseen.conditions.is_empty()
                || !foreseen.power_losses.is_empty()
                || foreseen.resets;
            if between {
                *relays = Some(start_relays(shared, specs));
            }
            let dialler = relays.as_ref().map(Relays::dialler);
            Threads::start(std::mem::take(seeds), specs, dialler)
        })
    }

    fn on<T: Send + 'static>(
        &mut self,
        host: HostId,
        ask: impl FnOnce(&Host<LiveFabric>) -> T + Send + 'static,
    ) -> T {
        self.threads().ask(host, move |thread| ask(thread.host(host)))
    }

    /// Kills the host's process, and has it done besides. The process has ended when this returns:
    /// its sockets are closed, and nothing of it is told of any more.
    fn kill<T: Send + 'static>(
        &mut self,
        host: HostId,
        besides: impl FnOnce(&Host<LiveFabric>) -> T + Send + 'static,
    ) -> (Torn, T) {
        let ((connections, tasks), done) = self.on(host, |host| (host.kill(), besides(host)));
        // The thread answers after the machine has had its turn.
        self.on(host, |_| ());
        self.forget_arrivals(host);
        (Torn { connections, tasks, disk_bytes: 0 }, done)
    }

    /// Whoever stands at a fault point on the host no longer does.
    fn forget_arrivals(&mut self, host: HostId) {
        self.pending.extend(self.notices.try_iter());
        self.pending.retain(|notice| *notice != Notice::Reached(host));
    }

    fn relays(&mut self) -> &mut Relays {
        self.threads();
        self.relays.as_mut().expect("what is done to the network was foreseen")
    }
}

fn start_relays(shared: &Arc<Shared>, specs: &[HostSpec]) -> Relays {
    let shared = shared.clone();
    let kinds: Vec<LinkKind> = specs.iter().map(|spec| spec.link).collect();
    let kind = move |from: HostId, to: HostId| {
        let device = |host: HostId| kinds[host as usize] == LinkKind::Client;
        if device(from) || device(to) { LinkKind::Client } else { LinkKind::Backend }
    };
    let relays = Relays::start(Arc::new(move |to| shared.lookup(to)), Arc::new(kind));
    relays.unwrap_or_else(|error| panic!("relays cannot listen on loopback: {error}"))
}

impl Engine for Live {
    type Env = HostEnv<LiveFabric>;

    fn add_host<F>(
        &mut self,
        spec: HostSpec,
        boot: impl Fn(Self::Env) -> F + Send + Sync + 'static,
    ) -> HostId
    where
        F: Future<Output = ()> + 'static,
    {
        assert!(self.threads.is_none(), "hosts are added before the first one starts");
        let id = self.specs.len() as HostId;
        let tally = Arc::<Tally>::default();
        self.seeds.push(Seed {
            id,
            seed: self.seed,
            disk: self.disks.path().join(format!("{id}-{}", spec.name)),
            boot: Arc::new(move |env| Box::pin(boot(env)) as _),
            restart_after: self.restart_after,
            tally: tally.clone(),
            notify: self.notify.clone(),
            shared: self.shared.clone(),
        });
        self.tallies.push(tally);
        self.specs.push(spec);
        id
    }

    fn foresee(&mut self, foreseen: Foreseen) {
        assert!(self.threads.is_none(), "what comes is told before anything is done");
        self.foreseen = foreseen;
    }

    fn start(&mut self, host: HostId) {
        if let Some(cut) = self.dark.remove(&host) {
            self.relays().lift(cut);
        }
        self.on(host, |host| host.start());
    }

    fn crash(&mut self, host: HostId) -> Torn {
        self.kill(host, |_| ()).0
    }

    fn lose_power(&mut self, host: HostId, torn: bool) -> Torn {
        // First the cut: what the dying process' sockets say must not reach anybody.
        if !self.dark.contains_key(&host) {
            let others = (0..self.specs.len() as HostId).filter(|other| *other != host).collect();
            let cut = self.relays().impose(Condition::Cut([host].into(), others));
            self.dark.insert(host, cut);
        }
        let lose =
            move |host: &Host<LiveFabric>| host.fabric.lose_power(torn, &mut host.rng.borrow_mut());
        let (killed, disk_bytes) = self.kill(host, lose);
        Torn { disk_bytes, ..killed }
    }

    fn pause(&mut self, host: HostId) {
        self.on(host, |host| host.pause());
    }

    fn resume(&mut self, host: HostId) -> u64 {
        self.on(host, |host| host.resume())
    }

    fn step_clock(&mut self, host: HostId, by_ms: i64) {
        self.on(host, move |host| host.clock.borrow_mut().step(by_ms));
    }

    fn set_clock_drift(&mut self, host: HostId, ppm: i64) {
        self.on(host, move |host| host.clock.borrow_mut().drift(host.now(), ppm));
    }

    fn clock_reads(&self, host: HostId) -> u64 {
        let Some(threads) = &self.threads else { return 0 };
        threads.ask(host, move |thread| thread.host(host).clock.borrow().reads())
    }

    fn impose_on_disk(&mut self, host: HostId, fault: DiskFault) {
        self.on(host, move |host| host.fabric.impose_on_disk(fault));
    }

    fn heal_disk(&mut self, host: HostId) -> u64 {
        self.on(host, |host| host.fabric.heal_disk())
    }

    fn reset_connections(&mut self, host: HostId, with: &dyn Fn(HostId) -> bool) -> u64 {
        self.relays().reset(host, with)
    }

    fn arm(&mut self, host: HostId, point: Point, nth: u64) {
        self.on(host, move |host| host.arm(point, nth));
    }

    fn disarm(&mut self, host: HostId) {
        self.on(host, |host| host.disarm());
        self.forget_arrivals(host);
    }

    fn impose(&mut self, condition: Condition) -> ConditionId {
        self.relays().impose(condition)
    }

    fn lift(&mut self, id: ConditionId) -> Option<u64> {
        Some(self.relays().lift(id))
    }

    fn run_until(&mut self, until: Nanos) -> Option<HostId> {
        loop {
            let left = until.saturating_sub(self.now());
            let notice = match self.pending.pop_front() {
                Some(notice) => notice,
                None => match self.notices.recv_timeout(Duration::from_nanos(left)) {
                    Ok(notice) => notice,
                    Err(_) if self.now() >= until => return None,
                    Err(_) => continue,
                },
            };
            match notice {
                Notice::Reached(host) => return Some(host),
                Notice::Panicked(host) => {
                    panic!("a program on {} has panicked", self.specs[host as usize].name)
                }
            }
        }
    }

    fn now(&self) -> Nanos {
        self.shared.now()
    }

    fn net_stats(&self) -> NetStats {
        let total = |count: fn(&Tally) -> u64| self.tallies.iter().map(|tally| count(tally)).sum();
        NetStats {
            packets_sent: total(|tally| tally.packets_written.get()),
            bytes_sent: total(|tally| tally.bytes_written.get()),
            dials: total(|tally| tally.dials.get()),
            ..NetStats::default()
        }
    }

    /// Processor time of the host's thread; devices that share one share its time.
    fn processor(&self, host: HostId) -> ProcessorStats {
        let Some(threads) = &self.threads else { return ProcessorStats::default() };
        let busy_ns = threads.ask(host, |thread| thread.busy_ns() / thread.hosts_total());
        let polls = self.tallies[host as usize].polls.get();
        let (before, _) = self.before.get(&host).copied().unwrap_or_default();
        ProcessorStats {
            polls: polls - before.polls,
            busy_ns: busy_ns - before.busy_ns,
            ..ProcessorStats::default()
        }
    }

    fn work_done(&self, host: HostId) -> Option<WorkDone> {
        let (_, before) = self.before.get(&host).copied().unwrap_or_default();
        Some(self.tallies[host as usize].so_far().since(&before))
    }

    fn count_processors_from_zero(&mut self) {
        self.before.clear();
        let hosts = 0..self.specs.len() as HostId;
        let so_far = |host: HostId| self.tallies[host as usize].so_far();
        self.before = hosts.map(|host| (host, (self.processor(host), so_far(host)))).collect();
    }

    fn trail(&self) -> Trail {
        Trail::default()
    }
}

impl Drop for Live {
    /// Threads end before the relays between them and the disks under them do.
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Relaxed);
        drop(self.threads.take());
        drop(self.relays.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DiskProfile;

    #[test]
    fn a_world_takes_its_folder_and_its_threads_with_it() {
        let mut live = Live::new(1, 0).expect("sockets and a temporary folder");
        let (folder, shared) = (live.disks.path().to_owned(), Arc::downgrade(&live.shared));
        let disk = DiskProfile::from(0);
        let spec = |link| HostSpec { name: "same".to_owned(), link, disk, costs: None, tier: 0 };
        for link in [LinkKind::Backend, LinkKind::Backend, LinkKind::Client] {
            live.add_host(spec(link), |_| std::future::pending());
        }
        live.foresee(Foreseen { resets: true, ..Foreseen::default() });
        // Each thread answers, and so has made its disks.
        (0..3).for_each(|host| live.start(host));
        let disks = std::fs::read_dir(&folder).expect("it stands").count();
        assert_eq!(disks, 3, "hosts of the same name have their own disks");
        drop(live);
        assert!(!folder.exists());
        assert!(shared.upgrade().is_none(), "a thread still holds it");
    }
}
