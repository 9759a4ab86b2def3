//! Commands that count the members of a part of a sorted set, or remove them.

use super::super::flags::{FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use super::span::Span;

pub(in super::super) const TABLE: &[Command] = &[
    command("zcount", 4, READ | FAST, FIRST, zcount),
    command("zlexcount", 4, READ | FAST, FIRST, zlexcount),
    command("zremrangebylex", 4, WRITE, FIRST, zremrangebylex),
    command("zremrangebyrank", 4, WRITE, FIRST, zremrangebyrank),
    command("zremrangebyscore", 4, WRITE, FIRST, zremrangebyscore),
];

fn zcount(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    count(context, &words[1], &Span::scores(&words[2], &words[3])?)
}

fn zlexcount(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    count(context, &words[1], &Span::lex(&words[2], &words[3])?)
}

fn count(context: &mut Context<'_>, key: &[u8], span: &Span) -> Result<Reply, Failure> {
    Ok(Reply::count(context.sorted_set(key)?.map_or(0, |set| span.find(set).len())))
}

fn zremrangebyrank(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    remove(context, &words[1], &Span::ranks(&words[2], &words[3])?)
}

fn zremrangebyscore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    remove(context, &words[1], &Span::scores(&words[2], &words[3])?)
}

fn zremrangebylex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    remove(context, &words[1], &Span::lex(&words[2], &words[3])?)
}

/// Removes members; a set without members is no longer there.
fn remove(context: &mut Context<'_>, key: &[u8], span: &Span) -> Result<Reply, Failure> {
    let Some(set) = context.sorted_set(key)? else { return Ok(Reply::Integer(0)) };
    let gone = set.remove_at(span.find(set));
    if gone > 0 {
        context.shrunk(key);
    }
    Ok(Reply::count(gone))
}
