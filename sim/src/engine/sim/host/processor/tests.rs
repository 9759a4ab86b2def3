//! Processors and pauses: exact virtual times, and the queue held against its theory.

mod cores;

use std::cell::RefCell;

use im::env::{Addr, Env};
use rand::Rng as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::engine::sim::{LinkKind, LinkProfile, Network, Sim, SimEnv, rng};

const MS: Nanos = 1_000_000;
const PS_PER_MS: u64 = MS * PS_PER_NS;

/// What programs noted, with the virtual time in ms.
type Log = Rc<RefCell<Vec<(u64, &'static str)>>>;

fn world(seed: u64) -> Sim {
    let link = LinkProfile::constant(10 * MS);
    Sim::new(seed, Network { clients: link, backend: link })
}

fn polls_of(ms: u64) -> Rc<Costs> {
    Rc::new(Costs { poll_ps: ms * PS_PER_MS, ..Costs::default() })
}

/// A running host without a program.
fn bare_host(sim: &mut Sim) -> HostId {
    let id = sim.add_host("bare", LinkKind::Backend, MS, |_| async {});
    sim.start(id);
    sim.run_until(sim.now());
    id
}

/// Starts a task that notes when its only poll is over.
fn spawn_noting(sim: &Sim, host: HostId, log: &Log, what: &'static str) {
    let (env, log) = (sim.env(host), log.clone());
    env.spawn(async move { log.borrow_mut().push((env.now() / MS, what)) });
}

/// A host that notes a tick every 10 ms, and whatever byte comes in on port 1.
fn add_ticker(sim: &mut Sim, log: &Log) -> HostId {
    let log = log.clone();
    let id = sim.add_host("ticker", LinkKind::Backend, MS, move |env| {
        let log = log.clone();
        async move {
            let heard = log.clone();
            env.spawn(async move {
                let mut listener = env.listen(1).expect("the port is free");
                let mut stream = env.accept(&mut listener).await.expect("a peer");
                while stream.read_u8().await.is_ok() {
                    heard.borrow_mut().push((env.now() / MS, "byte"));
                }
            });
            loop {
                log.borrow_mut().push((env.now() / MS, "tick"));
                env.sleep(10 * MS).await;
            }
        }
    });
    sim.start(id);
    id
}

#[test]
fn ready_tasks_wait_until_the_processor_is_free() {
    let (mut sim, log) = (world(1), Log::default());
    let host = bare_host(&mut sim);
    sim.set_costs(host, polls_of(5));
    for what in ["first", "second", "third"] {
        spawn_noting(&sim, host, &log, what);
    }
    sim.run_until(100 * MS);
    assert_eq!(*log.borrow(), [(5, "first"), (10, "second"), (15, "third")]);
    let stats = sim.processor(host);
    let (busy_ns, waited_ns, longest_wait_ns) = (15 * MS, 15 * MS, 10 * MS);
    assert_eq!(stats, ProcessorStats { polls: 3, busy_ns, waited_ns, longest_wait_ns });
    sim.count_processors_from_zero();
    assert_eq!(sim.processor(host), ProcessorStats::default());
}

#[test]
fn what_a_poll_writes_departs_after_the_cost_accrued_so_far() {
    let (mut sim, log) = (world(1), Log::default());
    let seen = log.clone();
    let reader = sim.add_host("reader", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut listener = env.listen(1).expect("the port is free");
            let mut stream = env.accept(&mut listener).await.expect("a peer");
            while stream.read_u8().await.is_ok() {
                log.borrow_mut().push((env.now() / MS, "arrived"));
            }
        }
    });
    sim.start(reader);
    let seen = log.clone();
    let writer = sim.add_host("writer", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut stream = env.connect(Addr { node: reader, port: 1 }).await.expect("up");
            log.borrow_mut().push((env.now() / MS, "connected"));
            stream.write_all(b"a").await.expect("open");
            env.work(Work::StoreRow, 2);
            stream.write_all(b"bc").await.expect("open");
            log.borrow_mut().push((env.now() / MS, "written"));
        }
    });
    let mut costs = Costs { poll_ps: PS_PER_MS, ..Costs::default() };
    costs.packet_written_ps = 2 * PS_PER_MS;
    costs.byte_written_ps = 3 * PS_PER_MS;
    costs.work_ps[Work::StoreRow as usize] = 4 * PS_PER_MS;
    sim.set_costs(writer, Rc::new(costs));
    sim.start(writer);
    sim.run_until(MS * 1_000);
    // Dialled at 1, connected at 21; a poll takes 1, the packets 2 + 3 and 2 + 2 · 3, the rows 2 · 4.
    assert_eq!(
        *log.borrow(),
        [(22, "connected"), (43, "written"), (37, "arrived"), (53, "arrived"), (53, "arrived")]
    );
}

