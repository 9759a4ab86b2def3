//! One numbered database: keys, their values, and when they expire.
//!
//! Time is what it is told: it never asks a clock. An expired key is gone at its next use at the
//! latest, and at the next sweep if it is not used.

use std::collections::{BTreeMap, BTreeSet};

pub use super::hash::Hash;
pub use super::sorted_set::{ScoreRange, SortedSet};

/// The value of a key.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Bytes.
    String(Vec<u8>),
    /// Fields and values.
    Hash(Hash),
    /// Members with scores.
    SortedSet(SortedSet),
}

/// A database.
#[derive(Default, Debug)]
pub struct Db {
    entries: BTreeMap<Vec<u8>, Entry>,
    expiries: BTreeSet<(i64, Vec<u8>)>,
    now_ms: i64,
}

#[derive(Debug)]
struct Entry {
    value: Value,
    expires_ms: Option<i64>,
}

impl Db {
    /// Sets the time for what follows.
    pub fn set_now(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }

    /// The time it was told.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The value of a key.
    pub fn get(&mut self, key: &[u8]) -> Option<&mut Value> {
        self.drop_if_expired(key);
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// Gives a key a value; it no longer expires.
    pub fn set(&mut self, key: &[u8], value: Value) {
        self.remove_entry(key);
        self.entries.insert(key.to_vec(), Entry { value, expires_ms: None });
    }

    /// Removes a key; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.drop_if_expired(key);
        self.remove_entry(key)
    }

    /// When a key that is there expires, if it does.
    pub fn expires_ms(&self, key: &[u8]) -> Option<i64> {
        self.entries.get(key)?.expires_ms
    }

    /// Lets a key that is there expire.
    pub fn set_expires_ms(&mut self, key: &[u8], at_ms: i64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(old) = entry.expires_ms.replace(at_ms) {
            self.expiries.remove(&(old, key.to_vec()));
        }
        self.expiries.insert((at_ms, key.to_vec()));
    }

    /// Keys that are held, with those that have expired unnoticed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys that are held and will expire.
    pub fn expiring(&self) -> usize {
        self.expiries.len()
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.expiries.clear();
    }

    /// Removes every key that has expired.
    pub fn sweep(&mut self) {
        while self.expiries.first().is_some_and(|(at_ms, _)| *at_ms < self.now_ms) {
            let (_, key) = self.expiries.pop_first().expect("there is a first");
            self.entries.remove(&key);
        }
    }

    fn drop_if_expired(&mut self, key: &[u8]) {
        if self.expires_ms(key).is_some_and(|at_ms| at_ms < self.now_ms) {
            self.remove_entry(key);
        }
    }

    fn remove_entry(&mut self, key: &[u8]) -> bool {
        let Some(entry) = self.entries.remove(key) else { return false };
        if let Some(at_ms) = entry.expires_ms {
            self.expiries.remove(&(at_ms, key.to_vec()));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_gone_after_its_time_with_or_without_a_sweep() {
        let mut db = Db::default();
        for key in [b"a", b"b"] {
            db.set(key, Value::String(b"x".to_vec()));
            db.set_expires_ms(key, 10);
        }
        db.set_now(10);
        assert!(db.get(b"a").is_some());
        db.set_now(11);
        assert!(db.get(b"a").is_none());
        assert_eq!((db.len(), db.expiring()), (1, 1));
        db.sweep();
        assert_eq!((db.len(), db.expiring()), (0, 0));
    }

    #[test]
    fn a_new_value_does_not_inherit_the_old_ones_end() {
        let mut db = Db::default();
        db.set(b"a", Value::String(b"x".to_vec()));
        db.set_expires_ms(b"a", 10);
        db.set(b"a", Value::String(b"y".to_vec()));
        db.set_now(11);
        db.sweep();
        assert!(db.get(b"a").is_some());
    }
}
