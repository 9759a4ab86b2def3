//! Experiments in the simulator: hosts for Redis and for the clients, and what is done to them.
//!
//! Which programs run on the Redis hosts is said in one place, `add_redis`. What cannot be
//! simulated is refused by [`missing`], never simplified in silence.

use std::collections::BTreeSet;
use std::sync::Arc;

use im::env::{Addr, Nanos};
use im::redis_client::Names;
use im::topology::{REDIS_MASTER, REDIS_PORT, SENTINEL_PORT};

use super::accounting::{Change, Event};
use super::experiment::{Experiment, MS, SECOND, Strike, Study};
use super::finder::Finder;
use super::history::{History, Recorder};
use super::locks;
use super::{program, read_back};
use crate::engine::sim::{Condition, LinkKind, LinkProfile, Network, Sim, SimEnv};
use crate::engine::{HostId, rng};
use crate::redis::persistence::{Fsync, Persistence};
use crate::redis::replication::Settings;
use crate::redis::sentinel::{self, Events};
use crate::redis::{self, Counters, Options, RoleChange};

/// One way between two network namespaces of a machine, with what the two programs take. Measured: 300
/// `INCR`s on redis-server 7.0.15, 20 ms apart, took 28 / 46 / 99 µs there and back (5th percentile, median,
/// 95th) on a virtual machine with two cores.
const LATENCY: Nanos = 25_000;
const LATENCY_SD: Nanos = 12_000;
const LATENCY_MIN: Nanos = 12_000;
const LATENCY_MAX: Nanos = 80_000;
/// One sync of a Redis' disk. Assumed: a data-centre SSD.
const SYNC: Nanos = 300_000;
/// The last master is asked for so long at most.
const READ_BACK_MAX: Nanos = 30 * SECOND;

/// Until replicas stream and Sentinels know each other.
const WARM_UP: Nanos = 12 * SECOND;
/// Processes are started within so much time of each other: the longest period of Redis' and the
/// Sentinels' timers, so that these have every phase to each other.
const START_SPREAD: Nanos = SECOND;
/// So many Sentinels must find the master down.
const QUORUM: u32 = 2;
const FAILOVER_TIMEOUT_MS: u64 = 10_000;

/// What of the experiment cannot be simulated, if anything.
pub fn missing(experiment: &Experiment) -> Option<String> {
    configured(experiment).err()
}

/// Does the experiment. Panics on one of which something is [`missing`].
pub fn run(experiment: &Experiment, seed: u64) -> Study {
    let mut lab = Lab::new(experiment, seed);
    lab.go_through();
    lab.ask_last_master();
    let history = lab.recorder.history().clone();
    let mut events = lab.events;
    events.extend(lab.servers.iter().flat_map(Server::role_changes));
    events.sort_by_key(|event| event.at);
    let sentinels = lab.sentinels.iter().map(|(_, events)| events.clone());
    let sentinel_events =
        sentinels.map(|events| events.lock().expect("the world stands still").clone()).collect();
    Study { history, struck: lab.struck, events, sentinel_events }
}

/// A Redis of the lab.
struct Server {
    host: HostId,
    counters: Arc<Counters>,
}

impl Server {
    /// Its changes of role after the first start.
    fn role_changes(&self) -> Vec<Event> {
        let roles = self.counters.roles();
        let changes = roles.windows(2).filter(|pair| pair[0].master != pair[1].master);
        let event = |pair: &[RoleChange]| {
            let what = if pair[1].master { Change::Promoted } else { Change::Demoted };
            Event { at: pair[1].at, node: self.host, what }
        };
        changes.map(event).collect()
    }
}

struct Lab<'a> {
    experiment: &'a Experiment,
    seed: u64,
    /// The first is the master at first.
    servers: Vec<Server>,
    sentinels: Vec<(HostId, Events)>,
    clients: Vec<HostId>,
    finder: Finder,
    recorder: Recorder,
    struck: Nanos,
    events: Vec<Event>,
    /// When the load begins.
    start: Nanos,
    /// Declared last: what programs hold must go before the world does.
    sim: Sim,
}

