//! One numbered database: keys, their values, and when they expire.
//!
//! Time is what it is told: it never asks a clock. On a master an expired key is gone at its next
//! use at the latest, and at the next sweep if it is not used. A replica only hides it, and waits
//! for its master to delete it.

use std::collections::{BTreeMap, BTreeSet};

use super::values::{Value, size};

/// A place in a hash table that is three quarters full, and 8 of the 32 bytes of an entry.
const PLACE_BYTES: usize = 19;

/// An entry and a place in the table of keys that expire.
const END_BYTES: usize = 43;

/// So many keys are looked at when nobody counts what all of them take.
const SAMPLES: usize = 1000;

/// What becomes of a key whose time is over when somebody uses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Expiry {
    /// It goes: a master.
    #[default]
    Delete,
    /// It stays, and is not seen: clients of a replica.
    Hide,
    /// It is seen: what a replica's master says.
    Ignore,
}

/// A database.
#[derive(Default, Debug)]
pub struct Db {
    entries: BTreeMap<Vec<u8>, Entry>,
    expiries: BTreeSet<(i64, Vec<u8>)>,
    now_ms: i64,
    expiry: Expiry,
    /// What the keys take, while that is counted.
    bytes: usize,
    /// Keys by their last use, while there is a limit of memory.
    by_use: Option<BTreeSet<(i64, Vec<u8>)>>,
    /// Keys that were found expired and removed, until somebody takes the list.
    expired: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Entry {
    value: Value,
    expires_ms: Option<i64>,
    used_ms: i64,
    /// What it took when it was measured last.
    bytes: usize,
}

impl Db {
    /// Sets the time for what follows, and what becomes of expired keys.
    pub fn set_now(&mut self, now_ms: i64, expiry: Expiry) {
        self.now_ms = now_ms;
        self.expiry = expiry;
    }

    /// What becomes of expired keys.
    pub fn expiry(&self) -> Expiry {
        self.expiry
    }

    /// The time it was told.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The value of a key, to look at or to change. Who changes it tells
    /// [`Context::modified`](super::instance::Context::modified).
    pub fn get(&mut self, key: &[u8]) -> Option<&mut Value> {
        self.find(key)?;
        let entry = self.entries.get_mut(key)?;
        if let Some(by_use) = self.by_use.as_mut().filter(|_| entry.used_ms != self.now_ms) {
            by_use.remove(&(entry.used_ms, key.to_vec()));
            by_use.insert((self.now_ms, key.to_vec()));
        }
        entry.used_ms = self.now_ms;
        Some(&mut entry.value)
    }

