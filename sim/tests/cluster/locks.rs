//! Locks on conversations, as chat nodes take them, on simulated Redis masters: when two nodes hold
//! the same one, by what happens to the masters or to the holder.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use im::config::{Config, Ownership};
use im::env::{Env, Nanos};
use im::model::ConversationId;
use im::node::Node;
use im::ownership::{self, Standing};
use im::stats::Stats;
use im::topology::{REDIS_PORT, Topology};
use im::units::Span;
use imsim::engine::HostId;
use imsim::engine::sim::{Condition, LinkKind, LinkProfile, Network, Sim};
use imsim::redis::persistence::{Fsync, Persistence};
use imsim::redis::{self, Options};

const MS: Nanos = 1_000_000;
const LOCK_TTL: Span = Span::s(3);
/// One sync of a master's disk.
const SYNC: Nanos = 300_000;
/// How often a node looks whether it holds the lock.
const LOOK: Nanos = 20 * MS;

/// What the nodes believed of the one lock: when, who, what.
type Beliefs = Rc<RefCell<Vec<(Nanos, usize, Standing)>>>;

struct World {
    masters: Vec<HostId>,
    chats: Vec<HostId>,
    stats: [Arc<Stats>; 2],
    beliefs: Beliefs,
    /// Declared last: what programs hold must go before the world does.
    sim: Sim,
}

impl World {
    /// Two nodes that want the lock of one conversation all the time, and these masters. The nodes
    /// do not run yet.
    fn new(seed: u64, ownership: Ownership, masters: usize) -> Self {
        Self::with(seed, ownership, masters, Persistence::None)
    }

    /// With masters that keep something over their restart.
    fn with(seed: u64, ownership: Ownership, masters: usize, keeps: Persistence) -> Self {
        let link = LinkProfile::constant(30_000);
        let mut sim = Sim::new(seed, Network { clients: link, backend: link });
        let masters: Vec<HostId> = (0..masters)
            .map(|number| add_redis(&mut sim, &format!("lock-{number}"), keeps))
            .collect();
        masters.iter().for_each(|master| sim.start(*master));
        let topology = Topology {
            redis: masters.clone(),
            lock_masters: masters.clone(),
            ..Topology::default()
        };
        let config = Config { ownership, lock_ttl: LOCK_TTL, ..Config::default() };
        let (topology, config) = (Arc::new(topology), Arc::new(config));
        let (beliefs, stats) = (Beliefs::default(), [(); 2].map(|()| Arc::<Stats>::default()));
        let chats = (0..2)
            .map(|chat| {
                let (topology, config) = (topology.clone(), config.clone());
                let (beliefs, stats) = (beliefs.clone(), stats[chat].clone());
                let boot = move |env| {
                    let (topology, config, stats) =
                        (topology.clone(), config.clone(), stats.clone());
                    want(Node { env, config, topology, number: 0, stats }, chat, beliefs.clone())
                };
                sim.add_host(&format!("chat-{chat}"), LinkKind::Backend, 0, boot)
            })
            .collect();
        Self { masters, chats, stats, beliefs, sim }
    }

    fn run_for(&mut self, span: Nanos) {
        self.sim.run_until(self.sim.now() + span);
    }

    /// Nothing passes between the node and these masters any more.
    fn cut(&mut self, chat: usize, masters: &[usize]) {
        let masters = masters.iter().map(|master| self.masters[*master]);
        let sides = (BTreeSet::from([self.chats[chat]]), masters.collect());
        self.sim.impose(Condition::Cut(sides.0, sides.1));
    }

    /// Whether a node was still sure of the lock after the other one had got it.
    fn held_twice(&self) -> bool {
        let mut holder = None;
        self.beliefs.borrow().iter().any(|(_, chat, standing)| match standing {
            Standing::Anew => {
                holder = Some(*chat);
                false
            }
            Standing::Still => holder != Some(*chat),
            Standing::Not => false,
        })
    }

    fn holds(&self, chat: usize) -> bool {
        let beliefs = self.beliefs.borrow();
        let last = beliefs.iter().rev().find(|(_, who, _)| *who == chat);
        last.is_some_and(|(_, _, standing)| *standing != Standing::Not)
    }
}

fn add_redis(sim: &mut Sim, name: &str, persistence: Persistence) -> HostId {
    sim.add_host(name, LinkKind::Backend, SYNC, move |env| {
        let options = Options { persistence, ..Options::new(REDIS_PORT, Arc::default()) };
        let served = redis::serve_as(env, options);
        async move { served.await.expect("Redis has its port to itself") }
    })
}

/// Wants the lock and notes what it believes, for ever.
async fn want<E: Env>(node: Node<E>, chat: usize, beliefs: Beliefs) {
    let (env, lock) = (node.env.clone(), ownership::ownership(&node));
    // Links connect meanwhile.
    env.sleep(100 * MS).await;
    loop {
        let standing = lock.hold(ConversationId(7)).await;
        beliefs.borrow_mut().push((env.now(), chat, standing));
        env.sleep(LOOK).await;
    }
}

const SEEDS: std::ops::Range<u64> = 0..5;

