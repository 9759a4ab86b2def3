//! The same experiments with real processes: redis-server and its Sentinels on addresses of the
//! loopback, and the same clients on real sockets. Cuts need network namespaces and are refused.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::{Child, Command, Stdio};

use im::env::{Addr, Env};
use im::redis_client::Names;
use imsim::engine::live::{Loopback, Told};
use imsim::redis_study::accounting::{Change, Event};
use imsim::redis_study::experiment::{Experiment, SECOND, Strike, Study};
use imsim::redis_study::finder::Finder;
use imsim::redis_study::history::Recorder;
use imsim::redis_study::{program, read_back};

/// Where Redis nodes listen, and where Sentinels do.
const PORTS: [u16; 2] = [17_379, 27_379];
/// Until replicas stream and Sentinels know each other.
const WARM_UP: u64 = 8 * SECOND;
const MASTER: &str = "redis";

/// Processes that are killed with their owner.
#[derive(Default)]
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Does the experiment; takes as long as it says.
pub fn run(experiment: &Experiment, seed: u64) -> io::Result<Study> {
    if experiment.resync.is_some() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "replicas are not restarted"));
    }
    if let Strike::Cut { .. } = experiment.strike {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "cuts need network namespaces"));
    }
    let folder = tempfile::TempDir::with_prefix("redis-failover-")?;
    let disk = folder.path().join("clients");
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    let env = Loopback::new(seed, at, disk, |told| {
        if let Told::FailStop(why) = told {
            panic!("{why}");
        }
    })?;
    Loopback::run(go_through(env, experiment, folder.path().to_path_buf()))?
}

fn redis_ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 11, number as u8 + 1)
}

fn sentinel_ip(number: u32) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 12, number as u8 + 1)
}

fn redis(experiment: &Experiment, number: u32, folder: &std::path::Path) -> io::Result<Child> {
    let dir = folder.join(format!("redis-{number}"));
    fs::create_dir_all(&dir)?;
    let mut command = Command::new("redis-server");
    command.args(["--bind", &redis_ip(number).to_string(), "--port", &PORTS[0].to_string()]);
    command.args(["--save", "", "--repl-diskless-sync-delay", "0", "--dir"]).arg(dir);
    for (option, value) in &experiment.options {
        command.arg(format!("--{option}")).arg(value);
    }
    if number > 0 {
        command.args(["--replicaof", &redis_ip(0).to_string(), &PORTS[0].to_string()]);
    }
    command.stdout(Stdio::null()).spawn()
}

fn sentinel(experiment: &Experiment, number: u32, folder: &std::path::Path) -> io::Result<Child> {
    let config = folder.join(format!("sentinel-{number}.conf"));
    let (ip, [redis_port, port]) = (redis_ip(0), PORTS);
    let down_after_ms = experiment.down_after / 1_000_000;
    let bind = sentinel_ip(number);
    let text = format!(
        "bind {bind}\nport {port}\nsentinel monitor {MASTER} {ip} {redis_port} 2\n\
         sentinel down-after-milliseconds {MASTER} {down_after_ms}\n\
         sentinel failover-timeout {MASTER} 10000\nsentinel parallel-syncs {MASTER} 1\n"
    );
    fs::write(&config, text)?;
    Command::new("redis-server").arg(config).arg("--sentinel").stdout(Stdio::null()).spawn()
}

async fn go_through(
    env: Loopback,
    experiment: &Experiment,
    folder: std::path::PathBuf,
) -> io::Result<Study> {
    let mut processes = Processes::default();
    for number in 0..=experiment.replicas {
        processes.0.push(redis(experiment, number, &folder)?);
    }
    for number in 0..experiment.sentinels {
        processes.0.push(sentinel(experiment, number, &folder)?);
    }
    env.sleep(WARM_UP).await;
    let node = |ip: Ipv4Addr| u32::from(ip);
    let sentinels = (0..experiment.sentinels)
        .map(|number| Addr { node: node(sentinel_ip(number)), port: PORTS[1] });
    let master = node(redis_ip(0));
    let finder = Finder {
        fixed: Addr { node: master, port: PORTS[0] },
        sentinels: sentinels.collect(),
        master: MASTER.to_owned(),
        names: Names::REAL,
    };
    let (recorder, start) = (Recorder::default(), env.now());
    let until = start + experiment.lead + experiment.after;
    for number in 0..experiment.clients {
        let (env, does) = (env.clone(), experiment.does.clone());
        let client =
            program::client(env.clone(), number, does, finder.clone(), until, recorder.clone());
        env.spawn(client);
    }
    env.sleep_until(start + experiment.lead).await;
    let struck = env.now();
    let mut events = Vec::new();
    let mut note = |what| events.push(Event { at: env.now(), node: master, what });
    match experiment.strike {
        Strike::Kill | Strike::Restart { .. } => {
            processes.0[0].kill()?;
            processes.0[0].wait()?;
            note(Change::Killed);
            if let Strike::Restart { after } = experiment.strike {
                env.sleep(after).await;
                processes.0[0] = redis(experiment, 0, &folder)?;
                note(Change::Restarted { keeps: !experiment.options.is_empty() });
            }
        }
        Strike::Pause { lasts } => {
            signal(&processes.0[0], "-STOP")?;
            env.sleep(lasts).await;
            signal(&processes.0[0], "-CONT")?;
        }
        Strike::Cut { .. } => unreachable!("refused"),
    }
    env.sleep_until(until + experiment.settle).await;
    read_back::note(env, finder, recorder.clone()).await;
    let history = recorder.history().clone();
    Ok(Study { history, struck, events, sentinel_events: Vec::new() })
}

fn signal(child: &Child, signal: &str) -> io::Result<()> {
    Command::new("kill").args([signal, &child.id().to_string()]).status().map(drop)
}
