//! A scenario's cluster on any engine: which hosts there are and what runs on them.
//!
//! It must not know workloads, faults or checkers.

mod redis_nodes;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard};

use im::client::{Client, Observer};
use im::config::Config;
use im::env::Work;
use im::fanout::Threshold;
use im::model::DeviceId;
use im::node::Node;
use im::redis_client::Names;
use im::stats::Stats;
use im::topology::Topology;

use crate::engine::{
    Bursts, Condition, Costs, DiskProfile, Engine, Hop, Hops, HostId, HostSpec, LinkKind,
    LinkProfile, Network, ProcessorStats, Rate, Tier, Where, WorkDone,
};
use crate::redis;
use crate::redis::sentinel::Events;
use crate::scenario::{self, Calibration, Cost, NodeRef, Profile, Role, Scenario, Target};
pub use redis_nodes::RedisStudy;

/// The running device on a host; empty while its process is down.
#[derive(Clone, Default)]
pub struct Slot(Arc<Mutex<Option<Client>>>);

impl Slot {
    /// The device, unless its process is down.
    pub fn client(&self) -> Option<Client> {
        self.lock().clone()
    }

    /// The process is down.
    pub fn empty(&self) {
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Client>> {
        self.0.lock().expect("no holder panics")
    }
}

/// A device of the cluster.
pub struct Device {
    /// Whose it is.
    pub id: DeviceId,
    /// Its host.
    pub host: HostId,
    /// The program on it.
    pub slot: Slot,
}

/// The hosts of a scenario.
pub struct Cluster {
    /// Servers and first devices, by the names that faults use.
    pub nodes: BTreeMap<NodeRef, HostId>,
    /// All devices, in the order of the plan.
    pub devices: Vec<Device>,
    /// What chat nodes decide hybrid fan-out by.
    pub hybrid_threshold: Threshold,
    /// Counters by role.
    stats: Vec<(Role, Arc<Stats>)>,
    /// What each Redis has done.
    redis_counters: BTreeMap<NodeRef, Arc<redis::Counters>>,
    /// What each Sentinel has logged.
    sentinel_events: BTreeMap<NodeRef, Events>,
    /// Programs that write to Redis, if there are any.
    pub redis_clients: Option<RedisStudy>,
}

/// The role's hosts as the engine counts their traffic.
fn tier_of(role: Role) -> Tier {
    role as Tier
}

/// The engine's network of a scenario.
pub fn network(scenario: &Scenario) -> Network {
    let profile = |profile: &Profile| LinkProfile {
        median: profile.median.0,
        min: profile.min.0,
        max: profile.max.0,
        sd: profile.sd.0,
        loss_ppm: profile.loss.per_million(),
        bursts: Some(bursts(&profile.bursts)).filter(|_| profile.bursts.can_begin()),
        rate: rate(profile.bandwidth, profile.queue),
    };
    Network {
        clients: profile(&scenario.network.clients),
        backend: profile(&scenario.network.backend),
    }
}

/// The engine's chain of bursts.
pub fn bursts(bursts: &scenario::Bursts) -> Bursts {
    Bursts {
        enter_ppm: bursts.enter.per_million(),
        leave_ppm: bursts.leave.per_million(),
        loss_ppm: bursts.loss.per_million(),
    }
}

/// The engine's capacity of a link; `None` if it has no limit.
pub fn rate(bandwidth: scenario::Bandwidth, queue_bytes: u64) -> Option<Rate> {
    bandwidth.bytes_per_s().map(|bytes_per_s| Rate { bytes_per_s, queue_bytes })
}

/// A calibration's costs, each so many times.
fn costs(calibration: &Calibration, factor: u64) -> Costs {
    let prices = &calibration.costs;
    let times = |cost: Cost| cost.picoseconds().saturating_mul(factor);
    Costs {
        poll_ps: times(prices.poll.cost),
        wake_ps: prices.wake.as_ref().map_or(0, |price| times(price.cost)),
        switch_ps: prices.switch.as_ref().map_or(0, |price| times(price.cost)),
        packet_written_ps: times(prices.packet_written.cost),
        packet_read_ps: times(prices.packet_read.cost),
        byte_written_ps: times(prices.byte_written.cost),
        byte_read_ps: times(prices.byte_read.cost),
        work_ps: Work::ALL.map(|work| times(prices.of(work))),
    }
}

/// The disks of servers and of devices.
fn disks(scenario: &Scenario) -> [DiskProfile; 2] {
    let disk = &scenario.disk;
    let bytes_per_s = |megabytes: u32| u64::from(megabytes) * 1_000_000;
    [
        DiskProfile {
            sync: disk.fsync.0,
            write_bytes_per_s: bytes_per_s(disk.write_mb_per_s),
            read: disk.read.0,
            read_bytes_per_s: bytes_per_s(disk.read_mb_per_s),
        },
        DiskProfile {
            sync: disk.device_fsync.0,
            write_bytes_per_s: bytes_per_s(disk.device_write_mb_per_s),
            read: disk.device_read.0,
            read_bytes_per_s: bytes_per_s(disk.device_read_mb_per_s),
        },
    ]
}

/// Empties a device's slot when its process ends, whatever ends it.
struct Running(Slot);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.empty();
    }
}