#[test]
fn a_lock_passes_on_when_its_holder_dies_and_not_before() {
    for (ownership, masters) in [(Ownership::RedisLock, 1), (Ownership::Redlock, 5)] {
        for seed in SEEDS {
            let mut world = World::new(seed, ownership, masters);
            world.sim.start(world.chats[0]);
            world.run_for(1_000 * MS);
            world.sim.start(world.chats[1]);
            world.run_for(5 * LOCK_TTL.0);
            assert!(world.holds(0) && !world.holds(1), "{ownership:?} {seed}");
            assert!(world.stats[0].locks_renewed.get() >= 5, "{ownership:?} {seed}");
            world.sim.crash(world.chats[0]);
            world.run_for(LOCK_TTL.0 + 500 * MS);
            assert!(world.holds(1) && !world.held_twice(), "{ownership:?} {seed}");
        }
    }
}

#[test]
fn redlock_needs_most_masters_and_no_more() {
    for seed in SEEDS {
        let mut world = World::new(seed, Ownership::Redlock, 5);
        world.sim.start(world.chats[0]);
        world.run_for(1_000 * MS);
        world.cut(0, &[3, 4]);
        world.run_for(3 * LOCK_TTL.0);
        assert!(
            world.holds(0) && world.stats[0].locks_taken.get() == 1,
            "{seed}: three are enough"
        );
        world.cut(0, &[2]);
        world.run_for(2 * LOCK_TTL.0);
        assert!(!world.holds(0), "{seed}: two are not");
        world.sim.start(world.chats[1]);
        world.run_for(1_000 * MS);
        assert!(world.holds(1) && !world.held_twice(), "{seed}");
    }
}

#[test]
fn masters_that_were_split_are_given_back() {
    for seed in SEEDS {
        let mut world = World::new(seed, Ownership::Redlock, 5);
        world.cut(0, &[2, 3, 4]);
        world.sim.start(world.chats[0]);
        world.run_for(3_000 * MS);
        assert!(world.stats[0].lock_votes_split.get() > 0 && !world.holds(0), "{seed}");
        world.sim.crash(world.chats[0]);
        world.sim.start(world.chats[1]);
        world.cut(1, &[3, 4]);
        world.run_for(1_000 * MS);
        assert!(world.holds(1), "{seed}: it needs the two that the other one had for a moment");
    }
}

/// One node has the lock on the first three masters, and the other one reaches the last three.
fn on_three_of_five(seed: u64, keeps: Persistence) -> World {
    let mut world = World::with(seed, Ownership::Redlock, 5, keeps);
    world.cut(0, &[3, 4]);
    world.cut(1, &[0, 1]);
    world.sim.start(world.chats[0]);
    world.run_for(1_000 * MS);
    world.sim.start(world.chats[1]);
    world.run_for(2 * LOCK_TTL.0);
    assert!(world.holds(0) && !world.holds(1), "{seed}");
    world
}

#[test]
fn redlock_is_held_twice_after_a_jump_of_one_masters_wall_clock() {
    for seed in SEEDS {
        let mut world = on_three_of_five(seed, Persistence::None);
        world.sim.step_clock(world.masters[2], 10_000);
        world.run_for(LOCK_TTL.0);
        assert!(world.held_twice(), "{seed}");
    }
}

#[test]
fn redlock_is_held_twice_after_a_master_has_restarted_without_it() {
    for seed in SEEDS {
        let mut world = on_three_of_five(seed, Persistence::None);
        world.sim.crash(world.masters[2]);
        world.run_for(300 * MS);
        world.sim.start(world.masters[2]);
        world.run_for(LOCK_TTL.0);
        assert!(world.held_twice(), "{seed}");
    }
}

#[test]
fn redlock_is_held_once_when_masters_sync_what_they_grant() {
    for seed in SEEDS {
        let mut world = on_three_of_five(seed, Persistence::AppendOnly(Fsync::Always));
        for _ in 0..3 {
            world.sim.crash(world.masters[2]);
            world.run_for(300 * MS);
            world.sim.start(world.masters[2]);
            world.run_for(LOCK_TTL.0);
        }
        assert!(!world.held_twice(), "{seed}");
    }
}

/// Redlock's other remedy for restarts: whoever comes back waits until all locks are over.
#[test]
fn redlock_is_held_once_when_a_master_comes_back_late_enough() {
    for seed in SEEDS {
        let mut world = on_three_of_five(seed, Persistence::None);
        world.sim.crash(world.masters[2]);
        world.run_for(LOCK_TTL.0 + 100 * MS);
        world.sim.start(world.masters[2]);
        world.run_for(LOCK_TTL.0);
        assert!(!world.held_twice(), "{seed}");
    }
}

/// A node that stood still finds out when it looks again; what it had begun before is on its way.
#[test]
fn who_stood_still_looks_again_and_does_not_believe_in_its_lock() {
    for (ownership, masters) in [(Ownership::RedisLock, 1), (Ownership::Redlock, 5)] {
        for seed in SEEDS {
            let mut world = World::new(seed, ownership, masters);
            world.sim.start(world.chats[0]);
            world.run_for(1_000 * MS);
            world.sim.start(world.chats[1]);
            world.run_for(LOCK_TTL.0);
            world.sim.pause(world.chats[0]);
            world.run_for(LOCK_TTL.0 + 1_000 * MS);
            world.sim.resume(world.chats[0]);
            world.run_for(LOCK_TTL.0);
            assert!(world.holds(1) && !world.holds(0), "{ownership:?} {seed}");
            assert!(!world.held_twice(), "{ownership:?} {seed}");
        }
    }
}
