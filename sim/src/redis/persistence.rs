//! The append-only file: what is written to it, when it is synced, and what is read back.
//!
//! The file begins with a snapshot, if it was begun anew after one was received from a master, and
//! goes on with the same commands that replicas hear. It is never rewritten to be shorter.

use std::cell::Cell;
use std::io;

use im::env::{Env, Nanos};
use tokio::sync::Notify;

use super::db::Expiry;
use super::instance::Instance;
use super::rdb;
use super::replication::encode;
use super::request::{Reader, Request};
use super::server::Server;

/// The file's name, as in Redis before it had several.
const FILE: &str = "appendonly.aof";

/// `appendfsync everysec`.
const SECOND: Nanos = 1_000_000_000;

/// What a Redis keeps across its restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Persistence {
    /// Nothing.
    #[default]
    None,
    /// Every change, in an append-only file.
    AppendOnly(Fsync),
}

/// When the append-only file is synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fsync {
    /// Before the replies leave.
    Always,
    /// Once a second.
    EverySecond,
    /// When the system likes.
    Never,
}

/// What is to be appended.
#[derive(Debug, Default)]
pub(crate) struct Log {
    bytes: Vec<u8>,
    /// The database that the file has chosen last.
    database: Option<usize>,
    /// The file begins anew with `bytes`.
    anew: bool,
}

impl Log {
    /// Takes in a unit of changes.
    pub(crate) fn append(&mut self, unit: &[(usize, Request)], as_one: bool) {
        let Some((first, _)) = unit.first() else { return };
        let together = as_one && unit.len() > 1;
        if together {
            self.select(*first);
            encode(&[b"MULTI".to_vec()], &mut self.bytes);
        }
        for (database, words) in unit {
            self.select(*database);
            encode(words, &mut self.bytes);
        }
        if together {
            encode(&[b"EXEC".to_vec()], &mut self.bytes);
        }
    }

    fn select(&mut self, database: usize) {
        if self.database != Some(database) {
            self.database = Some(database);
            let words = [b"SELECT".to_vec(), database.to_string().into_bytes()];
            encode(&words, &mut self.bytes);
        }
    }

    /// All data has been replaced: the file begins anew with a snapshot of it.
    pub(crate) fn begin_anew(&mut self, snapshot: Vec<u8>) {
        *self = Self { bytes: snapshot, database: None, anew: true };
    }
}

/// Whether what was appended is synced, and who waits for it.
#[derive(Default)]
pub(crate) struct Durability {
    fsync: Cell<Option<Fsync>>,
    /// Something was appended that no sync covers.
    dirty: Cell<bool>,
    dirtied: Notify,
    /// A sync is under way that everybody waits for.
    closed: Cell<bool>,
    opened: Notify,
}

impl Durability {
    /// Whether replies have to wait for a sync.
    pub(crate) fn holds_replies(&self) -> bool {
        self.fsync.get() == Some(Fsync::Always) && self.dirty.get()
    }

    /// Whether nobody may go on: Redis is one thread, which waits for the disk.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Waits until a sync is over.
    pub(crate) async fn wait(&self) {
        self.opened.notified().await;
    }
}

impl<E: Env> Server<E> {
    /// Reads back what an earlier life has left. Fails when the disk does, or when the file is
    /// damaged elsewhere than at its end.
    pub(crate) async fn load(&self, persistence: Persistence) -> io::Result<()> {
        let Persistence::AppendOnly(fsync) = persistence else { return Ok(()) };
        let bytes = self.env.disk_read(FILE).await?;
        let used = {
            let mut instance = self.instance.borrow_mut();
            instance.set_time(self.now_ms());
            instance.replay(&bytes)?
        };
        if used < bytes.len() {
            self.env.disk_truncate(FILE, used as u64)?;
        }
        self.instance.borrow_mut().log = Some(Log::default());
        self.durability.fsync.set(Some(fsync));
        Ok(())
    }

    /// Appends what has changed. A Redis whose disk does not work stops.
    pub(crate) async fn append_changes(&self) {
        let (bytes, anew) = {
            let mut instance = self.instance.borrow_mut();
            let Some(log) = instance.log.as_mut().filter(|log| !log.bytes.is_empty()) else {
                return;
            };
            (std::mem::take(&mut log.bytes), std::mem::take(&mut log.anew))
        };
        let begun = if anew { self.env.disk_truncate(FILE, 0) } else { Ok(()) };
        if begun.and_then(|()| self.env.disk_append(FILE, &bytes)).is_err() {
            self.env.fail_stop("the append-only file cannot be written").await;
        }
        self.durability.dirty.set(true);
        self.durability.dirtied.notify_one();
    }

    /// Syncs the file as it was configured, for ever.
    pub(crate) async fn keep_synced(&self) {
        let durability = &self.durability;
        loop {
            if !durability.dirty.get() {
                durability.dirtied.notified().await;
                continue;
            }
            match durability.fsync.get() {
                Some(Fsync::Always) => {
                    durability.closed.set(true);
                    self.sync().await;
                    durability.dirty.set(false);
                    durability.closed.set(false);
                    durability.opened.notify_waiters();
                }
                Some(Fsync::EverySecond) => {
                    self.env.sleep(SECOND).await;
                    durability.dirty.set(false);
                    self.sync().await;
                }
                Some(Fsync::Never) | None => durability.dirty.set(false),
            }
        }
    }

    async fn sync(&self) {
        if self.env.disk_sync(FILE).await.is_err() {
            self.env.fail_stop("the append-only file cannot be synced").await;
        }
    }
}

impl Instance {
    /// Applies an append-only file; how many of its bytes were whole. A transaction without its end
    /// does not count.
    fn replay(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a damaged append-only file");
        let mut used = 0;
        if bytes.starts_with(rdb::MAGIC) {
            let (databases, len) = rdb::read(bytes).map_err(|_| damaged())?;
            (self.databases, used) = (databases, len);
        }
        let client = self.connect();
        self.clients.get_mut(&client).expect("it was just made").authenticated = true;
        let (mut reader, mut read) = (Reader::default(), used);
        reader.feed(&bytes[used..]);
        while let Some(words) = reader.next_request().map_err(|_| damaged())? {
            let mut again = Vec::new();
            // Only the canonical form is ever written.
            encode(&words, &mut again);
            read += again.len();
            self.run_as_told(client, &words);
            if self.clients[&client].transaction.is_none() {
                used = read;
            }
        }
        self.disconnect(client);
        Ok(used)
    }

    /// Runs a command of the file: keys whose time is over are still there for it.
    fn run_as_told(&mut self, client: i64, words: &Request) {
        let now_ms = self.now_ms;
        self.execute_at(client, now_ms, words, Expiry::Ignore);
        let mut replies = Vec::new();
        self.take_output(client, &mut replies);
    }
}
