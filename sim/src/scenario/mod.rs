//! Scenario files: everything of a run except its seed.
//!
//! A file is parsed raw, changed by `--set`, decoded and validated; whoever holds a [`Scenario`]
//! may trust it. This module is data and its checking: it knows neither how a cluster is built nor
//! how faults are done.
//!
//! In reading order: the tables ([`Cluster`], [`Network`], [`Cpu`], [`Population`], [`Workload`],
//! [`Fault`], [`Swarm`], [`Expect`]) and their units, then how they are loaded.

mod bandwidth;
mod calibration;
mod changes;
mod cluster;
mod cpu;
mod expect;
mod faults;
mod members;
mod network;
mod nodes;
mod payload;
mod points;
mod redis_clients;
mod shift;
mod swarm;
mod units;
mod workload;

mod decode;
mod error;
mod explain;
mod load;
mod refusal;
mod sets;
mod tree;
mod validate;

pub use bandwidth::Bandwidth;
pub use calibration::{Calibration, Cost, DeviceFactor, Machine, Price, Prices, Timed, Words};
pub use changes::Change;
pub use cluster::{Acks, Cluster, Disk, LogNodes, Persistence, RedisNodes, StoreNodes};
pub use cpu::{Choice, Cpu};
pub use error::{Place, Problem, ScenarioError};
pub use expect::{Expect, Limit, Limits};
pub use faults::{
    ClockDrift, ClockStep, Clog, Collapse, Crash, DelaySpike, DiskFailing, DiskFull, DiskSlow,
    Family, Fault, Halves, Held, Hold, Links, Loss, MembershipChurn, Partition, Pause, PowerLoss,
    ReconnectStorm, RedisMasterCrash, RedisMasterCut, RedisMasterPause, RedisMasterSlow,
    ResetStorm, RollingRestart, Swizzle, Targets, Way,
};
pub use im::points::Point;
pub use members::{Members, Zipf};
pub use network::{Bursts, Network, Profile, ProfileName};
pub use nodes::{NodeRef, Role, Target};
pub use payload::{Mix, Payload};
pub use points::role_of;
pub use redis_clients::RedisClients;
pub use shift::Shift;
pub use swarm::Swarm;
pub use units::{Probability, Rate};
pub use validate::{promised_within, settle_floor};
pub use workload::{Group, OneToOne, Population, Workload};

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scenario that was found possible, every default written out. It serialises to the JSON that
/// stands in the record, and [`Scenario::from_expanded`] reads that back.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without extension. Not a key of the file.
    #[serde(skip)]
    pub name: String,
    /// What the scenario is for, in a sentence.
    #[serde(default)]
    pub about: String,
    /// How long the workload runs, in virtual time. Faults happen in here.
    #[serde(default = "default_duration")]
    #[schemars(extend("pattern" = "[1-9]"))]
    pub duration: Span,
    /// How long the cluster then has to converge, everything healed and every device online.
    #[serde(default = "default_settle")]
    pub settle: Span,
    /// In which order tasks run that are ready at the same instant.
    #[serde(default)]
    pub schedule: Schedule,
    /// Nodes of each role.
    #[serde(default)]
    pub cluster: Cluster,
    /// Variants, timings and bounds of the IM.
    #[serde(default)]
    pub im: im::config::Config,
    /// Links.
    #[serde(default)]
    pub network: Network,
    /// Disks.
    #[serde(default)]
    pub disk: Disk,
    /// Processors.
    #[serde(default)]
    pub cpu: Cpu,
    /// Users and devices.
    #[serde(default)]
    pub population: Population,
    /// Who says how much to whom.
    #[serde(default)]
    pub workload: Vec<Workload>,
    /// Programs that write to Redis themselves; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis_clients: Option<RedisClients>,
    /// What is configured anew while the cluster runs; absent if nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What goes wrong, when.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What else goes wrong, drawn per seed; absent if nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swarm: Option<Swarm>,
    /// The verdict that each promise must get, and bounds on figures.
    #[serde(default)]
    pub expect: Expect,
}

/// In which order tasks run that are ready at the same instant. No answer may depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// In the order in which they became ready.
    #[default]
    Fifo,
    /// In an order drawn from the seed.
    Random,
}

impl Scenario {
    /// How many nodes of a role there are. Of devices, this counts the first ones only, one per
    /// user: those are the ones that a fault can name.
    pub fn nodes(&self, role: Role) -> u32 {
        match role {
            Role::Registry => 1,
            Role::Redis => 1 + self.cluster.redis.replicas,
            Role::Sentinel => self.cluster.redis.sentinels,
            Role::Lock => self.cluster.redis.lock_masters,
            Role::Log => self.cluster.log.brokers,
            Role::Store => self.cluster.store.shards,
            Role::Chat => self.cluster.chats,
            Role::Dispatcher => self.cluster.dispatchers,
            Role::Gateway => self.cluster.gateways,
            Role::RedisClient => self.redis_clients.as_ref().map_or(0, |clients| clients.count),
            Role::Device => self.population.users,
        }
    }

    /// Every node that a fault can name, in the order of [`Role::ALL`].
    pub fn all_nodes(&self) -> impl Iterator<Item = NodeRef> {
        let of_role = |role: Role| (0..self.nodes(role)).map(move |index| role.node(index));
        Role::ALL.into_iter().flat_map(of_role)
    }

    /// The region of a node, by its place in `cluster.regions`; `None` if there are no regions.
    pub fn region(&self, node: NodeRef) -> Option<usize> {
        (node.index as usize).checked_rem(self.cluster.regions.len())
    }

    /// Whether a target covers the node.
    pub fn covers(&self, target: &Target, node: NodeRef) -> bool {
        match target {
            Target::Role(role) => *role == node.role,
            Target::Node(one) => *one == node,
            Target::Region(name) => {
                self.region(node).is_some_and(|place| self.cluster.regions[place] == *name)
            }
        }
    }

    /// The scenario as it stands in the record.
    pub fn expanded(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a scenario has only keys that JSON has")
    }
}

/// The JSON schema of a scenario file, for editors and for `imsim schema`.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Scenario).to_value()
}

fn default_duration() -> Span {
    Span::s(60)
}

/// Long enough for the default timings of `[im]`, see [`settle_floor`].
fn default_settle() -> Span {
    Span::s(60)
}