/// Counters by role and name.
pub type Counters = BTreeMap<String, BTreeMap<String, u64>>;

/// Makes hosts, one role after the other.
struct Builder<'a, G> {
    engine: &'a mut G,
    scenario: &'a Scenario,
    /// What work costs servers and devices, if anything.
    costs: Option<[Rc<Costs>; 2]>,
    config: Arc<Config>,
    topology: Arc<Topology>,
    server_disk: DiskProfile,
    device_disk: DiskProfile,
    /// How many hosts there are so far; also the number of the next one.
    hosts: HostId,
    cluster: Cluster,
}

impl Cluster {
    /// Adds the scenario's hosts to the world. Nothing runs yet. `observer` makes the harness' ear
    /// on a device, where the device lives.
    pub fn build<G: Engine>(
        engine: &mut G,
        scenario: &Scenario,
        devices: &[DeviceId],
        observer: impl Fn(DeviceId, G::Env) -> Rc<dyn Observer> + Clone + Send + Sync + 'static,
    ) -> Self {
        let [server_disk, device_disk] = disks(scenario);
        let mut builder = Builder {
            engine,
            scenario,
            costs: scenario.cpu.calibration.calibration().map(|found| {
                let factor = u64::from(scenario.cpu.device_factor_over(&found));
                [1, factor].map(|factor| Rc::new(costs(&found, factor)))
            }),
            config: Arc::new(scenario.im.clone()),
            topology: Arc::new(topology(scenario)),
            server_disk,
            device_disk,
            hosts: 0,
            cluster: Self {
                nodes: BTreeMap::new(),
                devices: Vec::new(),
                hybrid_threshold: Arc::new(AtomicU32::new(scenario.im.hybrid_threshold)),
                stats: Vec::new(),
                redis_counters: BTreeMap::new(),
                sentinel_events: BTreeMap::new(),
                redis_clients: None,
            },
        };
        builder.add_servers(Role::Registry, im::registry::run);
        builder.add_redis();
        builder.add_sentinels();
        builder.add_servers(Role::Log, im::log::run);
        builder.add_servers(Role::Store, im::store::run);
        let threshold = builder.cluster.hybrid_threshold.clone();
        builder.add_servers(Role::Chat, move |node| im::chat::run(node, threshold.clone()));
        builder.add_servers(Role::Dispatcher, im::dispatcher::run);
        builder.add_servers(Role::Gateway, im::gateway::run);
        builder.add_redis_clients();
        for device in devices {
            builder.add_device(*device, observer.clone());
        }
        builder.cluster
    }

    /// The hosts that the targets cover. All devices of a user go with the user's first one.
    pub fn hosts(&self, scenario: &Scenario, targets: &[Target]) -> BTreeSet<HostId> {
        let mut named: BTreeSet<NodeRef> = BTreeSet::new();
        let mut whole: Vec<&Target> = Vec::new();
        for target in targets {
            match target {
                Target::Node(node) => {
                    named.insert(*node);
                }
                Target::Role(_) | Target::Region(_) => whole.push(target),
            }
        }
        let covered = |node: NodeRef| {
            named.contains(&node) || whole.iter().any(|target| scenario.covers(target, node))
        };
        let nodes = self.nodes.iter().filter(|(node, _)| covered(**node));
        let mut hosts: BTreeSet<HostId> = nodes.map(|(_, host)| *host).collect();
        let of_user = |device: &&Device| covered(Role::Device.node(device.id.user.0));
        hosts.extend(self.devices.iter().filter(of_user).map(|device| device.host));
        hosts
    }

