//! Groups of consumers: how far they have read, and what was delivered and not yet acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use super::Id;

/// A group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The last entry that was delivered.
    pub last_id: Id,
    /// How many entries of the stream have been delivered, as far as is known.
    pub entries_read: Option<i64>,
    pending: BTreeMap<Id, Pending>,
    consumers: BTreeMap<Vec<u8>, Consumer>,
}

/// An entry that was delivered and not yet acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// To whom.
    pub consumer: Vec<u8>,
    /// When last, in milliseconds since the Unix epoch.
    pub delivered_ms: i64,
    /// How often.
    pub deliveries: i64,
}

/// A consumer of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consumer {
    /// When it asked last, in milliseconds since the Unix epoch.
    pub seen_ms: i64,
    pending: BTreeSet<Id>,
}

impl Consumer {
    /// Ids of entries that were delivered to it and not yet acknowledged.
    pub fn pending(&self) -> &BTreeSet<Id> {
        &self.pending
    }
}

impl Group {
    /// A group without consumers.
    pub fn new(last_id: Id, entries_read: Option<i64>) -> Self {
        let (pending, consumers) = (BTreeMap::new(), BTreeMap::new());
        Self { last_id, entries_read, pending, consumers }
    }

    /// What is pending, in the order of ids.
    pub fn pending(&self) -> &BTreeMap<Id, Pending> {
        &self.pending
    }

    /// An entry that is pending.
    pub fn pending_mut(&mut self, id: Id) -> Option<&mut Pending> {
        self.pending.get_mut(&id)
    }

    /// The consumers by name.
    pub fn consumers(&self) -> &BTreeMap<Vec<u8>, Consumer> {
        &self.consumers
    }

    /// A consumer asks for something, or is made; whether it is new.
    pub fn see(&mut self, name: &[u8], now_ms: i64) -> bool {
        if let Some(consumer) = self.consumers.get_mut(name) {
            consumer.seen_ms = now_ms;
            return false;
        }
        self.create_consumer(name, now_ms)
    }

    /// Makes a consumer; whether it is new.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: i64) -> bool {
        if self.consumers.contains_key(name) {
            return false;
        }
        let consumer = Consumer { seen_ms: now_ms, pending: BTreeSet::new() };
        self.consumers.insert(name.to_vec(), consumer);
        true
    }

    /// Removes a consumer with all that is pending for it; how much that was, if it was there.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let consumer = self.consumers.remove(name)?;
        consumer.pending.iter().for_each(|id| drop(self.pending.remove(id)));
        Some(consumer.pending.len())
    }

    /// The entry is pending for a consumer, which must be there, and for no other one.
    pub fn assign(&mut self, id: Id, pending: Pending) {
        self.acknowledge(id);
        let consumer = self.consumers.get_mut(&pending.consumer);
        consumer.expect("entries are delivered to consumers that are there").pending.insert(id);
        self.pending.insert(id, pending);
    }

    /// The entry is not pending any more; whether it was.
    pub fn acknowledge(&mut self, id: Id) -> bool {
        let Some(pending) = self.pending.remove(&id) else { return false };
        let consumer = self.consumers.get_mut(&pending.consumer);
        consumer.expect("only consumers that are there have something pending").pending.remove(&id);
        true
    }
}
