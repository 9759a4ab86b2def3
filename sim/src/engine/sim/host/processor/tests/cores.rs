//! Hosts that share the cores of one machine: exact virtual times, theory, and that no core is lost.

use im::env::Work;

use super::*;
use crate::engine::sim::CoreStats;

/// A world whose hosts share so many cores.
fn shared(cores: u32) -> Sim {
    let mut sim = world(1);
    sim.share_cores(cores);
    sim
}

/// Running hosts without a program, whose polls cost so much.
fn hosts(sim: &mut Sim, count: usize, poll_ms: u64) -> Vec<HostId> {
    let add = |_| {
        let host = bare_host(sim);
        sim.set_costs(host, polls_of(poll_ms));
        host
    };
    let hosts = (0..count).map(add).collect();
    sim.count_processors_from_zero();
    hosts
}

fn busy_ms(sim: &Sim) -> u64 {
    let CoreStats { busy_ns } = sim.cores().expect("they are shared");
    busy_ns / MS
}

#[test]
fn hosts_on_one_core_take_turns_and_on_two_they_run_side_by_side() {
    let times = |cores| {
        let (mut sim, log) = (shared(cores), Log::default());
        let hosts = hosts(&mut sim, 2, 5);
        for (host, what) in [(0, "a1"), (0, "a2"), (1, "b1"), (1, "b2")] {
            spawn_noting(&sim, hosts[host], &log, what);
        }
        sim.run_until(100 * MS);
        let waited_ms = |host| sim.processor(hosts[host]).waited_ns / MS;
        assert_eq!(busy_ms(&sim), 20);
        (log.take(), waited_ms(0), waited_ms(1))
    };
    assert_eq!(times(1), (vec![(5, "a1"), (10, "b1"), (15, "a2"), (20, "b2")], 10, 20));
    assert_eq!(times(2), (vec![(5, "a1"), (5, "b1"), (10, "a2"), (10, "b2")], 5, 5));
    assert_eq!(times(3), times(2), "a host never has two cores");
}

#[test]
fn whoever_has_waited_longest_goes_next() {
    let (mut sim, log) = (shared(2), Log::default());
    let hosts = hosts(&mut sim, 4, 10);
    for (at, host, what) in [(0, 0, "a"), (4, 1, "b"), (6, 3, "d"), (8, 2, "c"), (9, 0, "again")] {
        sim.run_until(at * MS);
        spawn_noting(&sim, hosts[host], &log, what);
    }
    sim.run_until(100 * MS);
    let expected = [(10, "a"), (14, "b"), (20, "d"), (24, "c"), (30, "again")];
    assert_eq!(*log.borrow(), expected, "`again` needs its host first, and queues behind `c`");
}

#[test]
fn a_core_that_ran_another_host_takes_longer_and_a_host_prefers_its_last() {
    let times = |cores| {
        let (mut sim, log) = (shared(cores), Log::default());
        let hosts = hosts(&mut sim, 2, 0);
        let costs = Costs { poll_ps: 5 * PS_PER_MS, switch_ps: PS_PER_MS, ..Costs::default() };
        hosts.iter().for_each(|host| sim.set_costs(*host, Rc::new(costs.clone())));
        for (at, host, what) in [(0, 0, "a1"), (0, 1, "b1"), (50, 1, "b2"), (50, 0, "a2")] {
            sim.run_until(at * MS);
            spawn_noting(&sim, hosts[host], &log, what);
        }
        sim.run_until(100 * MS);
        log.take()
    };
    assert_eq!(times(1), [(5, "a1"), (11, "b1"), (55, "b2"), (61, "a2")]);
    assert_eq!(times(2), [(5, "a1"), (5, "b1"), (55, "b2"), (55, "a2")]);
}

#[test]
fn what_costs_nothing_needs_no_core() {
    let (mut sim, log) = (shared(1), Log::default());
    let (busy, free) = (hosts(&mut sim, 1, 10)[0], bare_host(&mut sim));
    let idle = hosts(&mut sim, 1, 0)[0];
    spawn_noting(&sim, busy, &log, "busy");
    sim.run_until(3 * MS);
    spawn_noting(&sim, free, &log, "free");
    spawn_noting(&sim, idle, &log, "without costs");
    sim.run_until(50 * MS);
    assert_eq!(*log.borrow(), [(10, "busy"), (3, "free"), (3, "without costs")]);
}

