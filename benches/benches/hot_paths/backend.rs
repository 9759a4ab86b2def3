//! A registry, a log and a store on the simulated network, and a program that calls them: the smallest world in
//! which a server does its work. Costs of the engine and of calls are part of what is measured.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use im::config::Config;
use im::env::{Env, Nanos};
use im::node::Node;
use im::stats::Stats;
use im::topology::Topology;
use im_benches::SEED;
use imsim::engine::sim::{HostId, LinkKind, LinkProfile, Network, Sim, SimEnv};

/// The log's node, and the store's.
pub const LOG: HostId = 1;
pub const STORE: HostId = 2;
/// Of the program that calls.
pub const CALLER: HostId = 3;

/// One-way latency of every link.
const LATENCY: Nanos = 100_000;
/// What a disk's sync takes.
const SYNC: Nanos = 100_000;
/// When what is measured begins: the servers have found each other, and what comes before is prepared.
const BEGIN: Nanos = 5_000_000_000;
/// How often the harness looks whether the work is done.
const LOOK: Nanos = 10_000_000;
/// Work that is not done by then hangs.
const END: Nanos = 120_000_000_000;

/// A world with its work before it.
pub struct Backend {
    sim: Sim,
    done: Rc<Cell<bool>>,
}

impl Backend {
    /// The servers, and a caller that has run `prepare` and is about to run `work` on what came of it.
    pub fn about_to<P: 'static>(
        prepare: impl AsyncFn(&Node<SimEnv>) -> P + Clone + 'static,
        work: impl AsyncFn(&Node<SimEnv>, P) + Clone + 'static,
    ) -> Self {
        let link = LinkProfile::constant(LATENCY);
        let mut sim = Sim::new(SEED, Network { clients: link, backend: link });
        let topology = Arc::new(Topology {
            log: LOG,
            log_partitions: 1,
            stores: vec![STORE],
            ..Topology::default()
        });
        let done = Rc::new(Cell::new(false));
        add(&mut sim, "registry", &topology, im::registry::run);
        add(&mut sim, "log", &topology, im::log::run);
        add(&mut sim, "store", &topology, im::store::run);
        let told = done.clone();
        add(&mut sim, "caller", &topology, move |node| {
            let (prepare, work, told) = (prepare.clone(), work.clone(), told.clone());
            async move {
                let prepared = prepare(&node).await;
                assert!(node.env.now() < BEGIN, "what is prepared would be measured");
                node.env.sleep_until(BEGIN).await;
                work(&node, prepared).await;
                told.set(true);
            }
        });
        sim.run_until(BEGIN - 1);
        Self { sim, done }
    }

    /// Lets the work be done.
    pub fn run(&mut self) {
        while !self.done.get() {
            assert!(self.sim.now() < END, "the work is never done");
            self.sim.run_until(self.sim.now() + LOOK);
        }
    }
}

fn add<F: Future<Output = ()> + 'static>(
    sim: &mut Sim,
    name: &str,
    topology: &Arc<Topology>,
    run: impl Fn(Node<SimEnv>) -> F + 'static,
) {
    let topology = topology.clone();
    let number = Rc::new(Cell::new(0));
    let own = number.clone();
    let host = sim.add_host(name, LinkKind::Backend, SYNC, move |env| {
        run(Node {
            env,
            config: Arc::new(Config::default()),
            topology: topology.clone(),
            number: own.get(),
            stats: Arc::new(Stats::default()),
        })
    });
    number.set(host);
    sim.start(host);
}
