//! The same experiments with real processes: redis-server and its Sentinels, and the same clients on
//! real sockets; on addresses of the loopback, or in network namespaces when something is cut off.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use im::env::{Addr, Env, Nanos};
use im::redis_client::Names;
use imsim::engine::live::{Loopback, Told};
use imsim::redis_study::accounting::{Change, Event};
use imsim::redis_study::experiment::{Experiment, SECOND, Strike, Study};
use imsim::redis_study::finder::Finder;
use imsim::redis_study::history::Recorder;
use imsim::redis_study::{program, read_back};

use crate::namespaces::{self, Namespaces, Side};
use crate::processes::{Log, Process, role_change, sentinel_event};

/// Where Redis nodes listen, and where Sentinels do.
const PORTS: [u16; 2] = [17_379, 27_379];
/// Processes are started within so much time of each other, so that their timers have every phase to
/// each other.
const START_SPREAD: Nanos = SECOND;
/// Until replicas stream and Sentinels know all of them: they ask the master every 10 s, and the first
/// time before the replicas have come.
const WARM_UP: Nanos = 12 * SECOND;
/// The last master is asked for so long at most.
const READ_BACK_MAX: Nanos = 30 * SECOND;
const MASTER: &str = "redis";

/// Does the experiment; takes as long as it says.
pub fn run(experiment: &Experiment, seed: u64) -> io::Result<Study> {
    if experiment.resync.is_some() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "replicas are not restarted"));
    }
    let folder = tempfile::TempDir::with_prefix("redis-failover-")?;
    let disk = folder.path().join("clients");
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let env = Loopback::new(seed, at, disk, |told| {
        if let Told::FailStop(why) = told {
            panic!("{why}");
        }
    })?;
    let mut namespaces = None;
    if let Strike::Cut { .. } = experiment.strike {
        let others = experiment.replicas + experiment.sentinels;
        namespaces = Some(Rc::new(Namespaces::new(others)?));
    }
    let lab = Lab { env, experiment, namespaces, folder: folder.path().to_path_buf() };
    Loopback::run(lab.go_through())?
}

/// Where everything runs.
struct Lab<'a> {
    env: Loopback,
    experiment: &'a Experiment,
    /// If something is cut off.
    namespaces: Option<Rc<Namespaces>>,
    folder: PathBuf,
}

