//! How streams end: closed, reset, crashed, without power, given up, found half-open.

use std::collections::BTreeSet;

use im::env::{Addr, Env};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Log, MS, S, add_echo, add_holder, add_pinger, entry, lines, note, world};
use crate::engine::sim::*;

#[test]
fn a_crash_closes_connections_and_a_restart_serves_again() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    let pinger = add_pinger(&mut sim, echo, S, &log);
    sim.run_until(500 * MS);
    assert_eq!(sim.crash(echo), Torn { connections: 1, tasks: 2, disk_bytes: 0 });
    sim.run_until(2 * S);
    sim.crash(pinger);
    sim.start(echo);
    sim.start(pinger);
    sim.run_until(2 * S + 50 * MS);
    assert_eq!(
        lines(&log)[2..],
        [entry(1020, "UnexpectedEof"), entry(2020, "connected"), entry(2040, "echo 0")]
    );
}

#[test]
fn a_loss_of_power_is_silent_until_the_machine_answers_again() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    add_pinger(&mut sim, echo, S, &log);
    sim.run_until(500 * MS);
    sim.lose_power(echo, false);
    sim.run_until(10 * S);
    assert_eq!(lines(&log).len(), 2, "silence");
    sim.start(echo);
    sim.run_until(60 * S);
    let (at, last) = lines(&log)[2].clone();
    assert_eq!(last, "ConnectionReset");
    assert!((10_000..20_000).contains(&at), "by the next retransmission after 10 s: {at}");
}

/// Dials, waits, writes until it fails; logs what each write gave.
fn add_writer(sim: &mut Sim, to: HostId, log: &Log) {
    let log = log.clone();
    let id = sim.add_host("writer", LinkKind::Backend, MS, move |env| {
        let log = log.clone();
        async move {
            let mut stream = env.connect(Addr { node: to, port: 1 }).await.expect("accepted");
            for _ in 0..20_000 {
                env.sleep(S).await;
                match stream.write_all(&[7; 1024]).await {
                    Ok(()) => note(&log, &env, "written"),
                    Err(error) => return note(&log, &env, format!("{:?}", error.kind())),
                }
            }
        }
    });
    sim.start(id);
}

#[test]
fn a_process_killed_with_bytes_unread_resets_and_one_that_read_all_ends_then_resets() {
    for (reads, expected) in [(false, "ConnectionReset"), (true, "BrokenPipe")] {
        let (mut sim, log) = (world(0), Log::default());
        let holder = add_holder(&mut sim, reads);
        add_writer(&mut sim, holder, &log);
        sim.run_until(1_500 * MS);
        sim.crash(holder);
        sim.run_until(10 * S);
        let lines: Vec<String> = lines(&log).into_iter().map(|(_, what)| what).collect();
        // After a FIN, one more write succeeds; its RST makes the next one fail.
        let written = 1 + usize::from(reads);
        assert_eq!(lines.len(), written + 1, "{lines:?}");
        assert_eq!(lines[written], expected);
    }
}

#[test]
fn a_machine_that_is_gone_takes_writes_until_the_buffer_is_full_and_times_out_after_960_s() {
    let (mut sim, log) = (world(0), Log::default());
    let holder = add_holder(&mut sim, true);
    add_writer(&mut sim, holder, &log);
    sim.run_until(1_500 * MS);
    sim.lose_power(holder, false);
    sim.run_until(1_200 * S);
    let lines = lines(&log);
    let (at, last) = lines[lines.len() - 1].clone();
    assert_eq!(last, "TimedOut");
    assert!((930_000..990_000).contains(&at), "after {at} ms");
    assert_eq!(lines.len(), 1 + 256 + 1, "256 KiB more were taken");
}

#[test]
fn bytes_that_stay_unacked_for_the_user_timeout_fail_the_connection() {
    let (mut sim, log) = (world(0), Log::default());
    let holder = add_holder(&mut sim, true);
    let seen = log.clone();
    let writer = sim.add_host("writer", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut stream = env.connect(Addr { node: holder, port: 1 }).await.expect("up");
            stream.set_user_timeout(10 * S);
            env.sleep_until(2 * S).await;
            stream.write_all(b"x").await.expect("open");
            let error = stream.read_u8().await.expect_err("nobody answers");
            note(&log, &env, format!("{:?}", error.kind()));
        }
    });
    sim.start(writer);
    sim.run_until(S);
    sim.lose_power(holder, false);
    sim.run_until(60 * S);
    let (at, what) = lines(&log)[0].clone();
    assert_eq!(what, "TimedOut");
    assert!((12_200..12_700).contains(&at), "10.3 to 10.6 s after the write: {at}");
}

#[test]
fn an_idle_reader_with_keepalive_times_out_and_its_silent_peer_is_reset_after_healing() {
    let (mut sim, log) = (world(0), Log::default());
    let seen = log.clone();
    let reader = sim.add_host("reader", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut listener = env.listen(1).expect("the port is free");
            let mut stream = env.accept(&mut listener).await.expect("a connection");
            stream.set_keep_alive(KeepAlive { idle: 2 * S, every: S, probes: 3 });
            while stream.read_u8().await.is_ok() {}
            note(&log, &env, "the reader gives up");
            std::future::pending::<()>().await;
        }
    });
    sim.start(reader);
    let writer = sim.add_host("writer", LinkKind::Backend, MS, move |env| async move {
        let mut stream = env.connect(Addr { node: reader, port: 1 }).await.expect("accepted");
        env.sleep_until(60 * S).await;
        let _ = stream.write_all(b"x").await;
        env.sleep_until(90 * S).await;
        let _ = stream.write_all(b"y").await;
        std::future::pending::<()>().await;
    });
    sim.start(writer);
    sim.run_until(50 * S);
    assert_eq!(lines(&log), [], "an idle connection whose peer answers stays");
    let cut = sim.impose(Condition::Cut(BTreeSet::from([reader]), BTreeSet::from([writer])));
    sim.run_until(70 * S);
    let (at, _) = lines(&log)[0].clone();
    assert!((53_000..56_000).contains(&at), "2 + 3 · 1 s after the last answer: {at}");
    sim.lift(cut);
    let resets = sim.stats().resets;
    sim.run_until(100 * S);
    assert_eq!(sim.stats().resets, resets + 1, "the writer hears of it with its next try");
}

