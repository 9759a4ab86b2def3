//! The same echoing pairs on turmoil: its own streams, its tokio runtimes, a tick of 1 ms.

use std::net::Ipv4Addr;
use std::time::Duration;

use turmoil::net::{TcpListener, TcpStream};
use turmoil::{Builder, Sim};

use crate::EchoWorld;
use crate::echo::{self, Delivered, LATENCY_MS, PORT};

const SEED: u64 = 1;
/// Time that passes per step. Turmoil rounds to milliseconds, so nothing below is sound.
const TICK: Duration = Duration::from_millis(1);
/// Longer than any run, since turmoil fails a simulation that outlives its duration.
const DURATION: Duration = Duration::from_secs(30 * 86_400);
/// Where virtual time begins, 2026-01-01T00:00:00Z; turmoil takes the wall clock when unset.
const EPOCH_SECS: u64 = 1_767_225_600;
/// Segments a stream and SYNs a listener may queue; turmoil panics on a SYN beyond it.
const TCP_CAPACITY: usize = 1_024;

/// Echoing pairs on turmoil.
pub struct OnTurmoil {
    sim: Sim<'static>,
    delivered: Delivered,
}

impl EchoWorld for OnTurmoil {
    fn new(pairs: u32) -> Self {
        let mut sim = empty_world();
        let delivered = Delivered::default();
        for pair in 0..pairs {
            add_pair(&mut sim, pair, &delivered);
        }
        Self { sim, delivered }
    }

    fn advance(&mut self, ms: u64) {
        for _ in 0..ms {
            let finished = self.sim.step().expect("no host fails");
            assert!(!finished, "clients echo without end");
        }
    }

    fn packets_delivered(&self) -> u64 {
        self.delivered.get()
    }
}

#[allow(clippy::disallowed_types, reason = "turmoil takes its epoch as a SystemTime; it is fixed")]
fn empty_world() -> Sim<'static> {
    let latency = Duration::from_millis(LATENCY_MS);
    Builder::new()
        .rng_seed(SEED)
        .epoch(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH_SECS))
        .tick_duration(TICK)
        .simulation_duration(DURATION)
        .min_message_latency(latency)
        .max_message_latency(latency)
        .tcp_capacity(TCP_CAPACITY)
        .build()
}

fn add_pair(sim: &mut Sim<'static>, pair: u32, delivered: &Delivered) {
    let server = format!("server-{pair}");
    let counter = delivered.clone();
    sim.host(server.as_str(), move || {
        let delivered = counter.clone();
        async move {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
            let (stream, _) = listener.accept().await?;
            Ok(echo::answer(stream, delivered).await?)
        }
    });
    let delivered = delivered.clone();
    sim.client(format!("client-{pair}"), async move {
        let stream = TcpStream::connect((server.as_str(), PORT)).await?;
        Ok(echo::ask(stream, delivered).await?)
    });
}
