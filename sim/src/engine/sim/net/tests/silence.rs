//! Machines without power, and sockets that are gone, send nothing any more.

use std::collections::BTreeSet;

use im::env::{Addr, Env};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Log, MS, S, lines, note, world};
use crate::engine::sim::*;

/// Dials, writes 100 kB at 1 s, closes; the peer logs how much it has read when it ends.
fn add_giver(sim: &mut Sim, log: &Log, closes: bool) -> [HostId; 2] {
    let log = log.clone();
    let taker = sim.add_host("taker", LinkKind::Backend, MS, move |env| {
        let log = log.clone();
        async move {
            let mut listener = env.listen(1).expect("the port is free");
            let mut stream = env.accept(&mut listener).await.expect("a connection");
            let mut bytes = Vec::new();
            let ended = stream.read_to_end(&mut bytes).await;
            note(&log, &env, format!("{} bytes, {:?}", bytes.len(), ended.map_err(|e| e.kind())));
        }
    });
    sim.start(taker);
    let giver = sim.add_host("giver", LinkKind::Backend, MS, move |env| async move {
        let to = Addr { node: taker, port: 1 };
        let mut stream = env.connect(to).await.expect("accepted");
        env.sleep_until(S).await;
        stream.write_all(&vec![7; 100_000]).await.expect("open");
        if closes {
            drop(stream);
        } else {
            std::future::pending::<()>().await;
        }
    });
    sim.start(giver);
    [taker, giver]
}

#[test]
fn a_machine_without_power_sends_nothing_again_not_even_for_programs_that_had_closed() {
    for closes in [false, true] {
        let (mut sim, log) = (world(0), Log::default());
        let [taker, giver] = add_giver(&mut sim, &log, closes);
        sim.run_until(900 * MS);
        let cut = sim.impose(Condition::Cut(BTreeSet::from([taker]), BTreeSet::from([giver])));
        sim.run_until(2 * S);
        sim.lose_power(giver, false);
        sim.lift(cut);
        sim.run_until(100 * S);
        assert_eq!(lines(&log), [], "closes: {closes}");
    }
}

#[test]
fn a_machine_without_power_heeds_neither_acks_nor_timers() {
    for closes in [false, true] {
        let (mut sim, log) = (world(0), Log::default());
        let [_, giver] = add_giver(&mut sim, &log, closes);
        sim.run_until(900 * MS);
        let loss = sim.impose(Condition::Loss(Where::Links(LinkKind::Backend), 300_000));
        // A part of what was written at 1 s has arrived; its acks are on their way.
        sim.run_until(S + 15 * MS);
        assert!(sim.lift(loss) > 0, "nothing was lost");
        sim.lose_power(giver, false);
        sim.run_until(100 * S);
        assert_eq!(sim.stats().packets_resent, 0, "closes: {closes}");
    }
}

#[test]
fn a_socket_that_was_closed_on_unread_bytes_sends_nothing_again() {
    let (mut sim, log) = (world(0), Log::default());
    let closer = sim.add_host("closer", LinkKind::Backend, MS, |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        let mut stream = env.accept(&mut listener).await.expect("a connection");
        env.sleep_until(S).await;
        stream.write_all(b"y").await.expect("open");
        drop(stream);
        std::future::pending::<()>().await;
    });
    sim.start(closer);
    let seen = log.clone();
    let other = sim.add_host("other", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut stream = env.connect(Addr { node: closer, port: 1 }).await.expect("accepted");
            stream.write_all(b"x").await.expect("open");
            note(&log, &env, format!("{:?}", stream.read_u8().await));
        }
    });
    sim.start(other);
    sim.run_until(900 * MS);
    let cut = sim.impose(Condition::Cut(BTreeSet::from([closer]), BTreeSet::from([other])));
    sim.run_until(1_100 * MS);
    assert_eq!(sim.lift(cut), 2, "the byte and the reset");
    sim.run_until(100 * S);
    assert_eq!((lines(&log), sim.stats().packets_resent), (vec![], 0));
}
