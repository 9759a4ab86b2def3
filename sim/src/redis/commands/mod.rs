//! What the commands do: the table of them, and how one is found and run.
//!
//! Pure: a command gets databases, the connection's state and its arguments, and returns a reply.
//! Time comes from the caller. To add a command, write it in the file of its kind and enter it in
//! that file's table.

mod failure;
mod hashes;
mod keys;
mod server;
mod sorted_sets;
mod strings;

pub use failure::Failure;

use super::db::{Db, Hash, SortedSet, Value};
use super::reply::{Protocol, Reply};

/// How many databases there are.
const DATABASES: usize = 16;

/// At most so many bytes of an unknown command's name, and of its arguments, are told back.
const ECHO_BYTES_MAX: usize = 128;

/// One Redis: its databases, and nothing of the network.
pub struct Instance {
    databases: Vec<Db>,
    /// Commands that ran: known, and with a possible number of arguments.
    pub commands_total: u64,
    clients: i64,
}

/// The state of a connection.
#[derive(Debug)]
pub struct Session {
    /// Its number, from 1.
    pub id: i64,
    /// The protocol it speaks.
    pub protocol: Protocol,
    database: usize,
    name: Vec<u8>,
}

/// A command of the table.
pub(crate) struct Command {
    /// Its name in small letters.
    name: &'static str,
    /// The number of its words when positive, at least so many when negative.
    arity: i64,
    run: Run,
}

