//! The Redis part of a cluster: master, replicas, Sentinels, masters for locks, and the programs that
//! write to Redis themselves.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use im::env::{Addr, Env as _, Nanos};
use im::topology::{REDIS_MASTER, REDIS_PORT, SENTINEL_PORT};
use im::units::Span;

use super::{Builder, Cluster, tier_of};
use crate::engine::{Engine, HostId, HostSpec, LinkKind};
use crate::redis::persistence::{Fsync, Persistence};
use crate::redis::sentinel::{self, Events};
use crate::redis::{self, replication};
use crate::redis_study::experiment::Use;
use crate::redis_study::finder::Finder;
use crate::redis_study::history::Recorder;
use crate::redis_study::program::Wait;
use crate::redis_study::{program, read_back};
use crate::scenario::{self, NodeRef, Role, Scenario};

/// Programs that write to Redis themselves, and the one that looks in the end what is there.
pub struct RedisStudy {
    /// What they have seen.
    pub recorder: Recorder,
    /// The host that reads back.
    pub observer: HostId,
    /// When they stop; set before they are started.
    until: Arc<AtomicU64>,
}

impl RedisStudy {
    /// They stop then.
    pub fn stop_at(&self, until: Nanos) {
        self.until.store(until, Ordering::Relaxed);
    }
}

impl Cluster {
    /// The Redis that is the master now: of several, the one that became it last.
    pub fn redis_master(&self) -> NodeRef {
        let of_redis = self.redis_counters.iter().filter(|(node, _)| node.role == Role::Redis);
        let since = |(node, counters): (&NodeRef, &Arc<redis::Counters>)| {
            counters.master_since().map(|since| (since, *node))
        };
        of_redis.filter_map(since).max().map_or(Role::Redis.node(0), |(_, node)| node)
    }

    /// The Redis nodes by their hosts, each with the roles that it has had.
    pub fn redis_roles(&self) -> BTreeMap<HostId, (NodeRef, Vec<redis::RoleChange>)> {
        let roles = self.redis_counters.iter();
        roles.map(|(node, counters)| (self.nodes[node], (*node, counters.roles()))).collect()
    }

    /// Whether no more than one Redis takes itself for the master.
    pub fn has_one_redis_master(&self) -> bool {
        let of_redis = self.redis_counters.iter().filter(|(node, _)| node.role == Role::Redis);
        of_redis.filter(|(_, counters)| counters.master_since().is_some()).count() <= 1
    }

    /// The master and its replicas, whichever is which.
    pub fn redis_nodes(&self) -> impl Iterator<Item = NodeRef> {
        self.nodes.keys().copied().filter(|node| node.role == Role::Redis)
    }

    /// Whether every replica has got its first snapshot, and the Sentinels know all replicas and
    /// each other.
    pub fn redis_is_ready(&self, scenario: &Scenario) -> bool {
        let nodes = &scenario.cluster.redis;
        let of_redis = self.redis_counters.iter().filter(|(node, _)| node.role == Role::Redis);
        let synced: u64 = of_redis.map(|(_, counters)| counters.full_resyncs.get()).sum();
        let knows_all = |events: &Events| {
            let events = events.lock().expect("nobody panics while holding it");
            let count = |start: &str| {
                let of_kind = events.iter().filter(|(_, text)| text.starts_with(start));
                of_kind.count() as u32
            };
            count("+slave ") >= nodes.replicas && count("+sentinel ") + 1 >= nodes.sentinels
        };
        synced >= u64::from(nodes.replicas) && self.sentinel_events.values().all(knows_all)
    }
}

/// What a Redis keeps.
fn persistence(kept: scenario::Persistence) -> Persistence {
    match kept {
        scenario::Persistence::None => Persistence::None,
        scenario::Persistence::Always => Persistence::AppendOnly(Fsync::Always),
        scenario::Persistence::Everysec => Persistence::AppendOnly(Fsync::EverySecond),
        scenario::Persistence::Unsynced => Persistence::AppendOnly(Fsync::Never),
    }
}

