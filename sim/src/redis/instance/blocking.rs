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
        /// What the client is told when one of them no longer holds such a value; `None` if it
        /// goes on waiting then.
        gone: Option<Reply>,
    },
    /// So many replicas that have the stream up to here.
    Acks {
        /// The offset.
        offset: i64,
        /// How many.
        enough: usize,
    },
    /// The end of a pause.
    Unpause,
    /// Something that `Instance::serve` is told of.
    Event,
}

impl Instance {
    /// The client waits from now on. Who is served and finds nothing goes on waiting.
    pub(super) fn block(&mut self, id: ClientId, database: usize, blocked: Blocked) {
        if self.is_blocked(id) {
            return;
        }
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

    /// Somebody may wait for a key that was changed.
    pub(super) fn note_ready(&mut self, database: usize, key: &[u8]) {
        if self.waiting.is_empty() {
            return;
        }
        let place = (database, key.to_vec());
        let Some(clients) = self.waiting.get(&place).filter(|_| !self.ready.contains(&place))
        else {
            return;
        };
        let held = self.databases[database].get(key).map(|value| value.kind());
        // Keys are ready in the order in which they came to hold what somebody waits for.
        let concerns = |id: &ClientId| match self.clients.get(id)?.blocked.as_ref()?.wait {
            Wait::Keys { kind, ref gone, .. } => Some(held == Some(kind) || gone.is_some()),
            _ => None,
        };
        if clients.iter().any(|id| concerns(id) == Some(true)) {
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
                    self.serve_key(id, database, &key);
                    // Replicas are told of each by itself.
                    self.note_expired();
                    self.propagate(true);
                }
            }
            self.note_expired();
        }
    }

    /// Serves a client that waits for this key, unless what it holds is of another kind.
    fn serve_key(&mut self, id: ClientId, database: usize, key: &[u8]) {
        let blocked = self.clients.get(&id).and_then(|session| session.blocked.as_ref());
        let Some(Blocked { wait: Wait::Keys { kind, gone, .. }, .. }) = blocked else { return };
        let held = self.databases[database].look(key).map(|value| value.kind());
        if held == Some(*kind) {
            self.served_key = Some(key.to_vec());
            self.serve(id);
            self.served_key = None;
        } else if let Some(gone) = gone.clone() {
            self.end_wait(id, &gone);
        }
    }

    /// Runs what the client waits to run. It keeps its place in the line if that finds nothing.
    pub(crate) fn serve(&mut self, id: ClientId) {
        let blocked = self.clients.get(&id).and_then(|session| session.blocked.as_ref());
        let Some(retry) = blocked.map(|blocked| blocked.retry.clone()) else { return };
        let (name, command) = commands::find(&retry).expect("it ran before");
        let reply = self.call(id, &name, command, &retry);
        if reply != Reply::Nothing {
            self.end_wait(id, &reply);
        }
    }

    /// The client waits no more and is told this, which ends the command with which it began to wait.
    pub(crate) fn end_wait(&mut self, id: ClientId, told: &Reply) {
        self.unblock(id);
        self.reply(id, told);
        if let Some(session) = self.clients.get_mut(&id) {
            session.replies = session.replies.after_one();
        }
    }

    /// Lets those give up whose time is over, which it is not in its last millisecond.
    pub(super) fn give_up_waiting(&mut self) {
        while let Some((at_ms, id)) = self.deadlines.first().copied() {
            if at_ms >= self.now_ms {
                return;
            }
            let waits = self.clients.get_mut(&id).and_then(|session| session.blocked.as_mut());
            let blocked = waits.expect("who has a deadline waits");
            let told = std::mem::replace(&mut blocked.timed_out, Reply::Nothing);
            self.end_wait(id, &told);
        }
    }
}

impl Context<'_> {
    /// Which of its keys the command looks at: all of them, or, when its client has waited, the
    /// one that was changed.
    pub fn due_keys(&self, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.served_key().map_or_else(|| keys.to_vec(), |key| vec![key.to_vec()])
    }

    /// The changed key for which the client has waited; `None` when the command runs first.
    pub fn served_key(&self) -> Option<&[u8]> {
        self.instance.served_key.as_deref()
    }

    /// Waits for a value at one of the keys; the reply, which is `nothing` where no command may
    /// wait.
    pub fn wait_for_keys(
        &mut self,
        kind: Kind,
        keys: &[Vec<u8>],
        deadline_ms: Option<i64>,
        words: &[Vec<u8>],
        nothing: Reply,
    ) -> Reply {
        if !self.may_block() {
            return nothing;
        }
        let wait = Wait::Keys { keys: keys.to_vec(), kind, gone: None };
        // Who has waited is told of no list, even where an element would have been the reply.
        let timed_out = Reply::NullArray;
        self.block(Blocked { wait, deadline_ms, timed_out, retry: words.to_vec() });
        Reply::Nothing
    }

    /// When a wait of so many milliseconds ends, which is never for 0.
    pub fn deadline_ms(&self, wait_ms: i64) -> Option<i64> {
        (wait_ms > 0).then(|| self.now_ms().saturating_add(wait_ms))
    }
}
