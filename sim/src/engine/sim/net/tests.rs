//! The engine as nodes see it: small programs on a few hosts, exact virtual times.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;

use im::env::{Addr, Env, Nanos};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::sim::*;

const MS: Nanos = 1_000_000;
const S: Nanos = 1_000 * MS;

/// What the programs of a test saw, with the virtual time in ms.
type Log = Rc<RefCell<Vec<(u64, String)>>>;

fn world(loss_ppm: u32) -> Sim {
    let link = LinkProfile { loss_ppm, ..LinkProfile::constant(10 * MS) };
    Sim::new(1, Network { clients: link, backend: link })
}

fn note(log: &Log, env: &SimEnv, what: impl Into<String>) {
    log.borrow_mut().push((env.now() / MS, what.into()));
}

/// Adds a host that echoes whatever comes in on port 1.
fn add_echo(sim: &mut Sim) -> HostId {
    let id = sim.add_host("echo", LinkKind::Backend, MS, |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        while let Ok(mut stream) = env.accept(&mut listener).await {
            env.spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    if stream.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    sim.start(id);
    id
}

/// Adds a host that sends a byte to `to` every `every` and logs the echoes and the end.
fn add_pinger(sim: &mut Sim, to: HostId, every: Nanos, log: &Log) -> HostId {
    let log = log.clone();
    let id = sim.add_host("pinger", LinkKind::Backend, MS, move |env| {
        let log = log.clone();
        async move {
            let mut stream = match env.connect(Addr { node: to, port: 1 }).await {
                Ok(stream) => stream,
                Err(error) => return note(&log, &env, format!("{:?}", error.kind())),
            };
            note(&log, &env, "connected");
            for number in (0..).map(|number: u64| number as u8) {
                let sent = env.now();
                let echo: io::Result<u8> = async {
                    stream.write_all(&[number]).await?;
                    stream.read_u8().await
                }
                .await;
                match echo {
                    Ok(echo) => note(&log, &env, format!("echo {echo}")),
                    Err(error) => return note(&log, &env, format!("{:?}", error.kind())),
                }
                env.sleep_until(sent + every).await;
            }
        }
    });
    sim.start(id);
    id
}

fn lines(log: &Log) -> Vec<(u64, String)> {
    log.borrow().clone()
}

fn entry(ms: u64, what: &str) -> (u64, String) {
    (ms, what.to_owned())
}

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
fn nobody_listening_is_refused_after_a_round_trip() {
    let (mut sim, log) = (world(0), Log::default());
    let silent = sim.add_host("silent", LinkKind::Backend, MS, |_| async {});
    sim.start(silent);
    add_pinger(&mut sim, silent, S, &log);
    sim.run_until(S);
    assert_eq!(lines(&log), [entry(20, "ConnectionRefused")]);
}

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

/// A host that accepts one connection and holds it; reads from it or not.
fn add_holder(sim: &mut Sim, reads: bool) -> HostId {
    let id = sim.add_host("holder", LinkKind::Backend, MS, move |env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        let mut stream = env.accept(&mut listener).await.expect("a connection");
        while reads && stream.read_u8().await.is_ok() {}
        std::future::pending::<()>().await;
    });
    sim.start(id);
    id
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
fn timeouts_fire_on_time_and_the_work_wins_a_tie() {
    let (mut sim, log) = (world(0), Log::default());
    let seen = log.clone();
    let host = sim.add_host("host", LinkKind::Backend, MS, move |env| {
        let log = seen.clone();
        async move {
            let late = env.timeout(500 * MS, env.sleep(S)).await;
            note(&log, &env, format!("{late:?}"));
            let tie = env.timeout(500 * MS, env.sleep(500 * MS)).await;
            note(&log, &env, format!("{tie:?}"));
        }
    });
    sim.start(host);
    sim.run_until(5 * S);
    assert_eq!(lines(&log), [entry(500, "None"), entry(1000, "Some(())")]);
}

#[test]
fn what_was_synced_survives_and_a_sync_takes_its_time() {
    let (mut sim, log) = (world(0), Log::default());
    let seen = log.clone();
    let host = sim.add_host("host", LinkKind::Backend, 3 * MS, move |env| {
        let log = seen.clone();
        async move {
            let found = env.disk_read("wal").await.expect("readable");
            note(&log, &env, String::from_utf8(found).expect("text"));
            env.disk_append("wal", b"a").expect("room");
            env.disk_sync("wal").await.expect("synced");
            note(&log, &env, "synced");
            env.disk_append("wal", b"b").expect("room");
        }
    });
    sim.start(host);
    sim.run_until(S);
    sim.crash(host);
    sim.start(host);
    sim.run_until(2 * S);
    assert_eq!(sim.lose_power(host, false).disk_bytes, 1, "the second b");
    sim.start(host);
    sim.run_until(3 * S);
    let expected = [(0, ""), (3, "synced"), (1000, "ab"), (1003, "synced"), (2000, "aba")];
    assert_eq!(lines(&log)[..5], expected.map(|(at, what)| entry(at, what)));
}

#[test]
fn one_seed_gives_one_digest_and_another_seed_another() {
    let run = |seed| {
        let link = LinkProfile { sd: MS, ..LinkProfile::constant(10 * MS) };
        let mut sim = Sim::new(seed, Network { clients: link, backend: link });
        let echo = add_echo(&mut sim);
        add_pinger(&mut sim, echo, 100 * MS, &Log::default());
        sim.run_until(5 * S);
        sim.digest()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

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
