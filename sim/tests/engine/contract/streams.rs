//! Streams between two hosts that nothing happens to, except resets.

use std::future::pending;

use im::env::Env;
use imsim::engine::{Foreseen, Kind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::programs::{self, dial};
use super::world::{Log, MS, WHILE, World, device, port, server};

pub fn bytes_come_back_unchanged<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let server = world.add_host(server("server"), |env: W::Env| async move {
        let mut listener = env.listen(1).expect("the port is free");
        let mut stream = env.accept(&mut listener).await.expect("a connection");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("all of it");
        stream.write_all(&bytes).await.expect("all of it");
    });
    let said = log.clone();
    let client = world.add_host(device("client"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let bytes: Vec<u8> =
                (0..300_000_u64).map(|place| ((place * place) >> 7) as u8).collect();
            let mut stream = dial(&env, port(server)).await;
            stream.write_all(&bytes).await.expect("taken");
            stream.shutdown().await.expect("taken");
            let mut back = Vec::new();
            stream.read_to_end(&mut back).await.expect("all of it");
            log.say(if back == bytes { "the same" } else { "something else" });
        }
    });
    world.start(server);
    world.start(client);
    world.wait_until("the answer", || log.len() > 0);
    assert_eq!(log.all(), ["the same"]);
}

pub fn a_dial_that_nobody_listens_for_is_refused<W: World>() {
    for between in [false, true] {
        let (mut world, log) = (W::new(), Log::default());
        let running = world.add_host(server("running"), |_| pending());
        let idle = world.add_host(server("idle"), |_| pending());
        let said = log.clone();
        let client = world.add_host(device("client"), move |env: W::Env| {
            let log = said.clone();
            async move {
                for host in [running, idle] {
                    programs::dial_once(env.clone(), port(host), log.clone()).await;
                }
            }
        });
        world.foresee(Foreseen { resets: between, ..Foreseen::default() });
        world.start(running);
        world.start(client);
        world.wait_until("both answers", || log.len() == 2);
        assert_eq!(log.count("connection refused"), 2, "{:?}", log.all());
    }
}

pub fn a_port_is_listened_on_once<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let listener = env.listen(1).expect("the port is free");
            let _other = env.listen(2).expect("another port is free");
            log.say(env.listen(1).err().expect("the port is taken").kind());
            drop(listener);
            env.listen(1).expect("the port is free again");
            log.say("free again");
            let _third = env.listen(1).expect("the port is free again");
            log.say("and again");
        }
    });
    world.start(host);
    world.wait_until("the end", || log.has("and again"));
    assert_eq!(log.all(), ["address in use", "free again", "and again"]);
}

pub fn a_reset_is_an_error_at_both_ends<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let server = world.add_host(server("server"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let mut listener = env.listen(1).expect("the port is free");
            let mut stream = env.accept(&mut listener).await.expect("a connection");
            log.say("accepted");
            match stream.read(&mut [0]).await {
                Ok(count) => log.say(format!("accepted: read {count}")),
                Err(error) => log.say(format!("accepted: {}", error.kind())),
            }
        }
    });
    let said = log.clone();
    let client = world.add_host(device("client"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let mut stream = dial(&env, port(server)).await;
            log.say("connected");
            let error = stream.read(&mut [0]).await.expect_err("reset");
            log.say(format!("dialled: {}", error.kind()));
            let error = stream.write(&[0]).await.expect_err("it stays so");
            log.say(format!("dialled, later: {}", error.kind()));
        }
    });
    world.foresee(Foreseen { resets: true, ..Foreseen::default() });
    world.start(server);
    world.start(client);
    world.wait_until("the connection", || log.has("connected") && log.has("accepted"));
    assert_eq!(world.reset_connections(client, &|other| other == client), 0, "not with itself");
    assert_eq!(world.reset_connections(server, &|_| true), 1);
    assert_eq!(world.reset_connections(client, &|_| true), 0, "it is reset already");
    world.wait_until("what both ends have to say", || log.len() == 5);
    assert!(log.has("dialled: connection reset"), "{:?}", log.all());
    let accepted = match W::KIND {
        Kind::Turmoil => "accepted: read 0",
        Kind::Sim | Kind::Live => "accepted: connection reset",
    };
    assert!(log.has(accepted), "{:?}", log.all());
}

/// A stream has no room for more than a few MB, or turmoil's 4,096 segments.
pub fn a_writer_waits_for_its_reader<W: World>() {
    const WRITES: usize = 10_000;
    let (mut world, log) = (W::new(), Log::default());
    let (said, heard) = (log.clone(), log.clone());
    let reader = world.add_host(server("reader"), move |env: W::Env| {
        let log = heard.clone();
        async move {
            let mut listener = env.listen(1).expect("the port is free");
            let mut stream = env.accept(&mut listener).await.expect("a connection");
            while !log.has("read now") {
                env.sleep(5 * MS).await;
            }
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.expect("all of it");
            log.say(format!("read {}", bytes.len()));
        }
    });
    let writer = world.add_host(server("writer"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let mut stream = dial(&env, port(reader)).await;
            for _ in 0..WRITES {
                stream.write_all(&[7; 2_048]).await.expect("taken");
            }
            log.say("written");
        }
    });
    world.start(reader);
    world.start(writer);
    world.live_on(2 * WHILE);
    assert!(!log.has("written"), "somewhere it waits");
    log.say("read now");
    world.wait_until("the last byte", || log.has("read 20480000"));
}