    /// What the network is like the whole time: packets between regions take longer.
    pub fn standing_conditions(&self, scenario: &Scenario) -> Vec<Condition> {
        let by = scenario.network.between_regions.0;
        if by == 0 {
            return Vec::new();
        }
        let names = scenario.cluster.regions.iter();
        let regions: Vec<BTreeSet<HostId>> =
            names.map(|name| self.hosts(scenario, &[Target::Region(name.clone())])).collect();
        let mut conditions = Vec::new();
        for (place, one) in regions.iter().enumerate() {
            for other in &regions[place + 1..] {
                conditions.push(Condition::Delay(Where::Between(one.clone(), other.clone()), by));
            }
        }
        conditions
    }

    /// Every host.
    pub fn all_hosts(&self) -> BTreeSet<HostId> {
        let devices = self.devices.iter().map(|device| device.host);
        self.nodes.values().copied().chain(devices).collect()
    }

    /// What each host's processor has done, by role.
    pub fn processors(&self, engine: &impl Engine) -> BTreeMap<Role, Vec<ProcessorStats>> {
        let servers = self.nodes.iter().filter(|(node, _)| node.role != Role::Device);
        let servers = servers.map(|(node, host)| (node.role, *host));
        let devices = self.devices.iter().map(|device| (Role::Device, device.host));
        let mut processors: BTreeMap<Role, Vec<ProcessorStats>> = BTreeMap::new();
        for (role, host) in servers.chain(devices) {
            processors.entry(role).or_default().push(engine.processor(host));
        }
        processors
    }

    /// What the hosts have done, summed by role; nothing where the engine does not count it.
    pub fn work_done(&self, engine: &impl Engine) -> BTreeMap<Role, WorkDone> {
        let servers = self.nodes.iter().filter(|(node, _)| node.role != Role::Device);
        let servers = servers.map(|(node, host)| (node.role, *host));
        let devices = self.devices.iter().map(|device| (Role::Device, device.host));
        let mut done: BTreeMap<Role, WorkDone> = BTreeMap::new();
        for (role, host) in servers.chain(devices) {
            if let Some(of_host) = engine.work_done(host) {
                let sum = done.entry(role).or_default();
                *sum = sum.plus(&of_host);
            }
        }
        done
    }

    /// What went between roles, from and to, after `before`.
    pub fn hops(&self, before: &Hops, now: &Hops) -> Vec<(Role, Role, Hop)> {
        let role = |tier: Tier| Role::ALL[usize::from(tier)];
        now.since(before).map(|(from, to, hop)| (role(from), role(to), hop)).collect()
    }

    /// What waits in the nodes' queues at the moment, over all nodes.
    pub fn queues(&self) -> BTreeMap<&'static str, u64> {
        let mut queues = BTreeMap::new();
        for (_, stats) in self.stats.iter().filter(|(role, _)| *role != Role::Device) {
            for (name, depth) in stats.queues.all() {
                *queues.entry(name).or_default() += depth;
            }
        }
        queues
    }

    /// How long the servers' processors have been busy, summed by role.
    pub fn servers_busy_ns(&self, engine: &impl Engine) -> BTreeMap<Role, u64> {
        let mut busy = BTreeMap::new();
        for (node, host) in self.nodes.iter().filter(|(node, _)| node.role != Role::Device) {
            *busy.entry(node.role).or_default() += engine.processor(*host).busy_ns;
        }
        busy
    }

    /// The counters of all nodes, summed by role.
    pub fn counters(&self) -> Counters {
        self.counters_of(|_| true)
    }

    /// The same of these roles only.
    pub fn counters_of(&self, roles: impl Fn(Role) -> bool) -> Counters {
        let mut counters = Counters::new();
        for (role, stats) in self.stats.iter().filter(|(role, _)| roles(*role)) {
            let of_role = counters.entry(role.to_string()).or_default();
            for (name, count) in stats.all() {
                if count > 0 {
                    *of_role.entry(name.to_owned()).or_default() += count;
                }
            }
        }
        for (node, of_node) in &self.redis_counters {
            let of_role = counters.entry(node.role.to_string()).or_default();
            for (name, count) in [
                ("commands_executed", of_node.commands.get()),
                ("connections_accepted", of_node.connections.get()),
                ("full_resynchronisations", of_node.full_resyncs.get()),
                ("partial_resynchronisations", of_node.partial_resyncs.get()),
                ("promotions", of_node.promotions()),
            ] {
                *of_role.entry(name.to_owned()).or_default() += count;
            }
        }
        counters
    }
}

