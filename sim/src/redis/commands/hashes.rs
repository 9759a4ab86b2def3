//! Commands on hashes.

use super::{Command, Context, Failure, Reply, Run};

pub(super) const TABLE: &[Command] = &[
    Command { name: "hdel", arity: -3, run: Run::Command(hdel) },
    Command { name: "hget", arity: 3, run: Run::Command(hget) },
    Command { name: "hgetall", arity: 2, run: Run::Command(hgetall) },
    Command { name: "hlen", arity: 2, run: Run::Command(hlen) },
    Command { name: "hset", arity: -4, run: Run::Command(hset) },
];

fn hset(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pairs = words[2..].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(context.arity());
    }
    let hash = context.hash_made(&words[1])?;
    let new = pairs.filter(|pair| hash.set(&pair[0], &pair[1])).count();
    Ok(Reply::count(new))
}

fn hget(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let value = context.hash(&words[1])?.and_then(|hash| hash.get(&words[2]));
    Ok(value.map_or(Reply::Null, Reply::bulk))
}

fn hdel(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(hash) = context.hash(&words[1])? else { return Ok(Reply::Integer(0)) };
    let gone = words[2..].iter().filter(|field| hash.remove(field)).count();
    if hash.is_empty() {
        context.db().remove(&words[1]);
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
