//! Commands that give a key a string, and those that take it back: `SET` and its older forms, `GET`
//! and its later ones.

use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{ALL, Command, Context, FIRST, Failure, Keys, Reply, command};
use crate::redis::number::integer;
use crate::redis::values::Value;

pub(in super::super) const TABLE: &[Command] = &[
    command("get", 2, READ | FAST, FIRST, get),
    command("getdel", 2, WRITE | FAST, FIRST, getdel),
    command("getex", -2, WRITE | FAST, FIRST, getex),
    command("getset", 3, WRITE | DENY_OOM | FAST, FIRST, getset),
    command("mget", -2, READ | FAST, ALL, mget),
    command("mset", -3, WRITE | DENY_OOM, Keys::Range(1, -1, 2), mset),
    command("msetnx", -3, WRITE | DENY_OOM, Keys::Range(1, -1, 2), msetnx),
    command("psetex", 4, WRITE | DENY_OOM, FIRST, psetex),
    command("set", -3, WRITE | DENY_OOM, FIRST, set),
    command("setex", 4, WRITE | DENY_OOM, FIRST, setex),
    command("setnx", 3, WRITE | DENY_OOM | FAST, FIRST, setnx),
];

/// How a word tells when a key's life ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Millis,
    AtSecond,
    AtMilli,
}

/// The options of `SET` and `GETEX`.
#[derive(Default)]
struct Options<'a> {
    only_new: bool,
    only_there: bool,
    get: bool,
    keep_expiry: bool,
    persist: bool,
    /// The last word of a time, all of which have the same unit.
    expiry: Option<(Unit, &'a [u8])>,
}

fn get(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(context.string(&words[1])?.map_or(Reply::Null, Reply::bulk))
}

fn mget(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let one = |key: &Vec<u8>| match context.db().get(key) {
        Some(Value::String(bytes)) => Reply::bulk(bytes),
        _ => Reply::Null,
    };
    Ok(Reply::Array(words[1..].iter().map(one).collect()))
}

fn set(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let options = set_options(&words[3..])?;
    let expires_ms = options.expires_ms(context)?;
    let old = match options.get {
        true => context.string(&words[1])?.map_or(Reply::Null, Reply::bulk),
        false => Reply::Null,
    };
    let stored = store(context, &words[1], &words[2], &options, expires_ms);
    if stored && options.get && expires_ms.is_none() {
        // Nobody asks a replica for the old value.
        let asks = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"get");
        let others = words[3..].iter().filter(|word| !asks(word)).cloned();
        context.propagate_as(vec![words[..3].iter().cloned().chain(others).collect()]);
    }
    Ok(if stored && !options.get { Reply::OK } else { old })
}

fn setex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    set_for(context, words, Unit::Seconds)
}

fn psetex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    set_for(context, words, Unit::Millis)
}

fn set_for(context: &mut Context<'_>, words: &[Vec<u8>], unit: Unit) -> Result<Reply, Failure> {
    let options = Options { expiry: Some((unit, &words[2])), ..Options::default() };
    let expires_ms = options.expires_ms(context)?;
    store(context, &words[1], &words[3], &options, expires_ms);
    Ok(Reply::OK)
}

fn setnx(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if context.db().get(&words[1]).is_some() {
        return Ok(Reply::Integer(0));
    }
    put(context, &words[1], &words[2]);
    Ok(Reply::Integer(1))
}

fn getset(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let old = get(context, words)?;
    put(context, &words[1], &words[2]);
    context.propagate_as(vec![vec![b"SET".to_vec(), words[1].clone(), words[2].clone()]]);
    Ok(old)
}

fn getdel(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let old = get(context, words)?;
    if context.db().remove(&words[1]).is_some() {
        context.modified(&words[1]);
        context.propagate_as(vec![vec![b"DEL".to_vec(), words[1].clone()]]);
    }
    Ok(old)
}

fn getex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let options = getex_options(&words[2..])?;
    let key = &words[1];
    let Some(old) = context.string(key)?.map(Reply::bulk) else {
        return Ok(Reply::Null);
    };
    let expires_ms = options.expires_ms(context)?;
    match expires_ms {
        Some(at_ms) if at_ms <= context.now_ms() => {
            context.db().remove(key);
            context.modified(key);
            context.propagate_as(vec![vec![b"DEL".to_vec(), key.clone()]]);
        }
        Some(at_ms) => {
            context.db().set_expires_ms(key, Some(at_ms));
            context.modified(key);
            let at = at_ms.to_string().into_bytes();
            context.propagate_as(vec![vec![b"PEXPIREAT".to_vec(), key.clone(), at]]);
        }
        None if options.persist && context.db().expires_ms(key).is_some() => {
            context.db().set_expires_ms(key, None);
            context.modified(key);
            context.propagate_as(vec![vec![b"PERSIST".to_vec(), key.clone()]]);
        }
        None => {}
    }
    Ok(old)
}