impl<'a> Lab<'a> {
    fn new(experiment: &'a Experiment, seed: u64) -> Self {
        let mut sim = world(seed);
        let (replication, persistence) = configured(experiment).expect("nothing is missing");
        let master = 0;
        let servers: Vec<Server> = (0..=experiment.replicas)
            .map(|node| {
                let of = (node > master).then_some(master);
                add_redis(&mut sim, node, of, &replication, persistence)
            })
            .collect();
        let sentinels: Vec<(HostId, Events)> = (0..experiment.sentinels)
            .map(|number| add_sentinel(&mut sim, servers.len() as u32 + number, experiment, master))
            .collect();
        let hosts: Vec<HostId> = sentinels.iter().map(|(host, _)| *host).collect();
        let finder = finder(master, &hosts);
        let recorder = Recorder::default();
        let start = if hosts.is_empty() { START_SPREAD } else { WARM_UP };
        let until = start + experiment.lead + experiment.after;
        let clients = (0..experiment.clients)
            .map(|number| add_client(&mut sim, experiment, number, &finder, until, &recorder))
            .collect();
        Self {
            experiment,
            seed,
            servers,
            sentinels,
            clients,
            finder,
            recorder,
            struck: 0,
            events: Vec::new(),
            start,
            sim,
        }
    }

    /// From the start to the end of the settling.
    fn go_through(&mut self) {
        self.start_servers();
        self.sim.run_until(self.start);
        for client in &self.clients {
            self.sim.start(*client);
        }
        let strike = self.start + self.experiment.lead;
        if let Some(before) = self.experiment.resync {
            self.sim.run_until(strike.saturating_sub(before));
            for replica in &self.servers[1..] {
                self.sim.crash(replica.host);
                self.sim.start(replica.host);
            }
        }
        self.sim.run_until(strike);
        self.struck = self.sim.now();
        let end = self.struck + self.experiment.after + self.experiment.settle;
        let master = self.servers[0].host;
        match self.experiment.strike {
            Strike::Kill => {
                self.sim.crash(master);
                self.note(Change::Killed);
            }
            Strike::Restart { after } => {
                self.sim.crash(master);
                self.note(Change::Killed);
                self.sim.run_until(self.struck + after);
                self.sim.start(master);
                let keeps =
                    configured(self.experiment).is_ok_and(|(_, kept)| kept != Persistence::None);
                self.note(Change::Restarted { keeps });
            }
            Strike::Cut { lasts } => {
                let cut = self.cut();
                let cut = self.sim.impose(cut);
                self.note(Change::CutOff);
                self.sim.run_until(self.struck + lasts);
                self.sim.lift(cut);
                self.note(Change::Healed);
            }
            Strike::Pause { lasts } => {
                self.sim.pause(master);
                self.sim.run_until(self.struck + lasts);
                self.sim.resume(master);
            }
        }
        self.sim.run_until(end);
    }

    /// Starts Redis and the Sentinels one after the other, as a script does; how far apart is drawn,
    /// so that their clocks tick in other phases for every seed.
    fn start_servers(&mut self) {
        let servers = self.servers.iter().map(|server| server.host);
        let hosts: Vec<HostId> =
            servers.chain(self.sentinels.iter().map(|(host, _)| *host)).collect();
        let mut rng = rng::stream(self.seed, "redis study starts");
        for host in hosts {
            self.sim.run_until(self.sim.now() + rng::below(&mut rng, START_SPREAD));
            self.sim.start(host);
        }
    }

    /// The master and the first clients on one side, everybody else on the other.
    fn cut(&self) -> Condition {
        let (with, without) = self.clients.split_at(self.experiment.cut_off as usize);
        let side = [&[self.servers[0].host], with].concat();
        let replicas = self.servers[1..].iter().map(|server| server.host);
        let sentinels = self.sentinels.iter().map(|(host, _)| *host);
        let others = without.iter().copied().chain(replicas).chain(sentinels);
        Condition::Cut(BTreeSet::from_iter(side), BTreeSet::from_iter(others))
    }

