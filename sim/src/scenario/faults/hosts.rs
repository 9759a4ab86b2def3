//! Faults of hosts: their processes, power, clocks and disks, and of who is a member, as they are
//! written in a scenario.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::nodes::{NodeRef, Role};
use crate::scenario::shift::Shift;
use crate::scenario::units::Rate;
use im::points::Point;

/// A process killed at once, and restarted with its disk at `at + lasts`. With `point` it is not
/// killed at `at`, but when it next reaches that point of its program; if it does not until the
/// end, the fault has no effect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// When it is killed, or from when on it is killed at `point`.
    pub at: Span,
    /// How long after `at` it is restarted.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Which node.
    pub node: NodeRef,
    /// The point of its program at which it is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<Point>,
    /// At which time of reaching `point`, counted from `at`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// A machine without power: what was not synced to its disk is lost, and peers hear nothing at all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerLoss {
    /// When the power goes.
    pub at: Span,
    /// How long it is gone.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Which node.
    pub node: NodeRef,
    /// Whether a part of what was not synced stays on the disk, its last bytes possibly damaged.
    #[serde(default)]
    pub torn: bool,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// A process gets no processor time, as in a long garbage collection or after SIGSTOP. Its kernel
/// goes on: connections stay, and data for it waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// When it stops.
    pub at: Span,
    /// How long it stands still.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Which node.
    pub node: NodeRef,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// The nodes of a role are killed and restarted one after the other, as in an update.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollingRestart {
    /// When the first one is killed.
    pub at: Span,
    /// The role; not the devices.
    pub role: Role,
    /// How long each one is down.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub down: Span,
    /// How long the one before is up before the next is killed.
    pub gap: Span,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// A wall clock is put forward or back, and put right again at the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockStep {
    /// When it is put wrong.
    pub at: Span,
    /// How long it stays wrong.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Whose clock.
    pub node: NodeRef,
    /// How far, with a sign: `"+2s"`, `"-500ms"`.
    pub by: Shift,
    /// Whether it is an error (exit code 1) when nobody looked at the clock meanwhile.
    #[serde(default)]
    pub require_effect: bool,
}

/// A wall clock runs too fast or too slow, and is put right at the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockDrift {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Whose clock.
    pub node: NodeRef,
    /// Microseconds that it gains per second; negative if it loses them.
    pub ppm: i32,
    /// Whether it is an error (exit code 1) when nobody looked at the clock meanwhile.
    #[serde(default)]
    pub require_effect: bool,
}

/// Every operation of a disk takes longer: `times` as long, and `by` on top.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiskSlow {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Whose disk.
    pub node: NodeRef,
    /// How many times as long an operation takes.
    #[serde(default = "once")]
    pub times: u32,
    /// What is added to every operation.
    #[serde(default)]
    pub by: Span,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// A disk has no room left: what is appended is refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiskFull {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Whose disk.
    pub node: NodeRef,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// A disk fails: appends and syncs give errors. What was synced before stays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiskFailing {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Whose disk.
    pub node: NodeRef,
    /// Whether it is an error (exit code 1) when the fault touched nothing.
    #[serde(default)]
    pub require_effect: bool,
}

/// Joins and leaves in the groups of a workload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipChurn {
    /// When it begins.
    pub at: Span,
    /// How long it lasts.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub lasts: Span,
    /// Name of the group workload.
    pub workload: String,
    /// Joins and leaves together, over all its groups; arrivals are Poisson, open loop.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub rate: Rate,
    /// Whether it is an error (exit code 1) when nobody was asked to join or leave.
    #[serde(default)]
    pub require_effect: bool,
}

fn once() -> u32 {
    1
}
