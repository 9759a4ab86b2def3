//! From the words of a request to its reply: the order of checks is that of Redis.

use super::session::{ClientId, Transaction};
use super::{Context, Instance};
use crate::redis::commands::{self, Command, Failure, Run, flags};
use crate::redis::db::Expiry;
use crate::redis::reply::Reply;

/// Commands that run at once although a transaction is open.
const NEVER_QUEUED: [&str; 6] = ["exec", "discard", "multi", "watch", "quit", "reset"];

impl Instance {
    /// Runs the command `words` (at least its name) of a client at the time `now_ms`. The reply,
    /// if there is one yet, is appended to the client's output.
    pub fn execute(&mut self, id: ClientId, now_ms: i64, words: &[Vec<u8>]) {
        self.begin(now_ms, Expiry::Delete);
        let reply = self.admit(id, words);
        self.reply(id, &reply);
        self.end_unit();
    }

    pub(super) fn reply(&mut self, id: ClientId, reply: &Reply) {
        if let Some(session) = self.clients.get_mut(&id) {
            reply.write(session.protocol, &mut session.output);
        }
    }

    /// Runs the command, or queues it, or says why not.
    fn admit(&mut self, id: ClientId, words: &[Vec<u8>]) -> Reply {
        let (name, command) = match self.admissible(id, words) {
            Ok(found) => found,
            Err(failure) => return self.refuse(id, words, failure),
        };
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
        let (name, command) = commands::find(words)?;
        let session = &self.clients[&id];
        if session.transaction.is_some() && command.has(flags::NO_MULTI) {
            return Err(Failure::text("Command not allowed inside a transaction"));
        }
        Ok((name, command))
    }

    /// A refused command spoils the transaction that is open.
    fn refuse(&mut self, id: ClientId, words: &[Vec<u8>], failure: Failure) -> Reply {
        let session = self.clients.get_mut(&id).expect("only clients that are there send");
        let Some(open) = &mut session.transaction else { return failure.into_reply() };
        open.failed = true;
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
        let Run::Command(run) = command.run else {
            return Failure::Arity(name.into()).into_reply();
        };
        self.totals.commands += 1;
        let outer = self.begin_command();
        let mut context = Context::new(self, id, name);
        let outcome = run(&mut context, words);
        let database = context.database;
        self.end_command(outer, command, database, words);
        outcome.unwrap_or_else(Failure::into_reply)
    }

    /// Ends what one request, or one timeout, set off: clients that waited for what it changed are
    /// served, and then replicas and the append-only file hear of all of it.
    pub(super) fn end_unit(&mut self) {
        self.note_expired();
        self.serve_waiting();
        self.propagate();
    }

    /// Whether the client is between `MULTI` and `EXEC`, or in the latter.
    pub(super) fn open_transaction(&self, id: ClientId) -> Option<&Transaction> {
        self.clients.get(&id)?.transaction.as_ref()
    }
}
