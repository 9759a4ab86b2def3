//! Experiments as data: the nodes, the clients, what is done to the master; and what came of it in
//! figures. The same experiment can be done to a simulated Redis and to a real one.

use im::env::Nanos;

use super::accounting::{Account, Change, Event, account};
use super::checkers::{Overlaps, lost_writes, overlaps, values_repeated};
use super::history::{History, Kind, Operation, Outcome};
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
    /// So long before the strike the replicas' processes are restarted, if they are.
    pub resync: Option<Nanos>,
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
            resync: None,
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
    /// How often a replica was made the master: more than once is a second failover.
    pub promotions: u64,
    /// Seconds from the end of a cut until the old master is a replica.
    pub demoted_s: Option<f64>,
    /// Writes that the old master acknowledged in that time.
    pub acked_until_demotion: u64,
}

impl Study {
    /// Its figures.
    pub fn figures(&self) -> Figures {
        let struck = self.struck;
        let mut before = self.history.operations.iter().filter(|one| one.invoked < struck);
        let first_master = before.next_back().map(|one| one.node);
        let done =
            |one: &&Operation| matches!(one.outcome, Outcome::Done(_)) && one.kind != Kind::Incr;
        let elsewhere = self
            .history
            .operations
            .iter()
            .filter(|one| done(one) && one.invoked >= struck && Some(one.node) != first_master);
        let seconds = |at: Nanos| at.saturating_sub(struck) as f64 / SECOND as f64;
        let healed = self.times(Change::Healed).next();
        let demoted =
            healed.and_then(|healed| self.times(Change::Demoted).find(|at| *at >= healed));
        let late = healed.zip(demoted);
        let shared = overlaps(&self.history.holds);
        Figures {
            first_write_s: elsewhere.map(|one| one.ended).min().map(seconds),
            acked: self.history.acked().count() as u64,
            lost: lost_writes(&self.history).len() as u64,
            repeated: values_repeated(&self.history).len() as u64,
            overlaps: shared,
            held_twice_s: shared.first.map(seconds),
            account: account(&self.history, &self.events),
            promotions: self.times(Change::Promoted).count() as u64,
            demoted_s: healed.zip(demoted).map(|(from, at)| (at - from) as f64 / SECOND as f64),
            acked_until_demotion: late.map_or(0, |(from, until)| {
                let at_old = |one: &&Operation| Some(one.node) == first_master && done(one);
                let at_old = self.history.operations.iter().filter(at_old);
                at_old.filter(|one| (from..until).contains(&one.ended)).count() as u64
            }),
        }
    }

    /// When this happened to any node.
    fn times(&self, what: Change) -> impl Iterator<Item = Nanos> {
        self.events.iter().filter(move |event| event.what == what).map(|event| event.at)
    }
}
