//! A host's disk: files that grow at the end, of which the synced prefix survives a loss of power;
//! what its operations cost, one behind the other; and how it fails.
//!
//! Appends go to the page cache, which is memory: they take no time, and are paid for by the sync
//! that follows. A program that is killed loses nothing of them, a machine without power does.
//! Cutting a file takes effect at once, also on the device.

use std::collections::BTreeMap;
use std::io;

use im::env::Nanos;
use rand::Rng as _;

use crate::engine::rng::{self, Stream};
use content::Content;

mod content;

/// Devices write whole sectors; the one that was under way when the power went may be damaged.
pub(super) const SECTOR_BYTES: usize = 512;
/// File systems give room in blocks: what fits into a file's last one needs no new room.
pub(super) const BLOCK_BYTES: usize = 4_096;
const SECOND: u128 = 1_000_000_000;

/// What the operations of a disk cost. They queue: the device works on one at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskProfile {
    /// Each sync, in nanoseconds.
    pub sync: Nanos,
    /// On top of that, the bytes that a sync writes: so many a second; 0 for no limit.
    pub write_bytes_per_s: u64,
    /// Each read, in nanoseconds. A file without bytes is not read.
    pub read: Nanos,
    /// On top of that, the bytes that are read: so many a second; 0 for no limit.
    pub read_bytes_per_s: u64,
}

impl From<Nanos> for DiskProfile {
    /// A disk on which nothing costs time but its syncs.
    fn from(sync: Nanos) -> Self {
        Self { sync, write_bytes_per_s: 0, read: 0, read_bytes_per_s: 0 }
    }
}

/// How a disk misbehaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskFault {
    /// Reads and syncs take so many times as long, and so many nanoseconds more.
    Slow {
        /// Factor.
        times: u32,
        /// Nanoseconds that are added to every operation.
        by: Nanos,
    },
    /// There is no room: an append writes what fits into the file's last block of 4 KiB, and fails
    /// with `StorageFull` when that is not all.
    Full,
    /// The device does not answer: appends, cuts, syncs and reads fail with `EIO`. What a sync that
    /// failed should have written is dropped from the page cache, and reads as zeros from then on,
    /// whatever later syncs say.
    Failing,
}

/// `EIO` on Linux.
pub(super) const INPUT_OUTPUT_ERROR: i32 = 5;

#[derive(Default)]
struct File {
    bytes: Content,
    /// Length of the prefix that survives a loss of power.
    synced: usize,
    /// Length of the prefix that syncs under way will have written.
    queued: usize,
}

/// An operation that the device works on.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// When it will be done.
    pub done: Nanos,
    /// What it covers of the file.
    len: usize,
    /// The device did not answer when it began.
    failed: bool,
}

/// The files of one host.
pub struct Disk {
    profile: DiskProfile,
    files: BTreeMap<String, File>,
    /// The device works on one operation at a time, until then.
    busy_until: Nanos,
    /// Faults in force, and how many operations they have touched.
    faults: Vec<DiskFault>,
    touched: u64,
    /// Draws what a loss of power leaves.
    rng: Stream,
}

impl Disk {
    pub fn new(profile: DiskProfile, rng: Stream) -> Self {
        let (files, faults) = (BTreeMap::new(), Vec::new());
        Self { profile, files, busy_until: 0, faults, touched: 0, rng }
    }

