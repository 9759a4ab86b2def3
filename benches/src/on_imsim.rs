//! The worlds on our discrete-event engine.

use im::env::{Addr, Env, Nanos};
use imsim::engine::sim::{HostId, LinkKind, LinkProfile, NetStats, Network, Sim, SimEnv};

use crate::echo::{self, Delivered};
use crate::heartbeat;
use crate::layout::{Echoes, Mesh};
use crate::{PORT, SEED, World};

const MS: Nanos = 1_000_000;

/// A world on our engine.
pub struct OnImsim {
    sim: Sim,
    delivered: Delivered,
}

impl World for OnImsim {
    fn advance(&mut self, ms: u64) {
        let until = self.sim.now() + ms * MS;
        self.sim.run_until(until);
    }

    fn packets_delivered(&self) -> u64 {
        self.delivered.get()
    }
}

/// What the links of a world are like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Links {
    /// Always the same latency.
    Clean,
    /// A latency drawn per packet, normal with a standard deviation of a tenth of the median, cut
    /// off at half and at twice the median.
    Jitter,
    /// Always the same latency; each packet is lost with a probability of [`LOSS_PPM`].
    Lossy,
}

/// Loss per packet on [`Links::Lossy`], in a million.
pub const LOSS_PPM: u32 = 10_000;

impl Links {
    fn network(self, latency_ms: u64) -> Network {
        let median = latency_ms * MS;
        let clean = LinkProfile::constant(median);
        let link = match self {
            Self::Clean => clean,
            Self::Jitter => {
                LinkProfile { sd: median / 10, min: median / 2, max: 2 * median, ..clean }
            }
            Self::Lossy => LinkProfile { loss_ppm: LOSS_PPM, ..clean },
        };
        Network { clients: link, backend: link }
    }
}

/// How far the clients and servers of [`Echoes`] go. The programs are the same at every stage, so
/// that the memory of two stages differs by what the later one adds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Every host exists, none is started.
    Hosts,
    /// Every task exists as well: that of each client, and for each connection that of its server.
    /// None does anything.
    Tasks,
    /// Every client has connected and exchanged one packet, and is idle from then on.
    Idle,
    /// Every client echoes without end.
    Echoing,
}

impl OnImsim {
    /// The hosts of `layout`; no time has passed yet.
    pub fn echoes(layout: Echoes, links: Links, stage: Stage) -> Self {
        let sim = Sim::new(SEED, links.network(layout.latency_ms));
        let mut world = Self { sim, delivered: Delivered::default() };
        let servers = (0..layout.servers).map(|server| world.add_server(layout, server, stage));
        let servers: Vec<HostId> = servers.collect();
        for client in 0..layout.connections {
            world.add_client(layout, client, servers[layout.server_of(client) as usize], stage);
        }
        world
    }

    /// The hosts of `layout`; no time has passed yet.
    pub fn mesh(layout: Mesh) -> Self {
        let sim = Sim::new(SEED, Links::Clean.network(Mesh::LATENCY_MS));
        let mut world = Self { sim, delivered: Delivered::default() };
        for host in 0..layout.hosts {
            world.add_member(layout, host);
        }
        world
    }

    /// Counters of the engine.
    pub fn stats(&self) -> NetStats {
        self.sim.stats()
    }

    fn add_server(&mut self, layout: Echoes, server: u32, stage: Stage) -> HostId {
        let delivered = self.delivered.clone();
        let connections =
            (0..layout.connections).filter(|client| layout.server_of(*client) == server).count();
        let id = self.add_host(&format!("server-{server}"), LinkKind::Backend, move |env| {
            let delivered = delivered.clone();
            async move {
                let mut listener = env.listen(PORT).expect("the port is free");
                for _ in 0..connections {
                    let stream = match stage {
                        Stage::Hosts | Stage::Tasks => None,
                        Stage::Idle | Stage::Echoing => {
                            Some(env.accept(&mut listener).await.expect("the client dials"))
                        }
                    };
                    let delivered = delivered.clone();
                    env.spawn(async move {
                        let Some(stream) = stream else { return std::future::pending().await };
                        echo::answer(stream, delivered).await.expect("the connection holds");
                    });
                }
                std::future::pending().await
            }
        });
        self.start(id, stage);
        id
    }

    fn add_client(&mut self, layout: Echoes, client: u32, server: HostId, stage: Stage) {
        let delivered = self.delivered.clone();
        let id = self.add_host(&format!("client-{client}"), LinkKind::Client, move |env| {
            let delivered = delivered.clone();
            async move {
                if stage == Stage::Tasks {
                    return std::future::pending().await;
                }
                env.sleep_until(layout.dial_at_ns(client)).await;
                let to = Addr { node: server, port: PORT };
                let stream = env.connect(to).await.expect("the server listens");
                let ended = if stage == Stage::Idle {
                    echo::ask_and_idle(stream, delivered).await
                } else {
                    let pause = layout.pause_ms() * MS;
                    echo::ask(stream, async || env.sleep(pause).await, delivered).await
                };
                ended.expect("the connection holds");
            }
        });
        self.start(id, stage);
    }

    fn add_member(&mut self, layout: Mesh, member: u32) {
        let delivered = self.delivered.clone();
        let id = self.add_host(&format!("member-{member}"), LinkKind::Backend, move |env| {
            let delivered = delivered.clone();
            async move {
                let mut writers = Vec::new();
                for stream in connect_with_all(env, layout, member).await {
                    let (reader, writer) = tokio::io::split(stream);
                    let heard = heartbeat::hear(reader, delivered.clone());
                    env.spawn(async { heard.await.expect("the connection holds") });
                    writers.push(writer);
                }
                env.sleep(Mesh::phase_ns(member)).await;
                let next = async || env.sleep(Mesh::PERIOD_MS * MS).await;
                heartbeat::beat(writers, next).await.expect("the connections hold");
            }
        });
        self.start(id, Stage::Echoing);
    }

    /// The one place that gives the engine a host; its disk is never used.
    fn add_host<F: Future<Output = ()> + 'static>(
        &mut self,
        name: &str,
        kind: LinkKind,
        boot: impl Fn(SimEnv) -> F + 'static,
    ) -> HostId {
        self.sim.add_host(name, kind, MS, boot)
    }

    fn start(&mut self, id: HostId, stage: Stage) {
        if stage != Stage::Hosts {
            self.sim.start(id);
        }
    }
}

/// Dials the members before, and accepts those after: hosts are numbered from 0.
async fn connect_with_all(env: SimEnv, layout: Mesh, member: u32) -> Vec<<SimEnv as Env>::Stream> {
    let mut listener = env.listen(PORT).expect("the port is free");
    let mut streams = Vec::new();
    for node in 0..member {
        let stream = env.connect(Addr { node, port: PORT }).await.expect("the member listens");
        streams.push(stream);
    }
    for _ in member + 1..layout.hosts {
        streams.push(env.accept(&mut listener).await.expect("the member dials"));
    }
    streams
}
