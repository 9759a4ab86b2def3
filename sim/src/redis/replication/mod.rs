//! Replication: the stream of changes, who receives it, and whom it is received from.
//!
//! Pure, like the rest of [`Instance`](super::Instance). In reading order: `backlog`, `master`
//! (what a master does for its replicas), `replica` (what a replica does with its master's stream);
//! `link` moves the bytes between a replica and its master.

pub(crate) mod backlog;
pub(crate) mod link;
mod master;
mod replica;

use std::collections::BTreeMap;

use super::instance::ClientId;
use backlog::Backlog;
pub(crate) use master::encode;
pub(crate) use replica::{LinkState, Master};

/// An id of a history has so many hexadecimal digits.
const ID_DIGITS: usize = 40;

/// What of replication can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `repl-diskless-sync-delay`, in seconds.
    pub diskless_delay_s: i64,
    /// `min-replicas-to-write`.
    pub replicas_min: usize,
    /// `min-replicas-max-lag`, in seconds.
    pub lag_max_s: i64,
    /// `repl-ping-replica-period`, in seconds.
    pub ping_every_s: i64,
    /// `repl-timeout`, in seconds.
    pub timeout_s: i64,
    /// `replica-serve-stale-data`.
    pub serve_stale: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            diskless_delay_s: 5,
            replicas_min: 0,
            lag_max_s: 10,
            ping_every_s: 10,
            timeout_s: 60,
            serve_stale: true,
        }
    }
}

/// How far a replica is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// It waits for a snapshot to be begun.
    Waiting,
    /// A snapshot is under way.
    Sending,
    /// It has the snapshot; the stream flows once it has acked for the first time.
    Unheard,
    /// The stream flows.
    Streaming,
}

/// A replica of this instance.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) stage: Stage,
    /// The stream since the snapshot, while it may not flow yet.
    held: Vec<u8>,
    pub(crate) acked: i64,
    pub(crate) acked_ms: i64,
}

/// How a client introduced itself with `REPLCONF`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Introduction {
    pub(crate) ip: String,
    pub(crate) port: i64,
}

/// The state of replication.
#[derive(Debug)]
pub struct Replication {
    /// What is set.
    pub settings: Settings,
    pub(crate) id: String,
    /// The id of this life of the server, which changes with every start.
    pub(crate) run_id: String,
    pub(crate) second_id: Option<String>,
    pub(crate) second_offset: i64,
    pub(crate) offset: i64,
    pub(crate) backlog: Option<Backlog>,
    /// The database that the stream has chosen last.
    database: Option<usize>,
    pub(crate) replicas: BTreeMap<ClientId, Replica>,
    pub(crate) introductions: BTreeMap<ClientId, Introduction>,
    /// The address of this instance; empty if it is not known.
    pub(crate) own_ip: String,
    /// Whom this is a replica of.
    pub(crate) master: Option<Master>,
    /// Since when there is no link to a master, if there once was one.
    pub(crate) down_since_ms: Option<i64>,
    /// Whether id and offset are of a history that can be continued.
    pub(crate) resumable: bool,
    pub(crate) good_replicas: usize,
    /// Rises with every change of role, so that a link notices.
    pub(crate) epoch: u64,
    entropy: u64,
    next_cron_ms: i64,
    crons: i64,
    /// Full resynchronisations served, and partial ones.
    pub(crate) resyncs: [u64; 2],
}

impl Default for Replication {
    fn default() -> Self {
        let mut new = Self {
            settings: Settings::default(),
            id: String::new(),
            run_id: String::new(),
            second_id: None,
            second_offset: -1,
            offset: 0,
            backlog: None,
            database: None,
            replicas: BTreeMap::new(),
            introductions: BTreeMap::new(),
            own_ip: String::new(),
            master: None,
            down_since_ms: None,
            resumable: false,
            good_replicas: 0,
            epoch: 0,
            entropy: 0,
            next_cron_ms: 0,
            crons: 0,
            resyncs: [0; 2],
        };
        new.seed(0);
        new
    }
}

impl Replication {
    /// Draws ids from this seed from now on.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.entropy = seed;
        self.id = self.draw_id();
        self.run_id = self.draw_id();
    }

    /// The history goes on under another id, and nobody can continue the old one.
    pub(crate) fn change_id(&mut self) {
        self.id = self.draw_id();
        self.second_id = None;
        self.second_offset = -1;
    }

    fn draw_id(&mut self) -> String {
        let mut id = String::new();
        while id.len() < ID_DIGITS {
            // Splitmix64: a counter, stirred.
            self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = self.entropy;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            id += &format!("{:016x}", word ^ (word >> 31));
        }
        id.truncate(ID_DIGITS);
        id
    }
}
