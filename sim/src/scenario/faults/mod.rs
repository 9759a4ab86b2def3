//! The `[[faults]]` tables: what goes wrong, as it is written before the run.
//!
//! Only data. What is left to chance (which halves, which order) is drawn per seed by
//! [`crate::faults`]; how a fault is done to the network or to a host is the engine's affair.

mod family;
mod holds;
mod hosts;
mod network;
mod redis;
mod targets;

pub use family::Family;
pub use holds::{Held, Hold};
pub use hosts::{
    ClockDrift, ClockStep, Crash, DiskFailing, DiskFull, DiskSlow, MembershipChurn, Pause,
    PowerLoss, RollingRestart,
};
pub use network::{
    Clog, Collapse, DelaySpike, Loss, Partition, ReconnectStorm, ResetStorm, Swizzle,
};
pub use redis::{RedisMasterCrash, RedisMasterCut, RedisMasterPause, RedisMasterSlow};
pub use targets::{Halves, Links, Targets, Way};

use im::units::Span;
use schemars::JsonSchema;
use serde::Serialize;

use super::Scenario;
use super::decode::{Kind, Tagged, decode_body};

/// One `[[faults]]`. All times count from the start of `duration`; what is broken at `at` is
/// healed at `at + lasts`, which lies within `duration`. Every kind has `require_effect`: a run in
/// which the fault then touched nothing counts as broken (exit code 1). Of a fault with several
/// parts (`swizzle`, `rolling-restart`) one part must have touched something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// Packets are lost, beyond what the profile loses.
    Loss(Loss),
    /// Packets take longer.
    DelaySpike(DelaySpike),
    /// Links carry much less.
    Bandwidth(Collapse),
    /// Two sides cannot reach each other.
    Partition(Partition),
    /// All traffic of some nodes is much delayed.
    Clog(Clog),
    /// Nodes are cut off one by one, and let back in another order.
    Swizzle(Swizzle),
    /// Connections are reset.
    ResetStorm(ResetStorm),
    /// Devices lose their connections at the same instant.
    ReconnectStorm(ReconnectStorm),
    /// A process is killed, then restarted with its disk.
    Crash(Crash),
    /// A machine loses power, then comes back without what it had not synced.
    PowerLoss(PowerLoss),
    /// A process stands still.
    Pause(Pause),
    /// The nodes of a role are restarted one after the other.
    RollingRestart(RollingRestart),
    /// A wall clock is put forward or back.
    ClockStep(ClockStep),
    /// A wall clock runs too fast or too slow.
    ClockDrift(ClockDrift),
    /// A disk is slow.
    DiskSlow(DiskSlow),
    /// A disk has no room left.
    DiskFull(DiskFull),
    /// A disk fails.
    DiskFailing(DiskFailing),
    /// Members join and leave.
    MembershipChurn(MembershipChurn),
    /// The Redis master is killed, then restarted.
    RedisMasterCrash(RedisMasterCrash),
    /// The Redis master is cut off, alone or with others.
    RedisMasterCut(RedisMasterCut),
    /// The Redis master stands still.
    RedisMasterPause(RedisMasterPause),
    /// All packets from and to the Redis master take longer.
    RedisMasterSlow(RedisMasterSlow),
}

/// What every kind has: evaluates `$value` with `$body` as the keys of the fault's kind.
macro_rules! of_each {
    ($fault:expr, $body:ident => $value:expr) => {
        match $fault {
            Fault::Loss($body) => $value,
            Fault::DelaySpike($body) => $value,
            Fault::Bandwidth($body) => $value,
            Fault::Partition($body) => $value,
            Fault::Clog($body) => $value,
            Fault::Swizzle($body) => $value,
            Fault::ResetStorm($body) => $value,
            Fault::ReconnectStorm($body) => $value,
            Fault::Crash($body) => $value,
            Fault::PowerLoss($body) => $value,
            Fault::Pause($body) => $value,
            Fault::RollingRestart($body) => $value,
            Fault::ClockStep($body) => $value,
            Fault::ClockDrift($body) => $value,
            Fault::DiskSlow($body) => $value,
            Fault::DiskFull($body) => $value,
            Fault::DiskFailing($body) => $value,
            Fault::MembershipChurn($body) => $value,
            Fault::RedisMasterCrash($body) => $value,
            Fault::RedisMasterCut($body) => $value,
            Fault::RedisMasterPause($body) => $value,
            Fault::RedisMasterSlow($body) => $value,
        }
    };
}

impl Fault {
    /// Its kind as a family of the swarm.
    pub fn family(&self) -> Family {
        match self {
            Self::Loss(_) => Family::Loss,
            Self::DelaySpike(_) => Family::DelaySpike,
            Self::Bandwidth(_) => Family::Bandwidth,
            Self::Partition(_) => Family::Partition,
            Self::Clog(_) => Family::Clog,
            Self::Swizzle(_) => Family::Swizzle,
            Self::ResetStorm(_) => Family::ResetStorm,
            Self::ReconnectStorm(_) => Family::ReconnectStorm,
            Self::Crash(_) => Family::Crash,
            Self::PowerLoss(_) => Family::PowerLoss,
            Self::Pause(_) => Family::Pause,
            Self::RollingRestart(_) => Family::RollingRestart,
            Self::ClockStep(_) => Family::ClockStep,
            Self::ClockDrift(_) => Family::ClockDrift,
            Self::DiskSlow(_) => Family::DiskSlow,
            Self::DiskFull(_) => Family::DiskFull,
            Self::DiskFailing(_) => Family::DiskFailing,
            Self::MembershipChurn(_) => Family::MembershipChurn,
            Self::RedisMasterCrash(_) => Family::RedisMasterCrash,
            Self::RedisMasterCut(_) => Family::RedisMasterCut,
            Self::RedisMasterPause(_) => Family::RedisMasterPause,
            Self::RedisMasterSlow(_) => Family::RedisMasterSlow,
        }
    }