    pub fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.answer()?;
        let room = match self.faults.contains(&DiskFault::Full) {
            true => self.len(file).next_multiple_of(BLOCK_BYTES) - self.len(file),
            false => usize::MAX,
        };
        let fitting = &bytes[..bytes.len().min(room)];
        if let Some(found) = self.files.get_mut(file) {
            found.bytes.append(fitting);
        } else {
            self.files.entry(file.to_owned()).or_default().bytes.append(fitting);
        }
        if fitting.len() < bytes.len() {
            self.touched += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub fn truncate(&mut self, file: &str, len: usize) -> io::Result<()> {
        self.answer()?;
        if let Some(found) = self.files.get_mut(file) {
            found.bytes.truncate(len);
            found.synced = found.synced.min(len);
            found.queued = found.queued.min(len);
        }
        Ok(())
    }

    pub fn len(&self, file: &str) -> usize {
        self.files.get(file).map_or(0, |found| found.bytes.len())
    }

    /// Queues a read of the whole file.
    pub fn begin_read(&mut self, file: &str, now: Nanos) -> Operation {
        let (len, profile) = (self.len(file), self.profile);
        if len == 0 {
            return Operation { done: now, len, failed: false };
        }
        self.begin(now, len, profile.read + transfer(len, profile.read_bytes_per_s))
    }

    /// What the file holds when the read is done.
    pub fn finish_read(&mut self, file: &str, read: Operation) -> io::Result<Vec<u8>> {
        if read.len > 0 {
            self.finish(read)?;
        }
        Ok(self.files.get(file).map(|found| found.bytes.read()).unwrap_or_default())
    }

    /// Queues a sync of what the file holds now, as far as no sync before it writes that.
    pub fn begin_sync(&mut self, file: &str, now: Nanos) -> Operation {
        let profile = self.profile;
        let (mut len, mut unwritten) = (0, 0);
        if let Some(found) = self.files.get_mut(file) {
            len = found.bytes.len();
            unwritten = len - found.queued.max(found.synced);
            found.queued = len;
        }
        self.begin(now, len, profile.sync + transfer(unwritten, profile.write_bytes_per_s))
    }

    /// What the sync covers survives a loss of power from now on, or is dropped when it fails.
    pub fn finish_sync(&mut self, file: &str, sync: Operation) -> io::Result<()> {
        let done = self.finish(sync);
        if let Some(found) = self.files.get_mut(file) {
            let len = sync.len.min(found.bytes.len());
            if done.is_err() && found.synced < len {
                found.bytes.change(found.synced..len, |bytes| bytes.fill(0));
            }
            found.synced = found.synced.max(len);
        }
        done
    }

    /// The power is gone, and with it what was not synced: all of it or, when `torn`, all but a
    /// part at its beginning, of which the last sector may be damaged. Returns the number of bytes
    /// that are gone.
    pub fn lose_power(&mut self, torn: bool) -> u64 {
        self.busy_until = 0;
        let (mut lost, rng) = (0, &mut self.rng);
        for file in self.files.values_mut() {
            let unsynced = file.bytes.len() - file.synced;
            let left = match torn && unsynced > 0 {
                true => rng::below(rng, unsynced as u64 + 1) as usize,
                false => 0,
            };
            lost += (unsynced - left) as u64;
            file.bytes.truncate(file.synced + left);
            if left > 0 && rng::below(rng, 2) == 0 {
                let sector = (file.bytes.len() - 1) / SECTOR_BYTES * SECTOR_BYTES;
                let (from, end) = (sector.max(file.synced), file.bytes.len());
                let from = from + rng::below(rng, (end - from) as u64) as usize;
                let mut damage = vec![0; end - from];
                rng.fill_bytes(&mut damage);
                file.bytes.truncate(from);
                file.bytes.append(&damage);
            }
            (file.synced, file.queued) = (file.bytes.len(), file.bytes.len());
        }
        lost
    }

    /// The disk misbehaves in this way, too, until [`Disk::heal`].
    pub fn impose(&mut self, fault: DiskFault) {
        self.faults.push(fault);
    }

    /// Ends all faults; returns how many operations they have touched.
    pub fn heal(&mut self) -> u64 {
        self.faults.clear();
        std::mem::take(&mut self.touched)
    }

    fn begin(&mut self, now: Nanos, len: usize, cost: Nanos) -> Operation {
        let failed = self.faults.contains(&DiskFault::Failing);
        let (mut cost, mut slow) = (cost, false);
        for fault in &self.faults {
            if let DiskFault::Slow { times, by } = fault {
                cost = cost.saturating_mul(u64::from(*times)).saturating_add(*by);
                slow = true;
            }
        }
        self.touched += u64::from(slow || failed);
        self.busy_until = self.busy_until.max(now).saturating_add(cost);
        Operation { done: self.busy_until, len, failed }
    }

    /// An operation fails when the device did not answer at its beginning, or does not at its end.
    fn finish(&mut self, operation: Operation) -> io::Result<()> {
        if operation.failed {
            return Err(io::Error::from_raw_os_error(INPUT_OUTPUT_ERROR));
        }
        self.answer()
    }

    fn answer(&mut self) -> io::Result<()> {
        if self.faults.contains(&DiskFault::Failing) {
            self.touched += 1;
            return Err(io::Error::from_raw_os_error(INPUT_OUTPUT_ERROR));
        }
        Ok(())
    }
}

/// How long so many bytes take at a rate.
fn transfer(bytes: usize, bytes_per_s: u64) -> Nanos {
    if bytes_per_s == 0 {
        return 0;
    }
    let nanos = bytes as u128 * SECOND / u128::from(bytes_per_s);
    Nanos::try_from(nanos).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests;