#[test]
fn reading_costs_too() {
    let mut sim = world(1);
    let log = Log::default();
    let ticker = add_ticker(&mut sim, &log);
    let peer = sim.add_host("peer", LinkKind::Backend, MS, move |env| async move {
        let mut stream = env.connect(Addr { node: ticker, port: 1 }).await.expect("up");
        stream.write_all(b"x").await.expect("open");
        std::future::pending().await
    });
    let (packet_read_ps, byte_read_ps) = (2 * PS_PER_MS, PS_PER_MS);
    sim.set_costs(ticker, Rc::new(Costs { packet_read_ps, byte_read_ps, ..Costs::default() }));
    sim.start(peer);
    sim.run_until(35 * MS);
    assert!(log.borrow().contains(&(33, "byte")), "{log:?}");
    assert_eq!(sim.processor(ticker).busy_ns, 3 * MS);
}

#[test]
fn only_what_is_over_counts_as_busy() {
    let mut sim = world(1);
    let host = bare_host(&mut sim);
    let busy = |sim: &Sim| sim.processor(host).busy_ns / MS;
    sim.set_costs(host, polls_of(100));
    sim.env(host).spawn(async {});
    sim.run_until(30 * MS);
    assert_eq!(busy(&sim), 30);
    sim.count_processors_from_zero();
    sim.run_until(50 * MS);
    assert_eq!(busy(&sim), 20, "what was begun before goes on");
    sim.pause(host);
    sim.run_until(200 * MS);
    assert_eq!(busy(&sim), 20, "a pause is no work");
    sim.resume(host);
    sim.run_until(230 * MS);
    assert_eq!(busy(&sim), 50);
    sim.crash(host);
    sim.run_until(500 * MS);
    assert_eq!(busy(&sim), 50, "nobody does the rest");
}

/// The mean wait, in units of the service time, of Poisson arrivals that each need one poll.
fn mean_wait(load: f64) -> f64 {
    const SERVICE: Nanos = MS;
    const ARRIVALS: u64 = 300_000;
    let mut sim = world(1);
    let host = bare_host(&mut sim);
    sim.set_costs(host, polls_of(1));
    sim.count_processors_from_zero();
    let mut arrivals = rng::stream(7, "arrivals");
    let mut at = 0.0;
    for _ in 0..ARRIVALS {
        let uniform = (arrivals.next_u32() as f64 + 0.5) / 2_f64.powi(32);
        at -= uniform.ln() * SERVICE as f64 / load;
        sim.run_until(at as Nanos);
        sim.env(host).spawn(async {});
    }
    sim.run_until(at as Nanos + 1_000_000 * SERVICE);
    let stats = sim.processor(host);
    assert_eq!((stats.polls, stats.busy_ns), (ARRIVALS, ARRIVALS * SERVICE));
    stats.waited_ns as f64 / ARRIVALS as f64 / SERVICE as f64
}

/// For Poisson arrivals and a fixed time of service D, queueing theory (M/D/1) gives a mean wait of
/// ρD / (2(1 − ρ)). The tolerances are about three standard errors of 300,000 arrivals: the longer
/// the queue, the longer its memory.
#[test]
fn waits_are_those_of_an_m_d_1_queue() {
    for (load, tolerance) in [(0.3, 0.015), (0.6, 0.02), (0.9, 0.06)] {
        let (wait, theory) = (mean_wait(load), load / (2.0 * (1.0 - load)));
        let error = wait / theory - 1.0;
        assert!(error.abs() < tolerance, "load {load}: {wait:.4}, not {theory:.4} ({error:+.4})");
    }
}

#[test]
fn a_paused_process_does_nothing_while_its_kernel_goes_on() {
    let (mut sim, log) = (world(1), Log::default());
    let ticker = add_ticker(&mut sim, &log);
    let seen = log.clone();
    let peer = sim.add_host("peer", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut stream = env.connect(Addr { node: ticker, port: 1 }).await.expect("up");
            env.sleep(20 * MS).await;
            stream.write_all(b"x").await.expect("the kernel takes it");
            log.borrow_mut().push((env.now() / MS, "sent"));
            std::future::pending().await
        }
    });
    sim.start(peer);
    sim.run_until(35 * MS);
    sim.pause(ticker);
    sim.run_until(99 * MS);
    assert_eq!(log.borrow()[3..], [(30, "tick"), (40, "sent")]);
    assert_eq!(sim.resume(ticker), 2, "a timer that expired, and a byte that arrived");
    assert_eq!(sim.resume(ticker), 0, "it runs already");
    sim.run_until(115 * MS);
    assert_eq!(log.borrow()[5..], [(99, "tick"), (99, "byte"), (109, "tick")]);
    assert_eq!(sim.processor(ticker).longest_wait_ns, 59 * MS);
}

