//! Bytes on their way: echoes, losses, partitions, writers that wait, narrow links.

use std::collections::BTreeSet;

use im::env::{Addr, Env};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Log, MS, S, add_echo, add_holder, add_pinger, entry, lines, note, world};
use crate::engine::sim::*;

#[test]
fn a_connection_takes_a_round_trip_and_so_does_an_echo() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    add_pinger(&mut sim, echo, 100 * MS, &log);
    sim.run_until(150 * MS);
    assert_eq!(lines(&log), [entry(20, "connected"), entry(40, "echo 0"), entry(140, "echo 1")]);
    assert_eq!(sim.stats().packets_sent, 4);
}

#[test]
fn a_partition_swallows_and_what_was_queued_arrives_with_a_retransmission() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    let pinger = add_pinger(&mut sim, echo, S, &log);
    sim.run_until(500 * MS);
    let cut = sim.impose(Condition::Cut(BTreeSet::from([echo]), BTreeSet::from([pinger])));
    sim.run_until(5 * S);
    // Sent at 1.02 s (the loop counts from 20 ms); tries follow at about R·2^k after it, with R a
    // little above 224 ms, rounded up to the ticks of ever coarser timers.
    assert_eq!(sim.lift(cut), 6, "one sending and five retransmissions by 4.7 s");
    sim.run_until(9 * S);
    let (at, echo) = lines(&log)[2].clone();
    assert_eq!(echo, "echo 1");
    assert!((1020 + 224 * 32 + 20..1020 + 240 * 32 + 20).contains(&at), "at {at} ms");
}

#[test]
fn loss_delays_but_never_loses_or_reorders() {
    let (mut sim, log) = (world(50_000), Log::default());
    let echo = add_echo(&mut sim);
    add_pinger(&mut sim, echo, 100 * MS, &log);
    sim.run_until(60 * S);
    let echoes: Vec<String> = lines(&log).into_iter().skip(1).map(|(_, what)| what).collect();
    assert!(echoes.len() > 250, "{} echoes", echoes.len());
    assert!(echoes.iter().enumerate().all(|(i, what)| *what == format!("echo {}", i as u8)));
    let stats = sim.stats();
    let share = stats.backend.lost as f64 / stats.backend.sent as f64;
    assert!((0.03..0.08).contains(&share), "observed loss {share}");
}

#[test]
fn a_writer_waits_for_its_reader() {
    let (mut sim, log) = (world(0), Log::default());
    let slow = sim.add_host("slow", LinkKind::Backend, MS, |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        let mut stream = env.accept(&mut listener).await.expect("a connection");
        env.sleep(S).await;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("a clean end");
        assert_eq!(all, vec![7; 1_000_000]);
        stream.write_all(b"k").await.expect("the peer still reads");
    });
    sim.start(slow);
    let seen = log.clone();
    let fast = sim.add_host("fast", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut stream = env.connect(Addr { node: slow, port: 1 }).await.expect("accepted");
            stream.write_all(&vec![7; 1_000_000]).await.expect("the peer reads");
            note(&log, &env, "written");
            stream.shutdown().await.expect("shut down");
            stream.read_u8().await.expect("the answer");
            note(&log, &env, "answered");
        }
    });
    sim.start(fast);
    sim.run_until(10 * S);
    let lines = lines(&log);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].0 >= 1_010, "written only after the reader began: {lines:?}");
}

#[test]
fn a_cut_in_one_direction_stops_acks_and_so_the_stream() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    let pinger = add_pinger(&mut sim, echo, S, &log);
    sim.run_until(500 * MS);
    let cut = sim.impose(Condition::CutOneWay(BTreeSet::from([echo]), BTreeSet::from([pinger])));
    sim.run_until(5 * S);
    assert_eq!(lines(&log).len(), 2, "the ping arrives, its echo does not");
    assert!(sim.lift(cut) > 0);
    sim.run_until(20 * S);
    assert!(lines(&log).len() > 3, "the stream goes on");
}

