//! Faults of the Redis master, as they are written in a scenario: of whichever node is the master
//! when they begin. Of several it is the one that became it last.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Targets;

/// The master's process is killed at once, and restarted with its disk at `at + lasts`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisMasterCrash {
    /// When it is killed.
    pub at: Span,
    /// How long after that it is restarted.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// The master is cut off from everybody else, both ways; packets are swallowed. With `with`, these
/// nodes are cut off together with it and still reach it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisMasterCut {
    /// When the cut begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Who is cut off together with the master: roles, nodes or regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<Targets>,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// The master's process gets no processor time; its kernel goes on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisMasterPause {
    /// When it stops.
    pub at: Span,
    /// How long it stands still.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// All packets from and to the master take longer: its clients wait, its replicas lag.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisMasterSlow {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// What is added to every packet's latency, one way.
    pub by: Span,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}
