//! Commands on the lives of keys.

use super::super::flags::{FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command, up_to_zero};
use crate::redis::number::integer;

pub(in super::super) const TABLE: &[Command] = &[
    command("expire", -3, WRITE | FAST, FIRST, expire),
    command("expireat", -3, WRITE | FAST, FIRST, expireat),
    command("expiretime", 2, READ | FAST, FIRST, expiretime),
    command("persist", 2, WRITE | FAST, FIRST, persist),
    command("pexpire", -3, WRITE | FAST, FIRST, pexpire),
    command("pexpireat", -3, WRITE | FAST, FIRST, pexpireat),
    command("pexpiretime", 2, READ | FAST, FIRST, pexpiretime),
    command("pttl", 2, READ | FAST, FIRST, pttl),
    command("ttl", 2, READ | FAST, FIRST, ttl),
];

fn expire(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let now_ms = context.now_ms();
    expire_at(context, words, 1000, now_ms)
}

fn pexpire(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let now_ms = context.now_ms();
    expire_at(context, words, 1, now_ms)
}

fn expireat(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    expire_at(context, words, 1000, 0)
}

fn pexpireat(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    expire_at(context, words, 1, 0)
}

/// When a new end of a key's life is taken over.
#[derive(Default)]
struct Condition {
    only_new: bool,
    only_there: bool,
    later: bool,
    sooner: bool,
}

/// Lets the key end so many units after `base_ms`.
fn expire_at(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    unit_ms: i64,
    base_ms: i64,
) -> Result<Reply, Failure> {
    let condition = condition(&words[3..])?;
    let span = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let at_ms = span.checked_mul(unit_ms).and_then(|span_ms| span_ms.checked_add(base_ms));
    let at_ms = at_ms.ok_or_else(|| context.invalid_expire())?;
    let (key, now_ms, obeys) = (&words[1], context.now_ms(), context.must_obey());
    let db = context.db();
    if db.get(key).is_none() || !condition.allows(db.expires_ms(key), at_ms) {
        return Ok(Reply::Integer(0));
    }
    // What a master or a file says of a key may be followed by a later end, so that the key has to
    // stay.
    if at_ms <= now_ms && !obeys {
        db.remove(key);
        context.modified(key);
        context.propagate_as(vec![vec![b"DEL".to_vec(), key.clone()]]);
        return Ok(Reply::Integer(1));
    }
    db.set_expires_ms(key, Some(at_ms));
    context.lessened(key);
    // Replicas hear of an end, not of a span.
    if context.name != "pexpireat" {
        let at = at_ms.to_string().into_bytes();
        let told = [&[b"PEXPIREAT".to_vec(), key.clone(), at], &words[3..]].concat();
        context.propagate_as(vec![told]);
    }
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

fn persist(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (key, db) = (&words[1], context.db());
    if db.get(key).is_none() || db.expires_ms(key).is_none() {
        return Ok(Reply::Integer(0));
    }
    db.set_expires_ms(key, None);
    context.lessened(key);
    Ok(Reply::Integer(1))
}

fn pttl(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let now_ms = context.now_ms();
    end(context, &words[1], |at_ms| (at_ms - now_ms).max(0))
}

fn ttl(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let now_ms = context.now_ms();
    end(context, &words[1], |at_ms| ((at_ms - now_ms).max(0) + 500) / 1000)
}

fn pexpiretime(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    end(context, &words[1], |at_ms| at_ms)
}

fn expiretime(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    end(context, &words[1], |at_ms| ((at_ms.unsigned_abs() + 500) / 1000) as i64)
}

/// What is to be told of a key's end; −2 for a key that is not there, −1 for one without an end.
fn end(context: &mut Context<'_>, key: &[u8], told: impl Fn(i64) -> i64) -> Result<Reply, Failure> {
    let db = context.db();
    if db.look(key).is_none() {
        return Ok(Reply::Integer(-2));
    }
    Ok(Reply::Integer(db.expires_ms(key).map_or(-1, told)))
}

#[cfg(test)]
mod tests {
    use crate::redis::Instance;
    use crate::redis::db::Expiry;

    /// A file that is read back tells of ends that are over, and of later ones behind them.
    #[test]
    fn an_end_that_is_over_does_not_take_the_key_from_a_later_one() {
        let ends = ["SET k v PXAT 10", "PEXPIREAT k 20", "PEXPIREAT k 900"];
        let left = |expiry: Expiry| {
            let mut instance = Instance::default();
            let client = instance.connect();
            let mut run = |command: &str, expiry| {
                let words = command.split(' ').map(|word| word.as_bytes().to_vec());
                instance.execute_at(client, 100, &words.collect::<Vec<_>>(), expiry);
                let mut reply = Vec::new();
                instance.take_output(client, &mut reply);
                String::from_utf8(reply).expect("replies are texts")
            };
            ends.iter().for_each(|command| drop(run(command, expiry)));
            run("PTTL k", Expiry::Delete)
        };
        assert_eq!(left(Expiry::Ignore), ":800\r\n");
        assert_eq!(left(Expiry::Delete), ":-2\r\n", "clients are told otherwise");
    }
}
