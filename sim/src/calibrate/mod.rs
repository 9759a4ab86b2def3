//! Measures what work costs on this machine, for the simulator's processor model.
//!
//! Everything is measured on nodes that run live. First small programs that do one thing over and
//! over (`loops`): polls, sockets, frames, logs. Then a whole cluster under load (`cluster`): what its
//! nodes' threads take beyond the sum of those parts is divided by what each role does most: rows of
//! the store, records of the log, pushes of a gateway. Costs are processor time of threads, as the
//! kernel counts it, so that neighbours on the machine disturb little. `file` writes the result.

mod cluster;
mod file;
mod loops;

use im::env::Nanos;

pub use cluster::Role as MeasuredRole;
pub use file::{Provenance, write};

/// A figure with the spread of its batches.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Figure {
    /// The median of the batches.
    pub median: f64,
    /// The least of them.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Figure {
    /// The median and the range of some batches; 0 without any.
    pub fn of(mut batches: Vec<f64>) -> Self {
        batches.sort_by(f64::total_cmp);
        let Some((least, most)) = batches.first().zip(batches.last()) else {
            return Self::default();
        };
        Self { median: batches[batches.len() / 2], least: *least, most: *most }
    }

    fn map(self, change: impl Fn(f64) -> f64) -> Self {
        let [one, other] = [change(self.least), change(self.most)];
        Self { median: change(self.median), least: one.min(other), most: one.max(other) }
    }
}

/// What was measured. Costs are in nanoseconds of processor time.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of a calibration file")]
pub struct Measured {
    pub poll: Figure,
    pub wake: Figure,
    pub packet_written: Figure,
    pub packet_read: Figure,
    pub byte_written: Figure,
    pub byte_read: Figure,
    pub encode: Figure,
    pub decode: Figure,
    pub coded_byte: Figure,
    pub journal_record: Figure,
    pub journal_byte: Figure,
    pub journal_sync: Figure,
    pub operation: Figure,
    pub store_row: Figure,
    pub log_record: Figure,
    pub recipient: Figure,
    pub push: Figure,
    pub redis_command: Figure,
    /// Time on the wall, in nanoseconds, between a write and the poll that reads it.
    pub loopback: Figure,
    /// Time on the wall of a sync.
    pub fsync: Figure,
    /// What the roles of the cluster took, and what the parts explain of it.
    pub roles: Vec<cluster::Role>,
}

/// How long and how often is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effort {
    /// Batches of each loop, of which the median counts.
    pub batches: usize,
    /// Live runs of the cluster, and how long each takes under load.
    pub runs: usize,
    /// See `runs`.
    pub run: Nanos,
}

/// Measures everything; `tell` hears what is measured next.
pub fn measure(effort: Effort, tell: impl Fn(&str)) -> Result<Measured, String> {
    let mut measured = Measured::default();
    tell("polls");
    measured.poll = loops::polls(effort.batches)?;
    tell("frames");
    loops::frames(effort.batches, &mut measured)?;
    tell("sockets");
    loops::sockets(effort.batches, &mut measured)?;
    tell("logs and syncs");
    loops::journals(effort.batches, &mut measured)?;
    cluster::measure(effort, &mut measured, tell)?;
    Ok(measured)
}
