//! A host's disk: files that grow at the end, of which the synced prefix survives a loss of power.

use std::collections::BTreeMap;

use im::env::Nanos;

/// How a disk misbehaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskFault {
    /// Every operation takes so many times as long, at least by this many nanoseconds.
    Slow {
        /// Factor.
        times: u32,
        /// Nanoseconds that are added to every operation.
        by: Nanos,
    },
    /// Appends fail with `StorageFull`.
    Full,
    /// Appends and syncs fail with an input/output error.
    Failing,
}

#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    /// Length of the prefix that survives a loss of power.
    synced: usize,
}

/// The files of one host.
#[derive(Default)]
pub struct Disk {
    files: BTreeMap<String, File>,
    /// The device works on one sync at a time, until then.
    busy_until: Nanos,
}

impl Disk {
    pub fn append(&mut self, file: &str, bytes: &[u8]) {
        if let Some(found) = self.files.get_mut(file) {
            found.bytes.extend_from_slice(bytes);
        } else {
            self.files.insert(file.to_owned(), File { bytes: bytes.to_vec(), synced: 0 });
        }
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        self.files.get(file).map(|found| found.bytes.clone()).unwrap_or_default()
    }

    pub fn truncate(&mut self, file: &str, len: usize) {
        if let Some(found) = self.files.get_mut(file) {
            found.bytes.truncate(len);
            found.synced = found.synced.min(len);
        }
    }

    pub fn len(&self, file: &str) -> usize {
        self.files.get(file).map_or(0, |found| found.bytes.len())
    }

    /// Queues a sync that takes `cost`; returns when it will be done.
    pub fn begin_sync(&mut self, now: Nanos, cost: Nanos) -> Nanos {
        self.busy_until = self.busy_until.max(now) + cost;
        self.busy_until
    }

    /// The first `len` bytes of the file now survive a loss of power.
    pub fn finish_sync(&mut self, file: &str, len: usize) {
        if let Some(found) = self.files.get_mut(file) {
            found.synced = found.synced.max(len.min(found.bytes.len()));
        }
    }

    /// Power is gone: what was not synced is lost. Returns the number of bytes lost.
    pub fn lose_power(&mut self) -> u64 {
        self.busy_until = 0;
        let mut lost = 0;
        for file in self.files.values_mut() {
            lost += (file.bytes.len() - file.synced) as u64;
            file.bytes.truncate(file.synced);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_synced_prefix_survives_a_loss_of_power() {
        let mut disk = Disk::default();
        disk.append("wal", b"one");
        disk.finish_sync("wal", disk.len("wal"));
        disk.append("wal", b"two");
        disk.append("new", b"never synced");
        assert_eq!(disk.read("wal"), b"onetwo");
        assert_eq!(disk.lose_power(), 15);
        assert_eq!(disk.read("wal"), b"one");
        assert_eq!(disk.read("new"), b"");
    }

    #[test]
    fn a_sync_covers_what_was_there_when_it_began_and_syncs_queue() {
        let mut disk = Disk::default();
        disk.append("wal", b"one");
        let len = disk.len("wal");
        assert_eq!(disk.begin_sync(100, 10), 110);
        disk.append("wal", b"two");
        assert_eq!(disk.begin_sync(105, 10), 120);
        disk.finish_sync("wal", len);
        disk.lose_power();
        assert_eq!(disk.read("wal"), b"one");
    }
}
