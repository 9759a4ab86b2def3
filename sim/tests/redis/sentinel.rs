//! The simulated Sentinel on real sockets, watching real servers, and beside a real Sentinel.
//!
//! Needs `redis-server` 7.0 (Debian's package `redis-server`).
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "real servers take real time"
)]

mod sockets;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use im::env::{Addr, Env, Nanos};
use im::redis_client::Names;
use im::topology::{REDIS_MASTER, REDIS_PORT, SENTINEL_PORT};
use imsim::redis::replication::Settings;
use imsim::redis::sentinel::{Config, Events, serve};
use imsim::redis::{Options, serve_as};
use redis::Value;

use crate::machine::{Server, ip, run};
use sockets::Host;

const S: Nanos = 1_000_000_000;

/// A simulated Sentinel and what it says.
struct Simulated {
    ip: Ipv4Addr,
    origin: Instant,
    events: Events,
    task: tokio::task::JoinHandle<()>,
}

impl Simulated {
    fn start(origin: Instant, ip: Ipv4Addr, master: Ipv4Addr, down_after_ms: u64) -> Self {
        let events = Events::default();
        let config = Config {
            port: SENTINEL_PORT,
            master: REDIS_MASTER.to_owned(),
            address: Addr { node: u32::from(master), port: REDIS_PORT },
            quorum: 2,
            down_after_ms,
            failover_timeout_ms: 10_000,
            parallel_syncs: 1,
            events: events.clone(),
        };
        let work = serve(Host::new(origin, ip), Names::REAL, u32::from(ip), config);
        let task = tokio::task::spawn_local(async move { work.await.expect("its port is free") });
        Self { ip, origin, events, task }
    }

    fn now(&self) -> Nanos {
        self.origin.elapsed().as_nanos() as Nanos
    }

