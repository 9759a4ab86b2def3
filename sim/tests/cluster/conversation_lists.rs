//! Conversation lists in a simulated Redis: when they count, what they hold, and what becomes of them
//! when Redis forgets.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use im::config::Config;
use im::conversation_list::ConversationLists;
use im::env::{Env, Nanos};
use im::model::{ConversationId, MessageId, UserId};
use im::node::Node;
use im::topology::{REDIS_PORT, Topology};
use im::units::Span;
use imsim::engine::HostId;
use imsim::engine::sim::{LinkKind, LinkProfile, Network, Sim, SimEnv};
use imsim::redis;

const MS: Nanos = 1_000_000;
const LIFE: Span = Span::s(10);
const ALICE: UserId = UserId(1);
const BOB: UserId = UserId(2);

struct World {
    redis: HostId,
    /// The test's own program has come to its end.
    done: Rc<RefCell<bool>>,
    /// Declared last: what programs hold must go before the world does.
    sim: Sim,
}

impl World {
    /// A Redis, and a node that does `what` with lists that keep three conversations.
    fn new<F: Future<Output = ()> + 'static>(
        what: impl Fn(SimEnv, Rc<ConversationLists<SimEnv>>) -> F + Clone + 'static,
    ) -> Self {
        let link = LinkProfile::constant(30_000);
        let mut sim = Sim::new(1, Network { clients: link, backend: link });
        let redis = sim.add_host("redis", LinkKind::Backend, 0, |env| {
            let served = redis::serve(env, REDIS_PORT, Arc::default());
            async move { served.await.expect("Redis has its port to itself") }
        });
        let config = Config {
            conversations_kept: 3,
            conversations_life: LIFE,
            push_shard: 1,
            ..Config::default()
        };
        let config = Arc::new(config);
        let topology = Arc::new(Topology { redis: vec![redis], ..Topology::default() });
        let done = Rc::<RefCell<bool>>::default();
        let at_end = done.clone();
        let node = sim.add_host("node", LinkKind::Backend, 0, move |env: SimEnv| {
            let (config, topology) = (config.clone(), topology.clone());
            let (what, at_end) = (what.clone(), at_end.clone());
            async move {
                let stats = Arc::default();
                let node = Node { env, config, topology, number: 9, stats };
                let lists = Rc::new(ConversationLists::new(&node));
                // The link connects meanwhile.
                env.sleep(100 * MS).await;
                what(env, lists).await;
                at_end.replace(true);
            }
        });
        sim.start(redis);
        sim.start(node);
        Self { redis, done, sim }
    }

    fn run_to_the_end(mut self) {
        self.sim.run_until(60_000 * MS);
        assert!(*self.done.borrow(), "the program of the test has not ended");
    }
}

fn latest(pairs: &[(u64, u64)]) -> Vec<(ConversationId, MessageId)> {
    pairs.iter().map(|(id, message)| (ConversationId(*id), MessageId(*message))).collect()
}

fn ids(ids: &[u64]) -> Option<Vec<ConversationId>> {
    Some(ids.iter().map(|id| ConversationId(*id)).collect())
}

async fn touch<E: Env>(lists: &ConversationLists<E>, users: &[UserId], id: u64, message: u64) {
    lists.touch(users, (ConversationId(id), MessageId(message))).await;
}

#[test]
fn a_list_counts_once_it_is_filled_and_keeps_the_latest() {
    let world = World::new(|_, lists| async move {
        touch(&lists, &[ALICE, BOB], 5, 50).await;
        assert_eq!(lists.read(ALICE).await, None, "a touch makes no list");
        lists.begin_to_fill(ALICE).await;
        assert_eq!(lists.read(ALICE).await, None, "not whole yet");
        touch(&lists, &[ALICE, BOB], 7, 70).await;
        lists.fill(ALICE, &latest(&[(5, 50), (6, 60), (7, 65)])).await;
        assert_eq!(lists.read(ALICE).await, ids(&[7, 6, 5]), "what came meanwhile counts");
        touch(&lists, &[ALICE, BOB], 5, 80).await;
        assert_eq!(lists.read(ALICE).await, ids(&[5, 7, 6]));
        touch(&lists, &[ALICE, BOB], 5, 20).await;
        assert_eq!(lists.read(ALICE).await, ids(&[5, 7, 6]), "late touches change nothing");
        touch(&lists, &[ALICE, BOB], 9, 90).await;
        assert_eq!(lists.read(ALICE).await, ids(&[9, 5, 7]), "the oldest has no place");
        touch(&lists, &[ALICE, BOB], 1, 10).await;
        assert_eq!(lists.read(ALICE).await, ids(&[9, 5, 7]), "nor has who is older still");
        assert_eq!(lists.read(BOB).await, None, "nobody filled it");
    });
    world.run_to_the_end();
}

#[test]
fn ids_of_full_length_are_told_apart_by_their_milliseconds() {
    let world = World::new(|_, lists| async move {
        let id = |ms: u64| (ms << 22) | (512 << 12);
        lists.begin_to_fill(ALICE).await;
        let at = (1 << 41) - 10;
        lists.fill(ALICE, &latest(&[(1, id(at + 2)), (2, id(at + 1)), (3, id(at + 3))])).await;
        assert_eq!(lists.read(ALICE).await, ids(&[3, 1, 2]));
        touch(&lists, &[ALICE], 2, id(at + 4)).await;
        assert_eq!(lists.read(ALICE).await, ids(&[2, 3, 1]));
    });
    world.run_to_the_end();
}

#[test]
fn a_list_ends_with_its_life_and_with_redis() {
    let mut world = World::new(|env, lists| async move {
        lists.begin_to_fill(ALICE).await;
        lists.fill(ALICE, &latest(&[(5, 50)])).await;
        lists.begin_to_fill(BOB).await;
        env.sleep(LIFE.0 / 2).await;
        touch(&lists, &[ALICE], 6, 60).await;
        assert_eq!(lists.read(ALICE).await, ids(&[6, 5]));
        env.sleep(LIFE.0 / 2 + MS).await;
        assert_eq!(lists.read(ALICE).await, None, "a touch does not lengthen it");
        lists.begin_to_fill(ALICE).await;
        // Redis comes back empty meanwhile.
        env.sleep(5_000 * MS).await;
        lists.fill(ALICE, &latest(&[(5, 50)])).await;
        assert_eq!(lists.read(ALICE).await, None, "touches may have been forgotten");
    });
    world.sim.run_until(12_000 * MS);
    world.sim.crash(world.redis);
    world.sim.run_until(12_500 * MS);
    world.sim.start(world.redis);
    world.run_to_the_end();
}
