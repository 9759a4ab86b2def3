//! One Redis, and nothing of the network: databases, clients, and how a command runs.
//!
//! Pure: bytes of requests come in with the time at which they are read, replies go into the
//! clients' outputs. Whoever moves bytes asks [`Instance::take_woken`] after every call whom else
//! there is something to send to. In reading order: [`session`] (what is kept of a client), `execute`
//! (from words to a reply), `context` (what a command works with), `transaction`, `blocking`,
//! `propagation` (what replicas and the append-only file hear of).

mod blocking;
pub(super) mod config;
mod context;
mod cursors;
mod execute;
mod memory;
mod monitor;
pub(super) mod pause;
mod propagation;
pub mod session;
mod transaction;

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt as _, SeedableRng};
use rand_pcg::Pcg32;

use super::db::{Db, Expiry};
use super::persistence::Log;
use super::pubsub::Listeners;
use super::replication::Replication;
use super::reply::Reply;
use super::scripting::Scripts;
pub use blocking::{Blocked, Wait};
use config::Config;
pub use context::Context;
pub use cursors::Cursors;
pub(super) use execute::is_of_http;
pub use session::{ClientId, Session};

/// How many databases there are.
pub const DATABASES: usize = 16;

/// How often a Redis looks for expired keys while there are any that will: `hz 10`, the default.
const CRON_EVERY_MS: i64 = 100;

/// One Redis.
pub struct Instance {
    pub(super) databases: Vec<Db>,
    pub(super) clients: BTreeMap<ClientId, Session>,
    /// What has been counted since it started.
    pub totals: Totals,
    /// The time of the command that runs, or ran last, in milliseconds since the Unix epoch.
    pub(super) now_ms: i64,
    /// When it was told the time first.
    pub(super) started_ms: i64,
    next_client: ClientId,
    /// Clients that somebody else gave something to send, or that may go on.
    pub(super) woken: BTreeSet<ClientId>,
    /// Who watches which key of which database.
    watched: BTreeMap<(usize, Vec<u8>), BTreeSet<ClientId>>,
    /// Who waits for which key of which database, first come, first served.
    waiting: BTreeMap<(usize, Vec<u8>), Vec<ClientId>>,
    /// Keys that somebody waits for and that were changed.
    ready: Vec<(usize, Vec<u8>)>,
    /// While a client is served that has waited for keys: the one that was changed.
    served_key: Option<Vec<u8>>,
    /// When waiting clients give up.
    deadlines: BTreeSet<(i64, ClientId)>,
    propagation: propagation::Propagation,
    /// Masters and replicas.
    pub replication: Replication,
    /// What is to be appended to the file of changes, if there is one.
    pub(super) log: Option<Log>,
    /// The configuration file, if there is one.
    pub(super) config_file: Option<ConfigFile>,
    /// What commands draw from that choose by chance.
    rng: Pcg32,
    /// Where scans go on.
    pub(super) cursors: Cursors,
    pub(super) scripts: Scripts,
    pub(super) listeners: Listeners,
    pub(super) config: Config,
    pause: pause::Pause,
    pub(super) memory: memory::Memory,
    /// What monitors will be told.
    monitored: Vec<(ClientId, Vec<u8>)>,
    /// Keys whose time is over are removed although nobody uses them.
    pub(super) expires_actively: bool,
}

/// What the instance knows of its configuration file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ConfigFile {
    /// `CONFIG REWRITE` was asked for and is still to be done.
    pub(crate) asked: bool,
}

/// What a Redis counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Commands that ran: known, and with a possible number of arguments.
    pub commands: u64,
    /// Connections that were accepted.
    pub connections: u64,
    /// Keys that were removed because their time was over.
    pub expired_keys: u64,
    /// Keys that were removed to make room.
    pub evicted_keys: u64,
}

impl Default for Instance {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl Instance {
    /// An empty Redis, whose choices by chance follow from the seed.
    pub fn seeded(seed: u64) -> Self {
        Self {
            databases: (0..DATABASES).map(|_| Db::default()).collect(),
            clients: BTreeMap::new(),
            totals: Totals::default(),
            now_ms: 0,
            started_ms: 0,
            next_client: 1,
            woken: BTreeSet::new(),
            watched: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ready: Vec::new(),
            served_key: None,
            deadlines: BTreeSet::new(),
            propagation: propagation::Propagation::default(),
            replication: Replication::default(),
            log: None,
            config_file: None,
            rng: Pcg32::seed_from_u64(seed),
            cursors: Cursors::default(),
            scripts: Scripts::default(),
            listeners: Listeners::default(),
            config: Config::default(),
            pause: pause::Pause::default(),
            memory: memory::Memory::default(),
            monitored: Vec::new(),
            expires_actively: true,
        }
    }

