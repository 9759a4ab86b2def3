//! A master, its replicas and their Sentinels, each on a thread and a port of its own. It must not
//! know how the command is spoken to.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use im::env::Addr;
use im::redis_client::Names;
use im::topology::REDIS_MASTER;
use imsim::engine::live::{Loopback, Told};
use imsim::redis::persistence::Persistence;
use imsim::redis::replication::Settings;
use imsim::redis::sentinel::{self, Config, Events};
use imsim::redis::{Counters, Options, serve_as};

use super::LOOK;

const IP: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A Sentinel that asks a master for its replicas too early asks again after ten seconds only, so
/// replicas go first. They are waited for so many times as long as a look takes.
const LOOKS_FOR_REPLICAS_MAX: u32 = 100;

/// `failover-timeout` of the Sentinels.
const FAILOVER_TIMEOUT_MS: u64 = 10_000;

/// What is served, and where.
pub struct Group {
    pub port: u16,
    pub replicas: u16,
    pub sentinels: u16,
    pub sentinel_port: u16,
    pub down_after_ms: u64,
    pub persistence: Persistence,
    pub folder: PathBuf,
    pub seed: u64,
}

/// What is heard of the nodes, and of the user.
pub enum Notice {
    /// A node listens on this port.
    Listens(u16),
    /// A node has ended, and why.
    Failed(String),
    /// A node has a bug.
    Panicked,
    /// Ctrl-C.
    Interrupted,
}

/// Everything that has been started.
pub struct Running {
    servers: Vec<(u16, Arc<Counters>)>,
    sentinels: Vec<(u16, Events)>,
    /// Whom the last failover made the master.
    master: Option<String>,
}

impl Group {
    /// Whether everybody can have a port of its own.
    pub fn check(&self) -> Result<(), String> {
        for (what, first, behind) in [
            ("--port", self.port, self.replicas),
            ("--sentinel-port", self.sentinel_port, self.sentinels.saturating_sub(1)),
        ] {
            if first.checked_add(behind).is_none() {
                return Err(format!("{what} {first}: there are no {behind} ports behind it"));
            }
        }
        match self.redis_ports().find(|port| self.sentinel_ports().contains(port)) {
            Some(port) => Err(format!(
                "port {port} is for a Redis and for a Sentinel; give another --port or --sentinel-port"
            )),
            None => Ok(()),
        }
    }

    /// Whether nobody has one of the ports, before anything is started.
    pub fn find_ports_free(&self) -> Result<(), String> {
        for port in self.redis_ports().chain(self.sentinel_ports()) {
            TcpListener::bind((IP, port))
                .map_err(|error| format!("port {port} of {IP} cannot be had: {error}"))?;
        }
        Ok(())
    }

    /// Starts everybody and waits until they listen, and until replicas are known to their master.
    pub fn start(
        &self,
        notify: &mpsc::Sender<Notice>,
        notices: &mpsc::Receiver<Notice>,
    ) -> Result<Running, Notice> {
        let mut running = Running { servers: Vec::new(), sentinels: Vec::new(), master: None };
        for port in self.redis_ports() {
            running.servers.push((port, self.start_redis(port, notify)));
            await_listening(port, notices)?;
        }
        for _ in 0..LOOKS_FOR_REPLICAS_MAX {
            if running.links() >= self.replicas.into() {
                break;
            }
            listen_for(notices, LOOK)?;
        }
        for port in self.sentinel_ports() {
            running.sentinels.push((port, self.start_sentinel(port, notify)));
            await_listening(port, notices)?;
        }
        Ok(running)
    }

    fn redis_ports(&self) -> std::ops::RangeInclusive<u16> {
        self.port..=self.port + self.replicas
    }

    fn sentinel_ports(&self) -> std::ops::Range<u16> {
        self.sentinel_port..self.sentinel_port.saturating_add(self.sentinels)
    }

    fn master(&self) -> Addr {
        Addr { node: IP.into(), port: self.port }
    }

    fn start_redis(&self, port: u16, notify: &mpsc::Sender<Notice>) -> Arc<Counters> {
        let counters = Arc::<Counters>::default();
        let options = Options {
            node: Some(IP.into()),
            names: Names::REAL,
            master: (port != self.port).then(|| self.master()),
            replication: Settings { diskless_delay_s: 0, ..Settings::default() },
            persistence: self.persistence,
            ..Options::new(port, counters.clone())
        };
        self.spawn("redis", port, notify, move |env| serve_as(env, options));
        counters
    }