    /// The events since then that begin so.
    fn since(&self, then: Nanos, start: &str) -> Vec<(Nanos, String)> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|(at, text)| *at >= then && text.starts_with(start)).cloned().collect()
    }

    /// Waits until an event has happened since then.
    async fn wait(&self, then: Nanos, start: &str, span: Nanos) -> (Nanos, String) {
        let end = self.now() + span;
        loop {
            if let Some(event) = self.since(then, start).into_iter().next() {
                return event;
            }
            let events = self.events.lock().unwrap().clone();
            assert!(self.now() < end, "{}: no {start} in {events:#?}", self.ip);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks it something on a connection of its own.
    async fn ask(&self, words: &[&str]) -> redis::RedisResult<Value> {
        ask(self.ip, SENTINEL_PORT, words).await
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A command on a connection of its own.
async fn ask(ip: Ipv4Addr, port: u16, words: &[&str]) -> redis::RedisResult<Value> {
    let client = redis::Client::open(format!("redis://{ip}:{port}/"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
}

/// A simulated server.
struct SimulatedServer {
    ip: Ipv4Addr,
    host: Host,
}

impl SimulatedServer {
    fn start(origin: Instant, ip: Ipv4Addr, master: Option<Ipv4Addr>) -> Self {
        let host = Host::new(origin, ip);
        let options = Options {
            node: Some(u32::from(ip)),
            names: Names::REAL,
            master: master.map(|ip| Addr { node: u32::from(ip), port: REDIS_PORT }),
            replication: Settings { diskless_delay_s: 0, ..Settings::default() },
            ..Options::new(REDIS_PORT, Arc::default())
        };
        let served = serve_as(host.clone(), options);
        host.spawn(async move { served.await.expect("its port is free") });
        Self { ip, host }
    }

    /// Asks until the answer pleases.
    async fn wait_for(&self, words: &[&str], good: impl Fn(&Value) -> bool) {
        let start = Instant::now();
        loop {
            let asked = ask(self.ip, REDIS_PORT, words).await;
            if asked.as_ref().is_ok_and(&good) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{words:?} in vain: {asked:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[test]
fn real_sentinels_fail_over_simulated_servers() {
    run(async {
        let (origin, master) = (Instant::now(), ip(11, 1));
        let servers = [1, 2, 3].map(|server| {
            let of = (server > 1).then_some(master);
            SimulatedServer::start(origin, ip(11, server), of)
        });
        servers[0].wait_for(&["WAIT", "2", "100"], |reply| *reply == Value::Int(2)).await;
        let sentinels = [4, 5, 6].map(|server| Server::sentinel(ip(11, server), master));
        let name = REDIS_MASTER;
        for kind in ["REPLICAS", "SENTINELS"] {
            let met = |real: &Server| {
                let known = real.ask(&["SENTINEL", kind, name]);
                matches!(known, Ok(Value::Array(known)) if known.len() == 2)
            };
            let start = Instant::now();
            while !sentinels.iter().all(met) {
                assert!(start.elapsed() < Duration::from_secs(20), "{kind} are not found");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let text = |words: &[&str]| format!("{:?}", sentinels[0].ask(words));
        let told = text(&["SENTINEL", "REPLICAS", name]);
        assert!(told.contains("master-link-status") && !told.contains("s_down"), "{told}");
        servers[0].wait_for(&["SET", "k", "v"], |reply| *reply == Value::Okay).await;

        servers[0].host.kill();
        let start = Instant::now();
        let chosen = loop {
            let word = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name];
            let said = sentinels.each_ref().map(|one| format!("{:?}", one.ask(&word)));
            let new = servers[1..]
                .iter()
                .find(|one| said.iter().all(|text| text.contains(&format!("\"{}\"", one.ip))));
            if let Some(new) = new {
                break new;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{said:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let of_kind = |kind: &'static str| move |reply: &Value| matches!(reply, Value::Array(parts) if parts[0] == Value::BulkString(kind.into()));
        chosen.wait_for(&["ROLE"], of_kind("master")).await;
        chosen.wait_for(&["GET", "k"], |reply| *reply == Value::BulkString(b"v".into())).await;
        chosen.wait_for(&["WAIT", "1", "100"], |reply| *reply == Value::Int(1)).await;

        // The old master comes back and is made a replica.
        let returned = SimulatedServer::start(origin, master, None);
        returned.wait_for(&["ROLE"], of_kind("slave")).await;
        returned.wait_for(&["GET", "k"], |reply| *reply == Value::BulkString(b"v".into())).await;
    });
}

/// A master with two replicas that follow it.
fn servers(test: u8) -> (Server, [Server; 2]) {
    let master = Server::redis(ip(test, 1), None);
    let replicas = [2, 3].map(|server| Server::redis(ip(test, server), Some(master.ip)));
    let both = |reply: &Value| *reply == Value::Int(2);
    master.wait_for("two replicas that follow", &["WAIT", "2", "100"], both);
    (master, replicas)
}

fn place(event: &str) -> Ipv4Addr {
    let word = event.split(' ').nth(4).expect("`+switch-master name ip port ip port`");
    word.parse().expect("an address")
}

#[test]
fn three_simulated_sentinels_fail_over_real_servers() {
    run(async {
        let (mut master, replicas) = servers(8);
        let origin = Instant::now();
        let start = |server| Simulated::start(origin, ip(8, server), master.ip, 1000);
        let sentinels = [4, 5, 6].map(start);
        for sentinel in &sentinels {
            sentinel.wait(0, "+slave", 5 * S).await;
            sentinel.wait(0, "+sentinel", 8 * S).await;
        }
        tokio::time::sleep(Duration::from_millis(2500)).await;
        for sentinel in &sentinels {
            assert_eq!(sentinel.since(0, "+sentinel ").len(), 2, "{:?}", sentinel.events);
            assert_eq!(sentinel.since(0, "+slave ").len(), 2);
            let quorum = sentinel.ask(&["SENTINEL", "CKQUORUM", REDIS_MASTER]).await.unwrap();
            assert!(matches!(quorum, Value::SimpleString(text) if text.starts_with("OK 3 ")));
        }

        let then = sentinels[0].now();
        master.kill();
        let mut chosen = None;
        for sentinel in &sentinels {
            let (at, event) = sentinel.wait(then, "+switch-master", 8 * S).await;
            println!("{} {:.3} {event}", sentinel.ip, (at - then) as f64 / S as f64);
            let to = place(&event);
            assert_eq!(*chosen.get_or_insert(to), to);
        }
        let leader = sentinels.iter().find(|one| !one.since(then, "+elected-leader").is_empty());
        let leader = leader.expect("somebody led the failover");
        for (at, event) in leader.since(then, "") {
            println!("{:.3} {event}", (at - then) as f64 / S as f64);
        }
        let order = [
            "+sdown master",
            "+odown",
            "+new-epoch",
            "+try-failover",
            "+vote-for-leader",
            "+elected-leader",
            "+failover-state-select-slave",
            "+selected-slave",
            "+failover-state-send-slaveof-noone",
            "+failover-state-wait-promotion",
            "+promoted-slave",
            "+failover-state-reconf-slaves",
            "+slave-reconf-sent",
            "+slave-reconf-inprog",
            "+slave-reconf-done",
            "+failover-end",
            "+switch-master",
            "+slave ",
        ];
        let events = leader.since(then, "");
        let mut rest = events.iter();
        for start in order {
            assert!(rest.any(|(_, text)| text.starts_with(start)), "{start} in {events:#?}");
        }
        let chosen = chosen.expect("all have switched");
        let promoted = replicas.iter().find(|replica| replica.ip == chosen).expect("it is one");
        let role = promoted.ask(&["ROLE"]).unwrap();
        assert!(
            matches!(&role, Value::Array(parts) if parts[0] == Value::BulkString(b"master".into()))
        );

        // The old master comes back and is made a replica, after more than 8 s.
        let then = sentinels[0].now();
        let returned = Server::redis(master.ip, None);
        let mut at = Nanos::MAX;
        for _ in 0..1000 {
            let converted =
                sentinels.iter().flat_map(|one| one.since(then, "+convert-to-slave")).min();
            if let Some((when, _)) = converted {
                at = when - then;
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("converted after {:.3} s", at as f64 / S as f64);
        assert!((8 * S..22 * S).contains(&at));
        returned.wait_for("a replica", &["ROLE"], |reply| {
            matches!(reply, Value::Array(parts) if parts[0] == Value::BulkString(b"slave".into()))
        });
    });
}

#[test]
fn simulated_and_real_sentinels_agree() {
    run(async {
        let (mut master, replicas) = servers(9);
        let origin = Instant::now();
        let real = Server::sentinel(ip(9, 4), master.ip);
        let start = |server| Simulated::start(origin, ip(9, server), master.ip, 2000);
        let simulated = [5, 6].map(start);
        for sentinel in &simulated {
            sentinel.wait(0, "+slave", 5 * S).await;
        }
        let name = REDIS_MASTER;
        for _ in 0..100 {
            let known = real.ask(&["SENTINEL", "SENTINELS", name]).unwrap();
            let met = simulated.iter().all(|one| one.since(0, "+sentinel ").len() == 2);
            if met && matches!(known, Value::Array(known) if known.len() == 2) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;

        let then = simulated[0].now();
        master.kill();
        let mut chosen = Vec::new();
        for sentinel in &simulated {
            chosen.push(place(&sentinel.wait(then, "+switch-master", 12 * S).await.1));
        }
        for sentinel in &simulated {
            for (at, event) in sentinel.since(then, "") {
                println!("{} {:.3} {event}", sentinel.ip, (at - then) as f64 / S as f64);
            }
        }
        assert_eq!(chosen[0], chosen[1]);
        assert!(replicas.iter().any(|replica| replica.ip == chosen[0]));
        let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name];
        let [said, ours] = [real.ask(&words), simulated[0].ask(&words).await].map(Result::unwrap);
        assert_eq!(said, ours);
        for question in ["MASTER", "REPLICAS", "SENTINELS"] {
            let words = ["SENTINEL", question, name];
            let [theirs, ours] = [real.ask(&words), simulated[0].ask(&words).await];
            assert_eq!(keys(&theirs.unwrap()), keys(&ours.unwrap()), "{question}");
        }
    });
}

/// One command per line, which both must answer alike.
const COMMANDS: &str = "
    SENTINEL
    SENTINEL FOO
    SENTINEL MASTER
    SENTINEL MASTER x
    SENTINEL REPLICAS x
    SENTINEL SENTINELS redis
    SENTINEL CKQUORUM redis
    SENTINEL CKQUORUM x
    SENTINEL FAILOVER x
    SENTINEL FAILOVER redis
    SENTINEL GET-MASTER-ADDR-BY-NAME x
    SENTINEL GET-MASTER-ADDR-BY-NAME redis
    SENTINEL IS-MASTER-DOWN-BY-ADDR 1.2.3.4 x 0 *
    SENTINEL IS-MASTER-DOWN-BY-ADDR 1.2.3.4 1 x *
    SENTINEL IS-MASTER-DOWN-BY-ADDR 1.2.3.4 1 0 *
    SENTINEL IS-MASTER-DOWN-BY-ADDR 1.2.3.4 1 0 someone
    SENTINEL MONITOR y nohost 1 2
    SENTINEL MONITOR y 1.2.3.4 x 2
    SENTINEL MONITOR y 1.2.3.4 70000 2
    SENTINEL MONITOR y 1.2.3.4 1 x
    SENTINEL MONITOR y 1.2.3.4 1 0
    SENTINEL MONITOR redis 1.2.3.4 1 2
    SENTINEL SET redis foo 1
    SENTINEL SET redis quorum
    SENTINEL SET redis quorum x
    SENTINEL SET redis quorum 0
    SENTINEL SET redis quorum 2 parallel-syncs
    SENTINEL SET x quorum 1
    SENTINEL RESET nothing*
    SENTINEL REMOVE x
    SENTINEL PENDING-SCRIPTS
    SENTINEL FLUSHCONFIG
    PUBLISH x y
    ROLE
    AUTH x
    AUTH a b
    AUTH a b c
    PING
    PING a
    PING a b
    HELLO 4
    HELLO x
    HELLO 2 FOO
    CLIENT SETINFO LIB-NAME x
    CLIENT SETNAME x
    CLIENT GETNAME
    GET x
    SUBSCRIBE
";

#[test]
fn commands_are_answered_as_by_the_real_sentinel() {
    run(async {
        let master = Server::redis(ip(10, 1), None);
        let real = Server::sentinel(ip(10, 2), master.ip);
        let ours = Simulated::start(Instant::now(), ip(10, 3), master.ip, 60_000);
        // Both are to be alone with their master.
        let nobody = ["SENTINEL", "REMOVE", "redis"];
        assert_eq!(real.ask(&nobody).unwrap(), Value::Okay);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (address, port) = (master.ip.to_string(), REDIS_PORT.to_string());
        ours.ask(&nobody).await.unwrap();
        let monitor = ["SENTINEL", "MONITOR", "redis", &address, &port, "2"];
        assert_eq!(real.ask(&monitor).unwrap(), ours.ask(&monitor).await.unwrap());
        let mut wrong = Vec::new();
        for line in COMMANDS.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<_> = line.split(' ').collect();
            let [theirs, ours] =
                [real.ask(&words), ours.ask(&words).await].map(|reply| format!("{reply:?}"));
            if theirs != ours && line != "SENTINEL SENTINELS redis" {
                wrong.push(format!("{line}\n  real {theirs}\n  ours {ours}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // Whoever begins with a line of HTTP is hung up on.
        for words in [["POST", "/"], ["host:", "here"]] {
            for reply in [real.ask(&words), ours.ask(&words).await] {
                assert!(reply.as_ref().is_err_and(redis::RedisError::is_io_error), "{reply:?}");
            }
        }
    });
}

/// The names of the fields of an instance, or of each of several; none that come and go.
fn keys(reply: &Value) -> Vec<Vec<u8>> {
    let passing: [&[u8]; 3] = [b"s-down-time", b"o-down-time", b"failover-state"];
    match reply {
        Value::Map(pairs) => pairs.iter().filter_map(|(key, _)| key_text(key)).collect(),
        Value::Array(parts) if parts.iter().all(|part| matches!(part, Value::BulkString(_))) => {
            parts.iter().step_by(2).filter_map(key_text).collect()
        }
        Value::Array(parts) => parts.iter().flat_map(keys).collect(),
        _ => Vec::new(),
    }
    .into_iter()
    .filter(|key| !passing.contains(&key.as_slice()))
    .collect()
}

fn key_text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(text) => Some(text.clone()),
        _ => None,
    }
}