    /// A number below `bound`, by chance.
    pub(super) fn random_below(&mut self, bound: usize) -> usize {
        self.rng.random_range(0..bound)
    }

    /// A new client; its number.
    pub fn connect(&mut self) -> ClientId {
        let id = self.next_client;
        self.next_client += 1;
        self.totals.connections += 1;
        let mut session = Session::new(id, self.now_ms);
        session.authenticated = self.config.text("requirepass").is_empty();
        self.clients.insert(id, session);
        id
    }

    /// The next client gets this number.
    pub fn number_clients_from(&mut self, id: ClientId) {
        self.next_client = id;
    }

    /// The client is gone.
    pub fn disconnect(&mut self, id: ClientId) {
        self.unblock(id);
        self.unwatch(id);
        self.listeners.forget(id);
        self.clients.remove(&id);
        if self.replication.replicas.remove(&id).is_some() {
            self.count_good_replicas();
        }
        self.replication.introductions.remove(&id);
        self.woken.remove(&id);
    }

    /// Exchanges `out`, which is empty, for what is to be sent to the client.
    pub fn take_output(&mut self, id: ClientId, out: &mut Vec<u8>) {
        debug_assert!(out.is_empty(), "what was not sent would be lost");
        if let Some(session) = self.clients.get_mut(&id) {
            std::mem::swap(&mut session.output, out);
        }
    }

    /// Whether the client waits: its next request must not be read before it is served.
    pub fn is_blocked(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(|session| session.blocked.is_some())
    }

    /// Whether the client may do more than say who it is.
    pub fn is_authenticated(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(|session| session.authenticated)
    }

    /// Whether the connection ends once its output is sent; also when the client is gone.
    pub fn is_closing(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_none_or(|session| session.closing)
    }

    /// Clients that got something to send, were served, or are to be hung up, since the last call.
    pub fn take_woken(&mut self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.woken)
    }

    /// Does what time does: lets waiting clients give up, and removes what has expired.
    pub fn tick(&mut self, now_ms: i64) {
        let replica = self.replication.master.is_some();
        self.begin(now_ms, if replica { Expiry::Hide } else { Expiry::Delete });
        self.replication_tick();
        self.give_up_waiting();
        if self.expires_actively {
            self.databases.iter_mut().for_each(Db::sweep);
        }
        self.note_expired();
        // What time removes is told one by one.
        self.propagate(false);
        self.end_unit();
        self.run_postponed();
    }

    /// Tells the client something last, and ends its connection.
    pub fn hang_up(&mut self, id: ClientId, last: &Reply) {
        self.reply(id, last);
        self.woken.insert(id);
        if let Some(session) = self.clients.get_mut(&id) {
            session.closing = true;
        }
    }

    /// Whether a script runs.
    fn in_script(&self) -> bool {
        self.scripts.is_running()
    }

    /// When time has something to do next: a client gives up waiting, or keys may expire.
    pub fn due_ms(&self, now_ms: i64) -> Option<i64> {
        let expiring = self.databases.iter().any(|db| db.expiring() > 0);
        let deadline_ms = self.deadlines.first().map(|(at_ms, _)| at_ms.saturating_add(1));
        let cron_ms = expiring.then_some(now_ms + CRON_EVERY_MS);
        let replication_ms = self.replication_due_ms(now_ms);
        let pause_ms = self.pause.end_ms().map(|at_ms| at_ms.saturating_add(1));
        let all = deadline_ms.into_iter().chain(cron_ms).chain(replication_ms);
        all.chain(pause_ms).min()
    }

    /// It is this time.
    pub(crate) fn set_time(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        if self.started_ms == 0 {
            self.started_ms = now_ms;
        }
    }

    /// Something happens at this time.
    fn begin(&mut self, now_ms: i64, expiry: Expiry) {
        self.set_time(now_ms);
        self.pause.set_now(now_ms);
        let expiry = match expiry {
            Expiry::Delete if self.pause.holds() => Expiry::Hide,
            expiry => expiry,
        };
        self.databases.iter_mut().for_each(|db| db.set_now(now_ms, expiry));
    }

    /// Gives a client something that is not the reply to its own command, and that it gets even if
    /// it wants no replies.
    pub(super) fn send(&mut self, id: ClientId, reply: &Reply) {
        let Some(session) = self.clients.get_mut(&id) else { return };
        let protocol = self.scripts.protocol_of_caller(id).unwrap_or(session.protocol);
        reply.write(protocol, &mut session.output);
        self.woken.insert(id);
    }
}