impl<G: Engine> Builder<'_, G> {
    /// Adds the master and its replicas.
    pub(super) fn add_redis(&mut self) {
        let [master, ..] = self.topology.redis[..] else { unreachable!("there is a master") };
        let nodes = &self.scenario.cluster.redis;
        let seconds = |span: Span| (span.0 / Span::s(1).0) as i64;
        let replication = replication::Settings {
            diskless_delay_s: seconds(nodes.repl_diskless_sync_delay),
            replicas_min: nodes.min_replicas_to_write as usize,
            lag_max_s: seconds(nodes.min_replicas_max_lag),
            ..replication::Settings::default()
        };
        let persistence = persistence(nodes.persistence);
        for node in self.nodes(Role::Redis) {
            let follows = (node.index > 0).then_some(Addr { node: master, port: REDIS_PORT });
            self.add_one_redis(node, follows, replication.clone(), persistence);
        }
    }

    fn add_one_redis(
        &mut self,
        node: NodeRef,
        master: Option<Addr>,
        replication: replication::Settings,
        persistence: Persistence,
    ) {
        let counters = Arc::<redis::Counters>::default();
        self.cluster.redis_counters.insert(node, counters.clone());
        let options = redis::Options {
            node: Some(self.hosts),
            master,
            replication,
            persistence,
            ..redis::Options::new(REDIS_PORT, counters)
        };
        let host = self.add_server(node, move |env| {
            let served = redis::serve_as(env.clone(), options.clone());
            async move {
                match served.await {
                    Ok(()) => {}
                    // As redis-server, which says what is wrong with its file and exits.
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                        env.fail_stop(&error.to_string()).await;
                    }
                    Err(error) => panic!("Redis has its port to itself: {error}"),
                }
            }
        });
        self.cluster.nodes.insert(node, host);
    }

    /// Adds the Sentinels, then the masters for Redlock.
    pub(super) fn add_sentinels(&mut self) {
        let nodes = &self.scenario.cluster.redis;
        let ms = |span: Span| span.0 / Span::ms(1).0;
        for node in self.nodes(Role::Sentinel) {
            let (number, events) = (self.hosts, Events::default());
            self.cluster.sentinel_events.insert(node, events.clone());
            let names = self.topology.redis_names;
            let config = sentinel::Config {
                port: SENTINEL_PORT,
                master: REDIS_MASTER.to_owned(),
                address: Addr { node: self.topology.redis[0], port: REDIS_PORT },
                quorum: nodes.quorum(),
                down_after_ms: ms(nodes.down_after),
                failover_timeout_ms: ms(nodes.failover_timeout),
                parallel_syncs: 1,
                events,
            };
            let host = self.add_server(node, move |env| {
                let served = sentinel::serve(env, names, number, config.clone());
                async move { served.await.expect("a Sentinel has its port to itself") }
            });
            self.cluster.nodes.insert(node, host);
        }
        for node in self.nodes(Role::Lock) {
            self.add_one_redis(
                node,
                None,
                replication::Settings::default(),
                persistence(nodes.persistence),
            );
        }
    }

    /// Adds the programs that write to Redis, and the one that reads back.
    pub(super) fn add_redis_clients(&mut self) {
        let Some(clients) = &self.scenario.redis_clients else { return };
        let topology = &self.topology;
        let addr = |node: &u32, port| Addr { node: *node, port };
        let sentinels = topology.sentinels.iter().map(|node| addr(node, SENTINEL_PORT));
        let finder = Finder {
            fixed: addr(&topology.redis[0], REDIS_PORT),
            sentinels: sentinels.collect(),
            master: REDIS_MASTER.to_owned(),
            names: topology.redis_names,
        };
        let wait = (clients.wait_replicas > 0).then(|| Wait {
            replicas: clients.wait_replicas,
            timeout_ms: clients.wait_timeout.0 / Span::ms(1).0,
        });
        let pace = (f64::from(clients.count) * 1e9 / clients.rate.hertz()) as Nanos;
        let does = Use::Writes { pace: pace.max(1), wait };
        let (recorder, until) = (Recorder::default(), Arc::<AtomicU64>::default());
        for node in self.nodes(Role::RedisClient) {
            let (does, finder) = (does.clone(), finder.clone());
            let (recorder, until) = (recorder.clone(), until.clone());
            let host = self.add_server(node, move |env| {
                let until = until.load(Ordering::Relaxed);
                let (does, finder, recorder) = (does.clone(), finder.clone(), recorder.clone());
                program::client(env, node.index, does, finder, until, recorder)
            });
            self.cluster.nodes.insert(node, host);
        }
        let heard = recorder.clone();
        let costs = None;
        let (tier, link, disk) = (tier_of(Role::RedisClient), LinkKind::Backend, self.server_disk);
        let observer = self.add_host(
            HostSpec { name: "redis-observer".to_owned(), tier, link, disk, costs },
            move |env| read_back::note(env, finder.clone(), heard.clone()),
        );
        self.cluster.redis_clients = Some(RedisStudy { recorder, observer, until });
    }
}
