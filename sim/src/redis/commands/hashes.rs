//! Commands on hashes.

use super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::values::Hash;

pub(super) const TABLE: &[Command] = &[
    command("hdel", -3, WRITE | FAST, FIRST, hdel),
    command("hget", 3, READ | FAST, FIRST, hget),
    command("hgetall", 2, READ, FIRST, hgetall),
    command("hlen", 2, READ | FAST, FIRST, hlen),
    command("hset", -4, WRITE | DENY_OOM | FAST, FIRST, hset),
];

fn hset(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pairs = words[2..].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(context.arity());
    }
    let hash = context.made::<Hash>(&words[1])?;
    let new = pairs.filter(|pair| hash.set(&pair[0], &pair[1])).count();
    context.modified(&words[1]);
    Ok(Reply::count(new))
}

fn hget(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let value = context.hash(&words[1])?.and_then(|hash| hash.get(&words[2]));
    Ok(value.map_or(Reply::Null, Reply::bulk))
}

fn hdel(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(hash) = context.hash(&words[1])? else { return Ok(Reply::Integer(0)) };
    let gone = words[2..].iter().filter(|field| hash.remove(field)).count();
    let empty = hash.is_empty();
    if empty {
        context.db().remove(&words[1]);
    }
    if gone > 0 {
        context.modified(&words[1]);
    }
    Ok(Reply::count(gone))
}

fn hgetall(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pairs = context.hash(&words[1])?.map_or(Vec::new(), |hash| {
        hash.iter().map(|(field, value)| (Reply::bulk(field), Reply::bulk(value))).collect()
    });
    Ok(Reply::Map(pairs))
}

fn hlen(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.hash(&words[1])?.map_or(0, |hash| hash.len())))
}
