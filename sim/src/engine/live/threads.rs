//! Where hosts live: a thread each, until there are so many devices that they have to share some.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use cpu_time::ThreadTime;
use im::env::Nanos;
use tokio::sync::mpsc as async_mpsc;
use tokio::task::LocalSet;

use super::fabric::{LiveFabric, Shared};
use super::relay::Dialler;
use crate::engine::process::{Boot, Host, Machine, Notice, Tally};
use crate::engine::{HostId, HostSpec, LinkKind};

/// Threads for devices; where there are more devices they share them.
const DEVICE_THREADS_MAX: usize = 256;
/// A thread that does not answer for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a host is made of, on its thread.
pub struct Seed {
    pub id: HostId,
    pub seed: u64,
    pub disk: PathBuf,
    pub boot: Boot<LiveFabric>,
    pub restart_after: Nanos,
    pub tally: Arc<Tally>,
    pub notify: mpsc::Sender<Notice>,
    pub shared: Arc<Shared>,
}

/// What lives on a thread.
pub struct Inhabitants {
    hosts: BTreeMap<HostId, Rc<Host<LiveFabric>>>,
    since: ThreadTime,
}

impl Inhabitants {
    pub fn host(&self, host: HostId) -> &Host<LiveFabric> {
        &self.hosts[&host]
    }

    pub fn hosts_total(&self) -> u64 {
        self.hosts.len() as u64
    }

    /// Processor time that the thread has had.
    pub fn busy_ns(&self) -> Nanos {
        self.since.elapsed().as_nanos() as Nanos
    }
}

type Job = Box<dyn FnOnce(&Inhabitants) + Send>;

struct NodeThread {
    jobs: async_mpsc::UnboundedSender<Job>,
    ended: JoinHandle<()>,
}

/// The threads of a world. They end when this is dropped.
pub struct Threads {
    threads: Vec<NodeThread>,
    /// The thread of each host.
    of_hosts: BTreeMap<HostId, usize>,
}

impl Threads {
    /// Starts them; nothing runs on the hosts yet.
    pub fn start(seeds: Vec<Seed>, specs: &[HostSpec], dialler: Option<Dialler>) -> Self {
        let is_device = |seed: &Seed| specs[seed.id as usize].link == LinkKind::Client;
        let (devices, servers): (Vec<Seed>, Vec<Seed>) = seeds.into_iter().partition(is_device);
        let mut groups: Vec<Vec<Seed>> = servers.into_iter().map(|server| vec![server]).collect();
        let per_thread = devices.len().div_ceil(DEVICE_THREADS_MAX);
        let mut devices = devices.into_iter().peekable();
        while devices.peek().is_some() {
            groups.push(devices.by_ref().take(per_thread).collect());
        }
        let mut all = Self { threads: Vec::new(), of_hosts: BTreeMap::new() };
        for group in groups {
            let first = &specs[group[0].id as usize].name;
            for seed in &group {
                all.of_hosts.insert(seed.id, all.threads.len());
            }
            all.threads.push(start(first, group, dialler.clone()));
        }
        all
    }

    /// Asks on the thread of the host, and waits for the answer.
    pub fn ask<T: Send + 'static>(
        &self,
        host: HostId,
        ask: impl FnOnce(&Inhabitants) -> T + Send + 'static,
    ) -> T {
        let (reply, answer) = mpsc::channel();
        let thread = &self.threads[self.of_hosts[&host]];
        let job: Job = Box::new(move |inhabitants| {
            // Whoever asked waits for it, or has given up with a panic.
            let _ = reply.send(ask(inhabitants));
        });
        assert!(thread.jobs.send(job).is_ok(), "the thread of host {host} has ended");
        answer
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("the thread of host {host} does not answer"))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for NodeThread { jobs, ended } in self.threads.drain(..) {
            drop(jobs);
            // A thread that panicked has told of it by itself.
            let _ = ended.join();
        }
    }
}

fn start(name: &str, seeds: Vec<Seed>, dialler: Option<Dialler>) -> NodeThread {
    let (jobs, queue) = async_mpsc::unbounded_channel();
    let thread = std::thread::Builder::new().name(name.to_owned());
    let ended = thread.spawn(move || live(seeds, dialler, queue));
    let ended = ended.unwrap_or_else(|error| panic!("no thread for {name}: {error}"));
    NodeThread { jobs, ended }
}

fn live(seeds: Vec<Seed>, dialler: Option<Dialler>, mut jobs: async_mpsc::UnboundedReceiver<Job>) {
    let first = seeds[0].tally.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(move || first.wakes.add(1))
        .build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime for a thread: {error}"));
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async {
        let mut hosts = BTreeMap::new();
        for seed in seeds {
            let host = grow(seed, dialler.clone());
            tokio::task::spawn_local(Machine::new(host.clone()));
            hosts.insert(host.id, host);
        }
        let inhabitants = Inhabitants { hosts, since: ThreadTime::now() };
        while let Some(job) = jobs.recv().await {
            job(&inhabitants);
            // Machines have their turn before the next job: they may have got orders.
            tokio::task::yield_now().await;
        }
    }));
}

fn grow(seed: Seed, dialler: Option<Dialler>) -> Rc<Host<LiveFabric>> {
    let Seed { id, seed, disk, boot, restart_after, tally, notify, shared } = seed;
    let fabric = LiveFabric::new(shared, disk, dialler);
    // Nobody listens when the world ends.
    let notify = move |notice| {
        let _ = notify.send(notice);
    };
    Host::new(id, seed, fabric, boot, restart_after, tally, notify)
}
