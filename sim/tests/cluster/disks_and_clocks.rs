//! What nodes do about disks that fail and clocks that err, each node on the `sim` engine: nothing
//! is acked that is not durable, and no id is given twice.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use im::call::{CallError, Caller};
use im::config::Config;
use im::env::{Env, Nanos};
use im::ids::Ids;
use im::journal::{Journal, NoRoom};
use im::model::{DeviceId, MessageId, UserId};
use im::node::Node;
use im::proto::store::{Reply, Request, Store};
use im::stats::Stats;
use im::topology::{Topology, call_addr};
use imsim::engine::sim::{DiskFault, HostId, LinkKind, LinkProfile, Network, Sim, SimEnv};

const MS: Nanos = 1_000_000;
const S: Nanos = 1_000 * MS;

fn world(seed: u64) -> Sim {
    let link = LinkProfile::constant(MS);
    Sim::new(seed, Network { clients: link, backend: link })
}

fn add<F>(sim: &mut Sim, program: impl Fn(SimEnv) -> F + 'static) -> HostId
where
    F: Future<Output = ()> + 'static,
{
    let host = sim.add_host("host", LinkKind::Backend, 5 * MS, program);
    sim.start(host);
    host
}

type Shared<T> = Rc<RefCell<Vec<T>>>;

/// Adds a host that writes rising numbers into a journal every millisecond and acks each that is
/// durable; its second list has what it replayed at its last start.
fn add_writer(sim: &mut Sim) -> (HostId, Shared<u64>, Shared<u64>) {
    let (acked, replayed) = (Shared::<u64>::default(), Shared::<u64>::default());
    let (acks, replays) = (acked.clone(), replayed.clone());
    let host = add(sim, move |env| {
        let (acks, replays) = (acks.clone(), replays.clone());
        async move {
            let (journal, records) = Journal::<_, u64>::open(env, "wal", Arc::default()).await;
            let first = records.last().map_or(0, |last| last + 1);
            replays.replace(records);
            for number in first.. {
                env.sleep(MS).await;
                let position = loop {
                    match journal.append(&number) {
                        Ok(position) => break position,
                        Err(NoRoom) => env.sleep(10 * MS).await,
                    }
                };
                let (journal, acks) = (journal.clone(), acks.clone());
                env.spawn(async move {
                    journal.durable(position).await;
                    acks.borrow_mut().push(number);
                });
            }
        }
    });
    (host, acked, replayed)
}

/// Everything that had been acked was replayed.
fn assert_kept(acked: &[u64], replayed: &Shared<u64>, when: &str) {
    let replayed: BTreeSet<u64> = replayed.borrow().iter().copied().collect();
    let lost: Vec<u64> =
        acked.iter().filter(|number| !replayed.contains(number)).copied().collect();
    assert!(lost.is_empty(), "{when}: acked and lost: {lost:?}");
}

#[test]
fn a_journal_never_loses_what_it_acked_to_torn_writes_full_or_failing_disks() {
    for seed in 0..20 {
        let mut sim = world(seed);
        let (host, acked, replayed) = add_writer(&mut sim);
        for round in 1..=30 {
            sim.run_until(sim.now() + 100 * MS + seed * 777_777);
            let fault = if round % 2 == 0 { DiskFault::Full } else { DiskFault::Failing };
            sim.impose_on_disk(host, fault);
            sim.run_until(sim.now() + 700 * MS);
            assert!(sim.heal_disk(host) > 0, "{fault:?} touched nothing");
            sim.run_until(sim.now() + 2 * S);
            let before = acked.borrow().clone();
            sim.lose_power(host, true);
            sim.start(host);
            sim.run_until(sim.now() + 50 * MS);
            assert_kept(&before, &replayed, &format!("seed {seed}, round {round}, {fault:?}"));
            assert!(acked.borrow().len() > before.len(), "it goes on");
        }
        assert!(sim.fail_stops(host) >= 15, "each failing disk ends the process");
        assert_eq!(replayed.borrow().windows(2).filter(|two| two[0] + 1 != two[1]).count(), 0);
    }
}

#[test]
fn a_sync_that_fails_just_once_is_not_made_good_by_the_next_one() {
    let (mut sim, replayed) = (world(1), Shared::<u64>::default());
    let (acked, replays) = (Shared::<u64>::default(), replayed.clone());
    let acks = acked.clone();
    let host = add(&mut sim, move |env| {
        let (acks, replays) = (acks.clone(), replays.clone());
        async move {
            let (journal, records) = Journal::<_, u64>::open(env, "wal", Arc::default()).await;
            let number = records.last().map_or(0, |last| last + 1);
            replays.replace(records);
            journal.durable(journal.append(&number).expect("room")).await;
            acks.borrow_mut().push(number);
        }
    });
    // The only sync is under way from 0 to 5 ms.
    sim.run_until(4 * MS);
    sim.impose_on_disk(host, DiskFault::Failing);
    sim.run_until(6 * MS);
    assert_eq!(sim.heal_disk(host), 1);
    sim.run_until(500 * MS);
    assert_eq!((sim.fail_stops(host), acked.borrow().len()), (1, 0), "acked after a failed sync");
    sim.run_until(2 * S);
    let before = acked.borrow().clone();
    assert_eq!(before, [0], "the supervisor has started it again, and it wrote again");
    sim.lose_power(host, false);
    sim.start(host);
    sim.run_until(3 * S);
    assert_kept(&before, &replayed, "after a loss of power");
}

#[test]
fn what_a_journal_has_replayed_is_durable() {
    let (mut sim, replayed) = (world(1), Shared::<u64>::default());
    let replays = replayed.clone();
    let host = add(&mut sim, move |env| {
        let replays = replays.clone();
        async move {
            let (journal, records) = Journal::<_, u64>::open(env, "wal", Arc::default()).await;
            journal.append(&(records.len() as u64)).expect("room");
            replays.replace(records);
            std::future::pending::<()>().await;
        }
    });
    sim.run_until(S);
    // The process dies, so its record stays in the page cache; then the machine.
    sim.crash(host);
    sim.start(host);
    sim.run_until(2 * S);
    assert_eq!(*replayed.borrow(), [0]);
    sim.lose_power(host, false);
    sim.start(host);
    sim.run_until(3 * S);
    assert_eq!(*replayed.borrow(), [0]);
}

/// Adds a store shard.
fn add_store(sim: &mut Sim, stats: &Arc<Stats>) -> HostId {
    let stats = stats.clone();
    add(sim, move |env| im::store::run(node(env, stats.clone())))
}

fn node(env: SimEnv, stats: Arc<Stats>) -> Node<SimEnv> {
    // The registry and the log are on a host that refuses connections.
    let topology =
        Topology { registry: 1, log: 1, log_partitions: 1, stores: vec![0], ..Topology::default() };
    let number = env.host();
    Node { env, config: Arc::new(Config::default()), topology: Arc::new(topology), number, stats }
}

/// Adds a host that registers a new user's device every 10 ms; it keeps the users whose
/// registration was acked, and the other replies.
fn add_registrar(
    sim: &mut Sim,
    store: HostId,
) -> (HostId, Shared<u32>, Shared<Result<Reply, CallError>>) {
    let (acked, failed) = (Shared::default(), Shared::default());
    let (acks, failures) = (acked.clone(), failed.clone());
    let host = add(sim, move |env| {
        let (acks, failures): (Shared<u32>, Shared<_>) = (acks.clone(), failures.clone());
        async move {
            let caller = Caller::<_, Store>::new(env, call_addr(store), 500 * MS, 500 * MS);
            for user in 0.. {
                env.sleep(10 * MS).await;
                let device = DeviceId { user: UserId(user), index: 0 };
                let (call, acks, failures) =
                    (caller.call(Request::RegisterDevice(device)), acks.clone(), failures.clone());
                env.spawn(async move {
                    match call.await {
                        Ok(Reply::Done) => acks.borrow_mut().push(user),
                        other => failures.borrow_mut().push(other),
                    }
                });
            }
        }
    });
    (host, acked, failed)
}

/// Registers again, after a loss of power, what was acked; a store that knows it writes nothing.
fn assert_stored(sim: &mut Sim, store: HostId, stats: &Arc<Stats>, users: Vec<u32>) {
    sim.lose_power(store, true);
    sim.start(store);
    let (written, asked) = (stats.store_rows_written.get(), Shared::<u32>::default());
    let (asks, count) = (asked.clone(), users.len());
    add(sim, move |env| {
        let (asks, users) = (asks.clone(), users.clone());
        async move {
            let caller = Caller::<_, Store>::new(env, call_addr(store), 500 * MS, 500 * MS);
            for user in users {
                let device = DeviceId { user: UserId(user), index: 0 };
                while caller.call(Request::RegisterDevice(device)).await != Ok(Reply::Done) {
                    env.sleep(100 * MS).await;
                }
                asks.borrow_mut().push(user);
            }
        }
    });
    sim.run_until(sim.now() + 20 * S);
    assert_eq!(asked.borrow().len(), count);
    assert_eq!(stats.store_rows_written.get(), written, "something acked was not stored");
}

#[test]
fn a_store_whose_sync_fails_acks_nothing_ends_and_comes_back() {
    let (mut sim, stats) = (world(1), Arc::default());
    let store = add_store(&mut sim, &stats);
    let (registrar, acked, failed) = add_registrar(&mut sim, store);
    sim.run_until(S);
    let before = acked.borrow().len();
    assert!(before > 50, "{before}");
    sim.impose_on_disk(store, DiskFault::Failing);
    sim.run_until(4 * S);
    assert!(acked.borrow().len() <= before, "acked on a disk that fails");
    assert!(failed.borrow().iter().all(Result::is_err), "a failing store says nothing");
    assert!(sim.fail_stops(store) >= 2, "it is started in vain, too");
    assert_eq!(stats.fail_stops.get(), sim.fail_stops(store));
    sim.heal_disk(store);
    sim.run_until(7 * S);
    assert!(acked.borrow().len() > before + 50, "it goes on");
    sim.crash(registrar);
    let users = acked.borrow().clone();
    assert_stored(&mut sim, store, &stats, users);
}

#[test]
fn a_full_store_refuses_changes_without_an_effect_and_recovers_when_there_is_room() {
    let (mut sim, stats) = (world(1), Arc::default());
    let store = add_store(&mut sim, &stats);
    let (registrar, acked, failed) = add_registrar(&mut sim, store);
    sim.run_until(S);
    sim.impose_on_disk(store, DiskFault::Full);
    sim.run_until(10 * S);
    assert!(failed.borrow().contains(&Ok(Reply::NoRoom)));
    let refused = failed.borrow().len() as u64;
    assert_eq!(stats.store_rows_written.get(), acked.borrow().len() as u64, "refused, and changed");
    assert_eq!(stats.appends_failed.get(), refused);
    assert!(sim.heal_disk(store) >= refused);
    let before = acked.borrow().len();
    sim.run_until(11 * S);
    assert!(acked.borrow().len() > before + 50, "it goes on");
    assert_eq!(sim.fail_stops(store), 0);
    sim.crash(registrar);
    let users = acked.borrow().clone();
    assert_stored(&mut sim, store, &stats, users);
}

/// Adds a host that takes ids in bursts.
fn add_taker(sim: &mut Sim, taken: &Shared<MessageId>) -> HostId {
    let taken = taken.clone();
    add(sim, move |env| {
        let taken = taken.clone();
        async move {
            let ids = Ids::open(env, 7, Arc::default()).await;
            for burst in [1, 5_000, 3].into_iter().cycle() {
                if ids.ready(burst).await.is_ok() {
                    taken.borrow_mut().extend((0..burst).map(|_| ids.next()));
                }
                env.sleep(100 * MS).await;
            }
        }
    })
}

#[test]
fn ids_stay_unique_when_the_clock_steps_back_while_the_process_is_down() {
    let (mut sim, taken) = (world(1), Shared::default());
    let host = add_taker(&mut sim, &taken);
    for round in 0..8_u32 {
        sim.run_until(sim.now() + 3 * S);
        let power = round % 2 == 0;
        let _ = if power { sim.lose_power(host, true) } else { sim.crash(host) };
        sim.step_clock(host, [-2_000, -60_000, 90_000, -1][round as usize % 4]);
        sim.start(host);
    }
    sim.run_until(sim.now() + 3 * S);
    let taken = taken.borrow();
    assert!(taken.len() > 9 * 30_000 / 2, "{} ids", taken.len());
    assert!(taken.windows(2).all(|two| two[0] < two[1]), "an id was given twice, or fell");
}

#[test]
fn without_room_for_a_bound_no_ids_are_given_until_there_is_room() {
    let (mut sim, taken) = (world(1), Shared::<MessageId>::default());
    let host = add_taker(&mut sim, &taken);
    sim.run_until(S);
    sim.impose_on_disk(host, DiskFault::Full);
    // Each step asks for a higher bound, until the last block of the file is full.
    for _ in 0..500 {
        sim.step_clock(host, 60_000);
        sim.run_until(sim.now() + 110 * MS);
    }
    let before = taken.borrow().len();
    sim.run_until(sim.now() + 5 * S);
    assert_eq!(taken.borrow().len(), before, "ids beyond the bound");
    assert!(sim.heal_disk(host) > 0);
    sim.run_until(sim.now() + S);
    assert!(taken.borrow().len() > before + 10_000, "it goes on");
    let rising = taken.borrow().windows(2).all(|two| two[0] < two[1]);
    assert!(rising, "an id was given twice, or fell");
}
