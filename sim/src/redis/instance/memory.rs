//! The limit of memory, and which keys go when it is reached.
//!
//! What a key takes is estimated (`values/size.rs`), and only counted while there is a limit. Redis
//! looks for the least recently used key among a few that it draws; here it is exactly that key.
//! Counts of uses (`lfu`) are not kept: those policies take the last use, too.

use super::Instance;
use super::session::ClientId;
use crate::redis::commands::{Command, Failure, flags};
use crate::redis::db::Db;

/// What a server takes that holds nothing: a 7.0.15 of Debian without clients.
const EMPTY_BYTES: usize = 980_000;

/// What a connection takes, as `CLIENT LIST` has it.
const CLIENT_BYTES: usize = 22_300;

/// What may be said although memory is full and a transaction is open.
const ENDS: [&str; 4] = ["exec", "discard", "quit", "reset"];

/// The limit.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// `maxmemory`; none if 0.
    limit: usize,
    policy: String,
    /// The command that runs found no room.
    pub(crate) full: bool,
}

impl Instance {
    /// The settings may have changed.
    pub(crate) fn limit_memory(&mut self) {
        let policy = String::from_utf8_lossy(self.config.text("maxmemory-policy")).into_owned();
        let limit = usize::try_from(self.config.number("maxmemory")).unwrap_or(0);
        self.memory = Memory { limit, policy, full: false };
        self.databases.iter_mut().for_each(|db| db.measure_all(limit > 0));
    }

    /// All data was replaced.
    pub(crate) fn measure_anew(&mut self) {
        let limited = self.memory.limit > 0;
        self.databases.iter_mut().for_each(|db| db.measure_all(limited));
    }

    /// A key was changed.
    pub(super) fn measure(&mut self, database: usize, key: &[u8]) {
        if self.memory.limit > 0 {
            self.databases[database].measure(key);
        }
    }

    /// What everything takes together.
    pub(crate) fn used_memory(&self) -> usize {
        let data: usize = self.databases.iter().map(Db::bytes).sum();
        EMPTY_BYTES + self.clients.len() * CLIENT_BYTES + data
    }

    /// What a server takes that holds nothing.
    pub(crate) fn empty_memory() -> usize {
        EMPTY_BYTES
    }

    /// Makes room before a command, and refuses it if there is none and it needs some.
    pub(super) fn find_room(&mut self, id: ClientId, command: &Command) -> Result<(), Failure> {
        // A replica keeps what its master keeps; during a pause nothing may change.
        if self.memory.limit == 0 || self.replication.master.is_some() || self.pause.holds() {
            self.memory.full = false;
            return Ok(());
        }
        self.memory.full = !self.evict();
        let open = self.open_transaction(id);
        let queued = open.map_or(0, |open| open.flags);
        let needs = command.has(flags::DENY_OOM)
            || (command.name == "exec" && queued & flags::DENY_OOM != 0)
            || (open.is_some() && !ENDS.contains(&command.name));
        match self.memory.full && needs {
            true => Err(Self::no_room()),
            false => Ok(()),
        }
    }

    /// Why a command is refused.
    pub(crate) fn no_room() -> Failure {
        Failure::Other(b"OOM command not allowed when used memory > 'maxmemory'.".to_vec())
    }

    /// Removes keys until everything fits; whether it does.
    fn evict(&mut self) -> bool {
        while self.used_memory() > self.memory.limit {
            let Some((database, key)) = self.victim() else { break };
            self.databases[database].discard(&key);
            self.totals.evicted_keys += 1;
            self.tell_of_removal(database, key);
        }
        // Each is told for itself, before what the command does.
        self.propagate(false);
        self.used_memory() <= self.memory.limit
    }

    fn victim(&mut self) -> Option<(usize, Vec<u8>)> {
        let (which, how) = self.memory.policy.split_once('-')?;
        let volatile = which == "volatile";
        if how == "random" {
            let counts = self.databases.iter().map(|db| db.count(volatile));
            let counts: Vec<usize> = counts.collect();
            let total = counts.iter().sum::<usize>();
            let mut place = if total > 0 { self.random_below(total) } else { return None };
            for (database, count) in counts.into_iter().enumerate() {
                if place < count {
                    return Some((database, self.databases[database].nth(place, volatile)?));
                }
                place -= count;
            }
            return None;
        }
        let by_end = how == "ttl";
        let all = self.databases.iter().enumerate();
        let first = all.filter_map(|(database, db)| {
            let (at_ms, key) =
                if by_end { db.first_to_expire()? } else { db.least_used(volatile)? };
            Some((at_ms, database, key))
        });
        let (_, database, key) = first.min()?;
        Some((database, key.to_vec()))
    }
}
