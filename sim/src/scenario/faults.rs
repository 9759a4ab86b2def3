//! The `[[faults]]` tables: an exact schedule of what goes wrong, written before the run.
//!
//! Only data: what a fault does to the network or to a host is the engine's affair.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::{Kind, Tagged, decode_body};
use super::nodes::{NodeRef, Target};
use super::units::{Probability, Rate};

/// One `[[faults]]`. All times count from the start of `duration`; what is broken at `at` is
/// healed at `at + lasts`, which lies within `duration`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Packets are lost, beyond what the profile loses.
    Loss(Loss),
    /// Packets take longer.
    DelaySpike(DelaySpike),
    /// Two sides cannot reach each other.
    Partition(Partition),
    /// A process is killed, then restarted with its disk.
    Crash(Crash),
    /// A machine loses power, then comes back without what it had not synced.
    PowerLoss(PowerLoss),
    /// Members join and leave.
    MembershipChurn(MembershipChurn),
}

/// Extra loss of packets, independent of the profile's loss and of other packets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    pub lasts: Span,
    /// Where.
    pub links: Links,
    /// Probability that a packet is lost.
    pub rate: Probability,
}

/// Extra one-way delay of every packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelaySpike {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    pub lasts: Span,
    /// Where.
    pub links: Links,
    /// How much longer a packet takes, one way.
    pub by: Span,
}

/// A network cut in both directions; packets into it are swallowed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    pub lasts: Span,
    /// The two sides, each a role (`gateway`) or a node (`gateway-0`).
    pub between: [Target; 2],
}

/// A process killed at once, and restarted with its disk at the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// When it is killed.
    pub at: Span,
    /// How long it is down.
    pub lasts: Span,
    /// Which node.
    pub node: NodeRef,
}

/// A machine without power: what was not synced to its disk is lost, and peers hear nothing at all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerLoss {
    /// When the power goes.
    pub at: Span,
    /// How long it is gone.
    pub lasts: Span,
    /// Which node.
    pub node: NodeRef,
}

/// Joins and leaves in the groups of a workload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipChurn {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    pub lasts: Span,
    /// Name of the group workload.
    pub workload: String,
    /// Joins and leaves together, over all its groups; arrivals are Poisson, open loop.
    pub rate: Rate,
}

/// A kind of link.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// Between devices and gateways.
    Clients,
    /// Between servers.
    Backend,
}

impl Fault {
    /// Its name in the scenario and in the record.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Loss(_) => "loss",
            Self::DelaySpike(_) => "delay-spike",
            Self::Partition(_) => "partition",
            Self::Crash(_) => "crash",
            Self::PowerLoss(_) => "power-loss",
            Self::MembershipChurn(_) => "membership-churn",
        }
    }

    /// When it begins, from the start of `duration`.
    pub fn at(&self) -> Span {
        self.times().0
    }

    /// How long it lasts.
    pub fn lasts(&self) -> Span {
        self.times().1
    }

    /// When it is healed, from the start of `duration`.
    pub fn end(&self) -> Span {
        Span(self.at().0.saturating_add(self.lasts().0))
    }

    /// The node that it takes down, if it does that.
    pub fn downs(&self) -> Option<NodeRef> {
        match self {
            Self::Crash(fault) => Some(fault.node),
            Self::PowerLoss(fault) => Some(fault.node),
            _ => None,
        }
    }

    fn times(&self) -> (Span, Span) {
        match self {
            Self::Loss(fault) => (fault.at, fault.lasts),
            Self::DelaySpike(fault) => (fault.at, fault.lasts),
            Self::Partition(fault) => (fault.at, fault.lasts),
            Self::Crash(fault) => (fault.at, fault.lasts),
            Self::PowerLoss(fault) => (fault.at, fault.lasts),
            Self::MembershipChurn(fault) => (fault.at, fault.lasts),
        }
    }
}

impl Tagged for Fault {
    const KINDS: &'static [Kind<Self>] = &[
        ("loss", |node| decode_body(node).map(Self::Loss)),
        ("delay-spike", |node| decode_body(node).map(Self::DelaySpike)),
        ("partition", |node| decode_body(node).map(Self::Partition)),
        ("crash", |node| decode_body(node).map(Self::Crash)),
        ("power-loss", |node| decode_body(node).map(Self::PowerLoss)),
        ("membership-churn", |node| decode_body(node).map(Self::MembershipChurn)),
    ];
}
