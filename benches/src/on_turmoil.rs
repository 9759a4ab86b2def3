//! The same worlds on turmoil: its own streams, its tokio runtimes, a tick of 1 ms. It has no loss
//! that a stream recovers from, so its links are clean.

use std::net::Ipv4Addr;
use std::time::Duration;

use turmoil::net::{TcpListener, TcpStream};
use turmoil::{Builder, Sim};

use crate::echo::{self, Delivered};
use crate::heartbeat;
use crate::layout::{Echoes, Mesh};
use crate::{PORT, SEED, World};

/// Time that passes per step. Turmoil rounds to milliseconds, so nothing below is sound.
const TICK: Duration = Duration::from_millis(1);
/// Longer than any run, since turmoil fails a simulation that outlives its duration.
const DURATION: Duration = Duration::from_secs(30 * 86_400);
/// Where virtual time begins, 2026-01-01T00:00:00Z; turmoil takes the wall clock when unset.
const EPOCH_SECS: u64 = 1_767_225_600;
/// Segments a stream and SYNs a listener may queue; turmoil panics on a SYN beyond it.
const TCP_CAPACITY: usize = 1_024;

/// A world on turmoil.
pub struct OnTurmoil {
    sim: Sim<'static>,
    delivered: Delivered,
}

impl World for OnTurmoil {
    fn advance(&mut self, ms: u64) {
        for _ in 0..ms {
            self.sim.step().expect("no host fails");
        }
    }

    fn packets_delivered(&self) -> u64 {
        self.delivered.get()
    }
}

impl OnTurmoil {
    /// The hosts of `layout`, whose clients echo back to back; no time has passed yet.
    pub fn echoes(layout: Echoes) -> Self {
        assert_eq!(layout.pause_ms(), 0, "turmoil's clients do not pause");
        let mut world = Self::empty(layout.latency_ms);
        for server in 0..layout.servers {
            world.add_server(server);
        }
        for client in 0..layout.connections {
            world.add_client(layout, client);
        }
        world
    }

    /// The hosts of `layout`; no time has passed yet.
    pub fn mesh(layout: Mesh) -> Self {
        let mut world = Self::empty(Mesh::LATENCY_MS);
        for host in 0..layout.hosts {
            world.add_member(layout, host);
        }
        world
    }

    #[allow(
        clippy::disallowed_types,
        reason = "turmoil takes its epoch as a SystemTime; it is fixed"
    )]
    fn empty(latency_ms: u64) -> Self {
        let latency = Duration::from_millis(latency_ms);
        let sim = Builder::new()
            .rng_seed(SEED)
            .epoch(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH_SECS))
            .tick_duration(TICK)
            .simulation_duration(DURATION)
            .min_message_latency(latency)
            .max_message_latency(latency)
            .tcp_capacity(TCP_CAPACITY)
            .build();
        Self { sim, delivered: Delivered::default() }
    }

    fn add_server(&mut self, server: u32) {
        let delivered = self.delivered.clone();
        self.sim.host(format!("server-{server}"), move || {
            let delivered = delivered.clone();
            async move {
                let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    spawn(echo::answer(stream, delivered.clone()));
                }
            }
        });
    }

    fn add_client(&mut self, layout: Echoes, client: u32) {
        let delivered = self.delivered.clone();
        let server = format!("server-{}", layout.server_of(client));
        self.sim.client(format!("client-{client}"), async move {
            sleep_ms(layout.dial_at_ns(client) / 1_000_000).await;
            let stream = TcpStream::connect((server.as_str(), PORT)).await?;
            Ok(echo::ask(stream, async || {}, delivered).await?)
        });
    }

    fn add_member(&mut self, layout: Mesh, member: u32) {
        let delivered = self.delivered.clone();
        self.sim.client(format!("member-{member}"), async move {
            let mut writers = Vec::new();
            for stream in connect_with_all(layout, member).await? {
                let (reader, writer) = tokio::io::split(stream);
                spawn(heartbeat::hear(reader, delivered.clone()));
                writers.push(writer);
            }
            sleep_ms(Mesh::phase_ns(member) / 1_000_000).await;
            Ok(heartbeat::beat(writers, async || sleep_ms(Mesh::PERIOD_MS).await).await?)
        });
    }
}

/// Dials the members before, and accepts those after.
async fn connect_with_all(layout: Mesh, member: u32) -> std::io::Result<Vec<TcpStream>> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let mut streams = Vec::new();
    for peer in 0..member {
        streams.push(TcpStream::connect((format!("member-{peer}"), PORT)).await?);
    }
    for _ in member + 1..layout.hosts {
        streams.push(listener.accept().await?.0);
    }
    Ok(streams)
}

#[allow(clippy::disallowed_methods, reason = "turmoil runs every host in a tokio runtime")]
fn spawn(task: impl Future<Output = std::io::Result<()>> + 'static) {
    tokio::task::spawn_local(async { task.await.expect("the connection holds") });
}

#[allow(clippy::disallowed_methods, reason = "turmoil lets tokio's clock show virtual time")]
async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