fn mset(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    put_all(context, words, false)?;
    Ok(Reply::OK)
}

fn msetnx(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    put_all(context, words, true).map(|put| Reply::Integer(put.into()))
}

/// Gives every key of the pairs its value; nothing at all if `only_new` and one of them is there.
fn put_all(context: &mut Context<'_>, words: &[Vec<u8>], only_new: bool) -> Result<bool, Failure> {
    let pairs = words[1..].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(context.arity());
    }
    if only_new && pairs.clone().any(|pair| context.db().get(&pair[0]).is_some()) {
        return Ok(false);
    }
    pairs.for_each(|pair| put(context, &pair[0], &pair[1]));
    Ok(true)
}

fn put(context: &mut Context<'_>, key: &[u8], value: &[u8]) {
    // An expired value goes first, and replicas hear of it.
    context.db().get(key);
    context.db().set(key, Value::String(value.to_vec()));
    context.modified(key);
}

/// Whether the key has got the value, which the options may forbid.
fn store(
    context: &mut Context<'_>,
    key: &[u8],
    value: &[u8],
    options: &Options<'_>,
    expires_ms: Option<i64>,
) -> bool {
    let there = context.db().get(key).is_some();
    if (options.only_new && there) || (options.only_there && !there) {
        return false;
    }
    // Even a time that is over already is taken: the key goes when somebody looks for it.
    let kept = context.db().expires_ms(key).filter(|_| options.keep_expiry);
    context.db().set(key, Value::String(value.to_vec()));
    context.db().set_expires_ms(key, expires_ms.or(kept));
    context.modified(key);
    // Replicas hear of an end, not of a span.
    if let Some(at_ms) = expires_ms {
        let at = at_ms.to_string().into_bytes();
        let told = [&b"SET"[..], key, value, b"PXAT", &at];
        context.propagate_as(vec![told.map(<[u8]>::to_vec).to_vec()]);
    }
    true
}

fn set_options(words: &[Vec<u8>]) -> Result<Options<'_>, Failure> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_slice() {
            b"nx" if !options.only_there => options.only_new = true,
            b"xx" if !options.only_new => options.only_there = true,
            b"get" => options.get = true,
            b"keepttl" if options.expiry.is_none() => options.keep_expiry = true,
            _ if options.keep_expiry => return Err(Failure::Syntax),
            _ => options.time(word, words.next())?,
        }
    }
    Ok(options)
}

fn getex_options(words: &[Vec<u8>]) -> Result<Options<'_>, Failure> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_slice() {
            b"persist" if options.expiry.is_none() => options.persist = true,
            _ if options.persist => return Err(Failure::Syntax),
            _ => options.time(word, words.next())?,
        }
    }
    Ok(options)
}

impl<'a> Options<'a> {
    fn time(&mut self, unit: &[u8], time: Option<&'a Vec<u8>>) -> Result<(), Failure> {
        let unit = match unit.to_ascii_lowercase().as_slice() {
            b"ex" => Unit::Seconds,
            b"px" => Unit::Millis,
            b"exat" => Unit::AtSecond,
            b"pxat" => Unit::AtMilli,
            _ => return Err(Failure::Syntax),
        };
        if self.expiry.is_some_and(|(other, _)| other != unit) {
            return Err(Failure::Syntax);
        }
        self.expiry = Some((unit, time.ok_or(Failure::Syntax)?));
        Ok(())
    }

    fn expires_ms(&self, context: &Context<'_>) -> Result<Option<i64>, Failure> {
        let Some((unit, word)) = self.expiry else { return Ok(None) };
        let time = integer(word).ok_or(Failure::NotAnInteger)?;
        let time = Some(time).filter(|time| *time > 0);
        let unit_ms = if matches!(unit, Unit::Seconds | Unit::AtSecond) { 1000 } else { 1 };
        let time_ms = time.and_then(|time| time.checked_mul(unit_ms));
        let at_ms = match unit {
            Unit::AtSecond | Unit::AtMilli => time_ms,
            Unit::Seconds | Unit::Millis => {
                time_ms.and_then(|time_ms| time_ms.checked_add(context.now_ms()))
            }
        };
        at_ms.map(Some).ok_or_else(|| context.invalid_expire())
    }
}