#[test]
fn a_pause_gives_the_core_away_and_its_end_asks_for_one() {
    let (mut sim, log) = (shared(1), Log::default());
    let hosts = hosts(&mut sim, 2, 10);
    for (host, what) in [(0, "a1"), (0, "a2"), (1, "b1"), (1, "b2")] {
        spawn_noting(&sim, hosts[host], &log, what);
    }
    sim.run_until(4 * MS);
    sim.pause(hosts[0]);
    sim.run_until(6 * MS);
    assert_eq!(sim.resume(hosts[0]), 1, "the second task waits; the first was under way");
    sim.run_until(100 * MS);
    // b1 goes from 4 to 14, then the rest of a1 until 20, b2 until 30 and a2 until 40.
    assert_eq!(*log.borrow(), [(10, "a1"), (14, "b1"), (30, "b2"), (40, "a2")]);
    assert_eq!(busy_ms(&sim), 40);
}

#[test]
fn a_paused_host_does_not_stand_in_the_queue() {
    let (mut sim, log) = (shared(1), Log::default());
    let hosts = hosts(&mut sim, 3, 10);
    for (host, what) in [(0, "a"), (1, "b"), (2, "c")] {
        spawn_noting(&sim, hosts[host], &log, what);
    }
    sim.run_until(5 * MS);
    sim.pause(hosts[1]);
    sim.run_until(12 * MS);
    sim.resume(hosts[1]);
    sim.run_until(100 * MS);
    assert_eq!(*log.borrow(), [(10, "a"), (20, "c"), (30, "b")]);
}

#[test]
fn what_a_second_pause_leaves_of_a_poll_is_not_lost() {
    let (mut sim, log) = (shared(1), Log::default());
    let hosts = hosts(&mut sim, 2, 10);
    spawn_noting(&sim, hosts[0], &log, "a1");
    spawn_noting(&sim, hosts[0], &log, "a2");
    spawn_noting(&sim, hosts[1], &log, "b");
    for (at, paused) in [(4, true), (5, false), (7, true), (8, false)] {
        sim.run_until(at * MS);
        if paused {
            sim.pause(hosts[0]);
        } else {
            sim.resume(hosts[0]);
        }
    }
    sim.run_until(100 * MS);
    // b has the core from 4 to 14; what is left of a1 takes until 20, and a2 follows it.
    assert_eq!(*log.borrow(), [(10, "a1"), (14, "b"), (30, "a2")]);
}

#[test]
fn a_crash_gives_the_core_and_the_place_in_the_queue_away() {
    for power in [false, true] {
        let (mut sim, log) = (shared(1), Log::default());
        let hosts = hosts(&mut sim, 3, 10);
        for (host, what) in [(0, "a"), (1, "b"), (2, "c"), (2, "c again")] {
            spawn_noting(&sim, hosts[host], &log, what);
        }
        sim.run_until(4 * MS);
        for host in [1, 0] {
            if power {
                sim.lose_power(hosts[host], false);
            } else {
                sim.crash(hosts[host]);
            }
        }
        sim.run_until(100 * MS);
        assert_eq!(*log.borrow(), [(10, "a"), (14, "c"), (24, "c again")]);
        assert_eq!(busy_ms(&sim), 24, "six of the ten were never had");
    }
}

#[test]
fn a_process_that_ends_itself_leaves_its_core() {
    let (mut sim, log) = (shared(1), Log::default());
    let hosts = hosts(&mut sim, 2, 10);
    let env = sim.env(hosts[0]);
    env.clone().spawn(async move {
        env.fail_stop("tired").await;
    });
    spawn_noting(&sim, hosts[1], &log, "next");
    sim.run_until(100 * MS);
    assert_eq!(*log.borrow(), [(10, "next")]);
}

