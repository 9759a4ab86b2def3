//! Processes that start, crash, pause, end themselves and panic.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};

use im::env::{Env, TaskHandle};
use imsim::engine::{Foreseen, HostId, Kind, Torn};
use tokio::io::AsyncWriteExt;

use super::programs::{self, dial, tick};
use super::world::{Last, Log, MS, RESTART_AFTER, WHILE, World, port, server};

/// A host that ticks.
fn ticker<W: World>(world: &mut W, log: &Log) -> HostId {
    let said = log.clone();
    world.add_host(server("ticker"), move |env| tick(env, said.clone()))
}

/// Asserts that nothing more is said for a while.
#[track_caller]
fn nothing_is_said<W: World>(world: &mut W, log: &Log) {
    let before = log.len();
    world.live_on(WHILE);
    assert_eq!(log.all()[before..], [""; 0]);
}

pub fn a_crash_ends_all_tasks_and_keeps_the_disk<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let found = env.disk_read("file").await.expect("it works");
            log.say(format!("found {}", String::from_utf8_lossy(&found)));
            env.disk_append("file", b"unsynced").expect("it works");
            tick(env, log).await
        }
    });
    world.start(host);
    world.wait_until("two ticks", || log.count("tick") == 2);
    let torn = world.crash(host);
    assert_eq!(torn, Torn { connections: 0, tasks: 2, disk_bytes: 0 });
    nothing_is_said(&mut world, &log);
    world.start(host);
    world.wait_until("a new run", || log.has("found unsynced"));
    assert_eq!(log.count("found "), 1, "the first run found nothing");
}

pub fn peers_hear_of_a_crash<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let server = world.add_host(server("server"), programs::hold::<W::Env>);
    let said = log.clone();
    let peer = world.add_host(super::world::server("peer"), move |env: W::Env| {
        let log = said.clone();
        async move {
            programs::listen_in(env.clone(), port(server), log.clone()).await;
            // A kernel closes the sockets of a process one after the other, the listener perhaps last.
            while env.connect(port(server)).await.is_ok() {}
            programs::dial_once(env, port(server), log).await;
        }
    });
    world.start(server);
    world.start(peer);
    world.wait_until("the connection", || log.has("connected"));
    world.live_on(WHILE);
    assert_eq!(log.len(), 1);
    assert_eq!(world.crash(server).connections, 1);
    world.wait_until("the end and a refusal", || log.len() == 3);
    assert_eq!(log.all(), ["connected", "over", "connection refused"]);
}

pub fn a_process_starts_and_ends_once<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |_: W::Env| {
        said.say("boot");
        let last = Last(said.clone(), "dropped");
        async move {
            let _last = last;
            pending().await
        }
    });
    world.start(host);
    world.start(host);
    world.wait_until("the boot", || log.has("boot"));
    world.start(host);
    world.live_on(WHILE);
    assert_eq!(log.all(), ["boot"]);
    assert_eq!(world.crash(host).tasks, 1);
    assert_eq!(world.crash(host), Torn::default());
    world.live_on(5 * MS);
    assert_eq!(world.crash(host), Torn::default());
    assert_eq!(log.all(), ["boot", "dropped"]);
    world.start(host);
    world.wait_until("the second boot", || log.count("boot") == 2);
    world.crash(host);
    world.start(host);
    world.wait_until("the third boot", || log.count("boot") == 3);
    nothing_is_said(&mut world, &log);
}

pub fn a_paused_process_does_nothing_until_its_pause_ends<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = ticker(&mut world, &log);
    world.start(host);
    world.wait_until("two ticks", || log.count("tick") == 2);
    assert_eq!(world.resume(host), 0, "it is not paused");
    world.pause(host);
    nothing_is_said(&mut world, &log);
    assert_eq!(world.resume(host), 1, "its timer fell due");
    let before = log.len();
    world.wait_until("ticks", || log.len() > before + 2);
    assert_eq!(world.resume(host), 0, "it runs");
}

