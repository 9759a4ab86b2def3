//! Hosts as nodes see them: disks that fail, processes that end themselves, clocks, fault points.

use std::cell::RefCell;
use std::rc::Rc;

use im::env::{Addr, Env, Nanos};
use im::points::Point;
use tokio::io::AsyncReadExt;

use crate::engine::sim::*;

const MS: Nanos = 1_000_000;
const S: Nanos = 1_000 * MS;

/// What the programs of a test saw, with the virtual time in ms.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<(u64, String)>>>);

impl Log {
    fn note(&self, env: &SimEnv, what: impl Into<String>) {
        self.0.borrow_mut().push((env.now() / MS, what.into()));
    }

    fn lines(&self) -> Vec<(u64, String)> {
        self.0.borrow().clone()
    }
}

fn entries(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(at, what)| (*at, (*what).to_owned())).collect()
}

fn world() -> Sim {
    let link = LinkProfile::constant(10 * MS);
    Sim::new(1, Network { clients: link, backend: link })
}

/// Adds a host, and starts it, whose program gets the test's log.
fn add<F>(sim: &mut Sim, log: &Log, program: impl Fn(SimEnv, Log) -> F + 'static) -> HostId
where
    F: Future<Output = ()> + 'static,
{
    let log = log.clone();
    let disk = DiskProfile {
        sync: 3 * MS,
        write_bytes_per_s: 1_000_000,
        read: MS,
        read_bytes_per_s: 1_000_000,
    };
    let boot = move |env| program(env, log.clone());
    let id = sim.add_host("host", LinkKind::Backend, disk, boot);
    sim.start(id);
    id
}

#[test]
fn reads_and_syncs_take_the_time_of_their_bytes_and_survive_a_crash_of_the_process() {
    let (mut sim, log) = (world(), Log::default());
    let host = add(&mut sim, &log, |env, log| async move {
        let found = env.disk_read("wal").await.expect("readable");
        log.note(&env, format!("{} bytes", found.len()));
        env.disk_append("wal", &[7; 5_000]).expect("room");
        env.disk_sync("wal").await.expect("works");
        log.note(&env, "synced");
        env.disk_append("wal", &[7; 2_000]).expect("room");
    });
    sim.run_until(S);
    sim.crash(host);
    sim.start(host);
    sim.run_until(2 * S);
    let expected = [(0, "0 bytes"), (8, "synced"), (1_008, "7000 bytes"), (1_018, "synced")];
    assert_eq!(log.lines(), entries(&expected), "the second sync writes 7,000 bytes");
}

#[test]
fn a_torn_write_is_drawn_from_the_seed_and_never_reaches_what_was_synced() {
    let run = |seed| {
        let link = LinkProfile::constant(10 * MS);
        let mut sim = Sim::new(seed, Network { clients: link, backend: link });
        let log = Log::default();
        let host = add(&mut sim, &log, |env, log| async move {
            let found = env.disk_read("wal").await.expect("readable");
            log.note(&env, format!("{found:?}"));
            if found.is_empty() {
                env.disk_append("wal", &[7; 10]).expect("room");
                env.disk_sync("wal").await.expect("works");
                env.disk_append("wal", &[9; 3_000]).expect("room");
            }
        });
        sim.run_until(S);
        let torn = sim.lose_power(host, true);
        sim.start(host);
        sim.run_until(2 * S);
        let left = log.lines()[1].1.clone();
        assert!(left.starts_with("[7, 7, 7, 7, 7, 7, 7, 7, 7, 7"), "{left}");
        assert_eq!(left.split(',').count() as u64 + torn.disk_bytes, 3_010);
        left
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_process_that_ends_itself_goes_no_further_ends_its_connections_and_is_started_again() {
    let (mut sim, log) = (world(), Log::default());
    sim.set_restart_after(2 * S);
    let host = add(&mut sim, &log, |env, log| async move {
        log.note(&env, "started");
        let mut listener = env.listen(1).expect("the port is free");
        let accepted = env.accept(&mut listener).await.expect("a connection");
        let (noter, other) = (log.clone(), env);
        env.spawn(async move {
            other.sleep(500 * MS).await;
            noter.note(&other, "another task goes on");
        });
        env.sleep(500 * MS).await;
        env.fail_stop("the disk is gone").await;
        drop(accepted);
        log.note(&env, "went on");
    });
    add(&mut sim, &log, move |env, log| async move {
        let mut stream = env.connect(Addr { node: host, port: 1 }).await.expect("accepted");
        let error = stream.read_u8().await.expect_err("the peer ends");
        log.note(&env, format!("{:?}", error.kind()));
    });
    sim.run_until(10 * S);
    let expected = [(0, "started"), (540, "UnexpectedEof"), (2_530, "started")];
    assert_eq!(log.lines(), entries(&expected));
    assert_eq!((sim.fail_stops(host), sim.last_fail_stop(host).as_str()), (1, "the disk is gone"));
}

#[test]
fn a_supervisor_tries_again_until_the_start_succeeds_and_leaves_crashed_processes_alone() {
    let (mut sim, log) = (world(), Log::default());
    let host = add(&mut sim, &log, |env, log| async move {
        env.sleep(100 * MS).await;
        if env.now() < 3 * S {
            log.note(&env, "failed");
            env.fail_stop("not yet").await;
        }
        log.note(&env, "runs");
    });
    sim.run_until(5 * S);
    let expected = [(100, "failed"), (1_200, "failed"), (2_300, "failed"), (3_400, "runs")];
    assert_eq!(log.lines(), entries(&expected));
    assert_eq!(sim.fail_stops(host), 3);

    let (mut sim, log) = {
        drop(sim);
        (world(), Log::default())
    };
    let host = add(&mut sim, &log, |env, log| async move {
        log.note(&env, "failed");
        env.fail_stop("always").await;
    });
    sim.run_until(500 * MS);
    sim.crash(host);
    sim.run_until(10 * S);
    assert_eq!(log.lines().len(), 1, "down until it is started from outside");
    sim.start(host);
    sim.run_until(10 * S);
    assert_eq!(log.lines().len(), 2);
}

#[test]
fn wall_clocks_step_and_drift_by_host_and_their_readings_are_counted() {
    let (mut sim, log) = (world(), Log::default());
    let program = |env: SimEnv, log: Log| async move {
        let first = env.wall_ms();
        env.sleep(10 * S).await;
        log.note(&env, format!("{} ms", env.wall_ms() as i64 - first as i64));
    };
    let [right, stepped, drifting] = [(); 3].map(|()| add(&mut sim, &log, program));
    sim.run_until(0);
    sim.step_clock(stepped, -20_000);
    sim.set_clock_drift(drifting, 200);
    sim.run_until(20 * S);
    let expected = [(10_000, "10000 ms"), (10_000, "-10000 ms"), (10_000, "10002 ms")];
    assert_eq!(log.lines(), entries(&expected));
    assert_eq!(sim.clock_reads(right), 2);
}

/// Adds a host that passes a point every 100 ms.
fn add_passer(sim: &mut Sim, log: &Log) -> HostId {
    add(sim, log, |env, log| async move {
        for number in 1.. {
            env.sleep(100 * MS).await;
            let (noter, sibling) = (log.clone(), env);
            env.point(Point::StoreAppended).await;
            env.spawn(async move { noter.note(&sibling, "sibling") });
            env.point(Point::StoreSynced).await;
            log.note(&env, format!("passed {number}"));
        }
    })
}

#[test]
fn the_nth_arrival_at_a_point_ends_the_run_at_once_and_the_program_goes_no_further() {
    let (mut sim, log) = (world(), Log::default());
    let (host, other) = (add_passer(&mut sim, &log), add_passer(&mut sim, &log));
    sim.arm(host, "store-synced", 3);
    assert_eq!(sim.run_until(S), Some(host));
    assert_eq!(sim.now(), 300 * MS);
    let before = log.lines().len();
    assert_eq!(log.lines().iter().filter(|(at, _)| *at == 300).count(), 0, "nothing else ran");
    let torn = sim.crash(host);
    assert_eq!(torn.tasks, 2, "the program, and the sibling that was ready");
    assert_eq!(sim.run_until(350 * MS), None);
    let after = log.lines().split_off(before);
    assert_eq!(after, entries(&[(300, "passed 3"), (300, "sibling")]), "the other host's");
    sim.disarm(host);
    sim.start(host);
    assert_eq!(sim.run_until(S), None, "it counted once");
    assert!(log.lines().len() > 20, "both go on: {other} and {host}");
}

#[test]
fn disarming_lets_a_program_go_on_that_stands_at_a_point() {
    let (mut sim, log) = (world(), Log::default());
    let host = add_passer(&mut sim, &log);
    sim.arm(host, "store-synced", 1);
    sim.arm(host, "store-synced", 2);
    assert_eq!(sim.run_until(S), Some(host));
    assert_eq!(sim.run_until(S), None, "it stands still");
    sim.disarm(host);
    sim.run_until(S + 250 * MS);
    let passed = log.lines().into_iter().filter(|(_, what)| what.starts_with("passed"));
    let expected = [(1_000, "passed 1"), (1_100, "passed 2"), (1_200, "passed 3")];
    assert_eq!(passed.collect::<Vec<_>>(), entries(&expected));
}

#[test]
#[should_panic(expected = "`store-sinked` is no fault point")]
fn an_unknown_point_cannot_be_armed() {
    let (mut sim, log) = (world(), Log::default());
    let host = add_passer(&mut sim, &log);
    sim.arm(host, "store-sinked", 1);
}

#[test]
#[should_panic(expected = "virtual time stands still at 1.000000000 s")]
fn a_world_whose_time_stands_still_is_ended() {
    let link = LinkProfile::constant(0);
    let (mut sim, log) = (Sim::new(1, Network { clients: link, backend: link }), Log::default());
    let host = add(&mut sim, &log, |env, _| async move {
        env.sleep(S).await;
        // Nobody listens there, and the answer comes at once.
        while env.connect(Addr { node: 0, port: 1 }).await.is_err() {}
    });
    assert_eq!(host, 0);
    sim.run_until(2 * S);
}
