//! From the words of a request to its reply: the order of checks is that of Redis.

use super::session::{ClientId, Transaction};
use super::{Context, Instance};
use crate::redis::commands::{self, Command, Failure, Run, flags, up_to_zero};
use crate::redis::db::Expiry;
use crate::redis::replication::LinkState;
use crate::redis::reply::{Protocol, Reply};

/// What a client that listens may send in the old protocol.
const OF_LISTENERS: [&str; 9] = [
    "ping",
    "psubscribe",
    "punsubscribe",
    "quit",
    "reset",
    "ssubscribe",
    "subscribe",
    "sunsubscribe",
    "unsubscribe",
];

/// Commands that run at once although a transaction is open.
const NEVER_QUEUED: [&str; 6] = ["exec", "discard", "multi", "watch", "quit", "reset"];

/// Whether this begins a line of HTTP. Somebody makes a browser talk to Redis then, and what is in
/// the body may be commands.
pub(in crate::redis) fn is_of_http(name: &[u8]) -> bool {
    let name = up_to_zero(name);
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

impl Instance {
    /// Runs the command `words` (at least its name) of a client at the time `now_ms`. The reply,
    /// if there is one yet, is appended to the client's output.
    pub fn execute(&mut self, id: ClientId, now_ms: i64, words: &[Vec<u8>]) {
        let from_master = self.is_master_client(id);
        let expiry = match &self.replication.master {
            None => Expiry::Delete,
            Some(_) if from_master => Expiry::Ignore,
            Some(_) => Expiry::Hide,
        };
        self.execute_at(id, now_ms, words, expiry);
    }

    /// As [`execute`](Self::execute), where keys whose time is over are treated so.
    pub(crate) fn execute_at(
        &mut self,
        id: ClientId,
        now_ms: i64,
        words: &[Vec<u8>],
        expiry: Expiry,
    ) {
        let from_master = self.is_master_client(id);
        self.begin(now_ms, expiry);
        if !from_master && is_of_http(&words[0]) {
            self.end_client(id, false);
            return;
        }
        let commands = self.totals.commands;
        let reply = self.admit(id, words);
        // The master hears nothing but how far its replica is.
        if !from_master || words[0].eq_ignore_ascii_case(b"replconf") {
            self.reply(id, &reply);
        }
        self.tell_monitors();
        self.end_command_of_client();
        let ran = self.totals.commands > commands;
        let offset = self.replication.offset;
        self.end_unit();
        if let Some(session) = self.clients.get_mut(&id) {
            // Nothing was written by what was refused or queued, nor for others who are served.
            if ran {
                session.written = offset;
            }
            // Who waits has not been answered yet.
            if session.blocked.is_none() {
                session.replies = session.replies.after_one();
            }
        }
        self.run_postponed();
    }

    /// Answers a client. Who wants no replies gets what is pushed in them all the same: that it
    /// listens to a channel, or no longer.
    pub(crate) fn reply(&mut self, id: ClientId, reply: &Reply) {
        let Some(session) = self.clients.get_mut(&id) else { return };
        match session.replies.are_wanted() {
            true => reply.write(session.protocol, &mut session.output),
            false => reply.write_pushes(session.protocol, &mut session.output),
        }
    }

    /// Runs the command, or queues it, or says why not.
    fn admit(&mut self, id: ClientId, words: &[Vec<u8>]) -> Reply {
        let (name, command) = match self.admissible(id, words) {
            Ok(found) => found,
            Err(failure) => return self.refuse(id, words, failure),
        };
        if self.postpones(id, command) {
            self.postpone(id, words);
            return Reply::Nothing;
        }
        let session = self.clients.get_mut(&id).expect("only clients that are there send");
        match &mut session.transaction {
            Some(open) if !NEVER_QUEUED.contains(&command.name) => {
                open.queue.push(words.to_vec());
                open.flags |= command.flags;
                Reply::Simple("QUEUED")
            }
            _ => self.call(id, &name, command, words),
        }
    }

    /// The command that the words name, if it may run now.
    fn admissible(
        &mut self,
        id: ClientId,
        words: &[Vec<u8>],
    ) -> Result<(String, &'static Command), Failure> {
        let found = commands::find(words);
        let now_ms = self.now_ms;
        let session = self.clients.get_mut(&id).expect("only clients that are there send");
        session.used_ms = now_ms;
        session.command = found.as_ref().ok().map(|(name, _)| name.clone());
        let (name, command) = found?;
        if !session.authenticated && !command.has(flags::NO_AUTH) {
            return Err(Failure::Other(b"NOAUTH Authentication required.".to_vec()));
        }
        if session.transaction.is_some() && command.has(flags::NO_MULTI) {
            return Err(Failure::text("Command not allowed inside a transaction"));
        }
        self.find_room(id, command)?;
        let session = &self.clients[&id];
        let only_listens = session.protocol == Protocol::Resp2 && self.listeners.has(id);
        if only_listens && !OF_LISTENERS.contains(&command.name) {
            let text = format!(
                "Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
                 RESET are allowed in this context"
            );
            return Err(Failure::text(text));
        }
        self.allowed_by_role(id, command)?;
        let follows = self.clients[&id].monitors || self.replication.replicas.contains_key(&id);
        if follows && command.has(flags::READ | flags::WRITE | flags::MAY_REPLICATE) {
            return Err(Failure::text("Replica can't interact with the keyspace"));
        }
        Ok((name, command))
    }

    /// What the roles of replication forbid.
    pub(crate) fn allowed_by_role(&self, id: ClientId, command: &Command) -> Result<(), Failure> {
        let open = self.open_transaction(id).map_or(0, |open| open.flags);
        let ends = command.name == "exec";
        let writes = command.has(flags::WRITE) || (ends && open & flags::WRITE != 0);
        if writes && self.lacks_replicas() {
            return Err(Failure::Other(b"NOREPLICAS Not enough good replicas to write.".to_vec()));
        }
        let Some(master) = &self.replication.master else { return Ok(()) };
        if self.is_master_client(id) {
            return Ok(());
        }
        if writes {
            let text = b"READONLY You can't write against a read only replica.";
            return Err(Failure::Other(text.to_vec()));
        }
        let up = master.state == LinkState::Connected;
        if !up && !self.replication.settings.serve_stale && !command.has(flags::STALE) {
            let text = b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set \
                         to 'no'.";
            return Err(Failure::Other(text.to_vec()));
        }
        Ok(())
    }

    /// A refused command spoils the transaction that is open.
    fn refuse(&mut self, id: ClientId, words: &[Vec<u8>], failure: Failure) -> Reply {
        let session = self.clients.get_mut(&id).expect("only clients that are there send");
        if let Some(open) = &mut session.transaction {
            open.failed = true;
        }
        // That holds for `EXEC` itself even where no transaction is open.
        if !words[0].eq_ignore_ascii_case(b"exec") {
            return failure.into_reply();
        }
        let Reply::Error(text) = failure.into_reply() else {
            unreachable!("a failure is an error")
        };
        self.end_transaction(id);
        let bare = text.strip_prefix(b"ERR ").unwrap_or(&text);
        Reply::Error([b"EXECABORT Transaction discarded because of: ", bare].concat())
    }

    /// Runs a command that may run.
    pub(in crate::redis) fn call(
        &mut self,
        id: ClientId,
        name: &str,
        command: &'static Command,
        words: &[Vec<u8>],
    ) -> Reply {
        let (Run::Command(run) | Run::Either(run, _)) = command.run else {
            return Failure::Arity(name.into()).into_reply();
        };
        self.totals.commands += 1;
        self.tell_of_start(id, command, words);
        let outer = self.begin_command();
        let mut context = Context::new(self, id, name);
        let outcome = run(&mut context, words);
        let database = context.database;
        self.tell_of_end(id, command, words);
        self.end_command(outer, command, database, words);
        outcome.unwrap_or_else(Failure::into_reply)
    }

    /// Ends what one request, or one timeout, set off: clients that waited for what it changed are
    /// served, and then replicas and the append-only file hear of all of it.
    pub(super) fn end_unit(&mut self) {
        self.end_command_of_client();
        self.serve_waiting();
        self.propagate(true);
    }

    fn end_command_of_client(&mut self) {
        self.note_expired();
        self.propagate(true);
    }

    /// Whether the client is between `MULTI` and `EXEC`, or in the latter.
    pub(super) fn open_transaction(&self, id: ClientId) -> Option<&Transaction> {
        self.clients.get(&id)?.transaction.as_ref()
    }
}
