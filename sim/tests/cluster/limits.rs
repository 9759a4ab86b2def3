//! Limits on a user's sends, as gateways count them: in their own memory, and in a simulated Redis
//! that may be away.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use im::config::{Config, Limits, WithoutRedis};
use im::env::{Env, Nanos};
use im::limit;
use im::model::UserId;
use im::node::Node;
use im::topology::{REDIS_PORT, Topology};
use im::units::Span;
use imsim::engine::HostId;
use imsim::engine::sim::{LinkKind, LinkProfile, Network, Sim};
use imsim::redis;

const MS: Nanos = 1_000_000;
const WINDOW: Span = Span::s(1);
const SENDS: u32 = 5;

struct World {
    redis: HostId,
    /// When sends were let in.
    admitted: Rc<RefCell<Vec<Nanos>>>,
    /// Declared last: what programs hold must go before the world does.
    sim: Sim,
}

impl World {
    /// Two gateways on which one user sends every 10 ms each.
    fn new(seed: u64, limits: Limits, limit_without_redis: WithoutRedis) -> Self {
        let link = LinkProfile::constant(30_000);
        let mut sim = Sim::new(seed, Network { clients: link, backend: link });
        let redis = sim.add_host("redis", LinkKind::Backend, 0, |env| {
            let served = redis::serve(env, REDIS_PORT, Arc::default());
            async move { served.await.expect("Redis has its port to itself") }
        });
        let config = Config {
            limits,
            limit_sends: SENDS,
            limit_window: WINDOW,
            limit_without_redis,
            ..Config::default()
        };
        let config = Arc::new(config);
        let topology = Arc::new(Topology { redis: vec![redis], ..Topology::default() });
        let admitted = Rc::<RefCell<Vec<Nanos>>>::default();
        let gateways = [0, 1].map(|number| {
            let (config, topology, admitted) = (config.clone(), topology.clone(), admitted.clone());
            sim.add_host(&format!("gateway-{number}"), LinkKind::Backend, 0, move |env| {
                let (config, topology) = (config.clone(), topology.clone());
                let node = Node { env, config, topology, number, stats: Arc::default() };
                send(node, admitted.clone())
            })
        });
        sim.start(redis);
        gateways.iter().for_each(|gateway| sim.start(*gateway));
        Self { redis, admitted, sim }
    }

    fn run_until(&mut self, at_ms: u64) {
        self.sim.run_until(at_ms * MS);
    }

    /// Sends that were let in between two times, in milliseconds.
    fn admitted(&self, from_ms: u64, until_ms: u64) -> u32 {
        let admitted = self.admitted.borrow();
        let within = admitted.iter().filter(|at| (from_ms * MS..until_ms * MS).contains(at));
        within.count() as u32
    }

    /// The most sends that were let in within the length of a window, wherever it begins.
    fn most_in_a_window(&self) -> u32 {
        let admitted = self.admitted.borrow();
        let within = |from: &Nanos| {
            admitted.iter().filter(|at| (*from..from + WINDOW.0).contains(at)).count() as u32
        };
        admitted.iter().map(within).max().unwrap_or(0)
    }
}

async fn send<E: Env>(node: Node<E>, admitted: Rc<RefCell<Vec<Nanos>>>) {
    let (env, limit) = (node.env.clone(), limit::limit(&node).expect("there is one"));
    // The link connects meanwhile.
    env.sleep(100 * MS).await;
    loop {
        if limit.admit(UserId(1)).await {
            admitted.borrow_mut().push(env.now());
        }
        env.sleep(10 * MS).await;
    }
}

#[test]
fn gateways_that_count_alone_give_the_limit_each() {
    let mut world = World::new(1, Limits::Local, WithoutRedis::Closed);
    world.run_until(10_100);
    assert_eq!(world.admitted(0, 10_000), 2 * 10 * SENDS);
}

#[test]
fn redis_counts_for_all_gateways() {
    for seed in 0..5 {
        let mut world = World::new(seed, Limits::Redis, WithoutRedis::Closed);
        world.run_until(10_000);
        let windows = 9..=10;
        let admitted = world.admitted(0, 10_000);
        assert!(windows.contains(&(admitted / SENDS)), "{seed}: {admitted}");
        assert!(world.most_in_a_window() <= 2 * SENDS, "{seed}: the last and the first of two");
    }
}

#[test]
fn without_redis_a_limit_is_open_or_closed_and_closes_again() {
    for (without, range) in [(WithoutRedis::Open, 500..=800), (WithoutRedis::Closed, 0..=0)] {
        let mut world = World::new(1, Limits::Redis, without);
        world.run_until(2_000);
        world.sim.crash(world.redis);
        world.run_until(6_000);
        let let_in = world.admitted(2_300, 6_000);
        assert!(range.contains(&let_in), "{without:?}: {let_in}");
        world.sim.start(world.redis);
        world.run_until(11_000);
        let after = world.admitted(8_000, 11_000);
        assert!((2 * SENDS..=4 * SENDS).contains(&after), "{without:?}: {after}");
    }
}

#[test]
fn a_redis_that_forgets_begins_a_new_window() {
    let mut world = World::new(1, Limits::Redis, WithoutRedis::Closed);
    world.run_until(300);
    let before = world.admitted(0, 300);
    world.sim.crash(world.redis);
    world.sim.start(world.redis);
    world.run_until(1_050);
    assert_eq!((before, world.admitted(300, 1_050)), (SENDS, SENDS), "twice within a second");
}
