//! The machine as a node sees it: kernel sockets, where a node's number is its IP address; and Redis
//! servers and Sentinels that are started on it, on loopback addresses of this process' own.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "real servers take real time, and the tasks are tokio's"
)]

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use im::config::Config;
use im::env::{Addr, Env, Nanos, TaskHandle};
use im::node::Node;
use im::redis_client::Names;
use im::topology::{REDIS_MASTER, REDIS_PORT, SENTINEL_PORT, Topology};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

#[derive(Clone)]
pub struct Machine(Instant);

pub struct Task(JoinHandle<()>);

impl TaskHandle for Task {
    fn abort(self) {
        self.0.abort();
    }
}

impl Env for Machine {
    type Stream = TcpStream;
    type Listener = ();
    type Task = Task;
    type Sleep = Pin<Box<dyn Future<Output = ()>>>;

    fn connect(&self, to: Addr) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        TcpStream::connect((Ipv4Addr::from(to.node), to.port))
    }

    fn listen(&self, _: u16) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn accept(&self, (): &mut ()) -> io::Result<TcpStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn keep_alive(&self, _: &TcpStream, _: Nanos) {}

    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Task {
        Task(tokio::task::spawn_local(task))
    }

    fn now(&self) -> Nanos {
        self.0.elapsed().as_nanos() as Nanos
    }

    fn wall_ms(&self) -> u64 {
        self.now() / 1_000_000
    }

    fn sleep_until(&self, at: Nanos) -> Self::Sleep {
        Box::pin(tokio::time::sleep(Duration::from_nanos(at.saturating_sub(self.now()))))
    }

    fn rand_u64(&self) -> u64 {
        0
    }

    fn disk_append(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn disk_sync(&self, _: &str) -> impl Future<Output = io::Result<()>> + 'static {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn disk_read(&self, _: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn disk_truncate(&self, _: &str, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn fail_stop(&self, why: &str) -> impl Future<Output = Infallible> + 'static {
        panic!("{why}");
        #[allow(unreachable_code)]
        std::future::pending()
    }
}

/// Runs a test's future on a runtime that can spawn local tasks.
pub fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime.expect("it needs nothing but sockets"), test);
}

/// A client node among these Redis nodes and Sentinels.
pub fn node(redis: &[Ipv4Addr], sentinels: &[Ipv4Addr], config: Config) -> Node<Machine> {
    let numbers = |ips: &[Ipv4Addr]| ips.iter().map(|ip| u32::from(*ip)).collect();
    let topology = Topology {
        redis: numbers(redis),
        sentinels: numbers(sentinels),
        redis_names: Names::REAL,
        ..Topology::default()
    };
    Node {
        env: Machine(Instant::now()),
        config: Arc::new(config),
        topology: Arc::new(topology),
        number: 0,
        stats: Arc::default(),
    }
}

/// An address of a test's own: `test` tells tests of a process apart.
pub fn ip(test: u8, server: u8) -> Ipv4Addr {
    let process = std::process::id();
    Ipv4Addr::new(127, 64 + (process >> 8) as u8 % 128, process as u8, test * 16 + server)
}

/// A server process, killed with its handle.
pub struct Server {
    process: Child,
    pub ip: Ipv4Addr,
    port: u16,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    /// A Redis without persistence.
    pub fn redis(ip: Ipv4Addr, master: Option<Ipv4Addr>) -> Self {
        let mut lines = format!(
            "port {REDIS_PORT}\nsave \"\"\nrepl-diskless-sync-delay 0\nprotected-mode no\n\
             replica-announce-ip {ip}\n"
        );
        if let Some(master) = master {
            lines += &format!("replicaof {master} {REDIS_PORT}\n");
        }
        Self::start(ip, REDIS_PORT, &lines, &[])
    }

    /// A Sentinel that watches `master`.
    pub fn sentinel(ip: Ipv4Addr, master: Ipv4Addr) -> Self {
        let lines = format!(
            "port {SENTINEL_PORT}\nprotected-mode no\nsentinel announce-ip {ip}\n\
             sentinel monitor {REDIS_MASTER} {master} {REDIS_PORT} 2\n\
             sentinel down-after-milliseconds {REDIS_MASTER} 2000\n\
             sentinel failover-timeout {REDIS_MASTER} 10000\n"
        );
        Self::start(ip, SENTINEL_PORT, &lines, &["--sentinel"])
    }

    fn start(ip: Ipv4Addr, port: u16, lines: &str, mode: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("server.conf");
        let dir = folder.path().display();
        let lines = format!("{lines}bind {ip}\ndir {dir}\nlogfile {dir}/log\n");
        std::fs::write(&file, lines).expect("the folder is new");
        let mut command = Command::new("redis-server");
        command.arg(file).args(mode).stdout(Stdio::null());
        let process = command.spawn().expect("this test needs Debian's package `redis-server`");
        let server = Self { process, ip, port, _folder: folder };
        server.wait_for("PING", &["PING"], |reply| matches!(reply, redis::Value::SimpleString(_)));
        server
    }

    /// Asks until the answer pleases.
    pub fn wait_for(&self, what: &str, words: &[&str], good: impl Fn(&redis::Value) -> bool) {
        let start = Instant::now();
        loop {
            let asked = self.ask(words);
            if asked.as_ref().is_ok_and(&good) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{what} in vain: {asked:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// One command, on a connection of its own.
    pub fn ask(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let client = redis::Client::open(format!("redis://{}:{}/", self.ip, self.port))?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(1))?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query(&mut connection)
    }

    /// Stops the process (`STOP`) or lets it go on (`CONT`).
    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([format!("-{name}"), pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the process is ours");
    }

    /// Kill -9.
    pub fn kill(&mut self) {
        // A process that has ended already is just as dead.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
