//! A host's disk as files in a directory: they grow at the end, and what was synced is known, so
//! that a loss of power can take the rest. It fails as the simulated disk does ([`DiskFault`]).
//!
//! A disk outlives the programs on its host: handles are for any thread, and the engine keeps one
//! to impose faults and to cut the power. It must not know what the files hold.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this disk takes real time, which a slow one multiplies"
)]

mod file;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::file::File;
use crate::engine::DiskFault;
use crate::engine::disk::{BLOCK_BYTES, INPUT_OUTPUT_ERROR};
use crate::engine::rng::Stream;

/// A host's disk. Clones are handles to the same one.
///
/// Files have plain names. What [`FileDisk::sync`] and [`FileDisk::read`] give must be awaited in a
/// tokio runtime with time; the kernel works in its pool of blocking threads meanwhile.
#[derive(Clone)]
pub struct FileDisk {
    state: Arc<Mutex<State>>,
    /// A slow device works on one operation at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct State {
    dir: PathBuf,
    files: BTreeMap<String, File>,
    /// Faults in force, and how many operations they have touched.
    faults: Vec<DiskFault>,
    touched: u64,
}

/// What is known of an operation when it begins.
struct Operation {
    /// The slow faults that were in force, as factor and surcharge.
    slow: Vec<(u32, Duration)>,
    /// The device did not answer.
    failed: bool,
}

impl FileDisk {
    /// The disk that lies in `dir`, which is made when absent. Files that are there count as synced.
    pub fn new(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|_| io::ErrorKind::InvalidData)?;
            files.insert(name, File::open(&entry.path())?);
        }
        let state = State { dir, files, faults: Vec::new(), touched: 0 };
        Ok(Self { state: Arc::new(Mutex::new(state)), turn: Arc::default() })
    }

    /// See [`im::env::Env::disk_append`].
    pub fn append(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        assert_plain(file);
        let mut state = self.state();
        state.answer()?;
        let full = state.faults.contains(&DiskFault::Full);
        let found = state.file(file)?;
        let room = match full {
            true => found.len.next_multiple_of(BLOCK_BYTES as u64) - found.len,
            false => u64::MAX,
        };
        let fitting = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        found.append(fitting)?;
        if fitting.len() < bytes.len() {
            state.touched += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    /// See [`im::env::Env::disk_truncate`].
    pub fn truncate(&self, file: &str, len: u64) -> io::Result<()> {
        assert_plain(file);
        let mut state = self.state();
        state.answer()?;
        state.files.get_mut(file).map_or(Ok(()), |found| found.truncate(len))
    }

    /// See [`im::env::Env::disk_sync`]. Given up, it says nothing of what it covers.
    pub fn sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + Send + use<> {
        assert_plain(file);
        let (disk, file) = (self.clone(), file.to_owned());
        let mut state = self.state();
        let operation = state.begin();
        let found = state.files.get(&file).map(|found| (found.handle.clone(), found.len));
        drop(state);
        async move {
            let Some((handle, covered)) = found else {
                disk.work(&operation, || Ok(())).await?;
                return disk.state().finish(&operation);
            };
            let synced = disk.work(&operation, move || handle.sync_data()).await;
            disk.state().finish_sync(&file, covered, &operation, synced)
        }
    }

    /// See [`im::env::Env::disk_read`].
    pub fn read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + Send + use<> {
        assert_plain(file);
        let disk = self.clone();
        let mut state = self.state();
        let path = state.dir.join(file);
        let len = state.files.get(file).map_or(0, |found| found.len);
        let operation = (len > 0).then(|| state.begin());
        drop(state);
        async move {
            let Some(operation) = operation else { return Ok(Vec::new()) };
            let read = disk.work(&operation, || fs::read(path)).await;
            disk.state().finish(&operation)?;
            read
        }
    }

    /// The power is gone, and with it what was not synced: all of it or, when `torn`, all but a
    /// part at its beginning, of which the last sector may be damaged. Returns the number of bytes
    /// that are gone. The host's programs must have ended. Panics when the directory does not work.
    pub fn lose_power(&self, torn: bool, rng: &mut Stream) -> u64 {
        let mut lost = 0;
        for (name, file) in &mut self.state().files {
            lost += file
                .lose_power(torn, rng)
                .unwrap_or_else(|error| panic!("the file {name} of a host's disk: {error}"));
        }
        lost
    }

    /// The disk misbehaves in this way, too, until [`FileDisk::heal`].
    pub fn impose(&self, fault: DiskFault) {
        self.state().faults.push(fault);
    }

    /// Ends all faults; returns how many operations they have touched.
    pub fn heal(&self) -> u64 {
        let mut state = self.state();
        state.faults.clear();
        std::mem::take(&mut state.touched)
    }

    /// Has the kernel do it, and takes the time that a slow device would.
    async fn work<T: Send + 'static>(
        &self,
        operation: &Operation,
        job: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        if operation.slow.is_empty() {
            return blocking(job).await;
        }
        let _turn = self.turn.lock().await;
        let start = Instant::now();
        let done = blocking(job).await;
        tokio::time::sleep(operation.longer(start.elapsed())).await;
        done
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        if !self.files.contains_key(name) {
            let file = File::open(&self.dir.join(name))?;
            self.files.insert(name.to_owned(), file);
        }
        Ok(self.files.get_mut(name).expect("it was put there"))
    }

    fn begin(&mut self) -> Operation {
        let failed = self.faults.contains(&DiskFault::Failing);
        let slow = self.faults.iter().filter_map(|fault| match fault {
            DiskFault::Slow { times, by } => Some((*times, Duration::from_nanos(*by))),
            DiskFault::Full | DiskFault::Failing => None,
        });
        let slow: Vec<_> = slow.collect();
        self.touched += u64::from(failed || !slow.is_empty());
        Operation { slow, failed }
    }

    /// An operation fails when the device did not answer at its beginning, or does not at its end.
    fn finish(&mut self, operation: &Operation) -> io::Result<()> {
        if operation.failed {
            return Err(io::Error::from_raw_os_error(INPUT_OUTPUT_ERROR));
        }
        self.answer()
    }

    /// What the sync covers survives a loss of power from now on, or is dropped when the fault
    /// fails it. Where the real device fails, nothing is known of it.
    fn finish_sync(
        &mut self,
        name: &str,
        covered: u64,
        operation: &Operation,
        synced: io::Result<()>,
    ) -> io::Result<()> {
        let imposed = self.finish(operation);
        let file = self.files.get_mut(name).expect("files stay open");
        let covered = covered.min(file.len);
        if imposed.is_err() {
            file.fill_with_zeros(covered)?;
        }
        if imposed.is_err() || synced.is_ok() {
            file.synced = file.synced.max(covered);
        }
        imposed.and(synced)
    }

    fn answer(&mut self) -> io::Result<()> {
        if self.faults.contains(&DiskFault::Failing) {
            self.touched += 1;
            return Err(io::Error::from_raw_os_error(INPUT_OUTPUT_ERROR));
        }
        Ok(())
    }
}

impl Operation {
    /// How much longer it takes than the real device took.
    fn longer(&self, took: Duration) -> Duration {
        let slowed = self
            .slow
            .iter()
            .fold(took, |so_far, (times, by)| so_far.saturating_mul(*times).saturating_add(*by));
        slowed.saturating_sub(took)
    }
}

fn assert_plain(file: &str) {
    assert!(Path::new(file).file_name() == Some(OsStr::new(file)), "a plain file name: {file}");
}

async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests;
