//! Faults of the network, as they are written in a scenario.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::targets::{Halves, Links, Targets, Way};
use crate::scenario::bandwidth::Bandwidth;
use crate::scenario::network::Bursts;
use crate::scenario::nodes::Target;
use crate::scenario::units::Probability;

/// Extra loss of packets, beside the profile's own. It is aimed at a kind of link (`links`) or at
/// all traffic of some nodes (`on`), and is independent (`rate`), in bursts (`bursts`), or both.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// On which kind of link; either this or `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    /// On the traffic of which nodes, to and from; either this or `links`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Targets>,
    /// Probability that a packet is lost, independent of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Probability>,
    /// Loss in bursts (Gilbert–Elliott).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bursts: Option<Bursts>,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// Extra one-way delay of every packet, on a kind of link (`links`) or on all traffic of some
/// nodes (`on`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelaySpike {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// On which kind of link; either this or `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    /// On the traffic of which nodes, to and from; either this or `links`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Targets>,
    /// How much longer a packet takes, one way.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub by: Span,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// The links of some nodes carry much less than usual: what does not fit waits in a queue, and what
/// does not fit into the queue is lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collapse {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// The links of all nodes on that kind of link; either this or `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    /// The links of which nodes; either this or `links`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Targets>,
    /// What a node's link carries, each way.
    pub rate: Bandwidth,
    /// Bytes that may wait for it, each way.
    #[serde(default = "default_queue")]
    pub queue: u64,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// A network cut; packets into it are swallowed and nobody is told. Between two sides (`between`),
/// or between two random halves (`halves`).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// The two sides, each a role (`gateway`), a node (`gateway-0`) or a region (`region:eu`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<[Target; 2]>,
    /// Nodes that are dealt to two sides at random, anew for each seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halves: Option<Halves>,
    /// In which directions nothing passes.
    #[serde(default)]
    pub way: Way,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// All traffic of some nodes arrives much later, in both directions, and none of it is lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clog {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// The traffic of which nodes.
    pub on: Targets,
    /// How much longer a packet takes, one way.
    #[serde(default = "default_clog")]
    pub by: Span,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// FoundationDB's "swizzle-clogging": a random subset of the nodes is cut off from everybody, one
/// by one at random moments in the first half, and they are let back one by one, in another
/// random order, in the second half.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Swizzle {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// The nodes, of which each seed draws a subset.
    pub on: Targets,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// Connections are reset by the network, as by a firewall that has forgotten them: once, or again
/// and again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetStorm {
    /// When it begins.
    pub at: Span,
    /// How long it lasts; only together with `every`.
    #[serde(default)]
    pub lasts: Span,
    /// The connections of which nodes.
    pub on: Targets,
    /// Only those with these nodes; else all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<Targets>,
    /// How often they are reset while it lasts; once if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "[1-9]"))]
    pub every: Option<Span>,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// Devices lose their connections at the same instant, by resets of the network, and all dial
/// again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconnectStorm {
    /// When.
    pub at: Span,
    /// Which share of the users, drawn anew for each seed; all of a user's devices go together.
    #[serde(default = "everybody")]
    pub share: Probability,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

fn default_queue() -> u64 {
    64 * 1024
}

fn default_clog() -> Span {
    Span::s(2)
}

fn everybody() -> Probability {
    Probability::ALWAYS
}
