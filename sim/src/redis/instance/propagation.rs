//! What replicas and the append-only file hear of: every change, as commands that repeat it.
//!
//! A command that changed something is repeated as it is, unless it says what to repeat instead.
//! What one request set off is told as one: within `MULTI` and `EXEC` if it is more than one command.

use super::Instance;
use crate::redis::commands::{Command, flags};
use crate::redis::db::Db;
use crate::redis::request::Request;

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Propagation {
    /// Commands of the unit that runs, each with its database.
    unit: Vec<(usize, Request)>,
    /// Changes that the running command made.
    changes: u64,
    /// What is told instead of the running command.
    instead: Option<Vec<Request>>,
}

/// What was true of the command around the one that runs.
pub(super) struct Outer {
    changes: u64,
    instead: Option<Vec<Request>>,
}

impl Instance {
    /// A command begins, perhaps within another one.
    pub(super) fn begin_command(&mut self) -> Outer {
        let changes = std::mem::take(&mut self.propagation.changes);
        Outer { changes, instead: self.propagation.instead.take() }
    }

    /// A command has run.
    pub(super) fn end_command(
        &mut self,
        outer: Outer,
        command: &Command,
        database: usize,
        words: &[Vec<u8>],
    ) {
        self.note_expired();
        let propagation = &mut self.propagation;
        let changed = std::mem::replace(&mut propagation.changes, outer.changes) > 0;
        match std::mem::replace(&mut propagation.instead, outer.instead) {
            Some(instead) => {
                propagation.unit.extend(instead.into_iter().map(|words| (database, words)));
            }
            None if changed && command.has(flags::WRITE) => {
                propagation.unit.push((database, words.to_vec()));
            }
            None => {}
        }
    }

    pub(super) fn modified(&mut self, database: usize, key: &[u8]) {
        self.lessened(database, key);
        self.note_ready(database, key);
    }

    pub(super) fn lessened(&mut self, database: usize, key: &[u8]) {
        self.propagation.changes += 1;
        self.measure(database, key);
        self.touch_watchers(database, key);
    }

    pub(super) fn changed(&mut self) {
        self.propagation.changes += 1;
    }

    pub(super) fn propagate_as(&mut self, commands: Vec<Request>) {
        self.propagation.instead = Some(commands);
    }

    /// Tells of keys that have been found expired.
    pub(super) fn note_expired(&mut self) {
        if !self.databases.iter().any(Db::has_found_expired) {
            return;
        }
        for database in 0..self.databases.len() {
            for key in self.databases[database].take_expired() {
                self.totals.expired_keys += 1;
                self.tell_of_removal(database, key);
            }
        }
    }

    /// A key was removed that no command has named.
    pub(super) fn tell_of_removal(&mut self, database: usize, key: Vec<u8>) {
        self.touch_watchers(database, &key);
        self.note_ready(database, &key);
        self.propagation.unit.push((database, vec![b"DEL".to_vec(), key]));
    }

    /// Tells of what the unit has changed.
    pub(super) fn propagate(&mut self, as_one: bool) {
        let unit = std::mem::take(&mut self.propagation.unit);
        if let Some(log) = &mut self.log {
            // Messages are for those who listen now.
            let kept = |(_, words): &&(usize, Request)| !is_message(words);
            match unit.iter().all(|command| kept(&command)) {
                true => log.append(&unit, as_one),
                false => log.append(&unit.iter().filter(kept).cloned().collect::<Vec<_>>(), as_one),
            }
        }
        self.feed_unit(&unit, as_one);
    }
}

fn is_message(words: &Request) -> bool {
    [&b"publish"[..], b"spublish"].iter().any(|name| words[0].eq_ignore_ascii_case(name))
}