#[test]
fn reset_connections_fail_at_both_ends_at_once() {
    let (mut sim, log) = (world(0), Log::default());
    let echo = add_echo(&mut sim);
    let pinger = add_pinger(&mut sim, echo, S, &log);
    sim.run_until(500 * MS);
    assert_eq!(sim.reset_connections(echo, |with| with != pinger), 0);
    assert_eq!(sim.reset_connections(echo, |with| with == pinger), 1);
    sim.run_until(2 * S);
    assert_eq!(lines(&log)[2], entry(1020, "ConnectionReset"));
}

#[test]
fn a_clean_close_is_an_end_of_file_and_unread_bytes_are_a_reset() {
    for (read_first, expected) in [(true, "end of file"), (false, "ConnectionReset")] {
        let (mut sim, log) = (world(0), Log::default());
        let server = sim.add_host("server", LinkKind::Backend, MS, move |env| async move {
            let mut listener = env.listen(1).expect("the port is free");
            let mut stream = env.accept(&mut listener).await.expect("a connection");
            env.sleep(100 * MS).await;
            if read_first {
                stream.read_u8().await.expect("the byte");
            }
        });
        sim.start(server);
        let seen = log.clone();
        let client = sim.add_host("client", LinkKind::Backend, MS, move |env| {
            let log = seen.clone();
            async move {
                let mut stream = env.connect(Addr { node: server, port: 1 }).await.expect("up");
                stream.write_all(b"x").await.expect("open");
                let what = match stream.read(&mut [0; 8]).await {
                    Ok(0) => "end of file".to_owned(),
                    Ok(_) => "bytes".to_owned(),
                    Err(error) => format!("{:?}", error.kind()),
                };
                note(&log, &env, what);
            }
        });
        sim.start(client);
        sim.run_until(S);
        assert_eq!(lines(&log)[0].1, expected);
    }
}

#[test]
fn a_writer_that_waits_for_room_hears_of_its_readers_end() {
    for (power, expected) in [(true, "TimedOut"), (false, "ConnectionReset")] {
        let (mut sim, log) = (world(0), Log::default());
        let holder = add_holder(&mut sim, false);
        let seen = log.clone();
        let writer = sim.add_host("writer", LinkKind::Backend, MS, move |env| {
            let log = seen.clone();
            async move {
                let to = Addr { node: holder, port: 1 };
                let mut stream = env.connect(to).await.expect("accepted");
                let error = stream.write_all(&vec![7; 1 << 20]).await.expect_err("no reader");
                note(&log, &env, format!("{:?}", error.kind()));
            }
        });
        sim.start(writer);
        sim.run_until(10 * S);
        let cut = sim.impose(Condition::Cut(BTreeSet::from([holder]), BTreeSet::from([writer])));
        if power {
            sim.lose_power(holder, false);
        } else {
            sim.crash(holder);
        }
        sim.run_until(11 * S);
        sim.lift(cut);
        sim.run_until(1_200 * S);
        assert_eq!(lines(&log).len(), 1);
        assert_eq!(lines(&log)[0].1, expected);
    }
}

#[test]
fn a_writer_that_waits_for_room_asks_ever_more_rarely() {
    let mut sim = world(0);
    let holder = add_holder(&mut sim, false);
    let writer = sim.add_host("writer", LinkKind::Backend, MS, move |env| async move {
        let mut stream = env.connect(Addr { node: holder, port: 1 }).await.expect("accepted");
        let _ = stream.write_all(&vec![7; 1 << 20]).await;
    });
    sim.start(writer);
    sim.run_until(900 * MS);
    let cut = sim.impose(Condition::Cut(BTreeSet::from([holder]), BTreeSet::from([writer])));
    sim.run_until(60 * S);
    // The waits double from 0.2 s: questions at 1.6, 3.4, 7, 14, 28 and 57 s, each with its answer.
    assert_eq!(sim.lift(cut), 2 * 6);
}

#[test]
fn a_kernel_whose_program_has_closed_still_takes_the_end_of_the_other_side() {
    let (mut sim, log) = (world(0), Log::default());
    let closer = sim.add_host("closer", LinkKind::Backend, MS, |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        drop(env.accept(&mut listener).await.expect("a connection"));
        std::future::pending::<()>().await;
    });
    sim.start(closer);
    let seen = log.clone();
    let other = sim.add_host("other", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let mut stream = env.connect(Addr { node: closer, port: 1 }).await.expect("accepted");
            env.sleep(100 * MS).await;
            stream.shutdown().await.expect("open");
            env.sleep(100 * MS).await;
            note(&log, &env, format!("{:?}", stream.read(&mut [0; 8]).await.ok()));
        }
    });
    sim.start(other);
    sim.run_until(S);
    assert_eq!(lines(&log)[0].1, "Some(0)");
    assert_eq!(sim.stats().resets, 0);
}
