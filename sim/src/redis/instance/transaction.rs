//! Transactions: `MULTI`, `EXEC`, and the keys that make them fail when they change.

use super::Instance;
use super::session::{ClientId, Watched};
use crate::redis::commands;
use crate::redis::reply::Reply;

impl Instance {
    /// The client watches a key from now on.
    pub(crate) fn watch(&mut self, id: ClientId, database: usize, key: &[u8]) {
        let place = (database, key.to_vec());
        if self.watched.get(&place).is_some_and(|clients| clients.contains(&id)) {
            return;
        }
        let expired = self.databases[database].has_expired(key);
        self.watched.entry(place).or_default().insert(id);
        let session = self.clients.get_mut(&id).expect("only clients that are there watch");
        session.watching.push(Watched { database, key: key.to_vec(), expired });
    }

    /// The client watches nothing any more.
    pub(crate) fn unwatch(&mut self, id: ClientId) {
        let Some(session) = self.clients.get_mut(&id) else { return };
        session.watched_changed = false;
        for Watched { database, key, .. } in std::mem::take(&mut session.watching) {
            let place = (database, key);
            let clients = self.watched.get_mut(&place).expect("who watches is entered");
            clients.remove(&id);
            if clients.is_empty() {
                self.watched.remove(&place);
            }
        }
    }

    /// A key was changed: who watches it will not `EXEC`.
    pub(super) fn touch_watchers(&mut self, database: usize, key: &[u8]) {
        if self.watched.is_empty() {
            return;
        }
        let Some(clients) = self.watched.get(&(database, key.to_vec())) else { return };
        let there = self.databases[database].holds(key);
        for id in clients {
            let session = self.clients.get_mut(id).expect("who is gone does not watch");
            let watched = session.watching.iter_mut();
            let watched = watched.filter(|one| one.database == database && one.key == key);
            for one in watched {
                // A key that was expired when it was first watched may be removed for that.
                if one.expired && !there {
                    one.expired = false;
                } else {
                    session.watched_changed = true;
                }
            }
        }
    }

    /// A database is about to be emptied, or to be exchanged for another one.
    pub(crate) fn touch_watchers_of_all(&mut self, databases: &[usize], other: Option<usize>) {
        let next = |key: &[u8]| other.filter(|other| self.databases[*other].holds(key));
        let touched = |(database, key): &&(usize, Vec<u8>)| {
            let held = next(key).is_some() || self.databases[*database].holds(key);
            databases.contains(database) && held
        };
        let touched: Vec<_> = self.watched.keys().filter(touched).cloned().collect();
        for (database, key) in touched {
            let held = self.databases[database].holds(&key);
            let next = other.filter(|other| self.databases[*other].holds(&key));
            let expired = next.is_some_and(|next| self.databases[next].has_expired(&key));
            for id in &self.watched[&(database, key.clone())] {
                let session = self.clients.get_mut(id).expect("who is gone does not watch");
                let watched = session.watching.iter_mut();
                let mut watched = watched.filter(|one| one.database == database && one.key == key);
                let one = watched.next().expect("who watches is entered");
                // What was expired may go, or stay so; what was not there may come expired.
                match (one.expired, next) {
                    (true, None) => one.expired = false,
                    (true, Some(_)) if expired => {}
                    (false, Some(_)) if expired && !held => one.expired = true,
                    _ => session.watched_changed = true,
                }
            }
        }
    }

    /// The transaction is over, whatever came of it.
    pub(crate) fn end_transaction(&mut self, id: ClientId) {
        if let Some(session) = self.clients.get_mut(&id) {
            session.transaction = None;
        }
        self.unwatch(id);
    }

    /// Runs what was queued; null if a watched key has changed.
    pub(crate) fn exec(&mut self, id: ClientId) -> Reply {
        let session = &self.clients[&id];
        let expired = session
            .watching
            .iter()
            .any(|one| !one.expired && self.databases[one.database].has_expired(&one.key));
        if session.watched_changed || expired {
            self.end_transaction(id);
            return Reply::NullArray;
        }
        self.unwatch(id);
        let session = self.clients.get_mut(&id).expect("who asks is there");
        let open = session.transaction.as_mut().expect("`EXEC` has looked");
        let queue = std::mem::take(&mut open.queue);
        // A master hears nothing of what its replica answers.
        let told = !self.is_master_client(id);
        if told {
            let header = format!("*{}\r\n", queue.len());
            self.reply(id, &Reply::Raw(header.into_bytes()));
        }
        for words in queue {
            let (name, command) = commands::find(&words).expect("only known commands are queued");
            let reply = self.call(id, &name, command, &words);
            // Each is written as the client speaks when it has run: one of them may be `HELLO`. What
            // the client hears of what it has published stands in between.
            if told {
                self.reply(id, &reply);
            }
        }
        self.end_transaction(id);
        Reply::Nothing
    }
}