#[test]
fn a_pause_interrupts_the_work_under_way() {
    let (mut sim, log) = (world(1), Log::default());
    let host = bare_host(&mut sim);
    sim.set_costs(host, polls_of(10));
    spawn_noting(&sim, host, &log, "before");
    spawn_noting(&sim, host, &log, "after");
    sim.run_until(4 * MS);
    sim.pause(host);
    sim.run_until(20 * MS);
    assert_eq!(sim.resume(host), 1);
    sim.run_until(100 * MS);
    assert_eq!(*log.borrow(), [(10, "before"), (36, "after")], "6 of 10 ms were left at 20 ms");
}

#[test]
fn a_crash_or_loss_of_power_ends_a_pause() {
    for power in [false, true] {
        let (mut sim, log) = (world(1), Log::default());
        let ticker = add_ticker(&mut sim, &log);
        sim.run_until(15 * MS);
        sim.pause(ticker);
        sim.run_until(50 * MS);
        let torn = if power { sim.lose_power(ticker, false) } else { sim.crash(ticker) };
        assert_eq!(torn.tasks, 2, "the one that is due is dropped like the one that is not");
        sim.run_until(60 * MS);
        sim.pause(ticker);
        sim.start(ticker);
        sim.run_until(75 * MS);
        assert_eq!(sim.resume(ticker), 0, "a process that does not run is not paused either");
        assert_eq!(log.borrow()[2..], [(60, "tick"), (70, "tick")]);
    }
}

#[test]
fn a_crash_frees_the_processor() {
    let (mut sim, log) = (world(1), Log::default());
    let host = bare_host(&mut sim);
    sim.set_costs(host, polls_of(100));
    spawn_noting(&sim, host, &log, "never over");
    spawn_noting(&sim, host, &log, "never begun");
    sim.run_until(10 * MS);
    sim.crash(host);
    sim.set_costs(host, polls_of(1));
    sim.start(host);
    spawn_noting(&sim, host, &log, "behind the program");
    sim.run_until(50 * MS);
    assert_eq!(log.borrow()[1..], [(12, "behind the program")]);
}

#[test]
fn a_world_may_end_while_tasks_wait() {
    let mut sim = world(1);
    let log = Log::default();
    let ticker = add_ticker(&mut sim, &log);
    sim.run_until(15 * MS);
    sim.pause(ticker);
    let env: SimEnv = sim.env(ticker);
    let listener = env.listen(2).expect("the port is free");
    env.spawn(async move { drop(listener) });
    sim.run_until(50 * MS);
    drop(sim);
    assert_eq!(log.borrow().len(), 2);
    world(2).run_until(MS);
}

#[test]
fn a_processor_without_costs_changes_nothing_and_one_with_costs_repeats() {
    let run = |costs: Option<Costs>, seed, random| {
        let (mut sim, log) = (world(seed), Log::default());
        if random {
            sim.schedule_randomly();
        }
        let ticker = add_ticker(&mut sim, &log);
        if let Some(costs) = costs {
            sim.set_costs(ticker, Rc::new(costs));
        }
        for what in ["a", "b", "c", "d", "e", "f"] {
            spawn_noting(&sim, ticker, &log, what);
        }
        sim.run_until(100 * MS);
        (sim.digest(), log.take())
    };
    let costly = || Some(Costs { poll_ps: PS_PER_MS, ..Costs::default() });
    assert_eq!(run(None, 1, false), run(Some(Costs::default()), 1, false));
    assert_eq!(run(costly(), 1, false), run(costly(), 1, false));
    assert_ne!(run(None, 1, false).0, run(costly(), 1, false).0);
    assert_eq!(run(costly(), 1, true), run(costly(), 1, true));
    let order = |seed| run(costly(), seed, true).1.into_iter().map(|(_, w)| w).collect::<String>();
    assert!((2..10).any(|seed| order(seed) != order(1)), "the order is drawn from the seed");
}
