//! `COMMAND`: what commands there are, and which of their words are keys.

use super::flags::{LOADING, STALE};
use super::{COMMANDS, Command, Context, Failure, Keys, Reply, command, container, find};
use crate::redis::number::integer;

pub(super) const TABLE: &[Command] = &[container("command", -1, COMMAND)];

const COMMAND: &[Command] = &[
    command("count", 2, LOADING | STALE, Keys::None, count),
    command("getkeys", -3, LOADING | STALE, Keys::None, getkeys),
];

/// As many as are known here, which is less than in Redis.
fn count(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(COMMANDS.len()))
}

fn getkeys(_: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let words = &words[2..];
    let (_, command) = find(words).map_err(|failure| match failure {
        Failure::Arity(_) => Failure::text("Invalid number of arguments specified for command"),
        _ => Failure::text("Invalid command specified"),
    })?;
    let keys = command.keys_of(words);
    match keys.is_empty() {
        true => Err(Failure::text("The command has no key arguments")),
        false => Ok(Reply::Array(keys.iter().map(Reply::bulk).collect())),
    }
}

impl Command {
    /// The words that are keys; those after a number that is none are none.
    fn keys_of<'a>(&self, words: &'a [Vec<u8>]) -> Vec<&'a Vec<u8>> {
        match self.keys {
            Keys::None => Vec::new(),
            Keys::Range(first, last, step) => {
                let len = i64::try_from(words.len()).expect("words are counted in 32 bits");
                let last = if last < 0 { len + last } else { last };
                let count = usize::try_from(last + 1).unwrap_or(0).saturating_sub(first);
                words.iter().skip(first).take(count).step_by(step).collect()
            }
            Keys::Counted(at) => counted(words, at).collect(),
            Keys::FirstAndCounted(at) => {
                words.get(1).into_iter().chain(counted(words, at)).collect()
            }
            Keys::Streams => {
                let named = words.iter().position(|word| word.eq_ignore_ascii_case(b"streams"));
                let behind = named.map_or(&[][..], |at| &words[at + 1..]);
                behind.iter().take(behind.len() / 2).collect()
            }
        }
    }
}

/// As many words as the one at this place says, from the next one on.
fn counted(words: &[Vec<u8>], at: usize) -> impl Iterator<Item = &Vec<u8>> {
    let count = words.get(at).and_then(|word| integer(word));
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    words.iter().skip(at + 1).take(count)
}
