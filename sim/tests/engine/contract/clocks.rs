//! Timers and wall clocks.

use std::future::{pending, ready};

use im::env::{Env, Nanos};
use imsim::engine::HostId;

use super::world::{Log, MS, World, server};

pub fn timers_are_never_early<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            for span in [0, 1, 999, 300_000, 999_999, 1_000_000, 1_000_001, 7_654_321] {
                for _ in 0..10 {
                    let at = env.now() + span;
                    env.sleep_until(at).await;
                    assert!(env.now() >= at, "{span} ns: {} ns early", at - env.now());
                    let pending = env.timeout(span, pending::<()>()).await;
                    assert!(pending.is_none() && env.now() >= at + span);
                }
            }
            env.sleep_until(env.now() - 1).await;
            log.say("all");
        }
    });
    world.start(host);
    world.wait_until("all timers", || log.has("all"));
}

pub fn work_wins_over_its_timeout<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            assert_eq!(env.timeout(0, ready(1)).await, Some(1));
            let at = env.now() + 3 * MS;
            let (work, clock) = (env.sleep_until(at), env.sleep_until(at));
            clock.await;
            assert_eq!(env.timeout(0, work).await, Some(()));
            log.say("all");
        }
    });
    world.start(host);
    world.wait_until("both", || log.has("all"));
}

/// A reading of a wall clock lies between two of the true time, in nanoseconds.
struct Reading {
    before: Nanos,
    wall_ms: u64,
    after: Nanos,
}

/// The last reading that the program has told of.
fn last(log: &Log) -> Reading {
    let all = log.all();
    let said = all.last().expect("it has looked");
    let numbers: Vec<u64> = said.split(' ').map(|each| each.parse().expect("numbers")).collect();
    Reading { before: numbers[0], wall_ms: numbers[1], after: numbers[2] }
}

/// A reading that the program takes from now on.
fn next<W: World>(world: &mut W, log: &Log) -> Reading {
    let before = log.len();
    world.wait_until("a look at the clock", || log.len() > before + 1);
    last(log)
}

fn watcher<W: World>(world: &mut W, log: &Log) -> HostId {
    let said = log.clone();
    world.add_host(server("watcher"), move |env: W::Env| {
        let log = said.clone();
        async move {
            loop {
                let (before, wall_ms, after) = (env.now(), env.wall_ms(), env.now());
                log.say(format!("{before} {wall_ms} {after}"));
                env.sleep(5 * MS).await;
            }
        }
    })
}

pub fn a_wall_clock_steps_and_drifts_and_counts_its_readers<W: World>() {
    /// 2026-01-01T00:00:00Z, which is when worlds begin.
    const BEGIN_MS: u64 = 1_767_225_600_000;
    let (mut world, log) = (W::new(), Log::default());
    let host = watcher(&mut world, &log);
    world.start(host);
    let is_between = |reading: &Reading, least: i128, most: i128| {
        let shown = i128::from(reading.wall_ms - BEGIN_MS);
        let least = (i128::from(reading.before) + least).div_euclid(1_000_000);
        let most = (i128::from(reading.after) + most).div_euclid(1_000_000);
        assert!(least <= shown && shown <= most, "{least} <= {shown} <= {most}");
    };
    is_between(&next(&mut world, &log), 0, 0);
    world.step_clock(host, 5_000);
    is_between(&next(&mut world, &log), 5_000_000_000, 5_000_000_000);
    world.step_clock(host, -5_000);
    let earliest = world.now();
    world.set_clock_drift(host, 500_000);
    let latest = world.now();
    world.live_on(100 * MS);
    let reading = next(&mut world, &log);
    let gained = |since: Nanos, now: Nanos| i128::from(now.saturating_sub(since)) / 2;
    let least = gained(latest, reading.before) - 1;
    is_between(&reading, least, gained(earliest, reading.after) + 1);
    assert!(least >= 50_000_000, "it has gained half of 100 ms");
    world.pause(host);
    let (reads, looks) = (world.clock_reads(host), log.len() as u64);
    assert!(reads == looks, "{reads} reads, {looks} looks");
}
