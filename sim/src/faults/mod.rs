//! The faults of a run as data: one flat list of timed faults, drawn before the world exists.
//!
//! A [`Fault`] is what is written in a scenario; a [`Drawn`] fault is what is done, with nothing
//! left to chance. The list of them can be printed, replayed and shrunk. It must not know how
//! faults are done to a world.
//!
//! In reading order: `draw` (from written to drawn), `swarm` (faults that nobody wrote), `words`.

mod draw;
mod swarm;
mod words;

use std::fmt;

use im::env::Nanos;
use im::units::Span;
use serde::{Deserialize, Serialize};

use crate::scenario::{
    Bandwidth, Bursts, Family, Links, NodeRef, Point, Probability, Rate, Shift, Target, Way,
};

pub use draw::draw;

#[cfg(doc)]
use crate::scenario::Fault;

/// One fault as it is done: when, to what, how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Drawn {
    /// Where it comes from.
    pub origin: Origin,
    /// The kind of the fault that it is, or is a part of.
    pub family: Family,
    /// When it begins, from the start of `duration`.
    pub at: Nanos,
    /// When it is healed; `at` for what takes no time.
    pub until: Nanos,
    /// What is done.
    pub act: Act,
    /// Whether it is an error when the whole fault touched nothing.
    pub require_effect: bool,
}

/// Where a drawn fault comes from. The parts of one fault have the same origin.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The scenario's `[[faults]]` of that number, from 0.
    Written(u32),
    /// The fault of that number, from 0, that the swarm drew for a family.
    Swarm(Family, u32),
}

/// What is done to the world.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// Packets are lost, each on its own.
    Lose {
        /// Where.
        on: On,
        /// Probability per packet.
        rate: Probability,
    },
    /// Packets are lost in bursts.
    LoseInBursts {
        /// Where.
        on: On,
        /// How.
        bursts: Bursts,
    },
    /// Packets take longer.
    Delay {
        /// Where.
        on: On,
        /// How much longer, one way.
        by: Span,
    },
    /// Links carry less.
    Narrow {
        /// Whose links.
        on: On,
        /// What each carries, each way.
        rate: Bandwidth,
        /// Bytes that may wait.
        queue: u64,
    },
    /// Packets between two sides are swallowed.
    Cut {
        /// One side.
        side: Vec<Target>,
        /// The other side; everybody else if there is none.
        from: Option<Vec<Target>>,
        /// In which directions.
        way: Way,
    },
    /// Connections are reset.
    Reset {
        /// Whose connections.
        on: Vec<Target>,
        /// Only those with these.
        with: Option<Vec<Target>>,
        /// How often, until the end; else once.
        every: Option<Span>,
    },
    /// A process is killed, and restarted at the end.
    Crash {
        /// Where.
        node: NodeRef,
        /// Not at once, but at this point of its program, the so-many-th time that it is reached.
        point: Option<(Point, u32)>,
    },
    /// A machine loses power, and comes back at the end.
    PowerLoss {
        /// Which.
        node: NodeRef,
        /// Whether a damaged part of what was not synced stays.
        torn: bool,
    },
    /// A process stands still.
    Pause {
        /// Where.
        node: NodeRef,
    },
    /// A wall clock is put wrong, and right again at the end.
    StepClock {
        /// Whose.
        node: NodeRef,
        /// How far.
        by: Shift,
    },
    /// A wall clock gains or loses time.
    DriftClock {
        /// Whose.
        node: NodeRef,
        /// Microseconds per second.
        ppm: i32,
    },
    /// A disk is slow.
    SlowDisk {
        /// Whose.
        node: NodeRef,
        /// How many times as long an operation takes.
        times: u32,
        /// What is added to it.
        by: Span,
    },
    /// A disk has no room left.
    FillDisk {
        /// Whose.
        node: NodeRef,
    },
    /// A disk fails.
    FailDisk {
        /// Whose.
        node: NodeRef,
    },
    /// Something happens to whoever is the Redis master.
    OfRedisMaster(OfMaster),
    /// Members join and leave. Its operations are drawn with the workload.
    Churn {
        /// In the groups of which workload.
        workload: String,
        /// How often.
        rate: Rate,
    },
}

/// What can happen to the Redis master.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfMaster {
    /// Its process is killed, and restarted at the end.
    Crash,
    /// It is cut off.
    Cut {
        /// Together with these.
        with: Vec<Target>,
    },
    /// Its process stands still.
    Pause,
    /// Its packets take longer.
    Slow {
        /// How much longer, one way.
        by: Span,
    },
}

impl OfMaster {
    /// The same to the node that turned out to be the master.
    pub fn to(&self, node: NodeRef) -> Act {
        match self {
            Self::Crash => Act::Crash { node, point: None },
            Self::Pause => Act::Pause { node },
            Self::Slow { by } => Act::Delay { on: On::Nodes(vec![Target::Node(node)]), by: *by },
            Self::Cut { with } => {
                let side = [&[Target::Node(node)], with.as_slice()].concat();
                Act::Cut { side, from: None, way: Way::Both }
            }
        }
    }
}

/// The packets that a fault of the network is for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// Those on links of that kind.
    Links(Links),
    /// Those from and to these nodes.
    Nodes(Vec<Target>),
}

impl fmt::Display for Origin {
    /// A written fault as `--set` addresses it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(number) => write!(f, "faults.{number}"),
            Self::Swarm(family, number) => write!(f, "swarm.{}.{number}", family.name()),
        }
    }
}
