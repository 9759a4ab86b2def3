//! Commands that put elements at the ends of lists, or take them from there.

use super::super::arguments::{positive, timeout};
use super::super::flags::{BLOCKING, DENY_OOM, FAST, NO_SCRIPT, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use super::End;
use crate::redis::number::integer;
use crate::redis::values::{Kind, List};

const PUSH: u32 = WRITE | DENY_OOM | FAST;
const WAITS: u32 = WRITE | NO_SCRIPT | BLOCKING;

pub(in super::super) const TABLE: &[Command] = &[
    command("blmpop", -5, WRITE | BLOCKING, Keys::Counted(2), blmpop),
    command("blpop", -3, WAITS, Keys::Range(1, -2, 1), blpop),
    command("brpop", -3, WAITS, Keys::Range(1, -2, 1), brpop),
    command("lmpop", -4, WRITE, Keys::Counted(1), lmpop),
    command("lpop", -2, WRITE | FAST, FIRST, lpop),
    command("lpush", -3, PUSH, FIRST, lpush),
    command("lpushx", -3, PUSH, FIRST, lpushx),
    command("rpop", -2, WRITE | FAST, FIRST, rpop),
    command("rpush", -3, PUSH, FIRST, rpush),
    command("rpushx", -3, PUSH, FIRST, rpushx),
];

fn lpush(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    push(context, words, End::Left)
}

fn rpush(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    push(context, words, End::Right)
}

fn push(context: &mut Context<'_>, words: &[Vec<u8>], end: End) -> Result<Reply, Failure> {
    let list = context.made::<List>(&words[1])?;
    words[2..].iter().for_each(|element| put(list, element.clone(), end));
    let len = list.len();
    context.modified(&words[1]);
    Ok(Reply::count(len))
}

pub(super) fn put(list: &mut List, element: Vec<u8>, end: End) {
    match end {
        End::Left => list.push_front(element),
        End::Right => list.push_back(element),
    }
}

pub(super) fn take(list: &mut List, end: End) -> Option<Vec<u8>> {
    match end {
        End::Left => list.pop_front(),
        End::Right => list.pop_back(),
    }
}

fn lpushx(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    push_if_there(context, words, End::Left)
}

fn rpushx(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    push_if_there(context, words, End::Right)
}

fn push_if_there(context: &mut Context<'_>, words: &[Vec<u8>], end: End) -> Result<Reply, Failure> {
    match context.list(&words[1])? {
        Some(_) => push(context, words, end),
        None => Ok(Reply::Integer(0)),
    }
}

fn lpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop(context, words, End::Left)
}

fn rpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop(context, words, End::Right)
}

fn pop(context: &mut Context<'_>, words: &[Vec<u8>], end: End) -> Result<Reply, Failure> {
    let key = &words[1];
    let count = match &words[2..] {
        [] => None,
        [count] => Some(positive(count)?),
        _ => return Err(context.arity()),
    };
    let Some(list) = context.list(key)? else {
        return Ok(if count.is_some() { Reply::NullArray } else { Reply::Null });
    };
    let Some(count) = count else {
        let element = take(list, end).expect("a list that is there is not empty");
        context.shrunk(key);
        return Ok(Reply::Bulk(element));
    };
    if count == 0 {
        return Ok(Reply::Array(Vec::new()));
    }
    let elements = (0..count).map_while(|_| take(list, end)).map(Reply::Bulk).collect();
    context.shrunk(key);
    Ok(Reply::Array(elements))
}

fn blpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop_or_wait(context, words, End::Left)
}

fn brpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    pop_or_wait(context, words, End::Right)
}

fn pop_or_wait(context: &mut Context<'_>, words: &[Vec<u8>], end: End) -> Result<Reply, Failure> {
    let (keys, last) = (&words[1..words.len() - 1], &words[words.len() - 1]);
    let deadline_ms = timeout(context, last)?;
    for key in context.due_keys(keys) {
        if let Some(list) = context.list(&key)? {
            let element = take(list, end).expect("a list that is there is not empty");
            context.shrunk(&key);
            context.propagate_as(vec![vec![end.pop(), key.clone()]]);
            return Ok(Reply::Array(vec![Reply::Bulk(key), Reply::Bulk(element)]));
        }
    }
    Ok(context.wait_for_keys(Kind::List, keys, deadline_ms, words, Reply::NullArray))
}

fn lmpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pops = pops(&words[1..])?;
    Ok(pop_several(context, &pops)?.unwrap_or(Reply::NullArray))
}

fn blmpop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pops = pops(&words[2..])?;
    let deadline_ms = timeout(context, &words[1])?;
    if let Some(reply) = pop_several(context, &pops)? {
        return Ok(reply);
    }
    Ok(context.wait_for_keys(Kind::List, pops.keys, deadline_ms, words, Reply::NullArray))
}

/// From which of these keys to take, from which end, and how many.
struct Pops<'a> {
    keys: &'a [Vec<u8>],
    end: End,
    count: usize,
}

fn pops(words: &[Vec<u8>]) -> Result<Pops<'_>, Failure> {
    let few = || Failure::text("numkeys should be greater than 0");
    let number = integer(&words[0]).ok_or_else(few)?;
    let number = usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(few)?;
    let keys = words.get(1..number.saturating_add(1)).ok_or(Failure::Syntax)?;
    let end = End::parse(words.get(number + 1).ok_or(Failure::Syntax)?)?;
    let (mut count, mut options) = (None, words[number + 2..].iter());
    while let Some(option) = options.next() {
        let value = options.next().ok_or(Failure::Syntax)?;
        if count.is_some() || !option.eq_ignore_ascii_case(b"count") {
            return Err(Failure::Syntax);
        }
        let few = || Failure::text("count should be greater than 0");
        let number = integer(value).ok_or_else(few)?;
        count = Some(usize::try_from(number).ok().filter(|count| *count > 0).ok_or_else(few)?);
    }
    Ok(Pops { keys, end, count: count.unwrap_or(1) })
}

fn pop_several(context: &mut Context<'_>, pops: &Pops<'_>) -> Result<Option<Reply>, Failure> {
    for key in context.due_keys(pops.keys) {
        let Some(list) = context.list(&key)? else { continue };
        let taken = (0..pops.count).map_while(|_| take(list, pops.end)).map(Reply::Bulk);
        let taken: Vec<Reply> = taken.collect();
        let count = taken.len().to_string().into_bytes();
        context.shrunk(&key);
        context.propagate_as(vec![vec![pops.end.pop(), key.clone(), count]]);
        return Ok(Some(Reply::Array(vec![Reply::Bulk(key), Reply::Array(taken)])));
    }
    Ok(None)
}
