//! What happened at the edge of the clients of a study: the only thing its checkers may see.
//!
//! Times are the clients' own: an operation begins when its client sends it and ends when its
//! client knows what became of it, or gives up to find out.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use im::env::Nanos;

/// A write that is found again by its number, which no other write has.
pub type WriteId = u64;

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A member of a set (`SADD`).
    Add,
    /// A member of a sorted set (`ZADD`).
    Score,
    /// A key of its own (`SET`).
    Set,
    /// The next value of the one counter (`INCR`).
    Incr,
}

impl Kind {
    /// Every kind, in the order in which clients go through them.
    pub const ALL: [Self; 4] = [Self::Add, Self::Score, Self::Set, Self::Incr];
}

/// What became of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Acknowledged, with the number that came back.
    Done(i64),
    /// Refused without effect.
    Refused(String),
    /// Nobody knows: no answer, or one that does not count for want of replicas.
    Maybe(String),
}

/// One operation of one client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Its number; found again at the end, unless it is an increment.
    pub id: WriteId,
    /// Who asked.
    pub client: u32,
    /// For what.
    pub kind: Kind,
    /// The Redis node that was asked.
    pub node: u32,
    /// When it was sent.
    pub invoked: Nanos,
    /// When its outcome was known.
    pub ended: Nanos,
    /// What became of it.
    pub outcome: Outcome,
}

/// A time in which a client was entitled to believe that it held the lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Who.
    pub client: u32,
    /// The node that granted it; of several, the first.
    pub node: u32,
    /// When the client learnt that it held the lock.
    pub from: Nanos,
    /// Up to when it could be sure, counted from its own request; or when it let go.
    pub until: Nanos,
}

/// Something done to what the lock protects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    /// By whom.
    pub client: u32,
    /// With which fencing token.
    pub token: i64,
    /// When.
    pub at: Nanos,
    /// Whether the resource took it.
    pub accepted: bool,
}

/// What the last master has when everything has settled.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReadBack {
    /// Its node.
    pub node: u32,
    /// Writes that are there.
    pub present: BTreeSet<WriteId>,
    /// The counter.
    pub counter: i64,
}

/// Everything of a study.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    /// Operations in the order of their ends.
    pub operations: Vec<Operation>,
    /// Holds of the lock in the order of their beginnings.
    pub holds: Vec<Hold>,
    /// Effects in the order in which they reached the resource.
    pub effects: Vec<Effect>,
    /// What was there at the end; `None` if nobody could be asked.
    pub read_back: Option<ReadBack>,
}

impl History {
    /// Acknowledged operations that can be found again.
    pub fn acked(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| {
            operation.kind != Kind::Incr && matches!(operation.outcome, Outcome::Done(_))
        })
    }
}

/// The harness' ear on all clients.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<History>>);

impl Recorder {
    /// Changes the history, or looks at it.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.0.lock().expect("no holder panics")
    }

    /// An effect reaches the protected resource, which refuses it behind a newer token if it
    /// `fences`.
    pub fn effect(&self, client: u32, token: i64, at: Nanos, fences: bool) {
        let mut history = self.history();
        let newest = history.effects.iter().filter(|effect| effect.accepted);
        let newest = newest.map(|effect| effect.token).max().unwrap_or(i64::MIN);
        let accepted = !fences || token >= newest;
        history.effects.push(Effect { client, token, at, accepted });
    }
}
