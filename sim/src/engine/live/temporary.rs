//! Temporary folders that go on every exit that the process can see: when their owner is dropped, and when the
//! program ends without dropping it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A temporary folder.
pub struct Temporary(TempDir);

impl Temporary {
    /// A new one, whose name begins with this.
    pub fn with_prefix(prefix: &str) -> io::Result<Self> {
        let folder = TempDir::with_prefix(prefix)?;
        FOLDERS.lock().expect("no holder panics").insert(folder.path().to_owned());
        Ok(Self(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        FOLDERS.lock().expect("no holder panics").remove(self.0.path());
    }
}

/// Removes every folder that is still there; for an exit that drops nothing.
pub fn remove_all() {
    for folder in &*FOLDERS.lock().expect("no holder panics") {
        // There is nobody left to hear of it.
        let _ = std::fs::remove_dir_all(folder);
    }
}
