//! Disks: what survives, and how they fail.

use std::io;

use im::env::{Env, Nanos};
use imsim::engine::{DiskFault, Foreseen, HostId};

use super::world::{Log, MS, World, server};

pub fn power_takes_what_is_not_synced<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let found = env.disk_read("file").await.expect("it works");
            log.say(format!("found `{}`", String::from_utf8_lossy(&found)));
            env.disk_append("file", b"synced").expect("it works");
            env.disk_sync("file").await.expect("it works");
            env.disk_append("file", b" and not").expect("it works");
            env.disk_append("other", b"never").expect("it works");
            let read = env.disk_read("file").await.expect("it works");
            log.say(String::from_utf8_lossy(&read[read.len() - 14..]));
        }
    });
    world.foresee(Foreseen { power_losses: [host].into(), ..Foreseen::default() });
    world.start(host);
    world.wait_until("appends", || log.has("synced and not"));
    assert_eq!(world.lose_power(host, false).disk_bytes, 13);
    world.start(host);
    world.wait_until("the second run", || log.count("synced and not") == 2);
    assert!(log.has("found `synced`"), "{:?}", log.all());
    let lost = world.lose_power(host, true).disk_bytes;
    assert!(lost <= 13, "a part may be left");
    assert_eq!(world.lose_power(host, false).disk_bytes, 0, "what is left counts as synced");
    world.start(host);
    world.wait_until("the third run", || log.count("synced and not") == 3);
    let all = log.all();
    let found = &all[4];
    assert!(found.starts_with("found `syncedsynced"), "{all:?}");
}

/// A host whose program appends, syncs and reads every few milliseconds, and says how it went.
fn writer<W: World>(world: &mut W, log: &Log) -> HostId {
    let said = log.clone();
    world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            let say = |what: &str, done: io::Result<()>| match done {
                Ok(()) => log.say(format!("{what}: done")),
                Err(error) => match error.raw_os_error() {
                    Some(number) => log.say(format!("{what}: error {number}")),
                    None => log.say(format!("{what}: {}", error.kind())),
                },
            };
            loop {
                say("append", env.disk_append("file", &[7; 5_000]));
                let began = env.now();
                say("sync", env.disk_sync("file").await);
                log.say(format!("took {}", env.now() - began));
                say("read", env.disk_read("file").await.map(drop));
                say("cut", env.disk_truncate("file", 100));
                env.sleep(2 * MS).await;
            }
        }
    })
}

fn went_well<W: World>(world: &mut W, log: &Log) {
    for what in ["append: done", "sync: done", "read: done", "cut: done"] {
        let before = log.count(what);
        world.wait_until(what, || log.count(what) > before + 1);
    }
}

pub fn a_full_disk_says_so<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = writer(&mut world, &log);
    world.start(host);
    went_well(&mut world, &log);
    world.impose_on_disk(host, DiskFault::Full);
    world.wait_until("a refusal", || log.count("append: no storage space") >= 2);
    let refused = log.count("append: no storage space") as u64;
    let syncs = log.count("sync: done");
    world.wait_until("syncs all the same", || log.count("sync: done") > syncs + 1);
    assert!(world.heal_disk(host) >= refused);
    went_well(&mut world, &log);
    assert_eq!(world.heal_disk(host), 0, "nothing ails it");
}

pub fn a_failing_disk_fails_everything<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let host = writer(&mut world, &log);
    world.start(host);
    went_well(&mut world, &log);
    world.impose_on_disk(host, DiskFault::Failing);
    for what in ["append: error 5", "sync: error 5", "read: error 5", "cut: error 5"] {
        world.wait_until(what, || log.has(what));
    }
    assert!(world.heal_disk(host) >= 4);
    went_well(&mut world, &log);
}

pub fn a_slow_disk_takes_longer<W: World>() {
    const BY: Nanos = 40 * MS;
    let (mut world, log) = (W::new(), Log::default());
    let host = writer(&mut world, &log);
    world.start(host);
    went_well(&mut world, &log);
    world.impose_on_disk(host, DiskFault::Slow { times: 2, by: BY });
    let before = log.len();
    let slow = |log: &Log| {
        let all = log.all();
        let spans = all[before..].iter().filter_map(|said| said.strip_prefix("took "));
        spans.filter(|span| span.parse::<Nanos>().expect("a number") >= BY).count()
    };
    world.wait_until("slow syncs", || slow(&log) >= 2);
    assert!(world.heal_disk(host) >= 2);
    went_well(&mut world, &log);
}

pub fn what_is_cut_off_a_file_is_gone<W: World>() {
    let (mut world, log) = (W::new(), Log::default());
    let said = log.clone();
    let host = world.add_host(server("host"), move |env: W::Env| {
        let log = said.clone();
        async move {
            env.disk_append("file", b"0123456789").expect("it works");
            env.disk_sync("file").await.expect("it works");
            env.disk_truncate("file", 4).expect("it works");
            env.disk_append("file", b"x").expect("it works");
            let read = env.disk_read("file").await.expect("it works");
            log.say(String::from_utf8_lossy(&read));
            env.disk_truncate("nothing", 4).expect("it works");
            env.disk_sync("nothing").await.expect("it works");
            let read = env.disk_read("nothing").await.expect("it works");
            log.say(read.len());
        }
    });
    let twin = world.add_host(server("host"), |_| std::future::pending());
    world.start(host);
    world.start(twin);
    world.wait_until("both reads", || log.len() == 2);
    assert_eq!(log.all(), ["0123x", "0"]);
}
