//! The engine as nodes see it: small programs on a few hosts, exact virtual times. Here is what the
//! tests of streams share, and what concerns the engine as a whole.

mod dial;
mod ends;
mod silence;
mod streams;
mod trouble;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use im::env::{Addr, Env, Nanos};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::sim::*;

const MS: Nanos = 1_000_000;
const S: Nanos = 1_000 * MS;

/// What the programs of a test saw, with the virtual time in ms.
type Log = Rc<RefCell<Vec<(u64, String)>>>;

fn world(loss_ppm: u32) -> Sim {
    let link = LinkProfile { loss_ppm, ..LinkProfile::constant(10 * MS) };
    Sim::new(1, Network { clients: link, backend: link })
}

fn note(log: &Log, env: &SimEnv, what: impl Into<String>) {
    log.borrow_mut().push((env.now() / MS, what.into()));
}

/// Adds a host that echoes whatever comes in on port 1.
fn add_echo(sim: &mut Sim) -> HostId {
    let id = sim.add_host("echo", LinkKind::Backend, MS, |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        while let Ok(mut stream) = env.accept(&mut listener).await {
            env.spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    if stream.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    sim.start(id);
    id
}

/// Adds a host that sends a byte to `to` every `every` and logs the echoes and the end.
fn add_pinger(sim: &mut Sim, to: HostId, every: Nanos, log: &Log) -> HostId {
    let log = log.clone();
    let id = sim.add_host("pinger", LinkKind::Backend, MS, move |env| {
        let log = log.clone();
        async move {
            let mut stream = match env.connect(Addr { node: to, port: 1 }).await {
                Ok(stream) => stream,
                Err(error) => return note(&log, &env, format!("{:?}", error.kind())),
            };
            note(&log, &env, "connected");
            for number in (0..).map(|number: u64| number as u8) {
                let sent = env.now();
                let echo: io::Result<u8> = async {
                    stream.write_all(&[number]).await?;
                    stream.read_u8().await
                }
                .await;
                match echo {
                    Ok(echo) => note(&log, &env, format!("echo {echo}")),
                    Err(error) => return note(&log, &env, format!("{:?}", error.kind())),
                }
                env.sleep_until(sent + every).await;
            }
        }
    });
    sim.start(id);
    id
}

/// A host that accepts one connection and holds it; reads from it or not.
fn add_holder(sim: &mut Sim, reads: bool) -> HostId {
    let id = sim.add_host("holder", LinkKind::Backend, MS, move |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        let mut stream = env.accept(&mut listener).await.expect("a connection");
        while reads && stream.read_u8().await.is_ok() {}
        std::future::pending::<()>().await;
    });
    sim.start(id);
    id
}

fn lines(log: &Log) -> Vec<(u64, String)> {
    log.borrow().clone()
}

fn entry(ms: u64, what: &str) -> (u64, String) {
    (ms, what.to_owned())
}

#[test]
fn timeouts_fire_on_time_and_the_work_wins_a_tie() {
    let (mut sim, log) = (world(0), Log::default());
    let seen = log.clone();
    let host = sim.add_host("host", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let late = env.timeout(500 * MS, env.sleep(S)).await;
            note(&log, &env, format!("{late:?}"));
            let tie = env.timeout(500 * MS, env.sleep(500 * MS)).await;
            note(&log, &env, format!("{tie:?}"));
        }
    });
    sim.start(host);
    sim.run_until(5 * S);
    assert_eq!(lines(&log), [entry(500, "None"), entry(1000, "Some(())")]);
}

#[test]
fn what_was_synced_survives_and_a_sync_takes_its_time() {
    let (mut sim, log) = (world(0), Log::default());
    let seen = log.clone();
    let host = sim.add_host("host", LinkKind::Backend, 3 * MS, move |env| {
        let log = seen.clone();
        async move {
            let found = env.disk_read("wal").await.expect("readable");
            note(&log, &env, String::from_utf8(found).expect("text"));
            env.disk_append("wal", b"a").expect("room");
            env.disk_sync("wal").await.expect("synced");
            note(&log, &env, "synced");
            env.disk_append("wal", b"b").expect("room");
        }
    });
    sim.start(host);
    sim.run_until(S);
    sim.crash(host);
    sim.start(host);
    sim.run_until(2 * S);
    assert_eq!(sim.lose_power(host, false).disk_bytes, 1, "the second b");
    sim.start(host);
    sim.run_until(3 * S);
    let expected = [(0, ""), (3, "synced"), (1000, "ab"), (1003, "synced"), (2000, "aba")];
    assert_eq!(lines(&log)[..5], expected.map(|(at, what)| entry(at, what)));
}

#[test]
fn one_seed_gives_one_digest_and_another_seed_another() {
    let run = |seed| {
        let link = LinkProfile { sd: MS, ..LinkProfile::constant(10 * MS) };
        let mut sim = Sim::new(seed, Network { clients: link, backend: link });
        let echo = add_echo(&mut sim);
        add_pinger(&mut sim, echo, 100 * MS, &Log::default());
        sim.run_until(5 * S);
        sim.digest()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