#[test]
fn a_narrow_link_makes_bytes_wait_for_each_other() {
    let slow = LinkProfile {
        rate: Some(Rate { bytes_per_s: 100_000, queue_bytes: 1 << 20 }),
        ..LinkProfile::constant(10 * MS)
    };
    let mut sim = Sim::new(1, Network { clients: slow, backend: LinkProfile::constant(10 * MS) });
    let log = Log::default();
    let holder = add_holder(&mut sim, true);
    let seen = log.clone();
    let phone = sim.add_host("phone", LinkKind::Client, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut stream = env.connect(Addr { node: holder, port: 1 }).await.expect("up");
            stream.write_all(&vec![7; 512 * 1024]).await.expect("open");
            note(&log, &env, "written");
        }
    });
    sim.start(phone);
    sim.run_until(20 * S);
    // 256 KiB fit into the buffers; the other half of them takes 2.6 s at 100 kB/s, and more with
    // headers and what the start of the window costs.
    let at = lines(&log)[0].0;
    assert!((2_600..3_200).contains(&at), "written after {at} ms");
    assert_eq!(sim.stats().clients.lost, 0);
}

#[test]
fn a_packet_on_its_way_from_far_takes_no_place_on_the_link() {
    // The queue holds what takes 1 ms to send.
    let rate = Some(Rate { bytes_per_s: 10_000_000, queue_bytes: 10_000 });
    let link = LinkProfile { rate, ..LinkProfile::constant(10 * MS) };
    let mut sim = Sim::new(1, Network { clients: link, backend: link });
    let [far_log, near_log] = [Log::default(), Log::default()];
    let echo = add_echo(&mut sim);
    let far = add_pinger(&mut sim, echo, 200 * MS, &far_log);
    add_pinger(&mut sim, echo, 200 * MS, &near_log);
    let way = Where::Between(BTreeSet::from([far]), BTreeSet::from([echo]));
    sim.impose(Condition::Delay(way, 50 * MS));
    sim.run_until(500 * MS);
    let near = [(20, "connected"), (40, "echo 0"), (240, "echo 1"), (440, "echo 2")];
    assert_eq!(lines(&near_log), near.map(|(at, what)| entry(at, what)));
    let far = [(120, "connected"), (240, "echo 0"), (440, "echo 1")];
    assert_eq!(lines(&far_log), far.map(|(at, what)| entry(at, what)));
    assert_eq!(sim.stats().backend.dropped, 0);
}

#[test]
fn a_sender_that_waits_for_its_own_link_takes_no_place_on_the_link_of_its_peer() {
    // A packet of 1,024 bytes takes the phone 0.1 s, and the queue of the server's link holds 1 ms.
    let phones = Some(Rate { bytes_per_s: 10_000, queue_bytes: 100_000 });
    let servers = Some(Rate { bytes_per_s: 10_000_000, queue_bytes: 10_000 });
    let link = |rate| LinkProfile { rate, ..LinkProfile::constant(10 * MS) };
    let mut sim = Sim::new(1, Network { clients: link(phones), backend: link(servers) });
    let log = Log::default();
    let echo = add_echo(&mut sim);
    let phone = sim.add_host("phone", LinkKind::Client, MS, move |env| async move {
        let mut stream = env.connect(Addr { node: echo, port: 1 }).await.expect("up");
        loop {
            stream.write_all(&[7; 1024]).await.expect("open");
            env.sleep(200 * MS).await;
        }
    });
    sim.start(phone);
    add_pinger(&mut sim, echo, 40 * MS, &log);
    sim.run_until(1_990 * MS);
    assert_eq!(lines(&log).len(), 50, "connected, and an echo every 40 ms: {:?}", lines(&log));
    assert_eq!(sim.stats().backend.dropped, 0);
}

