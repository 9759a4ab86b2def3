//! Cuts, delays, and machines without power.

use std::future::pending;

use im::env::{Env, Nanos};
use imsim::engine::{Condition, Foreseen, HostId, Kind, Where};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::programs::{self, dial};
use super::world::{Log, MS, WHILE, World, port, server};

/// An echo on one host, and a host that pings it.
fn echo_and_ping<W: World>(world: &mut W, log: &Log) -> (HostId, HostId) {
    let echo = world.add_host(server("echo"), programs::echo::<W::Env>);
    let said = log.clone();
    let ping =
        world.add_host(server("ping"), move |env| programs::ping(env, port(echo), said.clone()));
    (echo, ping)
}

/// A host that dials, and is refused for as long as nobody listens.
fn dialler<W: World>(world: &mut W, to: HostId, log: &Log) -> HostId {
    let said = log.clone();
    world.add_host(server(&format!("dialler of {to}")), move |env| {
        programs::dial_aloud(env, port(to), said.clone())
    })
}

pub fn nothing_passes_a_cut<W: World>() {
    let (mut world, log, dialled) = (W::new(), Log::default(), Log::default());
    let (echo, ping) = echo_and_ping(&mut world, &log);
    let dialler = dialler(&mut world, echo, &dialled);
    let cut = Condition::Cut([echo].into(), [ping, dialler].into());
    world.foresee(Foreseen { conditions: vec![cut.clone()], ..Foreseen::default() });
    world.start(echo);
    world.start(ping);
    world.wait_until("echoes", || log.count("echo") >= 3);
    let cut = world.impose(cut);
    // What the program has read already it may still say.
    world.live_on(5 * MS);
    let before = log.len();
    world.start(dialler);
    world.live_on(2 * WHILE);
    assert!(log.len() <= before + 1, "nothing comes through, and nothing ends");
    assert_eq!(dialled.all(), [""; 0], "a dial waits as for SYNs that are lost");
    let touched = world.lift(cut);
    match W::KIND {
        Kind::Turmoil => assert_eq!(touched, None),
        Kind::Sim | Kind::Live => assert!(touched.is_some_and(|touched| touched >= 2)),
    }
    world.wait_until("the dial", || dialled.has("connected"));
    if W::KIND == Kind::Turmoil {
        // What was swallowed is not sent again.
        world.live_on(1_000 * MS);
        assert!(log.len() <= before + 1, "the stream stays silent");
    } else {
        world.wait_until("echoes again", || log.len() >= before + 3);
    }
}

pub fn a_cut_in_one_direction_leaves_the_other<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let talker = world.add_host(server("talker"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let mut listener = env.listen(1).expect("the port is free");
            let stream = env.accept(&mut listener).await.expect("a connection");
            let (mut reading, mut writing) = tokio::io::split(stream);
            let heard = log.clone();
            env.spawn(async move {
                while reading.read_u8().await.is_ok() {
                    heard.say("talker heard");
                }
            });
            while writing.write_all(b"x").await.is_ok() {
                env.sleep(20 * MS).await;
            }
        }
    });
    let said = log.clone();
    let other = world.add_host(server("other"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let stream = dial(&env, port(talker)).await;
            let (mut reading, mut writing) = tokio::io::split(stream);
            let heard = log.clone();
            env.spawn(async move {
                while reading.read_u8().await.is_ok() {
                    heard.say("other heard");
                }
            });
            while writing.write_all(b"x").await.is_ok() {
                env.sleep(20 * MS).await;
            }
        }
    });
    let cut = Condition::CutOneWay([other].into(), [talker].into());
    world.foresee(Foreseen { conditions: vec![cut.clone()], ..Foreseen::default() });
    world.start(talker);
    world.start(other);
    world.wait_until("talk", || log.has("talker heard") && log.has("other heard"));
    let id = world.impose(cut);
    world.live_on(5 * MS);
    let (talker_heard, other_heard) = (log.count("talker heard"), log.count("other heard"));
    world.wait_until("the open way", || log.count("other heard") > other_heard + 1);
    world.live_on(WHILE);
    assert!(log.count("talker heard") <= talker_heard + 1, "its way is cut");
    world.lift(id);
    if W::KIND != Kind::Turmoil {
        world.wait_until("the way back", || log.count("talker heard") > talker_heard + 2);
    }
}

