//! Simulated Sentinels over simulated Redis servers, in virtual time: they find each other, promote
//! a replica when the master dies, and make a replica of it when it comes back.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;

use im::env::{Addr, Env, Nanos};
use im::redis_client::Names;
use im::topology::{REDIS_MASTER, REDIS_PORT, SENTINEL_PORT};
use imsim::engine::sim::{LinkKind, LinkProfile, Network, Sim, SimEnv};
use imsim::redis::replication::Settings;
use imsim::redis::sentinel::{self, Config, Events};
use imsim::redis::{Options, serve_as};
use imsim::redis_study::resp::{Connection, Value};

const S: Nanos = 1_000_000_000;
const MS: Nanos = 1_000_000;

/// Hosts 0 to 2 are servers, the first of them the master; 3 to 5 are Sentinels.
const SERVERS: u32 = 3;
const SENTINELS: u32 = 3;

struct Lab {
    events: Vec<Events>,
    /// Declared last: what programs hold must go before the world does.
    sim: Sim,
}

impl Lab {
    fn new(seed: u64, options: fn(u32) -> Options) -> Self {
        let link = LinkProfile::constant(MS / 10);
        let mut sim = Sim::new(seed, Network { clients: link, backend: link });
        for node in 0..SERVERS {
            add_host(&mut sim, move |env| async move {
                serve_as(env, options(node)).await.expect("it has its port to itself");
            });
        }
        let events: Vec<Events> = (0..SENTINELS).map(|_| Events::default()).collect();
        for (node, events) in (SERVERS..).zip(&events) {
            let config = config(events);
            add_host(&mut sim, move |env| {
                let served = sentinel::serve(env, Names::PRIVATE, node, config.clone());
                async move { served.await.expect("it has its port to itself") }
            });
        }
        (0..SERVERS + SENTINELS).for_each(|host| sim.start(host));
        Self { events, sim }
    }

    fn run(&mut self, span: Nanos) {
        self.sim.run_until(self.sim.now() + span);
    }

    /// One command to a server, from a host of its own.
    fn ask(&mut self, node: u32, line: &'static str) -> Value {
        self.ask_all(node, &[line])
    }

    /// Commands to a server, one after the other; the last answer.
    fn ask_all(&mut self, node: u32, lines: &[&'static str]) -> Value {
        let lines = lines.to_vec();
        let answer = Rc::<RefCell<Option<Value>>>::default();
        let written = answer.clone();
        let host = add_host(&mut self.sim, move |env| {
            let (written, lines) = (written.clone(), lines.clone());
            async move {
                let stream = env.connect(Addr { node, port: REDIS_PORT }).await;
                let mut connection = Connection::new(stream.expect("somebody listens"));
                for line in lines {
                    let words: Vec<&str> = line.split(' ').collect();
                    *written.borrow_mut() = Some(connection.call(&words).await.expect("an answer"));
                }
            }
        });
        self.sim.start(host);
        self.run(200 * MS);
        answer.take().unwrap_or_else(|| panic!("server {node} does not answer"))
    }

    /// What the Sentinels said since then that begins so.
    fn said(&self, since: Nanos, start: &str) -> Vec<(Nanos, String)> {
        let all = self.events.iter().flat_map(|one| one.lock().expect("no panics").clone());
        all.filter(|(at, text)| *at >= since && text.starts_with(start)).collect()
    }
}

fn add_host<F: Future<Output = ()> + 'static>(
    sim: &mut Sim,
    boot: impl Fn(SimEnv) -> F + 'static,
) -> u32 {
    sim.add_host("host", LinkKind::Backend, MS, boot)
}

fn options(node: u32) -> Options {
    Options {
        node: Some(node),
        master: (node > 0).then_some(Addr { node: 0, port: REDIS_PORT }),
        replication: Settings { diskless_delay_s: 0, ..Settings::default() },
        ..Options::new(REDIS_PORT, Arc::default())
    }
}

/// With a password, which the replicas know.
fn locked_options(node: u32) -> Options {
    let settings = ["requirepass", "masterauth"].map(|name| (name.into(), "secret".into()));
    Options { settings: settings.to_vec(), ..options(node) }
}

/// With little memory, replicas too, which leave it to their master to keep to it.
fn small_options(node: u32) -> Options {
    let settings = [("maxmemory", "1200000"), ("maxmemory-policy", "allkeys-lru")];
    let settings = settings.map(|(name, value)| (name.into(), value.into()));
    Options { settings: settings.to_vec(), ..options(node) }
}

fn config(events: &Events) -> Config {
    Config {
        port: SENTINEL_PORT,
        master: REDIS_MASTER.to_owned(),
        address: Addr { node: 0, port: REDIS_PORT },
        quorum: 2,
        down_after_ms: 1000,
        failover_timeout_ms: 10_000,
        parallel_syncs: 1,
        events: events.clone(),
    }
}

fn node_at(ip: &str) -> u32 {
    Names::PRIVATE.node(ip.parse::<Ipv4Addr>().expect("an address")).expect("one of ours")
}

