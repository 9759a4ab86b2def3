//! One file of a host's disk, of which the synced prefix survives a loss of power. It must not know
//! the disk's faults.

use std::fs;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use rand::Rng as _;

use crate::engine::disk::SECTOR_BYTES;
use crate::engine::rng::{self, Stream};

/// An open file. Its handle stands at its end, where appends go.
pub struct File {
    pub handle: Arc<fs::File>,
    pub len: u64,
    /// Length of the prefix that survives a loss of power.
    pub synced: u64,
}

impl File {
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = fs::File::options();
        // Not for appending: the kernel would put what overwrites at the end.
        let mut handle = options.read(true).write(true).create(true).truncate(false).open(path)?;
        let len = handle.seek(SeekFrom::End(0))?;
        Ok(Self { handle: Arc::new(handle), len, synced: len })
    }

    /// When it fails, some of the bytes may stand at the end.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = (&*self.handle).write_all(bytes);
        self.len = match written {
            Ok(()) => self.len + bytes.len() as u64,
            Err(_) => (&*self.handle).seek(SeekFrom::End(0))?,
        };
        written
    }

    /// Never makes the file longer.
    pub fn truncate(&mut self, len: u64) -> io::Result<()> {
        if len < self.len {
            self.handle.set_len(len)?;
            self.len = (&*self.handle).seek(SeekFrom::End(0))?;
            self.synced = self.synced.min(len);
        }
        Ok(())
    }

    /// What was not synced reads as zeros up to `end`.
    pub fn fill_with_zeros(&self, end: u64) -> io::Result<()> {
        self.overwrite(self.synced, &vec![0; end.saturating_sub(self.synced) as usize])
    }

    /// Cuts off what was not synced, or when `torn` all but a part of it, of which the last sector
    /// may be damaged. Returns the number of bytes that are gone.
    pub fn lose_power(&mut self, torn: bool, rng: &mut Stream) -> io::Result<u64> {
        let unsynced = self.len - self.synced;
        let left = match torn && unsynced > 0 {
            true => rng::below(rng, unsynced + 1),
            false => 0,
        };
        self.truncate(self.synced + left)?;
        if left > 0 && rng::below(rng, 2) == 0 {
            let sector_bytes = SECTOR_BYTES as u64;
            let sector = (self.len - 1) / sector_bytes * sector_bytes;
            let from = sector.max(self.synced);
            let from = from + rng::below(rng, self.len - from);
            let mut damage = vec![0; (self.len - from) as usize];
            rng.fill_bytes(&mut damage);
            self.overwrite(from, &damage)?;
        }
        self.synced = self.len;
        Ok(unsynced - left)
    }

    fn overwrite(&self, from: u64, bytes: &[u8]) -> io::Result<()> {
        let mut handle = &*self.handle;
        handle.seek(SeekFrom::Start(from))?;
        handle.write_all(bytes)?;
        handle.seek(SeekFrom::End(0))?;
        Ok(())
    }
}
