//! What is kept of a client's connection.

use super::blocking::Blocked;
use crate::redis::reply::Protocol;
use crate::redis::request::Request;

/// The number of a client, from 1, as `CLIENT ID` tells it.
pub type ClientId = i64;

/// The state of a connection.
#[derive(Debug)]
pub struct Session {
    /// Its number.
    pub id: ClientId,
    /// The protocol it speaks.
    pub protocol: Protocol,
    /// The database that it has chosen.
    pub database: usize,
    /// What it calls itself; empty if nothing.
    pub name: Vec<u8>,
    /// What is to be sent to it.
    pub output: Vec<u8>,
    /// What it waits for.
    pub blocked: Option<Blocked>,
    /// Commands since `MULTI`.
    pub transaction: Option<Transaction>,
    /// Keys that it watches.
    pub watching: Vec<Watched>,
    /// A watched key was changed.
    pub watched_changed: bool,
    /// The stream's offset after the last command.
    pub written: i64,
    /// The connection ends once its output is sent.
    pub closing: bool,
    /// It may do more than say who it is.
    pub authenticated: bool,
    /// Where it calls from, as far as that is known.
    pub peer: String,
    /// When it came.
    pub created_ms: i64,
    /// When it sent something last.
    pub used_ms: i64,
    /// The full name of its last command.
    pub command: Option<String>,
    /// Which replies it wants.
    pub replies: Replies,
    /// It is told of every command.
    pub monitors: bool,
    /// It must not be ended for want of memory.
    pub no_evict: bool,
}

/// Which replies a client wants: `CLIENT REPLY`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replies {
    /// None.
    pub off: bool,
    /// Not the one to its next command.
    pub not_next: bool,
    /// Not the one to this command.
    pub not_this: bool,
}

impl Replies {
    /// Whether it wants the reply to this command.
    pub fn are_wanted(self) -> bool {
        !(self.off || self.not_this)
    }

    /// What it wants after a command that was answered.
    pub(super) fn after_one(self) -> Self {
        Self { off: self.off, not_next: false, not_this: self.not_next }
    }
}

/// Commands that wait for `EXEC`.
#[derive(Debug, Default)]
pub struct Transaction {
    /// The commands.
    pub queue: Vec<Request>,
    /// What their flags have in common or apart: all that any of them has.
    pub flags: u32,
    /// One of them was refused, so that nothing will run.
    pub failed: bool,
}

/// A key that a client watches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watched {
    /// In which database.
    pub database: usize,
    /// The key.
    pub key: Vec<u8>,
    /// It was expired already, and not yet removed, when the client began to watch it.
    pub expired: bool,
}

impl Session {
    pub(super) fn new(id: ClientId, now_ms: i64) -> Self {
        Self {
            id,
            protocol: Protocol::default(),
            database: 0,
            name: Vec::new(),
            output: Vec::new(),
            blocked: None,
            transaction: None,
            watching: Vec::new(),
            watched_changed: false,
            written: 0,
            closing: false,
            authenticated: true,
            peer: String::new(),
            created_ms: now_ms,
            used_ms: now_ms,
            command: None,
            replies: Replies::default(),
            monitors: false,
            no_evict: false,
        }
    }
}
