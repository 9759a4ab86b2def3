//! `DUMP` and `RESTORE`: a value as bytes that another Redis understands.

use super::super::flags::{DENY_OOM, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::number::integer;
use crate::redis::rdb::{self, Unusable};

pub(in super::super) const TABLE: &[Command] = &[
    command("dump", 2, READ, FIRST, dump),
    command("restore", -4, WRITE | DENY_OOM, FIRST, restore),
];

fn dump(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(context.db().get(&words[1]).map_or(Reply::Null, |value| Reply::Bulk(rdb::dump(value))))
}

/// The options of `RESTORE`.
#[derive(Default)]
struct Options {
    replace: bool,
    /// The end is a time, not a span.
    absolute: bool,
    idle_s: Option<i64>,
    /// It was said how often the key is used, which is not kept.
    frequent: bool,
}

fn options(words: &[Vec<u8>]) -> Result<Options, Failure> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_slice() {
            b"replace" => options.replace = true,
            b"absttl" => options.absolute = true,
            b"idletime" if !options.frequent => {
                let idle_s = integer(words.next().ok_or(Failure::Syntax)?);
                let idle_s = idle_s.ok_or(Failure::NotAnInteger)?;
                if idle_s < 0 {
                    return Err(Failure::text("Invalid IDLETIME value, must be >= 0"));
                }
                options.idle_s = Some(idle_s);
            }
            b"freq" if options.idle_s.is_none() => {
                let often = integer(words.next().ok_or(Failure::Syntax)?);
                if !(0..=255).contains(&often.ok_or(Failure::NotAnInteger)?) {
                    return Err(Failure::text("Invalid FREQ value, must be >= 0 and <= 255"));
                }
                options.frequent = true;
            }
            _ => return Err(Failure::Syntax),
        }
    }
    Ok(options)
}

fn restore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let options = options(&words[4..])?;
    let (key, now_ms) = (&words[1], context.now_ms());
    if !options.replace && context.db().get(key).is_some() {
        return Err(Failure::Other(b"BUSYKEY Target key name already exists.".to_vec()));
    }
    let span_ms = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    if span_ms < 0 {
        return Err(Failure::text("Invalid TTL value, must be >= 0"));
    }
    let value = rdb::restore(&words[3]).map_err(|unusable| match unusable {
        Unusable::Foreign => Failure::text("DUMP payload version or checksum are wrong"),
        Unusable::Damaged => Failure::text("Bad data format"),
    })?;
    let replaced = options.replace && context.db().discard(key).is_some();
    let from_ms = if options.absolute { 0 } else { now_ms };
    let end_ms = (span_ms > 0).then(|| span_ms.wrapping_add(from_ms));
    if end_ms.is_some_and(|end_ms| end_ms <= now_ms) && !context.must_obey() {
        if replaced {
            context.modified(key);
            context.propagate_as(vec![vec![b"DEL".to_vec(), key.clone()]]);
        }
        return Ok(Reply::OK);
    }
    let db = context.db();
    db.set(key, value);
    db.set_expires_ms(key, end_ms);
    if let Some(idle_s) = options.idle_s {
        db.set_used_ms(key, now_ms.saturating_sub(idle_s.saturating_mul(1000)));
    }
    context.modified(key);
    // Replicas hear of an end, not of a span.
    if let Some(end_ms) = end_ms.filter(|_| !options.absolute) {
        let mut told = words.to_vec();
        told[2] = end_ms.to_string().into_bytes();
        told.push(b"ABSTTL".to_vec());
        context.propagate_as(vec![told]);
    }
    Ok(Reply::OK)
}