    /// The value of a key, which is not used for that.
    pub fn look(&mut self, key: &[u8]) -> Option<&Value> {
        self.find(key)?;
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Nothing if the key is not there, or its time is over and that counts.
    fn find(&mut self, key: &[u8]) -> Option<()> {
        let entry = self.entries.get(key)?;
        if entry.expires_ms.is_none_or(|at_ms| at_ms >= self.now_ms) {
            return Some(());
        }
        match self.expiry {
            Expiry::Delete => {
                self.expire(key);
                None
            }
            Expiry::Hide => None,
            Expiry::Ignore => Some(()),
        }
    }

    /// Gives a key a value; it no longer expires.
    pub fn set(&mut self, key: &[u8], value: Value) {
        self.remove_entry(key);
        let used_ms = self.now_ms;
        if let Some(by_use) = &mut self.by_use {
            by_use.insert((used_ms, key.to_vec()));
        }
        self.entries.insert(key.to_vec(), Entry { value, expires_ms: None, used_ms, bytes: 0 });
    }

    /// Removes a key; its value, if it was there.
    pub fn remove(&mut self, key: &[u8]) -> Option<Value> {
        self.look(key)?;
        self.remove_entry(key)
    }

    /// Removes a key, whatever its time; its value, if it was there.
    pub fn discard(&mut self, key: &[u8]) -> Option<Value> {
        self.remove_entry(key)
    }

    /// Removes the key that a result of so many items goes to; its value, if it was there. Where there are none,
    /// Redis does not ask whether the key has expired: removing it is the command's own change.
    pub fn remove_for(&mut self, key: &[u8], len: usize) -> Option<Value> {
        if len == 0 { self.discard(key) } else { self.remove(key) }
    }

    /// When a key that is there was used last.
    pub fn used_ms(&mut self, key: &[u8]) -> Option<i64> {
        self.look(key)?;
        self.entries.get(key).map(|entry| entry.used_ms)
    }

    /// A key that is there counts as last used then.
    pub fn set_used_ms(&mut self, key: &[u8], at_ms: i64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let before_ms = std::mem::replace(&mut entry.used_ms, at_ms);
        if let Some(by_use) = &mut self.by_use {
            by_use.remove(&(before_ms, key.to_vec()));
            by_use.insert((at_ms, key.to_vec()));
        }
    }

    /// From now on what keys take and when they are used is counted, or no longer.
    pub fn measure_all(&mut self, counted: bool) {
        self.bytes = 0;
        self.by_use = None;
        if !counted {
            return;
        }
        let by_use = self.entries.iter().map(|(key, entry)| (entry.used_ms, key.clone()));
        self.by_use = Some(by_use.collect());
        for (key, entry) in &mut self.entries {
            entry.bytes = entry.takes(key);
            self.bytes += entry.bytes;
        }
    }

    /// A key may take more or less than before.
    pub fn measure(&mut self, key: &[u8]) {
        let Some(entry) = self.entries.get_mut(key).filter(|_| self.by_use.is_some()) else {
            return;
        };
        let bytes = entry.takes(key);
        self.bytes = self.bytes - entry.bytes + bytes;
        entry.bytes = bytes;
    }

    /// What all keys take; without a limit, of many keys, what they take if all are like the first
    /// ones, since Sentinels ask for it every second.
    pub fn bytes(&self) -> usize {
        if self.by_use.is_some() {
            return self.bytes;
        }
        let looked_at = self.entries.len().min(SAMPLES);
        let sample = self.entries.iter().take(looked_at).map(|(key, entry)| entry.takes(key));
        sample.sum::<usize>() * self.entries.len() / looked_at.max(1)
    }

    /// How many keys are held, or will expire.
    pub fn count(&self, expiring: bool) -> usize {
        if expiring { self.expiries.len() } else { self.entries.len() }
    }

    /// One of those.
    pub fn nth(&self, place: usize, expiring: bool) -> Option<Vec<u8>> {
        match expiring {
            true => self.expiries.iter().nth(place).map(|(_, key)| key.clone()),
            false => self.entries.keys().nth(place).cloned(),
        }
    }

    /// The key that expires first, and when.
    pub fn first_to_expire(&self) -> Option<(i64, &[u8])> {
        self.expiries.first().map(|(at_ms, key)| (*at_ms, key.as_slice()))
    }

    /// The key, or the one that will expire, that was not used for the longest time, and when it was,
    /// while uses are counted.
    pub fn least_used(&self, expiring: bool) -> Option<(i64, &[u8])> {
        let counts = |key: &[u8]| !expiring || self.expires_ms(key).is_some();
        let mut all = self.by_use.iter().flatten();
        all.find(|(_, key)| counts(key)).map(|(at_ms, key)| (*at_ms, key.as_slice()))
    }

    /// When a key that is there expires, if it does.
    pub fn expires_ms(&self, key: &[u8]) -> Option<i64> {
        if self.expiries.is_empty() {
            return None;
        }
        self.entries.get(key)?.expires_ms
    }

    /// Lets a key that is there expire, or live for ever.
    pub fn set_expires_ms(&mut self, key: &[u8], at_ms: Option<i64>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(old) = std::mem::replace(&mut entry.expires_ms, at_ms) {
            self.expiries.remove(&(old, key.to_vec()));
        }
        if let Some(at_ms) = at_ms {
            self.expiries.insert((at_ms, key.to_vec()));
        }
    }

    /// Whether the key is held, expired or not.
    pub fn holds(&self, key: &[u8]) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether the key is held although its time is over.
    pub fn has_expired(&self, key: &[u8]) -> bool {
        self.expires_ms(key).is_some_and(|at_ms| at_ms < self.now_ms)
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

    /// All keys with their values and ends, in the order of keys, with those that have expired
    /// unnoticed.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Value, Option<i64>)> {
        self.entries.iter().map(|(key, entry)| (key.as_slice(), &entry.value, entry.expires_ms))
    }

    /// Keys behind `after`, in order; all of them when it is `None`.
    pub fn keys_after(&self, after: Option<&[u8]>) -> impl Iterator<Item = &[u8]> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.entries.range::<[u8], _>((from, Unbounded)).map(|(key, _)| key.as_slice())
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.expiries.clear();
        self.measure_all(self.by_use.is_some());
    }