/// Numbers hosts as [`Cluster::build`] adds them.
fn topology(scenario: &Scenario) -> Topology {
    let mut next = 0;
    let mut number = |role| -> Vec<u32> {
        let first = next;
        next += scenario.nodes(role);
        (first..next).collect()
    };
    let registry = number(Role::Registry)[0];
    let redis = number(Role::Redis);
    let sentinels = number(Role::Sentinel);
    let lock_masters = number(Role::Lock);
    let log = number(Role::Log)[0];
    let stores = number(Role::Store);
    number(Role::Chat);
    number(Role::Dispatcher);
    let gateways = number(Role::Gateway);
    let log_partitions = scenario.cluster.log.partitions;
    Topology {
        registry,
        redis,
        sentinels,
        lock_masters,
        redis_names: Names::PRIVATE,
        log,
        log_partitions,
        stores,
        gateways,
    }
}

impl<G: Engine> Builder<'_, G> {
    /// Adds the nodes of a server role; `program` is what runs on them.
    fn add_servers<F>(
        &mut self,
        role: Role,
        program: impl Fn(Node<G::Env>) -> F + Clone + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + 'static,
    {
        for index in 0..self.scenario.nodes(role) {
            let (node, program) = (self.node(role), program.clone());
            let host = self.add_server(role.node(index), move |env| program(node(env)));
            self.cluster.nodes.insert(role.node(index), host);
        }
    }

    fn nodes(&self, role: Role) -> impl Iterator<Item = NodeRef> + use<G> {
        (0..self.scenario.nodes(role)).map(move |index| role.node(index))
    }

    fn add_server<F>(
        &mut self,
        node: NodeRef,
        boot: impl Fn(G::Env) -> F + Send + Sync + 'static,
    ) -> HostId
    where
        F: Future<Output = ()> + 'static,
    {
        let [costs, _] = self.costs();
        let (tier, link, mut disk) = (tier_of(node.role), LinkKind::Backend, self.server_disk);
        if let (Role::Store, Some(fsync)) = (node.role, self.scenario.disk.store_fsync) {
            disk.sync = fsync.0;
        }
        self.add_host(HostSpec { name: node.to_string(), tier, link, disk, costs }, boot)
    }

    fn add_device(
        &mut self,
        id: DeviceId,
        observer: impl Fn(DeviceId, G::Env) -> Rc<dyn Observer> + Send + Sync + 'static,
    ) {
        let node = self.node(Role::Device);
        let slot = Slot::default();
        let filled = slot.clone();
        let boot = move |env: G::Env| {
            let (slot, observer) = (filled.clone(), observer(id, env.clone()));
            let node = node(env);
            async move {
                let client = Client::start(node, id, observer).await;
                slot.lock().replace(client);
                let _running = Running(slot);
                std::future::pending().await
            }
        };
        let [_, costs] = self.costs();
        let (tier, link, disk) = (tier_of(Role::Device), LinkKind::Client, self.device_disk);
        let host = self.add_host(HostSpec { name: id.to_string(), tier, link, disk, costs }, boot);
        if id.index == 0 {
            self.cluster.nodes.insert(Role::Device.node(id.user.0), host);
        }
        self.cluster.devices.push(Device { id, host, slot });
    }

    fn add_host<F>(
        &mut self,
        spec: HostSpec,
        boot: impl Fn(G::Env) -> F + Send + Sync + 'static,
    ) -> HostId
    where
        F: Future<Output = ()> + 'static,
    {
        let host = self.engine.add_host(spec, boot);
        assert_eq!(host, self.hosts, "nodes know each other by the numbers of their hosts");
        self.hosts += 1;
        host
    }

    /// Makes what the next host's program is started with.
    fn node(&mut self, role: Role) -> impl Fn(G::Env) -> Node<G::Env> + Send + Sync + 'static {
        let (config, topology) = (self.config.clone(), self.topology.clone());
        let stats = Arc::new(Stats::default());
        self.cluster.stats.push((role, stats.clone()));
        let number = self.hosts;
        move |env| Node {
            env,
            config: config.clone(),
            topology: topology.clone(),
            number,
            stats: stats.clone(),
        }
    }

    /// What work costs servers and devices.
    fn costs(&self) -> [Option<Rc<Costs>>; 2] {
        self.costs.clone().map_or([None, None], |costs| costs.map(Some))
    }
}
