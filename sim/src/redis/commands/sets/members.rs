//! Commands on the members of a set.

use super::super::arguments::{Scan, cursor, positive, random_count, scan};
use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use crate::redis::values::Set;

pub(in super::super) const TABLE: &[Command] = &[
    command("sadd", -3, WRITE | DENY_OOM | FAST, FIRST, sadd),
    command("scard", 2, READ | FAST, FIRST, scard),
    command("sismember", 3, READ | FAST, FIRST, sismember),
    command("smembers", 2, READ, FIRST, smembers),
    command("smismember", -3, READ | FAST, FIRST, smismember),
    command("smove", 4, WRITE | FAST, Keys::Range(1, 2, 1), smove),
    command("spop", -2, WRITE | FAST, FIRST, spop),
    command("srandmember", -2, READ, FIRST, srandmember),
    command("srem", -3, WRITE | FAST, FIRST, srem),
    command("sscan", -3, READ, FIRST, sscan),
];

fn sadd(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let set = context.made::<Set>(&words[1])?;
    let new = words[2..].iter().filter(|member| set.insert(member)).count();
    if new > 0 {
        context.modified(&words[1]);
    }
    Ok(Reply::count(new))
}

fn srem(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(set) = context.set(&words[1])? else { return Ok(Reply::Integer(0)) };
    let gone = words[2..].iter().filter(|member| set.remove(member)).count();
    if gone > 0 {
        context.shrunk(&words[1]);
    }
    Ok(Reply::count(gone))
}

fn scard(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.set(&words[1])?.map_or(0, |set| set.len())))
}

fn sismember(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let set = context.set(&words[1])?;
    Ok(Reply::Integer(set.is_some_and(|set| set.contains(&words[2])).into()))
}

fn smismember(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let set = context.set(&words[1])?;
    let there = |member| set.as_ref().is_some_and(|set| set.contains(member));
    let told = words[2..].iter().map(|member| Reply::Integer(there(member).into()));
    Ok(Reply::Array(told.collect()))
}

fn smembers(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let members = context.set(&words[1])?.map_or(Vec::new(), |set| set.members());
    Ok(Reply::Set(members.into_iter().map(Reply::Bulk).collect()))
}

fn smove(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (from, to, member) = (&words[1], &words[2], &words[3]);
    // If it has expired it goes, even when nothing is moved.
    context.db().get(to);
    if context.set(from)?.is_none() {
        return Ok(Reply::Integer(0));
    }
    context.set(to)?;
    let set = context.set(from)?.expect("it was there");
    if from == to {
        return Ok(Reply::Integer(set.contains(member).into()));
    }
    if !set.remove(member) {
        return Ok(Reply::Integer(0));
    }
    context.shrunk(from);
    if context.made::<Set>(to)?.insert(member) {
        context.modified(to);
    }
    Ok(Reply::Integer(1))
}

fn spop(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let key = &words[1];
    let count = match &words[2..] {
        [] => None,
        [count] => Some(positive(count)?),
        _ => return Err(Failure::Syntax),
    };
    let Some(len) = context.set(key)?.map(|set| set.len()) else {
        return Ok(if count.is_some() { Reply::Set(Vec::new()) } else { Reply::Null });
    };
    let mut gone = Vec::new();
    for left in (1..=len).rev().take(count.unwrap_or(1)) {
        let place = context.instance.random_below(left);
        let set = context.set(key)?.expect("it was there");
        let member = set.at(place).expect("the place lies within").to_vec();
        set.remove(&member);
        gone.push(member);
    }
    if gone.is_empty() {
        return Ok(Reply::Set(Vec::new()));
    }
    context.shrunk(key);
    // Chance must not decide again on a replica.
    let told = match gone.len() == len {
        true if count.is_some() => vec![b"DEL".to_vec(), key.clone()],
        _ => [vec![b"SREM".to_vec(), key.clone()], gone.clone()].concat(),
    };
    context.propagate_as(vec![told]);
    match count {
        Some(_) => Ok(Reply::Set(gone.into_iter().map(Reply::Bulk).collect())),
        None => Ok(Reply::Bulk(gone.remove(0))),
    }
}

fn srandmember(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let count = match &words[2..] {
        [] => None,
        [count] => Some(random_count(count)?),
        _ => return Err(Failure::Syntax),
    };
    let Some(mut members) = context.set(&words[1])?.map(|set| set.members()) else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    let Some(count) = count else {
        let place = context.instance.random_below(members.len());
        return Ok(Reply::Bulk(members.swap_remove(place)));
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        let chosen = (0..wanted)
            .map(|_| Reply::bulk(&members[context.instance.random_below(members.len())]));
        return Ok(Reply::Array(chosen.collect()));
    }
    while members.len() > wanted {
        let place = context.instance.random_below(members.len());
        members.swap_remove(place);
    }
    Ok(Reply::Array(members.into_iter().map(Reply::Bulk).collect()))
}

fn sscan(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    cursor(&words[2])?;
    if context.set(&words[1])?.is_none() {
        return Ok(Scan::reply(context, None, vec![]));
    }
    let scan = scan(context, &words[2], &words[3..], false)?;
    let Some(set) = context.set(&words[1])? else { return Ok(Scan::reply(context, None, vec![])) };
    if set.is_integers() {
        let found = set.members().into_iter().filter(|member| scan.admits(member));
        let found = found.map(Reply::Bulk).collect();
        return Ok(Scan::reply(context, None, found));
    }
    if scan.over {
        return Ok(Scan::reply(context, None, vec![]));
    }
    let page: Vec<Vec<u8>> =
        set.after(scan.after.as_deref()).take(scan.count + 1).map(<[u8]>::to_vec).collect();
    let last = (page.len() > scan.count).then(|| page[scan.count - 1].clone());
    let found = page.into_iter().take(scan.count).filter(|member| scan.admits(member));
    let found = found.map(Reply::Bulk).collect();
    Ok(Scan::reply(context, last, found))
}
