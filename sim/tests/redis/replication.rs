//! A real redis-server as a replica of the simulated one: it must load the snapshot, follow the
//! stream, and come back with a partial resynchronisation.
//!
//! Needs `redis-server` 7.0. Real time passes: a few seconds.

#![allow(clippy::disallowed_types, reason = "the real replica lives in real time")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use imsim::redis::Instance;
use imsim::redis::instance::ClientId;
use imsim::redis::request::Reader;

/// How long a replica may take to catch up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Its folder goes with it.
struct Replica(Child, #[expect(dead_code, reason = "only kept")] tempfile::TempDir);

impl Drop for Replica {
    fn drop(&mut self) {
        self.0.kill().expect("it still runs");
        self.0.wait().expect("it can be waited for");
    }
}

#[allow(clippy::disallowed_methods, reason = "the real replica lives in real time")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64
}

/// Serves one connection of a replica for as long as `done` is false.
fn serve(
    instance: &mut Instance,
    stream: &mut TcpStream,
    mut done: impl FnMut(&mut Instance) -> bool,
) {
    let id = instance.connect();
    let (mut reader, mut chunk) = (Reader::default(), [0; 4096]);
    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
    while !done(instance) {
        if let Ok(count) = stream.read(&mut chunk) {
            assert!(count > 0, "the replica stays");
            reader.feed(&chunk[..count]);
        }
        while let Some(words) = reader.next_request().expect("the protocol") {
            instance.execute(id, now_ms(), &words);
        }
        instance.tick(now_ms());
        let mut out = Vec::new();
        instance.take_output(id, &mut out);
        stream.write_all(&out).expect("the replica reads");
    }
    instance.disconnect(id);
}

fn run(instance: &mut Instance, client: ClientId, line: &str) {
    let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    instance.execute(client, now_ms(), &words);
}

fn cli(port: u16, words: &str) -> String {
    let output = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(words.split(' '))
        .output()
        .expect("`redis-cli` is installed with `redis-server`");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the real replica lives in real time")]
fn a_real_replica_follows_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let master = listener.local_addr().expect("an address").port().to_string();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let folder = tempfile::tempdir().expect("a folder");
    let replica = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--save", "", "--replicaof", "127.0.0.1", &master])
        .arg("--dir")
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("this test needs `redis-server`");
    let _replica = Replica(replica, folder);
    let mut instance = Instance::default();
    instance.replication.settings.diskless_delay_s = 0;
    let client = instance.connect();
    run(&mut instance, client, "SET before 1");
    run(&mut instance, client, "ZADD z 1.5 a 2 b");
    run(&mut instance, client, "HSET h f v");
    run(&mut instance, client, "RPUSH l a b");
    run(&mut instance, client, "SADD s 1 x");

    let (mut stream, _) = listener.accept().expect("the replica dials");
    let end = Instant::now() + PATIENCE;
    let mut after = false;
    serve(&mut instance, &mut stream, |instance| {
        if !after && cli(port, "GET before") == "1" {
            run(instance, client, "SELECT 2");
            run(instance, client, "SET after 2");
            after = true;
        }
        assert!(Instant::now() < end, "{}", cli(port, "INFO replication"));
        after && cli(port, "-n 2 GET after") == "2"
    });
    assert_eq!(cli(port, "ZRANGE z 0 -1 WITHSCORES"), "a\n1.5\nb\n2");
    assert_eq!((cli(port, "LRANGE l 0 -1"), cli(port, "HGET h f")), ("a\nb".into(), "v".into()));
    drop(stream);
    run(&mut instance, client, "SET missed 3");
    let (mut stream, _) = listener.accept().expect("the replica dials again");
    let end = Instant::now() + PATIENCE;
    serve(&mut instance, &mut stream, |_| {
        assert!(Instant::now() < end, "{}", cli(port, "INFO replication"));
        cli(port, "-n 2 GET missed") == "3"
    });
    let client = instance.connect();
    run(&mut instance, client, "INFO");
    assert!(cli(port, "INFO replication").contains("master_link_status:up"));
}