pub fn the_end_of_a_process_ends_its_pause<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = ticker(&mut world, &log);
    world.foresee(Foreseen { power_losses: [host].into(), ..Foreseen::default() });
    world.pause(host);
    world.start(host);
    world.wait_until("a tick, since nothing was there to be paused", || log.has("tick"));
    for power in [false, true] {
        world.pause(host);
        world.live_on(30 * MS);
        let torn = if power { world.lose_power(host, false) } else { world.crash(host) };
        assert_eq!(torn.tasks, 2);
        assert_eq!(world.resume(host), 0, "there is nothing to resume");
        nothing_is_said(&mut world, &log);
        world.start(host);
        let before = log.len();
        world.wait_until("ticks", || log.len() > before + 2);
    }
}

pub fn a_process_is_paused_from_the_start<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = ticker(&mut world, &log);
    world.start(host);
    world.pause(host);
    let first = log.len();
    world.live_on(WHILE);
    assert!(log.len() <= first + 1, "what ran before the pause is all that ran");
    let before = log.len();
    world.resume(host);
    world.wait_until("ticks", || log.len() > before + 2);
}

/// The kernel of a paused host goes on and takes connections in. Turmoil's SYN waits for the
/// program.
pub fn a_paused_process_is_dialled_in_vain_or_not_but_never_refused<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let (server, greeted) = (server("server"), log.clone());
    let server = world.add_host(server, move |env: W::Env| {
        let log = greeted.clone();
        async move {
            let mut listener = env.listen(1).expect("the port is free");
            log.say("listening");
            let mut stream = env.accept(&mut listener).await.expect("a connection");
            stream.write_all(b"hello").await.expect("taken");
            pending().await
        }
    });
    let said = log.clone();
    let peer = world.add_host(super::world::server("peer"), move |env: W::Env| {
        let log = said.clone();
        async move {
            match env.connect(port(server)).await {
                Ok(mut stream) => {
                    tokio::io::AsyncReadExt::read_u8(&mut stream).await.expect("a greeting");
                    log.say("greeted");
                }
                Err(error) => log.say(error.kind()),
            }
        }
    });
    world.start(server);
    world.wait_until("the listener", || log.has("listening"));
    world.live_on(5 * MS);
    world.pause(server);
    world.start(peer);
    nothing_is_said(&mut world, &log);
    assert_eq!(world.resume(server), 1);
    world.wait_until("the greeting", || log.has("greeted"));
}

/// A host whose program ends itself at its first run, and ticks at later ones.
fn failing_once<W: World>(world: &mut W, log: &Log) -> HostId {
    let said = log.clone();
    world.add_host(server("failing"), move |env: W::Env| {
        let log = said.clone();
        async move {
            log.say("boot");
            let _last = Last(log.clone(), "dropped");
            if !env.disk_read("ran").await.expect("it works").is_empty() {
                return tick(env, log).await;
            }
            env.disk_append("ran", b"x").expect("it works");
            let (inner, sibling) = (env.clone(), log.clone());
            env.spawn(async move {
                inner.sleep(MS).await;
                sibling.say("a sibling went on");
            });
            log.say(format!("fails at {}", env.now()));
            env.fail_stop("it has to").await;
            log.say("it went on");
        }
    })
}

pub fn a_process_that_ends_itself_is_started_again<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = failing_once(&mut world, &log);
    world.start(host);
    world.wait_until("the second boot", || log.count("boot") == 2);
    let all = log.all();
    let failed = all[1].strip_prefix("fails at ").and_then(|at| at.parse().ok());
    let failed: u64 = failed.unwrap_or_else(|| panic!("{all:?}"));
    assert_eq!(all[2..4], ["dropped", "boot"]);
    assert!(world.now() >= failed + RESTART_AFTER);
    world.wait_until("ticks", || log.count("tick") == 3);
    assert_eq!(world.crash(host).tasks, 2);
    world.wait_until("the end of the second run", || log.count("dropped") == 2);
    nothing_is_said(&mut world, &log);
}