    fn note(&mut self, what: Change) {
        self.events.push(Event { at: self.sim.now(), node: self.servers[0].host, what });
    }

    /// Reads back what the last master has, from a host of its own.
    fn ask_last_master(&mut self) {
        let (finder, recorder) = (self.finder.clone(), self.recorder.clone());
        let observer = add_host(&mut self.sim, "observer", move |env| {
            read_back::note(env, finder.clone(), recorder.clone())
        });
        self.sim.start(observer);
        let until = self.sim.now() + READ_BACK_MAX;
        while self.sim.now() < until && self.recorder.history().read_back.is_none() {
            self.sim.run_until(self.sim.now() + 100 * MS);
        }
    }
}

fn world(seed: u64) -> Sim {
    let link = LinkProfile { sd: LATENCY_SD, ..LinkProfile::constant(LATENCY) };
    let link = LinkProfile { min: LATENCY_MIN, max: LATENCY_MAX, ..link };
    let mut sim = Sim::new(seed, Network { clients: link, backend: link });
    // As where it was measured: namespaces of one Linux.
    sim.delay_acks();
    sim.share_kernel();
    sim
}

fn finder(master: HostId, sentinels: &[HostId]) -> Finder {
    let sentinels = sentinels.iter().map(|node| Addr { node: *node, port: SENTINEL_PORT });
    Finder {
        fixed: Addr { node: master, port: REDIS_PORT },
        sentinels: sentinels.collect(),
        master: REDIS_MASTER.to_owned(),
        names: Names::PRIVATE,
    }
}

fn add_host<F: Future<Output = ()> + 'static>(
    sim: &mut Sim,
    name: &str,
    boot: impl Fn(SimEnv) -> F + 'static,
) -> HostId {
    sim.add_host(name, LinkKind::Backend, SYNC, boot)
}

/// What the experiment's options mean; or which is not simulated.
fn configured(experiment: &Experiment) -> Result<(Settings, Persistence), String> {
    let mut replication = Settings { diskless_delay_s: 0, ..Settings::default() };
    let (mut appends, mut fsync) = (false, Fsync::EverySecond);
    for (option, value) in &experiment.options {
        let wrong = || format!("{option} {value} is not simulated");
        match (*option, value.as_str()) {
            ("appendonly", "yes") => appends = true,
            ("appendfsync", "always") => fsync = Fsync::Always,
            ("appendfsync", "everysec") => fsync = Fsync::EverySecond,
            ("appendfsync", "no") => fsync = Fsync::Never,
            ("min-replicas-to-write", number) => {
                replication.replicas_min = number.parse().map_err(|_| wrong())?;
            }
            ("min-replicas-max-lag", number) => {
                replication.lag_max_s = number.parse().map_err(|_| wrong())?;
            }
            ("repl-diskless-sync-delay", number) => {
                replication.diskless_delay_s = number.parse().map_err(|_| wrong())?;
            }
            _ => return Err(wrong()),
        }
    }
    let persistence = if appends { Persistence::AppendOnly(fsync) } else { Persistence::None };
    Ok((replication, persistence))
}

/// Adds a Redis as the world's next host, `node`.
fn add_redis(
    sim: &mut Sim,
    node: HostId,
    master: Option<HostId>,
    replication: &Settings,
    persistence: Persistence,
) -> Server {
    let counters = Arc::<Counters>::default();
    let options = Options {
        node: Some(node),
        master: master.map(|node| Addr { node, port: REDIS_PORT }),
        replication: replication.clone(),
        persistence,
        ..Options::new(REDIS_PORT, counters.clone())
    };
    let host = add_host(sim, &format!("redis-{node}"), move |env| {
        let served = redis::serve_as(env, options.clone());
        async move { served.await.expect("Redis has its port to itself") }
    });
    assert_eq!(host, node, "hosts are numbered in their order");
    Server { host, counters }
}

