//! Clients that wait: for a key, or for replicas, or for a time.
//!
//! A command that finds nothing leaves what it would like to run instead, and is run so when one of
//! its keys was given a value of the right kind. First come, first served for each key.

use super::session::ClientId;
use super::{Context, Instance};
use crate::redis::commands;
use crate::redis::reply::Reply;
use crate::redis::request::Request;
use crate::redis::values::Kind;

/// A client that waits.
#[derive(Debug)]
pub struct Blocked {
    /// For what.
    pub wait: Wait,
    /// Until when, if not for ever.
    pub deadline_ms: Option<i64>,
    /// What it is told when it gives up.
    pub timed_out: Reply,
    /// What runs when it need not wait any more.
    pub retry: Request,
}

/// What a client may wait for.
#[derive(Debug)]
pub enum Wait {
    /// A value of this kind at one of these keys, in the order of preference.
    Keys {
        /// The keys.
        keys: Vec<Vec<u8>>,
        /// What they should hold.
        kind: Kind,
    },
    /// So many replicas that have the stream up to here.
    Acks {
        /// The offset.
        offset: i64,
        /// How many.
        enough: usize,
    },
    /// Something that [`Instance::serve`] is told of.
    Event,
}

impl Instance {
    /// The client waits from now on.
    pub(super) fn block(&mut self, id: ClientId, database: usize, blocked: Blocked) {
        if let Wait::Keys { keys, .. } = &blocked.wait {
            for key in keys {
                let clients = self.waiting.entry((database, key.clone())).or_default();
                if !clients.contains(&id) {
                    clients.push(id);
                }
            }
        }
        if let Some(at_ms) = blocked.deadline_ms {
            self.deadlines.insert((at_ms, id));
        }
        self.clients.get_mut(&id).expect("who waits is there").blocked = Some(blocked);
    }

    /// The client waits no more; what it waited for.
    pub(crate) fn unblock(&mut self, id: ClientId) -> Option<Blocked> {
        let session = self.clients.get_mut(&id)?;
        let database = session.database;
        let blocked = session.blocked.take()?;
        if let Wait::Keys { keys, .. } = &blocked.wait {
            for key in keys {
                let place = (database, key.clone());
                if let Some(clients) = self.waiting.get_mut(&place) {
                    clients.retain(|client| *client != id);
                    if clients.is_empty() {
                        self.waiting.remove(&place);
                    }
                }
            }
        }
        if let Some(at_ms) = blocked.deadline_ms {
            self.deadlines.remove(&(at_ms, id));
        }
        self.woken.insert(id);
        Some(blocked)
    }

    /// Somebody may wait for a key that was changed, if it now holds what can be waited for.
    pub(super) fn note_ready(&mut self, database: usize, key: &[u8]) {
        if self.waiting.is_empty() {
            return;
        }
        let place = (database, key.to_vec());
        if !self.waiting.contains_key(&place) || self.ready.contains(&place) {
            return;
        }
        let kind = self.databases[database].get(key).map(|value| value.kind());
        if !matches!(kind, None | Some(Kind::String | Kind::Set | Kind::Hash)) {
            self.ready.push(place);
        }
    }

    /// Databases have other keys now.
    pub(crate) fn note_all_ready(&mut self, databases: &[usize]) {
        let places = self.waiting.keys().filter(|(database, _)| databases.contains(database));
        for (database, key) in places.cloned().collect::<Vec<_>>() {
            self.note_ready(database, &key);
        }
    }

    /// Serves those who wait for keys that were changed. What that changes may serve others.
    pub(super) fn serve_waiting(&mut self) {
        while !self.ready.is_empty() {
            for (database, key) in std::mem::take(&mut self.ready) {
                let clients = self.waiting.get(&(database, key.clone())).cloned();
                for id in clients.unwrap_or_default() {
                    if self.may_be_served(id, database, &key) {
                        self.serve(id, Some(&key));
                    }
                }
            }
        }
    }

    fn may_be_served(&mut self, id: ClientId, database: usize, key: &[u8]) -> bool {
        let blocked = self.clients.get(&id).and_then(|session| session.blocked.as_ref());
        let Some(Blocked { wait: Wait::Keys { kind, .. }, .. }) = blocked else { return false };
        let kind = *kind;
        self.databases[database].get(key).is_some_and(|value| value.kind() == kind)
    }

    /// Runs what the client waits to run. It goes on waiting, at the end of the line, if that finds
    /// nothing either.
    ///
    /// Who waits for several keys is served with the one that is ready: what the others hold is not
    /// looked at. Who waits for an event is served with none.
    pub(crate) fn serve(&mut self, id: ClientId, ready: Option<&[u8]>) {
        let Some(blocked) = self.unblock(id) else { return };
        let (name, command) = commands::find(&blocked.retry).expect("it ran before");
        let deadline_ms = blocked.deadline_ms;
        let words = match (&blocked.wait, ready) {
            (Wait::Keys { keys, .. }, Some(key)) if keys.len() > 1 => {
                command.keys.narrowed(&blocked.retry, key)
            }
            _ => blocked.retry,
        };
        let reply = self.call(id, &name, command, &words);
        self.reply(id, &reply);
        // A second wait ends when the first one would have.
        let session = self.clients.get_mut(&id).expect("who waits is there");
        if let Some(again) = &mut session.blocked {
            if let Some(at_ms) = std::mem::replace(&mut again.deadline_ms, deadline_ms) {
                self.deadlines.remove(&(at_ms, id));
            }
            self.deadlines.extend(deadline_ms.map(|at_ms| (at_ms, id)));
        }
    }

    /// Lets those give up whose time is over, which it is not in its last millisecond.
    pub(super) fn give_up_waiting(&mut self) {
        while let Some((at_ms, id)) = self.deadlines.first().copied() {
            if at_ms >= self.now_ms {
                return;
            }
            let blocked = self.unblock(id).expect("who has a deadline waits");
            self.reply(id, &blocked.timed_out);
        }
    }
}

impl Context<'_> {
    /// When a wait of so many seconds ends, which is never for 0.
    pub fn deadline_ms(&self, seconds: f64) -> Option<i64> {
        (seconds > 0.0).then(|| self.now_ms() + (seconds * 1000.0).ceil() as i64)
    }
}
