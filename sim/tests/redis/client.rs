//! The IM's Redis client against redis-server and redis-sentinel 7.0: what it says became of a
//! command is what became of it.
//!
//! Needs `redis-server` 7.0 (Debian's package `redis-server`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use im::config::{Config, RedisWait};
use im::env::{Env, TaskHandle};
use im::redis_client::{Doubt, Effect, Failure, RedisLink};
use im::units::Span;
use redis::{FromRedisValue, Value};

use crate::machine::{Machine, Server, ip, node, run};

fn command(words: &[&str]) -> redis::Pipeline {
    let mut commands = redis::pipe();
    commands.cmd(words[0]).arg(&words[1..]);
    commands
}

#[test]
fn refusals_have_no_effect_and_silence_is_unknown() {
    run(async {
        let server = Server::redis(ip(1, 1), None);
        let node = node(&[server.ip], &[], Config { redis_tries: 1, ..Config::default() });
        let link = RedisLink::start(node.clone());
        link.connected_after(0).await;
        let push = command(&["RPUSH", "list", "x"]);
        let length = || i64::from_redis_value(server.ask(&["LLEN", "list"]).unwrap()).unwrap();

        let mut mixed = redis::pipe();
        mixed.set("text", "x").ignore().cmd("LPOP").arg("text");
        let partly = link.call::<(Value,)>(&mixed, Effect::Once).await;
        assert!(matches!(partly, Err(Failure::Partly(refusals)) if refusals[0].place == 1));
        let script = "redis.call('RPUSH', 'list', 'y') return redis.call('LPOP', 'text')";
        let halfway = link.call::<(Value,)>(&command(&["EVAL", script, "0"]), Effect::Once).await;
        assert!(matches!(halfway, Err(Failure::Unknown(Doubt::Halfway(_)))), "{halfway:?}");
        assert_eq!(length(), 1, "the script had an effect");

        server.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]).unwrap();
        let mut atomic = redis::pipe();
        atomic.atomic().rpush("list", 1).rpush("list", 2);
        for commands in [&push, &atomic] {
            let refused = link.call::<Value>(commands, Effect::Once).await.unwrap_err();
            assert!(refused.had_no_effect() && refused.may_pass(), "{refused}");
        }
        server.ask(&["CONFIG", "SET", "min-replicas-to-write", "0"]).unwrap();
        assert_eq!(length(), 1);
        assert_eq!(node.stats.redis_reconnects.get(), 0, "a master without replicas is a master");

        let nowhere = ip(1, 9).to_string();
        server.ask(&["REPLICAOF", &nowhere, "6379"]).unwrap();
        for commands in [&push, &atomic] {
            let seen = node.stats.redis_reconnects.get() + 1;
            let refused = link.call::<Value>(commands, Effect::Once).await.unwrap_err();
            assert!(refused.had_no_effect() && refused.lost_master(), "{refused}");
            link.connected_after(seen).await;
        }
        server.ask(&["REPLICAOF", "NO", "ONE"]).unwrap();
        assert_eq!(length(), 1);

        server.signal("STOP");
        let late = link.call::<(i64,)>(&push, Effect::Once).await;
        assert_eq!(late, Err(Failure::Unknown(Doubt::Late)));
        server.signal("CONT");
        assert_eq!(length(), 2, "what is unknown may be done afterwards");
        let seen = node.stats.redis_reconnects.get() + 1;
        link.connected_after(seen).await;
        assert_eq!(link.call::<(i64,)>(&push, Effect::Once).await, Ok((3,)));
    });
}

/// What the link said of each write, by (writer, number).
type Said = Rc<RefCell<BTreeMap<(u32, u32), Result<(), Failure>>>>;

/// Appends its numbers to a list, one at a time.
async fn write(env: Machine, link: RedisLink<Machine>, writer: u32, said: Said) {
    let effect = if writer.is_multiple_of(2) { Effect::Once } else { Effect::Idempotent };
    for number in 0.. {
        let (key, text) = (format!("writer:{writer}"), number.to_string());
        let name = if effect == Effect::Once { "RPUSH" } else { "SADD" };
        let outcome = link.call::<()>(&command(&[name, &key, &text]), effect).await;
        said.borrow_mut().insert((writer, number), outcome);
        env.sleep(Span::ms(2).0).await;
    }
}

