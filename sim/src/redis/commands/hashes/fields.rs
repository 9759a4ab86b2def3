//! Commands on the fields of a hash.

use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::values::Hash;

const PUT: u32 = WRITE | DENY_OOM | FAST;

pub(in super::super) const TABLE: &[Command] = &[
    command("hdel", -3, WRITE | FAST, FIRST, hdel),
    command("hexists", 3, READ | FAST, FIRST, hexists),
    command("hget", 3, READ | FAST, FIRST, hget),
    command("hgetall", 2, READ, FIRST, hgetall),
    command("hkeys", 2, READ, FIRST, hkeys),
    command("hlen", 2, READ | FAST, FIRST, hlen),
    command("hmget", -3, READ | FAST, FIRST, hmget),
    command("hmset", -4, PUT, FIRST, hmset),
    command("hset", -4, PUT, FIRST, hset),
    command("hsetnx", 4, PUT, FIRST, hsetnx),
    command("hstrlen", 3, READ | FAST, FIRST, hstrlen),
    command("hvals", 2, READ, FIRST, hvals),
];

fn hset(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    put(context, words).map(Reply::count)
}

fn hmset(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    put(context, words).map(|_| Reply::OK)
}

/// Sets fields; how many are new.
fn put(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<usize, Failure> {
    let pairs = words[2..].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(context.arity());
    }
    let hash = context.made::<Hash>(&words[1])?;
    let new = pairs.filter(|pair| hash.set(&pair[0], &pair[1])).count();
    context.modified(&words[1]);
    Ok(new)
}

fn hsetnx(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let hash = context.made::<Hash>(&words[1])?;
    if hash.get(&words[2]).is_some() {
        return Ok(Reply::Integer(0));
    }
    hash.set(&words[2], &words[3]);
    context.modified(&words[1]);
    Ok(Reply::Integer(1))
}

fn hget(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let value = context.hash(&words[1])?.and_then(|hash| hash.get(&words[2]));
    Ok(value.map_or(Reply::Null, Reply::bulk))
}

fn hmget(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let hash = context.hash(&words[1])?;
    let value = |field| hash.as_ref().and_then(|hash| hash.get(field));
    let told = words[2..].iter().map(|field| value(field).map_or(Reply::Null, Reply::bulk));
    Ok(Reply::Array(told.collect()))
}

fn hstrlen(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let value = context.hash(&words[1])?.and_then(|hash| hash.get(&words[2]));
    Ok(Reply::count(value.map_or(0, <[u8]>::len)))
}

fn hexists(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let value = context.hash(&words[1])?.and_then(|hash| hash.get(&words[2]));
    Ok(Reply::Integer(value.is_some().into()))
}

fn hdel(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(hash) = context.hash(&words[1])? else { return Ok(Reply::Integer(0)) };
    let gone = words[2..].iter().filter(|field| hash.remove(field)).count();
    if gone > 0 {
        context.shrunk(&words[1]);
    }
    Ok(Reply::count(gone))
}

fn hlen(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.hash(&words[1])?.map_or(0, |hash| hash.len())))
}

fn hgetall(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pairs = context.hash(&words[1])?.map_or(Vec::new(), |hash| {
        hash.iter().map(|(field, value)| (Reply::bulk(field), Reply::bulk(value))).collect()
    });
    Ok(Reply::Map(pairs))
}

fn hkeys(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let hash = context.hash(&words[1])?;
    let fields = hash.iter().flat_map(|hash| hash.iter()).map(|(field, _)| Reply::bulk(field));
    Ok(Reply::Array(fields.collect()))
}

fn hvals(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let hash = context.hash(&words[1])?;
    let values = hash.iter().flat_map(|hash| hash.iter()).map(|(_, value)| Reply::bulk(value));
    Ok(Reply::Array(values.collect()))
}
