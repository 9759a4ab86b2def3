//! Families of faults: the kinds by name, which the swarm switches on and off and which campaigns
//! count.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of fault.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Packets are lost.
    Loss,
    /// Packets take longer.
    DelaySpike,
    /// Links carry much less.
    Bandwidth,
    /// Two sides cannot reach each other.
    Partition,
    /// All traffic of some nodes is much delayed.
    Clog,
    /// Nodes are cut off one by one, and let back in another order.
    Swizzle,
    /// Connections are reset.
    ResetStorm,
    /// Devices lose their connections at the same instant.
    ReconnectStorm,
    /// Processes are killed.
    Crash,
    /// Machines lose power.
    PowerLoss,
    /// Processes stand still.
    Pause,
    /// The nodes of a role are restarted one after the other.
    RollingRestart,
    /// Wall clocks are put forward or back.
    ClockStep,
    /// Wall clocks run too fast or too slow.
    ClockDrift,
    /// Disks are slow.
    DiskSlow,
    /// Disks have no room left.
    DiskFull,
    /// Disks fail.
    DiskFailing,
    /// Members join and leave.
    MembershipChurn,
    /// Redis masters are killed.
    RedisMasterCrash,
    /// Redis masters are cut off.
    RedisMasterCut,
    /// Redis masters stand still.
    RedisMasterPause,
    /// Redis masters are slow to reach.
    RedisMasterSlow,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 22] = [
        Self::Loss,
        Self::DelaySpike,
        Self::Bandwidth,
        Self::Partition,
        Self::Clog,
        Self::Swizzle,
        Self::ResetStorm,
        Self::ReconnectStorm,
        Self::Crash,
        Self::PowerLoss,
        Self::Pause,
        Self::RollingRestart,
        Self::ClockStep,
        Self::ClockDrift,
        Self::DiskSlow,
        Self::DiskFull,
        Self::DiskFailing,
        Self::MembershipChurn,
        Self::RedisMasterCrash,
        Self::RedisMasterCut,
        Self::RedisMasterPause,
        Self::RedisMasterSlow,
    ];

    /// How many times as long the swarm lets an operation of a disk take at most, and how much it adds.
    pub const SLOWEST_DISK: (u32, Span) = (20, Span::ms(50));

    /// How long packets may be under way after a fault that the swarm drew is healed, at most.
    pub const fn aftermath_max(self) -> Span {
        match self {
            Self::DelaySpike | Self::Bandwidth | Self::RedisMasterSlow => Span::s(1),
            Self::Clog => Span::s(2),
            _ => Span::s(0),
        }
    }

    /// The `kind` of its faults.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::DelaySpike => "delay-spike",
            Self::Bandwidth => "bandwidth",
            Self::Partition => "partition",
            Self::Clog => "clog",
            Self::Swizzle => "swizzle",
            Self::ResetStorm => "reset-storm",
            Self::ReconnectStorm => "reconnect-storm",
            Self::Crash => "crash",
            Self::PowerLoss => "power-loss",
            Self::Pause => "pause",
            Self::RollingRestart => "rolling-restart",
            Self::ClockStep => "clock-step",
            Self::ClockDrift => "clock-drift",
            Self::DiskSlow => "disk-slow",
            Self::DiskFull => "disk-full",
            Self::DiskFailing => "disk-failing",
            Self::MembershipChurn => "membership-churn",
            Self::RedisMasterCrash => "redis-master-crash",
            Self::RedisMasterCut => "redis-master-cut",
            Self::RedisMasterPause => "redis-master-pause",
            Self::RedisMasterSlow => "redis-master-slow",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Fault;
    use crate::scenario::decode::Tagged;

    #[test]
    fn families_are_the_kinds_of_faults() {
        let kinds = Fault::KINDS.iter().map(|(kind, _)| *kind);
        assert!(kinds.eq(Family::ALL.map(Family::name)));
        for family in Family::ALL {
            assert_eq!(serde_json::to_value(family).expect("text"), family.name());
        }
    }
}