impl Lab<'_> {
    async fn go_through(self) -> io::Result<Study> {
        let (env, experiment) = (&self.env, self.experiment);
        let (mut servers, mut sentinels) = (Vec::new(), Vec::new());
        for number in 0..=experiment.replicas {
            env.sleep(env.rand_below(START_SPREAD)).await;
            servers.push(self.redis(number, Log::default())?);
        }
        for number in 0..experiment.sentinels {
            env.sleep(env.rand_below(START_SPREAD)).await;
            sentinels.push(self.sentinel(number)?);
        }
        env.sleep(WARM_UP).await;
        let (recorder, start, finder) = (Recorder::default(), env.now(), self.finder());
        let until = start + experiment.lead + experiment.after;
        for number in 0..experiment.clients {
            let (env, does) = (env.clone(), experiment.does.clone());
            let client =
                program::client(env, number, does, finder.clone(), until, recorder.clone());
            let cut_off = number < experiment.cut_off;
            self.spawn(if cut_off { Side::CutOff } else { Side::Others }, client);
        }
        env.sleep_until(start + experiment.lead).await;
        let struck = env.now();
        let mut events = self.strike(&mut servers).await?;
        env.sleep_until(until + experiment.settle).await;
        self.spawn(Side::Others, read_back::note(env.clone(), finder, recorder.clone()));
        let patience = env.now() + READ_BACK_MAX;
        while env.now() < patience && recorder.history().read_back.is_none() {
            env.sleep(SECOND / 10).await;
        }
        for (number, server) in (0..).zip(&servers) {
            let node = u32::from(self.redis_ip(number));
            let changes = server.logged(role_change).into_iter();
            let changes = changes.filter(|(at, _)| *at >= start);
            events.extend(changes.map(|(at, what)| Event { at, node, what }));
        }
        events.sort_by_key(|event| event.at);
        let sentinel_events = sentinels.iter().map(|one| one.logged(sentinel_event)).collect();
        let history = recorder.history().clone();
        Ok(Study { history, struck, events, sentinel_events })
    }

    /// Strikes the first master and undoes it. Returns what happened to it.
    async fn strike(&self, servers: &mut [Process]) -> io::Result<Vec<Event>> {
        let (env, node) = (&self.env, u32::from(self.redis_ip(0)));
        let mut events = Vec::new();
        let mut note = |what| events.push(Event { at: env.now(), node, what });
        match self.experiment.strike {
            Strike::Kill => {
                servers[0].kill()?;
                note(Change::Killed);
            }
            Strike::Restart { after } => {
                servers[0].kill()?;
                note(Change::Killed);
                env.sleep(after).await;
                servers[0] = self.redis(0, servers[0].log())?;
                note(Change::Restarted { keeps: !self.experiment.options.is_empty() });
            }
            Strike::Pause { lasts } => {
                servers[0].signal("-STOP")?;
                env.sleep(lasts).await;
                servers[0].signal("-CONT")?;
            }
            Strike::Cut { lasts } => {
                let namespaces = self.namespaces.as_ref().expect("cuts have namespaces");
                namespaces.cut()?;
                note(Change::CutOff);
                env.sleep(lasts).await;
                namespaces.heal()?;
                note(Change::Healed);
            }
        }
        Ok(events)
    }

    fn spawn(&self, side: Side, task: impl Future<Output = ()> + 'static) {
        match self.namespaces.clone() {
            Some(namespaces) => self.env.spawn(namespaces.run(side, task)),
            None => self.env.spawn(task),
        };
    }

    fn start(&self, side: Side, command: &mut Command, log: Log) -> io::Result<Process> {
        let start = || Process::start(&self.env, command, log);
        match &self.namespaces {
            Some(namespaces) => namespaces.within(side, start),
            None => start(),
        }
    }

    fn redis_ip(&self, number: u32) -> Ipv4Addr {
        match (&self.namespaces, number) {
            (None, _) => Ipv4Addr::new(127, 0, 11, number as u8 + 1),
            (Some(_), 0) => namespaces::CUT_OFF,
            (Some(_), _) => namespaces::other(number - 1),
        }
    }

    fn sentinel_ip(&self, number: u32) -> Ipv4Addr {
        match &self.namespaces {
            None => Ipv4Addr::new(127, 0, 12, number as u8 + 1),
            Some(_) => namespaces::other(self.experiment.replicas + number),
        }
    }

    fn finder(&self) -> Finder {
        let at = |ip: Ipv4Addr, port| Addr { node: u32::from(ip), port };
        let sentinels =
            (0..self.experiment.sentinels).map(|number| at(self.sentinel_ip(number), PORTS[1]));
        Finder {
            fixed: at(self.redis_ip(0), PORTS[0]),
            sentinels: sentinels.collect(),
            master: MASTER.to_owned(),
            names: Names::REAL,
        }
    }

    fn redis(&self, number: u32, log: Log) -> io::Result<Process> {
        let dir = self.folder.join(format!("redis-{number}"));
        fs::create_dir_all(&dir)?;
        let (ip, port) = (self.redis_ip(number).to_string(), PORTS[0].to_string());
        let mut command = Command::new("redis-server");
        // Others know it by the address that it calls from.
        command.args(["--bind", &ip, "--bind-source-addr", &ip, "--port", &port]);
        command.args(["--protected-mode", "no", "--save", "", "--repl-diskless-sync-delay", "0"]);
        command.arg("--dir").arg(dir);
        for (option, value) in &self.experiment.options {
            command.arg(format!("--{option}")).arg(value);
        }
        if number > 0 {
            command.args(["--replicaof", &self.redis_ip(0).to_string(), &port]);
        }
        self.start(if number == 0 { Side::CutOff } else { Side::Others }, &mut command, log)
    }

    fn sentinel(&self, number: u32) -> io::Result<Process> {
        let config = self.folder.join(format!("sentinel-{number}.conf"));
        let (ip, [redis_port, port]) = (self.redis_ip(0), PORTS);
        let down_after_ms = self.experiment.down_after / 1_000_000;
        let bind = self.sentinel_ip(number);
        let text = format!(
            "bind {bind}\nbind-source-addr {bind}\nport {port}\n\
             sentinel monitor {MASTER} {ip} {redis_port} 2\n\
             sentinel down-after-milliseconds {MASTER} {down_after_ms}\n\
             sentinel failover-timeout {MASTER} 10000\nsentinel parallel-syncs {MASTER} 1\n"
        );
        fs::write(&config, text)?;
        let mut command = Command::new("redis-server");
        self.start(Side::Others, command.arg(config).arg("--sentinel"), Log::default())
    }
}
