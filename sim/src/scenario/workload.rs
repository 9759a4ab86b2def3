//! The `[population]` table and the `[[workload]]` tables: who is there, and what they say.
//!
//! Arrivals are Poisson and open loop: the times are drawn from the seed alone and do not wait for
//! the cluster, so that a slow cluster cannot slow the load that shows how slow it is. Only data:
//! who sends when is drawn elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::{Kind, Tagged, decode_body};
use super::members::Members;
use super::payload::Payload;
use super::units::{Probability, Rate};

/// The `[population]` table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Population {
    /// Users; each has a device.
    pub users: u32,
    /// Probability that a user has a second device.
    pub second_device: Probability,
}

/// One `[[workload]]`.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Workload {
    /// Pairs of users talk to each other.
    OneToOne(OneToOne),
    /// Groups of users talk among themselves.
    Group(Group),
}

/// Pairs of users who talk to each other.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneToOne {
    /// The workload's name, unique in the scenario.
    pub name: String,
    /// How many 1:1 conversations there are, each between another pair of users.
    #[schemars(range(min = 1))]
    pub pairs: u32,
    /// Messages over all pairs together; arrivals are Poisson, open loop.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub rate: Rate,
    /// How often each device of a member opens each of these conversations; if absent, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "[1-9]"))]
    pub consume_rate: Option<Rate>,
    /// What a message weighs.
    #[serde(default)]
    pub payload: Payload,
}

/// Groups of users who talk among themselves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The workload's name, unique in the scenario.
    pub name: String,
    /// How many groups there are.
    #[schemars(range(min = 1))]
    pub groups: u32,
    /// How many members each of them has.
    pub members: Members,
    /// Messages over all groups together; arrivals are Poisson, open loop.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub rate: Rate,
    /// How often each device of a member opens each of these conversations; if absent, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "[1-9]"))]
    pub consume_rate: Option<Rate>,
    /// What a message weighs.
    #[serde(default)]
    pub payload: Payload,
}

impl Workload {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::OneToOne(workload) => &workload.name,
            Self::Group(workload) => &workload.name,
        }
    }

    /// Messages over the whole workload.
    pub fn rate(&self) -> Rate {
        match self {
            Self::OneToOne(workload) => workload.rate,
            Self::Group(workload) => workload.rate,
        }
    }

    /// How often each device of a member opens each conversation, if at all.
    pub fn consume_rate(&self) -> Option<Rate> {
        match self {
            Self::OneToOne(workload) => workload.consume_rate,
            Self::Group(workload) => workload.consume_rate,
        }
    }

    /// What a message of it weighs.
    pub fn payload(&self) -> &Payload {
        match self {
            Self::OneToOne(workload) => &workload.payload,
            Self::Group(workload) => &workload.payload,
        }
    }
}

impl Default for Population {
    fn default() -> Self {
        Self { users: 200, second_device: Probability::percent(30) }
    }
}

impl Tagged for Workload {
    const KINDS: &'static [Kind<Self>] = &[
        ("one-to-one", |node| decode_body(node).map(Self::OneToOne)),
        ("group", |node| decode_body(node).map(Self::Group)),
    ];
}