/// How often each number was written.
fn written(server: &Server, writer: u32) -> BTreeMap<u32, u32> {
    let key = format!("writer:{writer}");
    let words: &[&str] = match writer.is_multiple_of(2) {
        true => &["LRANGE", &key, "0", "-1"],
        false => &["SMEMBERS", &key],
    };
    let numbers = Vec::<u32>::from_redis_value(server.ask(words).unwrap()).unwrap();
    numbers.into_iter().fold(BTreeMap::new(), |mut times, number| {
        *times.entry(number).or_default() += 1;
        times
    })
}

#[test]
fn outcomes_stay_true_when_the_master_is_killed() {
    const WRITERS: u32 = 4;
    run(async {
        let mut master = Server::redis(ip(2, 1), None);
        let replicas = [2, 3].map(|server| Server::redis(ip(2, server), Some(master.ip)));
        let sentinels = [4, 5, 6].map(|server| Server::sentinel(ip(2, server), master.ip));
        master.wait_for("two replicas that follow", &["WAIT", "2", "100"], |reply| {
            *reply == Value::Int(2)
        });
        for sentinel in &sentinels {
            let all = |reply: &Value| matches!(reply, Value::Array(all) if all.len() == 2);
            sentinel.wait_for("replicas known", &["SENTINEL", "REPLICAS", "redis"], all);
            sentinel.wait_for("Sentinels known", &["SENTINEL", "SENTINELS", "redis"], all);
        }
        let redis_wait = Some(RedisWait { replicas: 1, timeout: Span::ms(100) });
        let nodes = [master.ip, replicas[0].ip, replicas[1].ip];
        let config = Config { redis_wait, ..Config::default() };
        let node = node(&nodes, &sentinels.each_ref().map(|server| server.ip), config);
        let link = RedisLink::start(node.clone());
        link.connected_after(0).await;
        let said = Said::default();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                node.env.spawn(write(node.env.clone(), link.clone(), writer, said.clone()))
            })
            .collect();
        node.env.sleep(Span::s(1).0).await;
        // Stopped first, so that every writer waits for an answer when the master dies.
        master.signal("STOP");
        node.env.sleep(Span::ms(50).0).await;
        master.kill();
        let found = node.env.timeout(Span::s(20).0, link.connected_after(1)).await;
        assert!(found.is_some(), "the link finds the new master");
        node.env.sleep(Span::s(2).0).await;
        writers.into_iter().for_each(TaskHandle::abort);
        node.env.sleep(Span::ms(300).0).await;

        let (role,) = link.call::<(Vec<Value>,)>(&command(&["ROLE"]), Effect::Read).await.unwrap();
        assert_eq!(role[0], Value::BulkString(b"master".to_vec()));
        let promoted = replicas.iter().find(|replica| {
            let role = Vec::<Value>::from_redis_value(replica.ask(&["ROLE"]).unwrap()).unwrap();
            role[0] == Value::BulkString(b"master".to_vec())
        });
        judge(&said.borrow(), promoted.expect("a replica was promoted"), WRITERS);
        assert!(node.stats.redis_reconnects.get() >= 1);
        assert!(node.stats.redis_retries.get() >= 1);
    });
}

/// Holds what the link said against what the server has.
fn judge(said: &BTreeMap<(u32, u32), Result<(), Failure>>, server: &Server, writers: u32) {
    let done = Cell::new([0; 3]);
    let count = |place: usize| {
        let mut counts = done.get();
        counts[place] += 1;
        done.set(counts);
    };
    let written: Vec<_> = (0..writers).map(|writer| written(server, writer)).collect();
    for ((writer, number), outcome) in said {
        let times = written[*writer as usize].get(number).copied().unwrap_or(0);
        let told = format!("writer {writer}, {number}: {outcome:?}, but {times} times there");
        assert!(times <= 1, "{told}");
        match outcome {
            Ok(()) => assert_eq!(times, 1, "{told}"),
            Err(failure) if failure.had_no_effect() => assert_eq!(times, 0, "{told}"),
            Err(failure) => assert!(!failure.is_definite(), "{told}"),
        }
        count(match outcome {
            Ok(()) => 0,
            Err(failure) if failure.is_definite() => 1,
            Err(_) => 2,
        });
    }
    let [done, without_effect, unknown] = done.get();
    println!("{done} done, {without_effect} without effect, {unknown} unknown");
    assert!(done > 200, "there was load");
    assert!(unknown >= 1, "the kill met writes under way");
}