enum Run {
    Command(fn(&mut Context<'_>, &[Vec<u8>]) -> Result<Reply, Failure>),
    /// The second word chooses one of these.
    Container(&'static [Command]),
}

/// What a running command works on.
pub(crate) struct Context<'a> {
    databases: &'a mut Vec<Db>,
    session: &'a mut Session,
    /// Name of the command, as errors have it.
    name: &'a str,
    commands_total: u64,
}

impl Default for Instance {
    fn default() -> Self {
        let databases = (0..DATABASES).map(|_| Db::default()).collect();
        Self { databases, commands_total: 0, clients: 0 }
    }
}

impl Instance {
    /// A new connection.
    pub fn connect(&mut self) -> Session {
        self.clients += 1;
        let (protocol, database, name) = (Protocol::default(), 0, Vec::new());
        Session { id: self.clients, protocol, database, name }
    }

    /// Runs the command `words` (at least its name) at the time `now_ms`, and appends the bytes of
    /// the reply to `out`.
    pub fn execute(
        &mut self,
        session: &mut Session,
        now_ms: i64,
        words: &[Vec<u8>],
        out: &mut Vec<u8>,
    ) {
        let reply = self.run(session, now_ms, words).unwrap_or_else(Failure::into_reply);
        reply.write(session.protocol, out);
    }

    /// Removes what has expired.
    pub fn sweep(&mut self, now_ms: i64) {
        for db in &mut self.databases {
            db.set_now(now_ms);
            db.sweep();
        }
    }

    /// Whether any key will expire.
    pub fn expiring(&self) -> bool {
        self.databases.iter().any(|db| db.expiring() > 0)
    }

    fn run(
        &mut self,
        session: &mut Session,
        now_ms: i64,
        words: &[Vec<u8>],
    ) -> Result<Reply, Failure> {
        let (name, command) = find(words)?;
        let Run::Command(run) = command.run else { return Err(Failure::Arity(name)) };
        self.commands_total += 1;
        self.databases.iter_mut().for_each(|db| db.set_now(now_ms));
        let (databases, commands_total) = (&mut self.databases, self.commands_total);
        run(&mut Context { databases, session, name: &name, commands_total }, words)
    }
}

/// The command that the words name, with its full name, if they may be so many.
fn find(words: &[Vec<u8>]) -> Result<(String, &'static Command), Failure> {
    let tables = [strings::TABLE, hashes::TABLE, sorted_sets::TABLE, keys::TABLE, server::TABLE];
    let named = tables.into_iter().find_map(|table| named(table, &words[0]));
    let mut command = named.ok_or_else(|| unknown(words))?;
    let mut name = command.name.to_owned();
    if let (Run::Container(table), [container, word, ..]) = (&command.run, words) {
        command = self::named(table, word).ok_or_else(|| unknown_subcommand(container, word))?;
        name = format!("{name}|{}", command.name);
    }
    let count = i64::try_from(words.len()).expect("words are counted in 32 bits");
    if (command.arity > 0 && command.arity != count) || count < -command.arity {
        return Err(Failure::Arity(name));
    }
    Ok((name, command))
}

fn named(table: &'static [Command], word: &[u8]) -> Option<&'static Command> {
    table.iter().find(|command| command.name.as_bytes().eq_ignore_ascii_case(word))
}

fn unknown(words: &[Vec<u8>]) -> Failure {
    let mut arguments: Vec<u8> = Vec::new();
    for word in &words[1..] {
        let Some(room) = ECHO_BYTES_MAX.checked_sub(arguments.len()).filter(|room| *room > 0)
        else {
            break;
        };
        arguments.extend([b"'", shortened(word, room), b"' "].concat());
    }
    let name = shortened(&words[0], ECHO_BYTES_MAX);
    let text = [b"unknown command '", name, b"', with args beginning with: ", &arguments].concat();
    Failure::text(text)
}

fn unknown_subcommand(container: &[u8], word: &[u8]) -> Failure {
    let (word, container) = (shortened(word, ECHO_BYTES_MAX), container.to_ascii_uppercase());
    Failure::text([b"unknown subcommand '", word, b"'. Try ", &container, b" HELP."].concat())
}

fn shortened(word: &[u8], limit: usize) -> &[u8] {
    let text = up_to_zero(word);
    &text[..text.len().min(limit)]
}

/// What errors tell of a word: the part that C takes for the text.
fn up_to_zero(word: &[u8]) -> &[u8] {
    word.split(|byte| *byte == 0).next().unwrap_or_default()
}

impl Context<'_> {
    /// The chosen database.
    fn db(&mut self) -> &mut Db {
        &mut self.databases[self.session.database]
    }

    /// The error of a command that counts its words itself.
    fn arity(&self) -> Failure {
        Failure::Arity(self.name.to_owned())
    }

    /// The error of a time to live that cannot be.
    fn invalid_expire(&self) -> Failure {
        Failure::text(format!("invalid expire time in '{}' command", self.name))
    }

    fn string(&mut self, key: &[u8]) -> Result<Option<&mut Vec<u8>>, Failure> {
        match self.db().get(key) {
            None => Ok(None),
            Some(Value::String(bytes)) => Ok(Some(bytes)),
            Some(_) => Err(Failure::WrongType),
        }
    }

    fn hash(&mut self, key: &[u8]) -> Result<Option<&mut Hash>, Failure> {
        match self.db().get(key) {
            None => Ok(None),
            Some(Value::Hash(hash)) => Ok(Some(hash)),
            Some(_) => Err(Failure::WrongType),
        }
    }

    /// The hash of the key; a new one when there is none.
    fn hash_made(&mut self, key: &[u8]) -> Result<&mut Hash, Failure> {
        if self.hash(key)?.is_none() {
            self.db().set(key, Value::Hash(Hash::default()));
        }
        Ok(self.hash(key)?.expect("it was just made"))
    }

    fn sorted_set(&mut self, key: &[u8]) -> Result<Option<&mut SortedSet>, Failure> {
        match self.db().get(key) {
            None => Ok(None),
            Some(Value::SortedSet(set)) => Ok(Some(set)),
            Some(_) => Err(Failure::WrongType),
        }
    }

    /// The sorted set of the key; a new one when there is none.
    fn sorted_set_made(&mut self, key: &[u8]) -> Result<&mut SortedSet, Failure> {
        if self.sorted_set(key)?.is_none() {
            self.db().set(key, Value::SortedSet(SortedSet::default()));
        }
        Ok(self.sorted_set(key)?.expect("it was just made"))
    }
}

#[cfg(test)]
mod tests;