pub fn the_supervisor_does_nothing_for_what_was_started_or_crashed_meanwhile<W: World>() {
    for start in [false, true] {
        let (mut world, log) = (W::new(), Log::default());
        let host = failing_once(&mut world, &log);
        world.start(host);
        while !log.has("dropped") {
            world.live_on(MS);
        }
        if log.count("boot") == 2 {
            continue; // A machine so slow that the wait is over proves nothing.
        }
        if start {
            world.start(host);
            world.wait_until("the second boot", || log.count("boot") == 2);
        } else {
            assert_eq!(world.crash(host), Torn::default(), "it runs no more");
        }
        world.live_on(2 * RESTART_AFTER);
        assert_eq!(log.count("boot"), 1 + usize::from(start), "{:?}", log.all());
        assert!(!log.has("it went on") && !log.has("a sibling went on"), "{:?}", log.all());
    }
}

pub fn an_aborted_task_is_dropped<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let last = Last(log.clone(), "dropped");
            let (inner, ticking) = (env.clone(), log.clone());
            let task = env.spawn(async move {
                let _last = last;
                loop {
                    ticking.say("tick");
                    inner.sleep(5 * MS).await;
                }
            });
            let never = log.clone();
            let unpolled = env.spawn(async move { never.say("it was polled") });
            unpolled.abort();
            while log.count("tick") < 2 {
                env.sleep(MS).await;
            }
            log.say("abort");
            task.abort();
        }
    });
    world.start(host);
    world.wait_until("the drop", || log.has("dropped"));
    assert_eq!(log.all()[log.len() - 2..], ["abort", "dropped"]);
    assert!(!log.has("it was polled"));
    nothing_is_said(&mut world, &log);
    assert_eq!(world.crash(host).tasks, 0, "the program has ended, too");
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("on purpose, in a drop");
        }
    }
}

pub fn a_panic_surfaces<W: World>() {
    fn surfaces<W: World, F: Future<Output = ()> + 'static>(
        which: &str,
        program: impl Fn(W::Env) -> F + Send + Sync + 'static,
    ) {
        let mut world = W::new();
        let host = world.add_host(server("host"), program);
        let lives = catch_unwind(AssertUnwindSafe(|| {
            world.start(host);
            world.live_on(5_000 * MS);
            world.crash(host);
            world.live_on(5_000 * MS);
        }));
        assert!(lives.is_err(), "no panic surfaced: {which}");
    }
    surfaces::<W, _>("in a program", |_| async { panic!("on purpose") });
    surfaces::<W, _>("in a task, later", |env: W::Env| async move {
        let inner = env.clone();
        env.spawn(async move {
            inner.sleep(5 * MS).await;
            panic!("on purpose, later")
        });
        pending().await
    });
    surfaces::<W, std::future::Ready<()>>("at boot", |_| panic!("on purpose, at boot"));
    if W::KIND == Kind::Sim {
        return; // Its executor aborts the program when a destructor panics.
    }
    surfaces::<W, _>("while a task is dropped", |_| {
        let bomb = Bomb;
        async move {
            let _bomb = bomb;
            pending().await
        }
    });
}

pub fn a_world_ends_whatever_its_programs_do<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let server = world.add_host(server("server"), programs::hold::<W::Env>);
    let said = log.clone();
    let host = world.add_host(super::world::server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let mut stream = dial(&env, port(server)).await;
            let (last, inner) = (Last(log.clone(), "blocked in a write"), env.clone());
            env.spawn(async move {
                let _last = last;
                loop {
                    stream.write_all(&[0; 10_000]).await.expect("it is taken, or waits");
                }
            });
            let last = Last(log.clone(), "busy with its disk");
            env.spawn(async move {
                let _last = last;
                loop {
                    inner.disk_append("file", &[0; 1_000]).expect("it works");
                    inner.disk_sync("file").await.expect("it works");
                }
            });
            let last = Last(log.clone(), "asleep");
            let inner = env.clone();
            env.spawn(async move {
                let _last = last;
                inner.sleep_until(u64::MAX).await;
            });
            log.say("busy");
            pending().await
        }
    });
    let paused = ticker(&mut world, &log);
    for host in [server, host, paused] {
        world.start(host);
    }
    world.wait_until("work", || log.has("busy"));
    world.live_on(50 * MS);
    world.pause(paused);
    drop(world);
    for last in ["blocked in a write", "busy with its disk", "asleep"] {
        assert!(log.has(last), "not dropped: {last}");
    }
}
