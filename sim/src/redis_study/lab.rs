//! Experiments in the simulator: hosts for Redis and for the clients, and what is done to them.
//!
//! Which programs run on the Redis hosts is said in one place, `add_redis`. What cannot be
//! simulated is refused by [`missing`], never simplified in silence.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use im::env::{Addr, Env, Nanos};
use im::redis_client::Names;
use im::topology::{REDIS_MASTER, REDIS_PORT, SENTINEL_PORT};

use super::accounting::{Change, Event};
use super::experiment::{Experiment, MS, SECOND, Strike, Study, Use};
use super::finder::Finder;
use super::history::{History, Kind, Recorder, WriteId};
use super::locks::{self, Contest};
use super::program::{self, Load};
use super::read_back::read_back;
use crate::engine::HostId;
use crate::engine::sim::{Condition, LinkKind, LinkProfile, Network, Sim, SimEnv};
use crate::redis;

/// One way between two network namespaces of a machine. Assumed.
const LATENCY: Nanos = 30_000;
/// One sync of a Redis' disk. Assumed: a data-centre SSD.
const SYNC: Nanos = 300_000;
/// How long an operation may take, as in the measurements.
const TIMEOUT: Nanos = 500 * MS;
/// Those who did not get the lock ask again so soon.
const LOCK_RETRY: Nanos = 100 * MS;
/// The last master is asked for so long at most.
const READ_BACK_MAX: Nanos = 30 * SECOND;

/// What of the experiment cannot be simulated, if anything.
pub fn missing(experiment: &Experiment) -> Option<&'static str> {
    match experiment {
        Experiment { replicas: 1.., .. } => Some("replicas are not simulated"),
        Experiment { sentinels: 1.., .. } => Some("Sentinels are not simulated"),
        Experiment { options, .. } if !options.is_empty() => Some("options are not simulated"),
        _ => None,
    }
}

/// Does the experiment. Panics on one of which something is [`missing`].
pub fn run(experiment: &Experiment, seed: u64) -> Study {
    assert_eq!(missing(experiment), None);
    let mut lab = Lab::new(experiment, seed);
    lab.go_through();
    lab.ask_last_master();
    let history = lab.recorder.history().clone();
    Study { history, struck: lab.struck, events: lab.events }
}

struct Lab<'a> {
    experiment: &'a Experiment,
    master: HostId,
    clients: Vec<HostId>,
    finder: Finder,
    recorder: Recorder,
    struck: Nanos,
    events: Vec<Event>,
    /// Declared last: what programs hold must go before the world does.
    sim: Sim,
}

impl<'a> Lab<'a> {
    fn new(experiment: &'a Experiment, seed: u64) -> Self {
        let mut sim = world(seed);
        let master = add_redis(&mut sim, "redis-0");
        let finder = finder(master, &[]);
        let recorder = Recorder::default();
        let until = experiment.lead + experiment.after;
        let clients = (0..experiment.clients)
            .map(|number| add_client(&mut sim, experiment, number, &finder, until, &recorder))
            .collect();
        let events = Vec::new();
        Self { experiment, master, clients, finder, recorder, struck: 0, events, sim }
    }

    /// From the start to the end of the settling.
    fn go_through(&mut self) {
        self.sim.start(self.master);
        for client in &self.clients {
            self.sim.start(*client);
        }
        self.sim.run_until(self.experiment.lead);
        self.struck = self.sim.now();
        let end = self.struck + self.experiment.after + self.experiment.settle;
        match self.experiment.strike {
            Strike::Kill => {
                self.sim.crash(self.master);
                self.note(Change::Killed);
            }
            Strike::Restart { after } => {
                self.sim.crash(self.master);
                self.note(Change::Killed);
                self.sim.run_until(self.struck + after);
                self.sim.start(self.master);
                self.note(Change::Restarted { keeps: false });
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
                self.sim.pause(self.master);
                self.sim.run_until(self.struck + lasts);
                self.sim.resume(self.master);
            }
        }
        self.sim.run_until(end);
    }

    /// The master and the first clients on one side, everybody else on the other.
    fn cut(&self) -> Condition {
        let (with, without) = self.clients.split_at(self.experiment.cut_off as usize);
        let side = [&[self.master], with].concat();
        Condition::Cut(BTreeSet::from_iter(side), BTreeSet::from_iter(without.iter().copied()))
    }

    fn note(&mut self, what: Change) {
        self.events.push(Event { at: self.sim.now(), node: self.master, what });
    }

    /// Reads back what the last master has, from a host of its own.
    fn ask_last_master(&mut self) {
        let (finder, recorder) = (self.finder.clone(), self.recorder.clone());
        let writes: Vec<(Kind, WriteId)> =
            self.recorder.history().operations.iter().map(|one| (one.kind, one.id)).collect();
        let writes = Rc::new(writes);
        let observer = add_host(&mut self.sim, "observer", move |env| {
            let (finder, recorder, writes) = (finder.clone(), recorder.clone(), writes.clone());
            async move {
                let found = read_back(&env, &finder, &writes, 10 * SECOND).await;
                recorder.history().read_back = found;
            }
        });
        self.sim.start(observer);
        let until = self.sim.now() + READ_BACK_MAX;
        while self.sim.now() < until && self.recorder.history().read_back.is_none() {
            self.sim.run_until(self.sim.now() + 100 * MS);
        }
    }
}

fn world(seed: u64) -> Sim {
    let link = LinkProfile::constant(LATENCY);
    Sim::new(seed, Network { clients: link, backend: link })
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

/// Adds a Redis that begins with nothing whenever it starts.
fn add_redis(sim: &mut Sim, name: &str) -> HostId {
    add_host(sim, name, |env| {
        let served = redis::serve(env, REDIS_PORT, Arc::default());
        async move { served.await.expect("Redis has its port to itself") }
    })
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
        client(env, number, does.clone(), finder.clone(), until, recorder.clone())
    })
}

/// What a client does, wherever it runs.
pub async fn client<E: Env>(
    env: E,
    number: u32,
    does: Use,
    finder: Finder,
    until: Nanos,
    recorder: Recorder,
) {
    match does {
        Use::Writes { pace, wait } => {
            let kinds = Kind::ALL.to_vec();
            let load = Load { finder, kinds, pace, timeout: TIMEOUT, wait, until };
            program::run(env, number, load, recorder).await;
        }
        Use::Lock { ttl_ms, hold, fences } => {
            let (retry, timeout, effect_every) = (LOCK_RETRY, TIMEOUT, 100 * MS);
            let contest =
                Contest { finder, ttl_ms, hold, retry, timeout, effect_every, fences, until };
            locks::contend(env, number, contest, recorder).await;
        }
    }
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
    let names = ["lock-0", "lock-1", "lock-2", "lock-3", "lock-4"];
    let hosts = names.map(|name| add_redis(&mut sim, name));
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