pub fn a_delay_holds_in_both_directions<W: World>() {
    const BY: Nanos = 60 * MS;
    let (mut world, log) = (W::new(), Log::default());
    let echo = world.add_host(server("echo"), programs::echo::<W::Env>);
    let said = log.clone();
    let ping = world.add_host(server("ping"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let mut stream = dial(&env, port(echo)).await;
            loop {
                let delayed = log.has("delayed");
                let sent = env.now();
                stream.write_all(b"x").await.expect("taken");
                stream.read_u8().await.expect("an echo");
                let took = env.now() - sent;
                assert!(!delayed || log.has("over") || took >= 2 * BY, "back after {took} ns");
                log.say(if delayed { "late" } else { "echo" });
                env.sleep(MS).await;
            }
        }
    });
    let delay = Condition::Delay(Where::Hosts([ping].into()), BY);
    world.foresee(Foreseen { conditions: vec![delay.clone()], ..Foreseen::default() });
    world.start(echo);
    world.start(ping);
    world.wait_until("echoes", || log.count("echo") >= 3);
    let id = world.impose(delay);
    log.say("delayed");
    world.wait_until("late echoes", || log.count("late") >= 3);
    log.say("over");
    let touched = world.lift(id);
    assert_eq!(touched.is_some_and(|touched| touched > 0), W::KIND != Kind::Turmoil);
    let before = log.count("late");
    world.wait_until("more", || log.count("late") >= before + 5);
}

pub fn peers_hear_nothing_of_a_machine_without_power<W: World>() {
    let (mut world, log, dialled) = (W::new(), Log::default(), Log::default());
    let dark = world.add_host(server("dark"), programs::echo::<W::Env>);
    let said = log.clone();
    let peer = world.add_host(server("peer"), move |env: W::Env| {
        let log = said.clone();
        async move {
            programs::listen_in(env, port(dark), log).await;
            pending().await
        }
    });
    let dialler = dialler(&mut world, dark, &dialled);
    world.foresee(Foreseen { power_losses: [dark].into(), ..Foreseen::default() });
    world.start(dark);
    world.start(peer);
    world.wait_until("the connection", || log.has("connected"));
    world.live_on(50 * MS);
    let torn = world.lose_power(dark, false);
    assert_eq!((torn.connections, torn.tasks), (1, 2));
    world.start(dialler);
    world.live_on(2 * WHILE);
    assert_eq!((log.all().as_slice(), dialled.len()), (&["connected".to_owned()][..], 0));
    world.start(dark);
    world.wait_until("the dial", || dialled.has("connected"));
}

pub fn machines_lose_power_each_for_itself<W: World>() {
    let mut world = W::new();
    let hosts: [HostId; 2] =
        ["one", "other"].map(|name| world.add_host(server(name), programs::hold::<W::Env>));
    let logs = [Log::default(), Log::default()];
    let [to_one, to_other] = [0, 1].map(|place| dialler(&mut world, hosts[place], &logs[place]));
    world.foresee(Foreseen { power_losses: hosts.into(), ..Foreseen::default() });
    for host in hosts {
        world.start(host);
    }
    world.live_on(50 * MS);
    for host in hosts {
        assert_eq!(world.lose_power(host, false).tasks, 1);
        assert_eq!(world.lose_power(host, false).tasks, 0, "it is off already");
    }
    world.start(to_one);
    world.start(to_other);
    world.start(hosts[0]);
    world.wait_until("the one that is on", || logs[0].has("connected"));
    world.live_on(2 * WHILE);
    assert_eq!(logs[1].len(), 0, "the other one is not");
    world.start(hosts[1]);
    world.wait_until("the other one", || logs[1].has("connected"));
}