    /// Removes every key that has expired, unless it is for somebody else to do so.
    pub fn sweep(&mut self) {
        while self.expiry == Expiry::Delete
            && self.expiries.first().is_some_and(|(at_ms, _)| *at_ms < self.now_ms)
        {
            let (_, key) = self.expiries.first().cloned().expect("there is a first");
            self.expire(&key);
        }
    }

    /// Whether [`Db::take_expired`] would tell of any.
    pub fn has_found_expired(&self) -> bool {
        !self.expired.is_empty()
    }

    /// Keys that were found expired and removed since the last call.
    pub fn take_expired(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.expired)
    }

    fn expire(&mut self, key: &[u8]) {
        self.remove_entry(key);
        self.expired.push(key.to_vec());
    }

    fn remove_entry(&mut self, key: &[u8]) -> Option<Value> {
        let entry = self.entries.remove(key)?;
        if let Some(by_use) = &mut self.by_use {
            by_use.remove(&(entry.used_ms, key.to_vec()));
            self.bytes -= entry.bytes;
        }
        if let Some(at_ms) = entry.expires_ms {
            self.expiries.remove(&(at_ms, key.to_vec()));
        }
        Some(entry.value)
    }
}

impl Entry {
    /// What it takes under this key: besides what `MEMORY USAGE` tells, its places in tables, and what
    /// is lost by rounding.
    fn takes(&self, key: &[u8]) -> usize {
        let end = if self.expires_ms.is_some() { END_BYTES } else { 0 };
        size::of_entry(key, &self.value) + PLACE_BYTES + end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_two_that_expire_at_10() -> Db {
        let mut db = Db::default();
        for key in [b"a", b"b"] {
            db.set(key, Value::String(b"x".to_vec()));
            db.set_expires_ms(key, Some(10));
        }
        db
    }

    #[test]
    fn a_key_is_gone_after_its_time_with_or_without_a_sweep() {
        let mut db = with_two_that_expire_at_10();
        db.set_now(10, Expiry::Delete);
        assert!(db.get(b"a").is_some());
        db.set_now(11, Expiry::Delete);
        assert!(db.get(b"a").is_none());
        assert_eq!((db.len(), db.expiring()), (1, 1));
        db.sweep();
        assert_eq!((db.len(), db.expiring()), (0, 0));
        assert_eq!(db.take_expired(), [b"a", b"b"]);
    }

    #[test]
    fn many_keys_take_what_a_sample_of_them_says() {
        let key = |number: usize| format!("key:{number:05}").into_bytes();
        let mut db = Db::default();
        db.set(&key(0), Value::String(vec![b'x'; 100]));
        let one = db.bytes();
        for number in 1..3 * SAMPLES {
            db.set(&key(number), Value::String(vec![b'x'; 100]));
        }
        assert_eq!(db.bytes(), 3 * SAMPLES * one);
        db.set(&key(3 * SAMPLES), Value::String(vec![b'x'; 1_000_000]));
        assert_eq!(db.bytes(), (3 * SAMPLES + 1) * one, "the last key lies outside the sample");
    }

    #[test]
    fn a_replica_hides_what_its_master_still_sees() {
        let mut db = with_two_that_expire_at_10();
        db.set_now(11, Expiry::Hide);
        db.sweep();
        assert!(db.get(b"a").is_none() && db.remove(b"a").is_none());
        db.set_now(11, Expiry::Ignore);
        assert!(db.get(b"a").is_some());
        assert_eq!((db.len(), db.take_expired().len()), (2, 0));
    }

    #[test]
    fn a_new_value_does_not_inherit_the_old_ones_end() {
        let mut db = with_two_that_expire_at_10();
        db.set(b"a", Value::String(b"y".to_vec()));
        db.set_now(11, Expiry::Delete);
        db.sweep();
        assert!(db.get(b"a").is_some());
    }
}
