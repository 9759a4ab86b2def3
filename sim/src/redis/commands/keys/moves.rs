//! Commands that give a value another key, or another database.

use super::super::flags::{DENY_OOM, FAST, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use crate::redis::instance::DATABASES;
use crate::redis::number::integer;

pub(in super::super) const TABLE: &[Command] = &[
    command("copy", -3, WRITE | DENY_OOM, Keys::Range(1, 2, 1), copy),
    command("move", 3, WRITE | FAST, FIRST, move_to),
    command("rename", 3, WRITE, Keys::Range(1, 2, 1), rename),
    command("renamenx", 3, WRITE | FAST, Keys::Range(1, 2, 1), renamenx),
    command("swapdb", 3, WRITE | FAST, Keys::None, swapdb),
];

fn rename(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    rename_unless_there(context, words, false).map(|_| Reply::OK)
}

fn renamenx(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    rename_unless_there(context, words, true).map(|renamed| Reply::Integer(renamed.into()))
}

fn rename_unless_there(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    only_new: bool,
) -> Result<bool, Failure> {
    let (from, to, db) = (&words[1], &words[2], context.db());
    if db.get(from).is_none() {
        return Err(Failure::text("no such key"));
    }
    if from == to {
        return Ok(!only_new);
    }
    if only_new && db.get(to).is_some() {
        return Ok(false);
    }
    db.get(to);
    let expires_ms = db.expires_ms(from);
    let value = db.remove(from).expect("it was there");
    db.set(to, value);
    db.set_expires_ms(to, expires_ms);
    context.modified(from);
    context.modified(to);
    Ok(true)
}

fn move_to(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (key, from) = (&words[1], context.database);
    let number = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let to = database(number).ok_or_else(|| Failure::text("DB index is out of range"))?;
    if from == to {
        return Err(Failure::text("source and destination objects are the same"));
    }
    let databases = &mut context.instance.databases;
    if databases[from].get(key).is_none() || databases[to].get(key).is_some() {
        return Ok(Reply::Integer(0));
    }
    let expires_ms = databases[from].expires_ms(key);
    let value = databases[from].remove(key).expect("it was there");
    databases[to].set(key, value);
    databases[to].set_expires_ms(key, expires_ms);
    context.modified_in(from, key);
    context.modified_in(to, key);
    Ok(Reply::Integer(1))
}

fn database(number: i64) -> Option<usize> {
    usize::try_from(number).ok().filter(|database| *database < DATABASES)
}

fn copy(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (key, other, from) = (&words[1], &words[2], context.database);
    let (mut to, mut replace) = (from, false);
    let mut options = words[3..].iter();
    while let Some(option) = options.next() {
        match option.to_ascii_lowercase().as_slice() {
            b"replace" => replace = true,
            b"db" => {
                let word = options.next().ok_or(Failure::Syntax)?;
                let number = integer(word).ok_or(Failure::NotAnInteger)?;
                to = database(number).ok_or_else(|| Failure::text("DB index is out of range"))?;
            }
            _ => return Err(Failure::Syntax),
        }
    }
    if from == to && key == other {
        return Err(Failure::text("source and destination objects are the same"));
    }
    let databases = &mut context.instance.databases;
    let Some(value) = databases[from].get(key).cloned() else { return Ok(Reply::Integer(0)) };
    let expires_ms = databases[from].expires_ms(key);
    if databases[to].get(other).is_some() && !replace {
        return Ok(Reply::Integer(0));
    }
    databases[to].set(other, value);
    databases[to].set_expires_ms(other, expires_ms);
    context.modified_in(to, other);
    Ok(Reply::Integer(1))
}

fn swapdb(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let number = |word: &[u8], which: &str| {
        integer(word).ok_or_else(|| Failure::text(format!("invalid {which} DB index")))
    };
    let (one, other) = (number(&words[1], "first")?, number(&words[2], "second")?);
    let both = database(one).zip(database(other));
    let (one, other) = both.ok_or_else(|| Failure::text("DB index is out of range"))?;
    context.instance.touch_watchers_of_all(&[one], Some(other));
    context.instance.touch_watchers_of_all(&[other], Some(one));
    context.instance.databases.swap(one, other);
    context.instance.note_all_ready(&[one, other]);
    context.changed();
    Ok(Reply::OK)
}
