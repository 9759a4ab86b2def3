//! What a device tells of itself to whoever holds its handle, on any thread.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::model::{ConversationId, Seq};
use crate::units::Span;

/// Why a device is not logged in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoginFailure {
    /// Its dial was not answered in time.
    #[error("no gateway answered a dial within {0} (im.device_timeout)")]
    NotConnected(Span),
    /// Its dial was answered with an error.
    #[error("its dial failed: {0}")]
    Refused(io::ErrorKind),
    /// The gateway ended the connection instead of an answer: it cannot enter the device in the store.
    #[error("the gateway ended the connection before the login was acked")]
    HungUp,
    /// The gateway gave no sign of life in time.
    #[error("no gateway gave a sign of life within {0} (2 × im.device_timeout) of a login")]
    NoAnswer(Span),
}

/// How a device's tries to log in have gone since it was last online.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Logins {
    /// Tries that failed.
    pub failed: u32,
    /// Why the last one did.
    pub last: Option<LoginFailure>,
    /// How often a gateway has said that it is at work on one.
    pub signs: u32,
}

/// Only the device writes it.
#[derive(Default)]
pub struct Status {
    online: AtomicBool,
    unsettled: AtomicUsize,
    logins: Mutex<Logins>,
    cursors: Mutex<BTreeMap<ConversationId, Seq>>,
}

impl Status {
    pub fn set_online(&self, online: bool) {
        *self.tries() = Logins::default();
        self.online.store(online, Ordering::Relaxed);
    }

    /// Whether the device is logged in.
    pub fn is_online(&self) -> bool {
        self.online.load(Ordering::Relaxed)
    }

    pub fn login_failed(&self, failure: LoginFailure) {
        let mut tries = self.tries();
        tries.failed += 1;
        tries.last = Some(failure);
    }

    /// A gateway is at work on the login.
    pub fn heard(&self) {
        self.tries().signs += 1;
    }

    /// How its tries to log in have gone.
    pub fn logins(&self) -> Logins {
        *self.tries()
    }

    fn tries(&self) -> MutexGuard<'_, Logins> {
        self.logins.lock().expect("no holder panics")
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