/// Goes through a failover; the digest of the world at its end.
fn fail_over(seed: u64) -> u64 {
    let mut lab = Lab::new(seed, options);
    lab.run(6 * S);
    let six = (SENTINELS * 2) as usize;
    assert_eq!(lab.said(0, "+slave ").len(), six, "each has found both replicas");
    assert_eq!(lab.said(0, "+sentinel ").len(), six, "each has found both others");
    assert_eq!(lab.ask(0, "SET k v"), Value::Simple("OK".into()));
    let refused = lab.ask(1, "SET k w");
    assert!(matches!(&refused, Value::Error(text) if text.starts_with("READONLY")), "{refused:?}");
    assert_eq!(lab.ask(0, "WAIT 2 100"), Value::Integer(2));

    let killed = lab.sim.now();
    lab.sim.crash(0);
    lab.run(6 * S);
    let switches = lab.said(killed, "+switch-master");
    assert_eq!(switches.len(), SENTINELS as usize, "{switches:?}");
    assert!(switches.iter().all(|(at, _)| (S..4 * S).contains(&(at - killed))), "{switches:?}");
    let place = |text: &str| text.split(' ').nth(4).map(node_at).expect("name, old, new");
    let chosen = place(&switches[0].1);
    assert!(switches.iter().all(|(_, text)| place(text) == chosen), "all agree: {switches:?}");
    let other = SERVERS - chosen;
    assert_eq!(lab.ask(chosen, "ROLE").items()[0].text(), Some("master"));
    assert_eq!(lab.ask(chosen, "GET k").text(), Some("v"));
    lab.run(2 * S);
    follows(&lab.ask(other, "ROLE"), chosen);

    let back = lab.sim.now();
    lab.sim.start(0);
    assert_eq!(lab.ask(0, "GET k"), Value::Nil, "it begins with nothing, as a master");
    lab.run(20 * S);
    assert!(!lab.said(back + 8 * S, "+convert-to-slave").is_empty(), "{:?}", lab.said(back, ""));
    follows(&lab.ask(0, "ROLE"), chosen);
    assert_eq!(lab.ask(0, "GET k").text(), Some("v"));
    assert_eq!(lab.ask(chosen, "WAIT 2 100"), Value::Integer(2));
    lab.sim.digest()
}

fn follows(role: &Value, master: u32) {
    let role = role.items();
    assert_eq!(role[0].text(), Some("slave"), "{role:?}");
    assert_eq!(role[1].text().map(node_at), Some(master), "{role:?}");
    assert_eq!(role[3].text(), Some("connected"), "{role:?}");
}

#[test]
fn sentinels_fail_over_and_take_the_old_master_back() {
    for seed in 0..5 {
        fail_over(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_failover() {
    assert_eq!(fail_over(7), fail_over(7));
    assert_ne!(fail_over(7), fail_over(8));
}

#[test]
fn roles_outlive_a_restart() {
    let mut lab = Lab::new(1, options);
    lab.run(6 * S);
    let killed = lab.sim.now();
    lab.sim.crash(0);
    lab.run(6 * S);
    let switches = lab.said(killed, "+switch-master");
    let chosen = switches[0].1.split(' ').nth(4).map(node_at).expect("name, old, new");
    lab.sim.start(0);
    lab.run(20 * S);
    follows(&lab.ask(0, "ROLE"), chosen);
    for node in 0..SERVERS {
        lab.sim.crash(node);
        lab.sim.start(node);
    }
    lab.run(S);
    assert_eq!(lab.ask(chosen, "ROLE").items()[0].text(), Some("master"));
    (0..SERVERS).filter(|node| *node != chosen).for_each(|node| {
        follows(&lab.ask(node, "ROLE"), chosen);
    });
}

#[test]
fn replicas_know_the_password_of_their_master() {
    let mut lab = Lab::new(1, locked_options);
    lab.run(3 * S);
    let refused = lab.ask(0, "GET k");
    assert!(matches!(&refused, Value::Error(text) if text.starts_with("NOAUTH")), "{refused:?}");
    let told = lab.ask(0, "HELLO 2 AUTH default secret");
    assert_eq!(told.items()[1].text(), Some("redis"));
    let switched = lab.said(0, "+switch-master");
    assert!(switched.is_empty(), "nobody can be told to lead: {switched:?}");
    let waited = lab.ask_all(0, &["AUTH secret", "SET k v", "WAIT 2 100"]);
    assert_eq!(waited, Value::Integer(2));
}

#[test]
fn what_a_master_evicts_goes_on_its_replicas_too() {
    let mut lab = Lab::new(1, small_options);
    lab.run(2 * S);
    let fill = "EVAL for\ti=1,3000\tdo\tredis.call('set','k'..i,'v')\tend 0";
    lab.ask(0, "SET used v");
    lab.ask_all(0, &[fill, "PING"]);
    lab.run(2 * S);
    let Value::Integer(left) = lab.ask(0, "DBSIZE") else { panic!("a number") };
    assert!((100..2500).contains(&left), "{left}");
    assert_eq!(lab.ask(0, "GET used"), Value::Nil, "it was the oldest");
    assert_eq!(lab.ask(0, "GET k999").text(), Some("v"), "of equals the last by name stays");
    for replica in [1, 2] {
        assert_eq!(lab.ask(replica, "DBSIZE"), Value::Integer(left));
    }
}
