//! Echoing pairs on our discrete-event engine.

use im::env::{Addr, Env, Nanos};
use imsim::engine::sim::{LinkKind, LinkProfile, Network, Sim};

use crate::EchoWorld;
use crate::echo::{self, Delivered, LATENCY_MS, PORT};

const MS: Nanos = 1_000_000;
const SEED: u64 = 1;

/// Echoing pairs on our engine.
pub struct OnImsim {
    sim: Sim,
    delivered: Delivered,
}

impl EchoWorld for OnImsim {
    fn new(pairs: u32) -> Self {
        let link = LinkProfile::constant(LATENCY_MS * MS);
        let mut sim = Sim::new(SEED, Network { clients: link, backend: link });
        let delivered = Delivered::default();
        for pair in 0..pairs {
            add_pair(&mut sim, pair, &delivered);
        }
        Self { sim, delivered }
    }

    fn advance(&mut self, ms: u64) {
        let until = self.sim.now() + ms * MS;
        self.sim.run_until(until);
    }

    fn packets_delivered(&self) -> u64 {
        self.delivered.get()
    }
}

fn add_pair(sim: &mut Sim, pair: u32, delivered: &Delivered) {
    let counter = delivered.clone();
    let server = sim.add_host(&format!("server-{pair}"), LinkKind::Backend, MS, move |env| {
        let delivered = counter.clone();
        async move {
            let mut listener = env.listen(PORT).expect("the port is free");
            let (stream, _) = env.accept(&mut listener).await.expect("the client dials");
            echo::answer(stream, delivered).await.expect("the connection holds");
        }
    });
    sim.start(server);
    let counter = delivered.clone();
    let client = sim.add_host(&format!("client-{pair}"), LinkKind::Backend, MS, move |env| {
        let delivered = counter.clone();
        async move {
            let to = Addr { node: server, port: PORT };
            let stream = env.connect(to).await.expect("the server listens");
            echo::ask(stream, delivered).await.expect("the connection holds");
        }
    });
    sim.start(client);
}
