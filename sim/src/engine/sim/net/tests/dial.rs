//! How streams come about: refusals, half-made connections, accept queues.

use std::collections::BTreeSet;

use im::env::{Addr, Env};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Log, MS, S, add_echo, add_pinger, entry, lines, note, world};
use crate::engine::sim::*;

#[test]
fn nobody_listening_is_refused_after_a_round_trip() {
    let (mut sim, log) = (world(0), Log::default());
    let silent = sim.add_host("silent", LinkKind::Backend, MS, |_| async {});
    sim.start(silent);
    add_pinger(&mut sim, silent, S, &log);
    sim.run_until(S);
    assert_eq!(lines(&log), [entry(20, "ConnectionRefused")]);
}

/// 200 clients dial a port with a backlog of 16, whose program begins to accept after 3 s.
fn crowd(syn_cookies: bool, speaks_first: bool) -> (Vec<u64>, Vec<u64>) {
    let (mut sim, log) = (world(0), Log::default());
    sim.set_accept_queue(AcceptQueue { backlog: 16, syn_cookies });
    let server = sim.add_host("server", LinkKind::Backend, MS, |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        env.sleep(3 * S).await;
        while let Ok(mut stream) = env.accept(&mut listener).await {
            env.spawn(async move {
                let _ = stream.write_all(b"hello").await;
                let _ = stream.read_u8().await;
                std::future::pending::<()>().await;
            });
        }
    });
    sim.start(server);
    for _ in 0..200 {
        let seen = log.clone();
        let client = sim.add_host("client", LinkKind::Backend, MS, move |env| {
            let log = seen.clone();
            async move {
                let Ok(mut stream) = env.connect(Addr { node: server, port: 1 }).await else {
                    return note(&log, &env, "refused");
                };
                note(&log, &env, "connected");
                if speaks_first {
                    stream.write_all(b"x").await.expect("open");
                }
                if stream.read_u8().await.is_ok() {
                    note(&log, &env, "served");
                }
                std::future::pending::<()>().await;
            }
        });
        sim.start(client);
    }
    sim.run_until(120 * S);
    let at = |what: &str| {
        let of = |(at, line): (u64, String)| (line == what).then_some(at);
        lines(&log).into_iter().filter_map(of).collect::<Vec<u64>>()
    };
    (at("connected"), at("served"))
}

#[test]
fn with_syn_cookies_everybody_connects_at_once_and_herds_are_served_as_they_speak_again() {
    let (connected, served) = crowd(true, true);
    assert_eq!(connected, vec![20; 200]);
    assert_eq!(served.len(), 200);
    let first = served.iter().filter(|at| (3_000..3_100).contains(*at)).count();
    assert_eq!(first, 17, "the queue of backlog + 1");
    // The others' first bytes come again at about R·2^k: 3.7, 7.5, 15, 29.5 s.
    let herds = [(3_600, 3_900), (7_200, 7_900), (14_400, 15_800), (28_800, 31_500)];
    let in_herds = served.iter().filter(|at| herds.iter().any(|(a, b)| (a..b).contains(at)));
    assert_eq!(in_herds.count(), 183, "{served:?}");
    let (connected, served) = crowd(true, false);
    assert_eq!((connected.len(), served.len()), (200, 17), "who waits for a banner hangs");
}

#[test]
fn without_syn_cookies_dials_are_taken_in_as_many_at_a_time_as_the_queue_holds() {
    let (connected, _) = crowd(false, true);
    // A dialler has eleven tries; whoever is never taken in times out after 133 s.
    assert_eq!(connected.len(), 9 * 17, "{connected:?}");
    for (second, count) in [(20, 17), (3_120, 17), (4_120, 17), (5_120, 17), (7_120, 17)] {
        let at = connected.iter().filter(|at| **at == second).count();
        assert_eq!(at, count, "at {second} ms: {connected:?}");
    }
}

#[test]
fn a_listener_that_lost_its_power_knows_nothing_of_half_made_connections() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    add_pinger(&mut sim, echo, S, &log);
    sim.run_until(15 * MS);
    // The SYN is answered; the dialler's ack finds the machine gone.
    sim.lose_power(echo, false);
    sim.run_until(S);
    sim.start(echo);
    sim.run_until(20 * S);
    let [connected, failed] = &lines(&log)[..] else { panic!("{:?}", lines(&log)) };
    assert_eq!((connected.1.as_str(), failed.1.as_str()), ("connected", "ConnectionReset"));
    let again = Log::default();
    add_pinger(&mut sim, echo, S, &again);
    sim.run_until(22 * S);
    assert_eq!(lines(&again)[..2], [entry(20_020, "connected"), entry(20_040, "echo 0")]);
}

