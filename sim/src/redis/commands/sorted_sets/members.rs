//! Commands on single members of a sorted set, and on how many there are.

use super::super::flags::{FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};

pub(in super::super) const TABLE: &[Command] = &[
    command("zcard", 2, READ | FAST, FIRST, zcard),
    command("zmscore", -3, READ | FAST, FIRST, zmscore),
    command("zrank", 3, READ | FAST, FIRST, zrank),
    command("zrem", -3, WRITE | FAST, FIRST, zrem),
    command("zrevrank", 3, READ | FAST, FIRST, zrevrank),
    command("zscore", 3, READ | FAST, FIRST, zscore),
];

fn zcard(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.sorted_set(&words[1])?.map_or(0, |set| set.len())))
}

fn zscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let score = context.sorted_set(&words[1])?.and_then(|set| set.score(&words[2]));
    Ok(score.map_or(Reply::Null, Reply::Double))
}

fn zmscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let set = context.sorted_set(&words[1])?;
    let score = |member: &Vec<u8>| set.as_ref().and_then(|set| set.score(member));
    let told = words[2..].iter().map(|member| score(member).map_or(Reply::Null, Reply::Double));
    Ok(Reply::Array(told.collect()))
}

fn zrank(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let rank = context.sorted_set(&words[1])?.and_then(|set| set.rank(&words[2]));
    Ok(rank.map_or(Reply::Null, Reply::count))
}

fn zrevrank(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let set = context.sorted_set(&words[1])?;
    let rank = set.and_then(|set| Some(set.len() - 1 - set.rank(&words[2])?));
    Ok(rank.map_or(Reply::Null, Reply::count))
}

fn zrem(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(set) = context.sorted_set(&words[1])? else { return Ok(Reply::Integer(0)) };
    let gone = words[2..].iter().filter(|member| set.remove(member)).count();
    if gone > 0 {
        context.shrunk(&words[1]);
    }
    Ok(Reply::count(gone))
}