/// The mean wait, in units of the mean service time, of Poisson arrivals with exponential times of
/// service, each on a host that has nothing else to do.
fn mean_wait_exponential(cores: u32, load: f64) -> f64 {
    const SERVICE: Nanos = MS;
    const ARRIVALS: u64 = 300_000;
    /// So many that nobody waits for a host.
    const HOSTS: usize = 2_000;
    let mut sim = shared(cores);
    let mut costs = Costs::default();
    costs.work_ps[Work::StoreRow as usize] = PS_PER_NS;
    let (hosts, costs) = (hosts(&mut sim, HOSTS, 0), Rc::new(costs));
    hosts.iter().for_each(|host| sim.set_costs(*host, costs.clone()));
    let mut draws = rng::stream(7, "arrivals");
    let mut exponential = |mean: f64| {
        let uniform = (draws.next_u32() as f64 + 0.5) / 2_f64.powi(32);
        -uniform.ln() * mean
    };
    let mut at = sim.now() as f64;
    for arrival in 0..ARRIVALS {
        at += exponential(SERVICE as f64 / load / f64::from(cores));
        sim.run_until(at as Nanos);
        let env = sim.env(hosts[arrival as usize % HOSTS]);
        let service = exponential(SERVICE as f64) as u64;
        env.clone().spawn(async move { env.work(Work::StoreRow, service) });
    }
    sim.run_until(at as Nanos + 1_000_000 * SERVICE);
    let stats = hosts.iter().map(|host| sim.processor(*host));
    let waited_ns: Nanos = stats.map(|stats| stats.waited_ns).sum();
    waited_ns as f64 / ARRIVALS as f64 / SERVICE as f64
}

/// The same by queueing theory (M/M/c): Erlang's C, the probability that an arrival waits, over
/// c(1 − ρ).
fn erlang_wait(cores: u32, load: f64) -> f64 {
    let offered = f64::from(cores) * load;
    // Erlang's B, by its recursion over the number of servers.
    let blocked = |blocked, servers| offered * blocked / (f64::from(servers) + offered * blocked);
    let blocked: f64 = (1..=cores).fold(1.0, blocked);
    let waits = blocked / (1.0 - load * (1.0 - blocked));
    waits / f64::from(cores) / (1.0 - load)
}

/// The tolerances are two to three standard errors of 300,000 arrivals.
#[test]
fn waits_for_cores_are_those_of_an_m_m_c_queue() {
    assert_eq!(erlang_wait(1, 0.5), 1.0, "one server: ρ / (1 − ρ)");
    assert!((erlang_wait(2, 0.5) - 1.0 / 3.0).abs() < 1e-12, "two servers: ρ² / (1 − ρ²)");
    let cases = [(1, 0.5, 0.03), (2, 0.3, 0.05), (2, 0.8, 0.05), (4, 0.7, 0.05)];
    for (cores, load, tolerance) in cases {
        let (wait, theory) = (mean_wait_exponential(cores, load), erlang_wait(cores, load));
        let error = wait / theory - 1.0;
        let found = format!("{wait:.4}, not {theory:.4} ({error:+.4})");
        assert!(error.abs() < tolerance, "{cores} cores at load {load}: {found}");
    }
}

/// Hosts that work, are paused, crash and start again at random; then they are let alone.
fn turmoil(seed: u64) -> (u64, Vec<(u64, &'static str)>) {
    let (mut sim, log) = (world(seed), Log::default());
    sim.share_cores(2);
    if seed.is_multiple_of(2) {
        sim.schedule_randomly();
    }
    let hosts = hosts(&mut sim, 5, 3);
    let mut draws = rng::stream(seed, "turmoil");
    for _ in 0..400 {
        let until = sim.now() + rng::below(&mut draws, 4 * MS);
        sim.run_until(until);
        let host = hosts[rng::below(&mut draws, 5) as usize];
        match rng::below(&mut draws, 10) {
            0 => drop(sim.crash(host)),
            1 | 2 => sim.start(host),
            3 => sim.pause(host),
            4 | 5 => drop(sim.resume(host)),
            _ => spawn_noting(&sim, host, &log, "in the turmoil"),
        }
    }
    for host in &hosts {
        sim.start(*host);
        sim.resume(*host);
    }
    let calm = (sim.now() / MS + 10_000) * MS;
    sim.run_until(calm);
    for host in &hosts {
        spawn_noting(&sim, *host, &log, "in the calm");
    }
    sim.run_until(calm + 1_000 * MS);
    let log = log.take();
    let took_ms: Vec<u64> = log[log.len() - 5..].iter().map(|(at, _)| at - calm / MS).collect();
    assert_eq!(took_ms, [3, 3, 6, 6, 9], "two cores for five hosts, seed {seed}");
    (sim.digest(), log)
}

#[test]
fn no_core_is_lost_in_any_turmoil_and_all_of_it_repeats() {
    for seed in 0..50 {
        assert_eq!(turmoil(seed), turmoil(seed));
    }
    assert_ne!(turmoil(1), turmoil(3));
}

#[test]
#[should_panic(expected = "cores are shared from the start")]
fn cores_cannot_be_shared_once_something_runs() {
    let mut sim = world(1);
    bare_host(&mut sim);
    sim.share_cores(1);
}
