//! Commands on keys of any kind: whether they are there, and for how long.

use super::super::db::Db;
use super::super::instance::DATABASES;
use super::super::number::integer;
use super::flags::{FAST, READ, WRITE};
use super::{ALL, Command, Context, FIRST, Failure, Keys, Reply, command, up_to_zero};

pub(super) const TABLE: &[Command] = &[
    command("dbsize", 1, READ | FAST, Keys::None, dbsize),
    command("del", -2, WRITE, ALL, del),
    command("exists", -2, READ | FAST, ALL, exists),
    command("expire", -3, WRITE | FAST, FIRST, expire),
    command("flushall", -1, WRITE, Keys::None, flushall),
    command("pexpire", -3, WRITE | FAST, FIRST, pexpire),
    command("pttl", 2, READ | FAST, FIRST, pttl),
    command("ttl", 2, READ | FAST, FIRST, ttl),
];

fn del(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let mut gone = 0;
    for key in &words[1..] {
        if context.db().remove(key).is_some() {
            context.modified(key);
            gone += 1;
        }
    }
    Ok(Reply::count(gone))
}

fn exists(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(words[1..].iter().filter(|key| context.db().get(key).is_some()).count()))
}

fn dbsize(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.db().len()))
}

fn flushall(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let known = match &words[1..] {
        [] => true,
        [how] => how.eq_ignore_ascii_case(b"sync") || how.eq_ignore_ascii_case(b"async"),
        _ => false,
    };
    if !known {
        return Err(Failure::Syntax);
    }
    let all: Vec<usize> = (0..DATABASES).collect();
    context.instance.touch_watchers_of_all(&all, None);
    context.instance.databases.iter_mut().for_each(Db::clear);
    context.changed();
    Ok(Reply::OK)
}

fn expire(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    expire_in(context, words, 1000)
}

fn pexpire(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    expire_in(context, words, 1)
}

/// When a new end of a key's life is taken over.
#[derive(Default)]
struct Condition {
    only_new: bool,
    only_there: bool,
    later: bool,
    sooner: bool,
}

fn expire_in(context: &mut Context<'_>, words: &[Vec<u8>], unit_ms: i64) -> Result<Reply, Failure> {
    let condition = condition(&words[3..])?;
    let span = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let now_ms = context.db().now_ms();
    let at_ms = span.checked_mul(unit_ms).and_then(|span_ms| span_ms.checked_add(now_ms));
    let at_ms = at_ms.ok_or_else(|| context.invalid_expire())?;
    let (key, db) = (&words[1], context.db());
    if db.get(key).is_none() || !condition.allows(db.expires_ms(key), at_ms) {
        return Ok(Reply::Integer(0));
    }
    if at_ms <= now_ms {
        db.remove(key);
    } else {
        db.set_expires_ms(key, Some(at_ms));
    }
    context.modified(key);
    Ok(Reply::Integer(1))
}

fn condition(words: &[Vec<u8>]) -> Result<Condition, Failure> {
    let mut condition = Condition::default();
    for word in words {
        match word.to_ascii_lowercase().as_slice() {
            b"nx" => condition.only_new = true,
            b"xx" => condition.only_there = true,
            b"gt" => condition.later = true,
            b"lt" => condition.sooner = true,
            _ => return Err(Failure::text([b"Unsupported option ", up_to_zero(word)].concat())),
        }
    }
    let Condition { only_new, only_there, later, sooner } = condition;
    if only_new && (only_there || later || sooner) {
        let text = "NX and XX, GT or LT options at the same time are not compatible";
        return Err(Failure::text(text));
    }
    if later && sooner {
        let text = "GT and LT options at the same time are not compatible";
        return Err(Failure::text(text));
    }
    Ok(condition)
}

impl Condition {
    /// A key without an end counts as one that lives for ever.
    fn allows(&self, current_ms: Option<i64>, at_ms: i64) -> bool {
        !(self.only_new && current_ms.is_some()
            || self.only_there && current_ms.is_none()
            || self.later && current_ms.is_none_or(|current_ms| at_ms <= current_ms)
            || self.sooner && current_ms.is_some_and(|current_ms| at_ms >= current_ms))
    }
}

fn pttl(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Integer(left_ms(context, &words[1]).unwrap_or_else(|none| none)))
}

fn ttl(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let left_ms = left_ms(context, &words[1]);
    Ok(Reply::Integer(left_ms.map_or_else(|none| none, |left_ms| (left_ms + 500) / 1000)))
}

/// What is left of a key's life; −2 for a key that is not there, −1 for one without an end.
fn left_ms(context: &mut Context<'_>, key: &[u8]) -> Result<i64, i64> {
    let db = context.db();
    if db.get(key).is_none() {
        return Err(-2);
    }
    let at_ms = db.expires_ms(key).ok_or(-1_i64)?;
    Ok(at_ms - db.now_ms())
}
