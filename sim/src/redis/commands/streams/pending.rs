//! Commands on what was delivered to consumers and not yet acknowledged.

use super::super::flags::{FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use super::{ids, no_group, told_id};
use crate::redis::number::integer;
use crate::redis::values::stream::{Group, Id};

pub(in super::super) const TABLE: &[Command] = &[
    command("xack", -4, WRITE | FAST, FIRST, xack),
    command("xpending", -3, READ, FIRST, xpending),
];

fn xack(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let group = context.stream(&words[1])?.and_then(|stream| stream.groups.get_mut(&words[2]));
    let Some(group) = group else { return Ok(Reply::Integer(0)) };
    let ids = words[3..].iter().map(|word| ids::id(word)).collect::<Result<Vec<_>, _>>()?;
    let acknowledged = ids.into_iter().filter(|id| group.acknowledge(*id)).count();
    if acknowledged > 0 {
        context.changed();
    }
    Ok(Reply::count(acknowledged))
}

/// Which pending entries are asked for.
struct Query<'a> {
    start: Id,
    end: Id,
    count: usize,
    idle_ms_min: i64,
    consumer: Option<&'a [u8]>,
}

fn xpending(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let query = match words.len() {
        3 => None,
        6..=9 => Some(query(words)?),
        _ => return Err(Failure::Syntax),
    };
    let now_ms = context.now_ms();
    let group = context.stream(&words[1])?.and_then(|stream| stream.groups.get(&words[2]));
    let group = group.ok_or_else(|| no_group(&words[1], &words[2], ""))?;
    Ok(query.map_or_else(|| summary(group), |query| listed(group, &query, now_ms)))
}

fn query(words: &[Vec<u8>]) -> Result<Query<'_>, Failure> {
    let number = |word: &[u8]| integer(word).ok_or(Failure::NotAnInteger);
    let (mut idle_ms_min, mut at) = (0, 3);
    if words[3].eq_ignore_ascii_case(b"idle") {
        idle_ms_min = number(&words[4])?;
        if words.len() < 8 {
            return Err(Failure::Syntax);
        }
        at = 5;
    }
    let count = usize::try_from(number(&words[at + 2])?).unwrap_or(0);
    let (start, end) = (ids::start(&words[at])?, ids::end(&words[at + 1])?);
    let consumer = words.get(at + 3).map(Vec::as_slice);
    Ok(Query { start, end, count, idle_ms_min, consumer })
}

fn summary(group: &Group) -> Reply {
    let pending = group.pending();
    let ends = pending.first_key_value().zip(pending.last_key_value());
    let Some(((first, _), (last, _))) = ends else {
        return Reply::Array(vec![Reply::Integer(0), Reply::Null, Reply::Null, Reply::NullArray]);
    };
    let busy = group.consumers().iter().filter(|(_, consumer)| !consumer.pending().is_empty());
    let consumers = busy.map(|(name, consumer)| {
        let count = consumer.pending().len().to_string();
        Reply::Array(vec![Reply::bulk(name), Reply::bulk(count)])
    });
    Reply::Array(vec![
        Reply::count(pending.len()),
        told_id(*first),
        told_id(*last),
        Reply::Array(consumers.collect()),
    ])
}

fn listed(group: &Group, query: &Query<'_>, now_ms: i64) -> Reply {
    if query.start > query.end {
        return Reply::Array(Vec::new());
    }
    let entries = group.pending().range(query.start..=query.end);
    let own = |consumer: &[u8]| query.consumer.is_none_or(|wanted| wanted == consumer);
    let idle = |delivered_ms: i64| now_ms.saturating_sub(delivered_ms);
    let old = |delivered_ms| query.idle_ms_min == 0 || idle(delivered_ms) >= query.idle_ms_min;
    let entries = entries.filter(|(_, one)| own(&one.consumer) && old(one.delivered_ms));
    let told = entries.take(query.count).map(|(id, one)| {
        Reply::Array(vec![
            told_id(*id),
            Reply::bulk(&one.consumer),
            Reply::Integer(idle(one.delivered_ms).max(0)),
            Reply::Integer(one.deliveries),
        ])
    });
    Reply::Array(told.collect())
}