    /// Its name in the scenario and in the record.
    pub fn kind(&self) -> &'static str {
        self.family().name()
    }

    /// When it begins, from the start of `duration`.
    pub fn at(&self) -> Span {
        of_each!(self, body => body.at)
    }

    /// Whether it is an error when it touched nothing.
    pub fn require_effect(&self) -> bool {
        of_each!(self, body => body.require_effect)
    }

    /// How long it lasts.
    pub fn lasts(&self, scenario: &Scenario) -> Span {
        match self {
            Self::Loss(fault) => fault.lasts,
            Self::DelaySpike(fault) => fault.lasts,
            Self::Bandwidth(fault) => fault.lasts,
            Self::Partition(fault) => fault.lasts,
            Self::Clog(fault) => fault.lasts,
            Self::Swizzle(fault) => fault.lasts,
            Self::ResetStorm(fault) => fault.lasts,
            Self::ReconnectStorm(_) => Span::default(),
            Self::Crash(fault) => fault.lasts,
            Self::PowerLoss(fault) => fault.lasts,
            Self::Pause(fault) => fault.lasts,
            Self::RollingRestart(fault) => fault.lasts(scenario.nodes(fault.role)),
            Self::ClockStep(fault) => fault.lasts,
            Self::ClockDrift(fault) => fault.lasts,
            Self::DiskSlow(fault) => fault.lasts,
            Self::DiskFull(fault) => fault.lasts,
            Self::DiskFailing(fault) => fault.lasts,
            Self::MembershipChurn(fault) => fault.lasts,
            Self::RedisMasterCrash(fault) => fault.lasts,
            Self::RedisMasterCut(fault) => fault.lasts,
            Self::RedisMasterPause(fault) => fault.lasts,
            Self::RedisMasterSlow(fault) => fault.lasts,
        }
    }

    /// When it is healed, from the start of `duration`.
    pub fn end(&self, scenario: &Scenario) -> Span {
        Span(self.at().0.saturating_add(self.lasts(scenario).0))
    }

    /// How long packets of its time may be under way after it is healed: delayed, or in a queue.
    pub fn aftermath(&self) -> Span {
        match self {
            Self::DelaySpike(fault) => fault.by,
            Self::Clog(fault) => fault.by,
            Self::RedisMasterSlow(fault) => fault.by,
            Self::Bandwidth(fault) => match fault.rate.bytes_per_s() {
                Some(0) | None => Span::default(),
                Some(rate) => Span(fault.queue.saturating_mul(1_000_000_000) / rate),
            },
            _ => Span::default(),
        }
    }
}

impl RollingRestart {
    /// From the first kill to the last restart, with so many nodes.
    pub fn lasts(&self, nodes: u32) -> Span {
        let nodes = u64::from(nodes);
        let down = self.down.0.saturating_mul(nodes);
        Span(down.saturating_add(self.gap.0.saturating_mul(nodes.saturating_sub(1))))
    }

    /// When the node of that number is killed.
    pub fn kill_at(&self, index: u32) -> Span {
        let each = self.down.0.saturating_add(self.gap.0);
        Span(self.at.0.saturating_add(each.saturating_mul(u64::from(index))))
    }
}

impl Tagged for Fault {
    const KINDS: &'static [Kind<Self>] = &[
        ("loss", |node| decode_body(node).map(Self::Loss)),
        ("delay-spike", |node| decode_body(node).map(Self::DelaySpike)),
        ("bandwidth", |node| decode_body(node).map(Self::Bandwidth)),
        ("partition", |node| decode_body(node).map(Self::Partition)),
        ("clog", |node| decode_body(node).map(Self::Clog)),
        ("swizzle", |node| decode_body(node).map(Self::Swizzle)),
        ("reset-storm", |node| decode_body(node).map(Self::ResetStorm)),
        ("reconnect-storm", |node| decode_body(node).map(Self::ReconnectStorm)),
        ("crash", |node| decode_body(node).map(Self::Crash)),
        ("power-loss", |node| decode_body(node).map(Self::PowerLoss)),
        ("pause", |node| decode_body(node).map(Self::Pause)),
        ("rolling-restart", |node| decode_body(node).map(Self::RollingRestart)),
        ("clock-step", |node| decode_body(node).map(Self::ClockStep)),
        ("clock-drift", |node| decode_body(node).map(Self::ClockDrift)),
        ("disk-slow", |node| decode_body(node).map(Self::DiskSlow)),
        ("disk-full", |node| decode_body(node).map(Self::DiskFull)),
        ("disk-failing", |node| decode_body(node).map(Self::DiskFailing)),
        ("membership-churn", |node| decode_body(node).map(Self::MembershipChurn)),
        ("redis-master-crash", |node| decode_body(node).map(Self::RedisMasterCrash)),
        ("redis-master-cut", |node| decode_body(node).map(Self::RedisMasterCut)),
        ("redis-master-pause", |node| decode_body(node).map(Self::RedisMasterPause)),
        ("redis-master-slow", |node| decode_body(node).map(Self::RedisMasterSlow)),
    ];
}
