//! What a running command works with.

use super::session::{ClientId, Session};
use super::{Blocked, Instance};
use crate::redis::commands::Failure;
use crate::redis::db::{Db, Expiry};
use crate::redis::request::Request;
use crate::redis::values::{Hash, List, Set, SortedSet, Stream, Typed, Value};

/// What a running command works with.
pub struct Context<'a> {
    /// The whole of Redis.
    pub instance: &'a mut Instance,
    /// Who asks.
    pub client: ClientId,
    /// The database that the client had chosen when the command began.
    pub database: usize,
    /// Name of the command, as errors have it.
    pub name: &'a str,
}

impl<'a> Context<'a> {
    pub(super) fn new(instance: &'a mut Instance, client: ClientId, name: &'a str) -> Self {
        let database = instance.clients[&client].database;
        Self { instance, client, database, name }
    }

    /// The connection that the command came by.
    pub fn session(&mut self) -> &mut Session {
        self.instance.clients.get_mut(&self.client).expect("who asks is there")
    }

    /// The chosen database.
    pub fn db(&mut self) -> &mut Db {
        &mut self.instance.databases[self.database]
    }

    /// The time, in milliseconds since the Unix epoch. It stands still while a command runs.
    pub fn now_ms(&self) -> i64 {
        self.instance.now_ms
    }

    /// The command has changed this key: it gave it a value, changed or removed it, or changed its
    /// end. Without this no watcher, no waiting client, no replica and no file would hear of it.
    pub fn modified(&mut self, key: &[u8]) {
        self.instance.modified(self.database, key);
    }

    /// As [`modified`](Self::modified), when there is less at the key than before, or only its end
    /// was changed, so that nobody can have waited for it.
    pub fn lessened(&mut self, key: &[u8]) {
        self.instance.lessened(self.database, key);
    }

    /// Who waits for this key must be looked at, though its value was not modified.
    pub fn ready(&mut self, key: &[u8]) {
        self.instance.note_ready(self.database, key);
    }

    /// As [`modified`](Self::modified), in another database.
    pub fn modified_in(&mut self, database: usize, key: &[u8]) {
        self.instance.modified(database, key);
    }

    /// The command has changed something that is no key, and replicas must hear of it.
    pub fn changed(&mut self) {
        self.instance.changed();
    }

    /// Replicas and the append-only file hear of these commands instead of the client's own; of
    /// nothing at all when there are none.
    pub fn propagate_as(&mut self, commands: Vec<Request>) {
        self.instance.propagate_as(commands);
    }

    /// Whether the command may wait: it is neither in a transaction nor in a script.
    pub fn may_block(&self) -> bool {
        self.instance.open_transaction(self.client).is_none() && !self.instance.in_script()
    }

    /// Whether a script calls the command.
    pub fn in_script(&self) -> bool {
        self.instance.in_script()
    }

    /// Whether the command comes from this Redis' master or from a file, so that none of its own
    /// bounds hold.
    pub fn must_obey(&self) -> bool {
        self.instance.databases[self.database].expiry() == Expiry::Ignore
    }

    /// The client waits; the command returns [`Reply::Nothing`](crate::redis::reply::Reply::Nothing).
    pub fn block(&mut self, blocked: Blocked) {
        self.instance.block(self.client, self.database, blocked);
    }

    /// The error of a command that counts its words itself.
    pub fn arity(&self) -> Failure {
        Failure::Arity(self.name.to_owned())
    }

    /// The error of a time to live that cannot be.
    pub fn invalid_expire(&self) -> Failure {
        Failure::text(format!("invalid expire time in '{}' command", self.name))
    }

    /// The string of the key.
    pub fn string(&mut self, key: &[u8]) -> Result<Option<&mut Vec<u8>>, Failure> {
        match self.db().get(key) {
            None => Ok(None),
            Some(Value::String(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(Failure::WrongType),
        }
    }

    /// The value of a key that must not be of another kind.
    pub fn typed<T: Typed>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Failure> {
        match self.db().get(key) {
            None => Ok(None),
            Some(value) => T::of(value).map(Some).ok_or(Failure::WrongType),
        }
    }

    /// As [`typed`](Self::typed); an empty value when there is none.
    pub fn made<T: Typed>(&mut self, key: &[u8]) -> Result<&mut T, Failure> {
        if self.typed::<T>(key)?.is_none() {
            self.db().set(key, T::default().into());
        }
        Ok(self.typed(key)?.expect("it was just made"))
    }

    /// Removes a key whose value has nothing left in it, and says that it was modified.
    pub fn shrunk(&mut self, key: &[u8]) {
        if self.db().get(key).is_some_and(|value| value.is_empty()) {
            self.db().remove(key);
        }
        self.lessened(key);
    }

    /// The hash of the key.
    pub fn hash(&mut self, key: &[u8]) -> Result<Option<&mut Hash>, Failure> {
        self.typed(key)
    }

    /// The list of the key.
    pub fn list(&mut self, key: &[u8]) -> Result<Option<&mut List>, Failure> {
        self.typed(key)
    }

    /// The set of the key.
    pub fn set(&mut self, key: &[u8]) -> Result<Option<&mut Set>, Failure> {
        self.typed(key)
    }

    /// The sorted set of the key.
    pub fn sorted_set(&mut self, key: &[u8]) -> Result<Option<&mut SortedSet>, Failure> {
        self.typed(key)
    }

    /// The stream of the key.
    pub fn stream(&mut self, key: &[u8]) -> Result<Option<&mut Stream>, Failure> {
        self.typed(key)
    }
}
