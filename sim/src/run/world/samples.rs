//! What the servers do by the second: how busy their processors are, how much waits in their queues, and what
//! they have counted so far.

use std::collections::BTreeMap;

use im::env::Nanos;
use im::units::Span;

use super::World;
use crate::cluster::Counters;
use crate::engine::Engine;
use crate::scenario::Role;

/// How often that is looked at.
pub const EVERY: Span = Span::s(1);

/// The servers at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// When, from the start of `duration`.
    pub at: Nanos,
    /// How long processors have been busy since the start of `duration`, summed by role.
    pub busy_ns: BTreeMap<Role, u64>,
    /// How much waits in queues, over all nodes.
    pub queues: BTreeMap<&'static str, u64>,
    /// Counters by role since the world began.
    pub counters: Counters,
}

impl<G: Engine> World<'_, G> {
    /// When the next sample is due.
    pub(super) fn next_sample(&self, origin: Nanos) -> Nanos {
        origin + self.samples.len() as Nanos * EVERY.0
    }

    /// Takes a sample if one is due.
    pub(super) fn sample(&mut self, origin: Nanos) {
        let now = self.engine.now();
        if now < self.next_sample(origin) {
            return;
        }
        self.samples.push(Sample {
            at: now - origin,
            busy_ns: self.cluster.servers_busy_ns(&self.engine),
            queues: self.cluster.queues(),
            counters: self.cluster.counters_of(|role| role != Role::Device),
        });
    }
}
