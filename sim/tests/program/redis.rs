//! `imsim redis` as its users meet it: any Redis client talks to the master, the replicas and the
//! Sentinels that it serves, and real servers join them.
//!
//! Real time passes: a few seconds.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "real servers, real time")]

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::common::{folder, imsim, run};
use redis::{Connection, FromRedisValue, ToRedisArgs};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that is killed with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `imsim redis`, and what it says.
struct Served {
    said: BufReader<ChildStderr>,
    _running: Running,
}

impl Served {
    /// Starts it and waits until it is ready.
    fn start(folder: &Path, arguments: &str) -> Self {
        let arguments: Vec<&str> =
            ["redis", "--dir", "files"].into_iter().chain(arguments.split_whitespace()).collect();
        let mut child = imsim(folder, &arguments).stderr(Stdio::piped()).spawn().expect("it runs");
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut served = Self { said, _running: Running(child) };
        served.says("ready to accept connections");
        served
    }

    /// Reads until a line holds this.
    fn says(&mut self, text: &str) {
        let mut all = String::new();
        loop {
            let before = all.len();
            let count = self.said.read_line(&mut all).expect("it writes text");
            assert!(count > 0, "it ended without `{text}`:\n{all}");
            if all[before..].contains(text) {
                return;
            }
        }
    }
}

/// The first of so many free ports in a row. They lie below those that the kernel gives to
/// connections, and begin elsewhere in every process.
fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = 10_000 + (std::process::id() % 400) as u16 * 50;
    loop {
        let first = own + NEXT.fetch_add(count, Ordering::Relaxed);
        let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if (first..first + count).map(bind).collect::<Result<Vec<_>, _>>().is_ok() {
            return first;
        }
    }
}

fn connect(port: u16) -> Connection {
    let client = redis::Client::open((Ipv4Addr::LOCALHOST.to_string(), port)).expect("an address");
    let connection = client.get_connection().expect("somebody listens");
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    connection
}

fn ask<T: FromRedisValue>(connection: &mut Connection, words: &[impl ToRedisArgs]) -> T {
    try_to_ask(connection, words).unwrap_or_else(|error| panic!("{error}"))
}

fn try_to_ask<T: FromRedisValue>(
    connection: &mut Connection,
    words: &[impl ToRedisArgs],
) -> redis::RedisResult<T> {
    let mut command = redis::Cmd::new();
    command.arg(words).query(connection)
}

/// Waits until this is so.
fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn master_by(sentinel: &mut Connection) -> (String, u16) {
    ask(sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "redis"])
}

#[test]
fn clients_write_read_from_the_replica_and_follow_a_failover() {
    let folder = folder();
    let (port, sentinel_port) = (free_ports(2), free_ports(3));
    let arguments =
        format!("--port {port} --replicas 1 --sentinels 3 --sentinel-port {sentinel_port}");
    let mut served = Served::start(folder.path(), &arguments);
    let (mut master, mut replica) = (connect(port), connect(port + 1));
    let mut sentinels: Vec<Connection> = (sentinel_port..sentinel_port + 3).map(connect).collect();

    ask::<()>(&mut master, &["SET", "greeting", "hello"]);
    assert_eq!(ask::<u32>(&mut master, &["WAIT", "1", "5000"]), 1, "the replica follows");
    assert_eq!(ask::<String>(&mut replica, &["GET", "greeting"]), "hello");
    let refusal = try_to_ask::<()>(&mut replica, &["SET", "greeting", "no"]);
    assert_eq!(refusal.expect_err("a replica").code(), Some("READONLY"));
    let at = |port| ("127.0.0.1".to_owned(), port);
    for sentinel in &mut sentinels {
        assert_eq!(master_by(sentinel), at(port));
    }
    await_that("the Sentinels know each other by their ports", || {
        sentinels.iter_mut().all(|sentinel| {
            let others: Vec<redis::Value> = ask(sentinel, &["SENTINEL", "SENTINELS", "redis"]);
            others.len() == 2
        })
    });

    ask::<()>(&mut sentinels[0], &["SENTINEL", "FAILOVER", "redis"]);
    served.says(&format!(
        "failover: the master was 127.0.0.1:{port}, now it is 127.0.0.1:{}",
        port + 1
    ));
    await_that("every Sentinel names the new master", || {
        sentinels.iter_mut().all(|sentinel| master_by(sentinel) == at(port + 1))
    });
    // Sentinel hung up on the replica's clients when it promoted it.
    let mut promoted = connect(port + 1);
    ask::<()>(&mut promoted, &["SET", "greeting", "again"]);
    assert_eq!(ask::<String>(&mut promoted, &["GET", "greeting"]), "again");
}

#[test]
fn a_real_replica_joins_and_is_known_by_its_address() {
    let folder = folder();
    let (port, real_port) = (free_ports(1), free_ports(1));
    let _served = Served::start(folder.path(), &format!("--port {port}"));
    let mut master = connect(port);
    ask::<()>(&mut master, &["SET", "greeting", "hello"]);
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--replicaof", "127.0.0.1"]);
    command.args([port.to_string(), "--port".to_owned(), real_port.to_string()]);
    command.current_dir(folder.path()).stdout(Stdio::null());
    let _replica = Running(command.spawn().expect("redis-server 7.0 is installed"));
    let known = format!("slave0:ip=127.0.0.1,port={real_port},state=online");
    await_that("the master knows the replica", || {
        ask::<String>(&mut master, &["INFO", "replication"]).contains(&known)
    });
    let mut replica = connect(real_port);
    assert_eq!(ask::<String>(&mut replica, &["GET", "greeting"]), "hello");
}

#[test]
fn what_was_synced_is_there_after_a_kill() {
    let folder = folder();
    let arguments = format!("--port {} --persistence always", free_ports(1));
    let port: u16 = arguments.split(' ').nth(1).and_then(|port| port.parse().ok()).expect("a port");
    let served = Served::start(folder.path(), &arguments);
    ask::<()>(&mut connect(port), &["SET", "greeting", "hello"]);
    drop(served);
    let _served = Served::start(folder.path(), &arguments);
    assert_eq!(ask::<String>(&mut connect(port), &["GET", "greeting"]), "hello");
}

#[test]
fn ports_that_overlap_or_are_taken_are_refused() {
    let folder = folder();
    let refuses = |arguments: &[&str], code: i32, complaint: &str| {
        run(folder.path(), &[&["redis"], arguments].concat())
            .exits(code)
            .complains_of(&[complaint]);
    };
    let overlapping = ["--port", "26378", "--replicas", "1", "--sentinels", "1"];
    refuses(&overlapping, 2, "port 26379 is for a Redis and for a Sentinel");
    refuses(&["--port", "65535", "--replicas", "2"], 2, "--port 65535");
    refuses(&["--replicas", "17"], 2, "--replicas");
    refuses(&["--down-after", "soon"], 2, "--down-after");
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are ports");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    refuses(&["--port", &port], 4, &format!("port {port} of 127.0.0.1 cannot be had"));
    refuses(&["--sentinel-port", &port, "--sentinels", "1", "--port", "1"], 4, "cannot be had");
}
