//! What a device tells of itself to whoever holds its handle, on any thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::model::{ConversationId, Seq};

/// Only the device writes it.
#[derive(Default)]
pub struct Status {
    online: AtomicBool,
    unsettled: AtomicUsize,
    cursors: Mutex<BTreeMap<ConversationId, Seq>>,
}

impl Status {
    pub fn set_online(&self, online: bool) {
        self.online.store(online, Ordering::Relaxed);
    }

    /// Whether the device is logged in.
    pub fn is_online(&self) -> bool {
        self.online.load(Ordering::Relaxed)
    }

    pub fn set_unsettled(&self, count: usize) {
        self.unsettled.store(count, Ordering::Relaxed);
    }

    /// How many operations wait for their outcome.
    pub fn unsettled(&self) -> usize {
        self.unsettled.load(Ordering::Relaxed)
    }

    /// For each conversation the last seq of the gap-free prefix that the device has shown.
    pub fn cursors(&self) -> MutexGuard<'_, BTreeMap<ConversationId, Seq>> {
        self.cursors.lock().expect("no holder panics")
    }
}