/// Adds a Sentinel as the world's next host, `node`.
fn add_sentinel(
    sim: &mut Sim,
    node: HostId,
    experiment: &Experiment,
    master: HostId,
) -> (HostId, Events) {
    let events = Events::default();
    let config = sentinel::Config {
        port: SENTINEL_PORT,
        master: REDIS_MASTER.to_owned(),
        address: Addr { node: master, port: REDIS_PORT },
        quorum: QUORUM,
        down_after_ms: experiment.down_after / MS,
        failover_timeout_ms: FAILOVER_TIMEOUT_MS,
        parallel_syncs: 1,
        events: events.clone(),
    };
    let host = add_host(sim, &format!("sentinel-{node}"), move |env| {
        let served = sentinel::serve(env, Names::PRIVATE, node, config.clone());
        async move { served.await.expect("a Sentinel has its port to itself") }
    });
    assert_eq!(host, node, "hosts are numbered in their order");
    (host, events)
}

fn add_client(
    sim: &mut Sim,
    experiment: &Experiment,
    number: u32,
    finder: &Finder,
    until: Nanos,
    recorder: &Recorder,
) -> HostId {
    let name = format!("redis-client-{number}");
    let (does, finder, recorder) = (experiment.does.clone(), finder.clone(), recorder.clone());
    add_host(sim, &name, move |env| {
        program::client(env, number, does.clone(), finder.clone(), until, recorder.clone())
    })
}

/// What happens to the third of five independent masters while a client holds the lock there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mishap {
    /// It restarts empty.
    Restarts {
        /// How long it is away; Redlock's author advises longer than the lock's time.
        after: Nanos,
    },
    /// Its wall clock jumps.
    ClockJumps {
        /// How far.
        by_ms: i64,
    },
    /// Nothing.
    None,
}

/// Redlock on five masters without persistence: one client gets the lock on the first three while
/// the others are away; something happens to the third; the others come up, and another client
/// asks for the lock too.
pub fn redlock(seed: u64, ttl_ms: u64, mishap: Mishap) -> History {
    let mut sim = world(seed);
    let hosts = [0, 1, 2, 3, 4]
        .map(|node| add_redis(&mut sim, node, None, &Settings::default(), Persistence::None).host);
    let masters = hosts.map(|node| Addr { node, port: REDIS_PORT });
    let recorder = Recorder::default();
    let contenders = [0, 1]
        .map(|client| add_redlock_client(&mut sim, client, masters.to_vec(), ttl_ms, &recorder));
    hosts[..3].iter().for_each(|host| sim.start(*host));
    sim.run_until(SECOND);
    sim.start(contenders[0]);
    sim.run_until(sim.now() + SECOND);
    match mishap {
        Mishap::Restarts { after } => {
            sim.crash(hosts[2]);
            sim.run_until(sim.now() + after);
        }
        Mishap::ClockJumps { by_ms } => sim.step_clock(hosts[2], by_ms),
        Mishap::None => {}
    }
    hosts[2..].iter().for_each(|host| sim.start(*host));
    sim.run_until(sim.now() + 100 * MS);
    sim.start(contenders[1]);
    sim.run_until(sim.now() + SECOND);
    recorder.history().clone()
}

/// A client that asks for the lock once and notes the hold if it gets it.
fn add_redlock_client(
    sim: &mut Sim,
    client: u32,
    masters: Vec<Addr>,
    ttl_ms: u64,
    recorder: &Recorder,
) -> HostId {
    let recorder = recorder.clone();
    add_host(sim, &format!("redis-client-{client}"), move |env| {
        let (recorder, masters) = (recorder.clone(), masters.clone());
        async move {
            let token = client.to_string();
            let hold = locks::redlock(&env, client, &masters, (&token, ttl_ms), 50 * MS).await;
            recorder.history().holds.extend(hold);
        }
    })
}