#[test]
fn a_port_that_is_opened_again_resets_what_the_one_before_had_half_made() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    add_pinger(&mut sim, echo, S, &log);
    // The SYN is answered at 10 ms; the dialler's ack comes at 30 ms.
    sim.run_until(15 * MS);
    sim.crash(echo);
    sim.start(echo);
    sim.run_until(S);
    assert_eq!(lines(&log), [entry(20, "connected"), entry(40, "ConnectionReset")]);
}

#[test]
fn a_port_that_is_opened_again_takes_a_repeated_syn_as_a_new_one() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    let pinger = add_pinger(&mut sim, echo, S, &log);
    let cut = sim.impose(Condition::CutOneWay(BTreeSet::from([echo]), BTreeSet::from([pinger])));
    sim.run_until(15 * MS);
    assert_eq!(sim.lift(cut), 1, "the answer");
    sim.crash(echo);
    sim.start(echo);
    sim.run_until(1_500 * MS);
    assert_eq!(lines(&log), [entry(1_020, "connected"), entry(1_040, "echo 0")]);
}

#[test]
fn a_dialler_that_is_gone_leaves_its_place_to_the_next_one() {
    let (mut sim, log) = (world(0), Log::default());
    sim.set_accept_queue(AcceptQueue { backlog: 0, syn_cookies: false });
    let echo = add_echo(&mut sim);
    let first = add_pinger(&mut sim, echo, S, &Log::default());
    sim.run_until(15 * MS);
    sim.lose_power(first, false);
    sim.run_until(S);
    add_pinger(&mut sim, echo, S, &log);
    sim.run_until(1_500 * MS);
    assert_eq!(lines(&log), [entry(1_020, "connected"), entry(1_040, "echo 0")]);
}

/// SYNs leave at the kernel's times whatever becomes of the earlier ones: the first arrives late, at a
/// machine without power, and what leaves next is lost.
#[test]
fn a_syn_that_arrives_late_and_in_vain_does_not_hold_up_those_behind_it() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    sim.run_until(MS);
    sim.lose_power(echo, false);
    let everywhere = Where::Links(LinkKind::Backend);
    let late = sim.impose(Condition::Delay(everywhere, 4 * S));
    let pinger = add_pinger(&mut sim, echo, S, &log);
    sim.run_until(4 * S);
    assert_eq!(sim.lift(late), 4, "SYNs at 0, 1, 2 and 3.1 s");
    let cut = sim.impose(Condition::Cut(BTreeSet::from([echo]), BTreeSet::from([pinger])));
    sim.run_until(8 * S);
    assert_eq!(sim.lift(cut), 3, "and at 4.1, 5.1 and 7.1 s");
    sim.start(echo);
    sim.run_until(12 * S);
    // The last of the late ones came at 7.1 s; the next leaves 11.2 s after the first, at 1 ms.
    assert_eq!(lines(&log)[..2], [entry(11_221, "connected"), entry(11_241, "echo 0")]);
}

#[test]
fn syns_on_a_path_longer_than_their_timer_make_one_connection() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    let late = sim.impose(Condition::Delay(Where::Links(LinkKind::Backend), 2 * S));
    add_pinger(&mut sim, echo, 100 * S, &log);
    sim.run_until(20 * S);
    // 2.01 s each way; SYNs leave at 0, 1, 2, 3.1 s, and all are answered.
    assert_eq!(lines(&log), [entry(4_020, "connected"), entry(8_040, "echo 0")]);
    let syns_answers_and_acks = 3 * 4;
    let and_the_echo_with_acks = 4;
    assert_eq!(sim.lift(late), syns_answers_and_acks + and_the_echo_with_acks);
}

#[test]
fn a_machine_that_lost_its_power_takes_a_repeated_syn_as_a_new_one() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    let pinger = add_pinger(&mut sim, echo, S, &log);
    let cut = sim.impose(Condition::CutOneWay(BTreeSet::from([echo]), BTreeSet::from([pinger])));
    sim.run_until(15 * MS);
    assert_eq!(sim.lift(cut), 1, "the answer");
    sim.lose_power(echo, false);
    sim.start(echo);
    sim.run_until(1_500 * MS);
    assert_eq!(lines(&log), [entry(1_020, "connected"), entry(1_040, "echo 0")]);
}