/// A host that echoes is told three more bytes while it is cut off. When those come again, after a
/// timeout that left room for one packet, its kernel holds back the ack of the first.
#[test]
fn a_delayed_ack_keeps_a_sender_waiting_whose_window_is_one_packet() {
    let gap = |delays: bool| {
        let (mut sim, log) = (world(0), Log::default());
        if delays {
            sim.delay_acks();
        }
        let heard = log.clone();
        let listener = sim.add_host("listener", LinkKind::Backend, MS, move |env| {
            let heard = heard.clone();
            async move {
                let mut listener = env.listen(1).expect("the port is free");
                let mut stream = env.accept(&mut listener).await.expect("a connection");
                while let Ok(byte) = stream.read_u8().await {
                    note(&heard, &env, format!("{byte}"));
                    if byte == 0 {
                        stream.write_all(&[0]).await.expect("the peer listens");
                    }
                }
            }
        });
        sim.start(listener);
        let talker = sim.add_host("talker", LinkKind::Backend, MS, move |env| async move {
            let to = Addr { node: listener, port: 1 };
            let mut stream = env.connect(to).await.expect("somebody listens");
            for number in 0..4 {
                stream.write_all(&[number]).await.expect("the peer listens");
                env.sleep(500 * MS).await;
            }
            env.sleep(60 * S).await;
        });
        sim.start(talker);
        sim.run_until(400 * MS);
        let cut = sim.impose(Condition::Cut(BTreeSet::from([listener]), BTreeSet::from([talker])));
        sim.run_until(5 * S);
        sim.lift(cut);
        sim.run_until(20 * S);
        let lines = lines(&log);
        let bytes: Vec<&str> = lines.iter().map(|(_, what)| what.as_str()).collect();
        assert_eq!(bytes, ["0", "1", "2", "3"]);
        lines[2].0 - lines[1].0
    };
    assert_eq!(gap(false), 20, "a round trip");
    assert!((60..=64).contains(&gap(true)), "and 40 ms, rounded up to a tick: {}", gap(true));
}

/// A reader that is slow holds back an ack; its writer's socket fails before that must leave.
#[test]
fn nobody_holds_back_an_ack_for_a_stream_that_has_failed() {
    let mut sim = world(0);
    sim.delay_acks();
    let holder = add_holder(&mut sim, false);
    let talker = sim.add_host("talker", LinkKind::Backend, MS, move |env| async move {
        let mut stream = env.connect(Addr { node: holder, port: 1 }).await.expect("accepted");
        while stream.write_all(&[7]).await.is_ok() {
            env.sleep(10 * MS).await;
        }
    });
    sim.start(talker);
    // The first acks leave at once, then each waits for up to 40 ms.
    sim.run_until(S);
    assert_eq!(sim.reset_connections(talker, |_| true), 1);
    let before = sim.stats().events;
    sim.run_until(2 * S);
    assert!(sim.stats().events - before < 10, "{} events", sim.stats().events - before);
}

#[test]
fn what_is_delayed_beyond_the_end_of_time_never_arrives() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    add_pinger(&mut sim, echo, S, &log);
    sim.run_until(500 * MS);
    for _ in 0..2 {
        sim.impose(Condition::Delay(Where::Links(LinkKind::Backend), u64::MAX - S));
    }
    sim.run_until(100 * S);
    assert_eq!(lines(&log).len(), 2, "{:?}", lines(&log));
}

/// Every second of the bytes that come is acked, unless its reader says something before.
#[test]
fn bytes_arrive_when_they_would_without_delayed_acks_on_a_clean_link() {
    let echoes = |delays: bool| {
        let (mut sim, log) = (world(0), Log::default());
        if delays {
            sim.delay_acks();
        }
        let echo = add_echo(&mut sim);
        add_pinger(&mut sim, echo, 70 * MS, &log);
        sim.run_until(10 * S);
        lines(&log)
    };
    assert_eq!(echoes(true), echoes(false));
}
