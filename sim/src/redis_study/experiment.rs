//! Experiments as data: the nodes, the clients, what is done to the master; and what came of it in
//! figures. The same experiment can be done to a simulated Redis and to a real one.

use im::env::Nanos;

use super::accounting::{Account, Event, account};
use super::checkers::{Overlaps, lost_writes, overlaps, values_repeated};
use super::history::{History, Kind, Outcome};
use super::program::Wait;

/// A millisecond.
pub const MS: Nanos = 1_000_000;
/// A second.
pub const SECOND: Nanos = 1_000 * MS;

/// What is done to the first master.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strike {
    /// Its process is killed and stays away.
    Kill,
    /// Its process is killed and comes back.
    Restart {
        /// How long it is away.
        after: Nanos,
    },
    /// It is cut off together with the first clients.
    Cut {
        /// How long.
        lasts: Nanos,
    },
    /// Its process stands still.
    Pause {
        /// How long.
        lasts: Nanos,
    },
}

/// What the clients want of Redis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Use {
    /// They write.
    Writes {
        /// From one operation of a client to its next.
        pace: Nanos,
        /// What they ask for after each write.
        wait: Option<Wait>,
    },
    /// They contend for the lock.
    Lock {
        /// How long it lives, in milliseconds.
        ttl_ms: u64,
        /// How long a holder keeps it.
        hold: Nanos,
        /// Whether the resource refuses older tokens.
        fences: bool,
    },
}

/// An experiment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Experiment {
    /// Replicas of the master.
    pub replicas: u32,
    /// Sentinels.
    pub sentinels: u32,
    /// After how long a Sentinel takes a silent node for dead.
    pub down_after: Nanos,
    /// Options of every Redis node, as `CONFIG SET` takes them.
    pub options: Vec<(&'static str, String)>,
    /// Clients.
    pub clients: u32,
    /// How many of them are cut off with the master.
    pub cut_off: u32,
    /// What they do.
    pub does: Use,
    /// How long they do it before the strike.
    pub lead: Nanos,
    /// The strike.
    pub strike: Strike,
    /// How long they go on after the strike.
    pub after: Nanos,
    /// How long everything settles before the last master is asked.
    pub settle: Nanos,
}

impl Default for Experiment {
    /// What the measurements have in common: two replicas, three Sentinels, five clients that ask
    /// for 250 operations a second.
    fn default() -> Self {
        Self {
            replicas: 2,
            sentinels: 3,
            down_after: SECOND,
            options: Vec::new(),
            clients: 5,
            cut_off: 0,
            does: Use::Writes { pace: 20 * MS, wait: None },
            lead: 3 * SECOND,
            strike: Strike::Kill,
            after: 10 * SECOND,
            settle: 3 * SECOND,
        }
    }
}

/// What an experiment leaves behind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Study {
    /// What the clients saw.
    pub history: History,
    /// When the master was struck.
    pub struck: Nanos,
    /// What happened to the nodes.
    pub events: Vec<Event>,
    /// What each Sentinel has logged: when, and what.
    pub sentinel_events: Vec<Vec<(Nanos, String)>>,
}

/// A study in figures.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Figures {
    /// Seconds from the strike until another node acknowledges a write.
    pub first_write_s: Option<f64>,
    /// Acknowledged writes, increments aside.
    pub acked: u64,
    /// Of these, gone at the end.
    pub lost: u64,
    /// Values of the counter that were given out again.
    pub repeated: u64,
    /// Times in which the lock had two holders.
    pub overlaps: Overlaps,
    /// Seconds from the strike until the lock first had two.
    pub held_twice_s: Option<f64>,
    /// Why it was lost and repeated.
    pub account: Account,
}

impl Study {
    /// Its figures.
    pub fn figures(&self) -> Figures {
        let struck = self.struck;
        let mut before = self.history.operations.iter().filter(|one| one.invoked < struck);
        let first_master = before.next_back().map(|one| one.node);
        let done = |one: &&super::history::Operation| {
            matches!(one.outcome, Outcome::Done(_)) && one.kind != Kind::Incr
        };
        let elsewhere = self
            .history
            .operations
            .iter()
            .filter(|one| done(one) && one.invoked >= struck && Some(one.node) != first_master);
        let seconds = |at: Nanos| at.saturating_sub(struck) as f64 / SECOND as f64;
        let shared = overlaps(&self.history.holds);
        Figures {
            first_write_s: elsewhere.map(|one| one.ended).min().map(seconds),
            acked: self.history.acked().count() as u64,
            lost: lost_writes(&self.history).len() as u64,
            repeated: values_repeated(&self.history).len() as u64,
            overlaps: shared,
            held_twice_s: shared.first.map(seconds),
            account: account(&self.history, &self.events),
        }
    }
}
