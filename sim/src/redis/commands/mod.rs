//! What the commands do: the table of them, and how one is found.
//!
//! A command gets a [`Context`], in which it finds databases, clients and the time, and its words,
//! and returns a reply. To add a command, write it in the file of its kind and enter it in that
//! file's table.

mod administration;
mod arguments;
mod client_list;
mod clients;
mod debug;
mod failure;
pub(crate) mod flags;
mod hashes;
mod info;
mod introspection;
mod keys;
mod lists;
mod memory;
pub(crate) mod pattern;
mod pubsub;
mod replication;
mod scripts;
mod server;
mod sets;
mod sort;
mod sorted_sets;
mod streams;
mod strings;
mod transactions;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use failure::Failure;

use super::instance::Context;
use super::reply::Reply;

/// At most so many bytes of an unknown command's name, and of its arguments, are told back.
const ECHO_BYTES_MAX: usize = 128;

/// Every table. A name stands in one of them.
const TABLES: &[&[&[Command]]] = &[
    &strings::TABLES,
    &lists::TABLES,
    &sets::TABLES,
    &hashes::TABLES,
    &keys::TABLES,
    &sorted_sets::TABLES,
    &streams::TABLES,
    &[administration::TABLE, clients::TABLE, debug::TABLE, introspection::TABLE],
    &[info::TABLE, memory::TABLE, pubsub::TABLE, replication::TABLE],
    &[scripts::TABLE, server::TABLE, sort::TABLE, transactions::TABLE],
];

/// All commands by name.
static COMMANDS: LazyLock<BTreeMap<&[u8], &Command>> = LazyLock::new(|| {
    let all = TABLES.iter().copied().flatten().copied().flatten();
    all.map(|command| (command.name.as_bytes(), command)).collect()
});

/// A command of the table.
pub(crate) struct Command {
    /// Its name in small letters.
    pub(crate) name: &'static str,
    /// The number of its words when positive, at least so many when negative.
    pub(crate) arity: i64,
    /// See [`flags`].
    pub(crate) flags: u32,
    /// Which of its words are keys.
    pub(crate) keys: Keys,
    pub(crate) run: Run,
}

/// What a command does with its words.
pub(crate) type Function = fn(&mut Context<'_>, &[Vec<u8>]) -> Result<Reply, Failure>;

/// How a command runs.
pub(crate) enum Run {
    /// So.
    Command(Function),
    /// The second word chooses one of these.
    Container(&'static [Command]),
    /// So when there is no second word, which chooses one of these.
    Either(Function, &'static [Command]),
}

/// Which words of a command are keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keys {
    /// None.
    None,
    /// From one word (counted from the name, which is 0) to another (negative: from the end), at
    /// this distance.
    Range(usize, i64, usize),
    /// As many as this word says, from the next one on.
    Counted(usize),
    /// The word after the name, and as many as this word says, from the next one on.
    FirstAndCounted(usize),
    /// The first half of what stands behind the word `STREAMS`.
    Streams,
    /// The word after the name, and the one behind the last word `STORE`.
    FirstAndStored,
}

/// The word after the name.
pub(crate) const FIRST: Keys = Keys::Range(1, 1, 1);
/// Every word after the name.
pub(crate) const ALL: Keys = Keys::Range(1, -1, 1);

/// An entry of a table.
const fn command(name: &'static str, arity: i64, flags: u32, keys: Keys, run: Function) -> Command {
    Command { name, arity, flags, keys, run: Run::Command(run) }
}

/// An entry of a table whose second word chooses among others.
const fn container(name: &'static str, arity: i64, table: &'static [Command]) -> Command {
    Command { name, arity, flags: 0, keys: Keys::None, run: Run::Container(table) }
}

impl Command {
    /// Whether it has this flag.
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// The command that the words name, with its full name, if they may be so many.
pub(crate) fn find(words: &[Vec<u8>]) -> Result<(String, &'static Command), Failure> {
    let found = COMMANDS.get(words[0].to_ascii_lowercase().as_slice()).copied();
    let mut command = found.ok_or_else(|| unknown(words))?;
    let mut name = command.name.to_owned();
    let table = match command.run {
        Run::Container(table) | Run::Either(_, table) => Some(table),
        Run::Command(_) => None,
    };
    if let (Some(table), [container, word, ..]) = (table, words) {
        command = named(table, word).ok_or_else(|| unknown_subcommand(container, word))?;
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

/// Nobody knows this command.
pub(crate) fn unknown(words: &[Vec<u8>]) -> Failure {
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

/// The command knows no such word.
pub(crate) fn unknown_subcommand(container: &[u8], word: &[u8]) -> Failure {
    let (word, container) = (shortened(word, ECHO_BYTES_MAX), container.to_ascii_uppercase());
    Failure::text([b"unknown subcommand '", word, b"'. Try ", &container, b" HELP."].concat())
}

fn shortened(word: &[u8], limit: usize) -> &[u8] {
    let text = up_to_zero(word);
    &text[..text.len().min(limit)]
}

/// What errors tell of a word: the part that C takes for the text.
pub(crate) fn up_to_zero(word: &[u8]) -> &[u8] {
    word.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