    fn start_sentinel(&self, port: u16, notify: &mpsc::Sender<Notice>) -> Events {
        let events = Events::default();
        let config = Config {
            port,
            master: REDIS_MASTER.to_owned(),
            address: self.master(),
            quorum: u32::from(self.sentinels) / 2 + 1,
            down_after_ms: self.down_after_ms,
            failover_timeout_ms: FAILOVER_TIMEOUT_MS,
            parallel_syncs: 1,
            events: events.clone(),
        };
        self.spawn("sentinel", port, notify, move |env| {
            sentinel::serve(env, Names::REAL, IP.into(), config)
        });
        events
    }

    /// Runs a program on a thread of its own. It has a folder of its own too.
    fn spawn<F: Future<Output = io::Result<()>>>(
        &self,
        kind: &str,
        port: u16,
        notify: &mpsc::Sender<Notice>,
        program: impl FnOnce(Loopback) -> F + Send + 'static,
    ) {
        let name = format!("{kind}-{port}");
        let (seed, disk, notify) = (self.seed, self.folder.join(&name), notify.clone());
        thread::spawn(move || {
            let (told, itself) = (notify.clone(), name.clone());
            let tell = move |what: Told<'_>| {
                let notice = match what {
                    Told::Listens(port) => Notice::Listens(port),
                    Told::FailStop(why) => {
                        Notice::Failed(format!("{itself} has stopped itself: {why}"))
                    }
                };
                // Nobody listens once the program ends anyway.
                let _ = told.send(notice);
            };
            let served = catch_unwind(AssertUnwindSafe(|| {
                let env = Loopback::new(seed, SocketAddrV4::new(IP, port), disk, tell)?;
                Loopback::run(program(env))?
            }));
            let _ = notify.send(match served {
                Ok(Ok(())) => Notice::Failed(format!("{name} has ended")),
                Ok(Err(error)) => Notice::Failed(format!("{name} has ended: {error}")),
                Err(_) => Notice::Panicked,
            });
        });
    }
}

/// Waits for a while, or until something ends it all.
pub fn listen_for(notices: &mpsc::Receiver<Notice>, span: Duration) -> Result<(), Notice> {
    match notices.recv_timeout(span) {
        Ok(Notice::Listens(_)) | Err(_) => Ok(()),
        Ok(end) => Err(end),
    }
}

fn await_listening(port: u16, notices: &mpsc::Receiver<Notice>) -> Result<(), Notice> {
    for notice in notices {
        match notice {
            Notice::Listens(listens) if listens == port => return Ok(()),
            Notice::Listens(_) => {}
            end => return Err(end),
        }
    }
    unreachable!("the handler of Ctrl-C can always notify")
}

impl Running {
    /// How often a replica was linked to its master.
    fn links(&self) -> u64 {
        let of = |counters: &Counters| counters.full_resyncs.get() + counters.partial_resyncs.get();
        self.servers.iter().map(|(_, counters)| of(counters)).sum()
    }

    /// Who listens where, a line each.
    pub fn places(&self) -> Vec<String> {
        let servers = self.servers.iter().map(|(port, counters)| {
            let role = if counters.master_since().is_some() { "master" } else { "replica" };
            format!("{role:8} {IP}:{port}")
        });
        let sentinels = self
            .sentinels
            .iter()
            .map(|(port, _)| format!("sentinel {IP}:{port}, watches `{REDIS_MASTER}`"));
        servers.chain(sentinels).collect()
    }

    /// The failovers since the last call, a line each; every Sentinel tells of each of them.
    pub fn failovers(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (_, events) in &self.sentinels {
            let events = std::mem::take(&mut *events.lock().expect("nobody panics holding it"));
            for (_, event) in events {
                let words: Vec<&str> = event.split(' ').collect();
                let ["+switch-master", _, old_ip, old_port, new_ip, new_port] = words[..] else {
                    continue;
                };
                let (old, new) = (format!("{old_ip}:{old_port}"), format!("{new_ip}:{new_port}"));
                if self.master.as_ref().is_none_or(|master| *master == old) {
                    lines.push(format!("failover: the master was {old}, now it is {new}"));
                    self.master = Some(new);
                }
            }
        }
        lines
    }
}
