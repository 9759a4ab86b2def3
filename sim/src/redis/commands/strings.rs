//! Commands on strings.

use super::super::number::integer;
use super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::values::Value;

pub(super) const TABLE: &[Command] =
    &[command("get", 2, READ | FAST, FIRST, get), command("set", -3, WRITE | DENY_OOM, FIRST, set)];

fn get(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(context.string(&words[1])?.map_or(Reply::Null, Reply::bulk))
}

/// The options of `SET`.
#[derive(Default)]
struct Options<'a> {
    only_new: bool,
    only_there: bool,
    get: bool,
    keep_expiry: bool,
    /// The words of a time to live, in seconds and in milliseconds. The later of two of the same
    /// unit holds.
    seconds: Option<&'a [u8]>,
    millis: Option<&'a [u8]>,
}

fn set(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (key, value) = (&words[1], &words[2]);
    let options = options(&words[3..])?;
    let expires_ms = expires_ms(context, &options)?;
    let old = match options.get {
        true => context.string(key)?.map_or(Reply::Null, Reply::bulk),
        false => Reply::Null,
    };
    let there = context.db().get(key).is_some();
    if (options.only_new && there) || (options.only_there && !there) {
        return Ok(old);
    }
    let kept = context.db().expires_ms(key).filter(|_| options.keep_expiry);
    context.db().set(key, Value::String(value.clone()));
    context.db().set_expires_ms(key, expires_ms.or(kept));
    context.modified(key);
    Ok(if options.get { old } else { Reply::OK })
}

fn options(words: &[Vec<u8>]) -> Result<Options<'_>, Failure> {
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let timed = options.seconds.is_some() || options.millis.is_some();
        match word.to_ascii_lowercase().as_slice() {
            b"nx" if !options.only_there => options.only_new = true,
            b"xx" if !options.only_new => options.only_there = true,
            b"get" => options.get = true,
            b"keepttl" if !timed => options.keep_expiry = true,
            b"ex" if options.millis.is_none() && !options.keep_expiry => {
                options.seconds = Some(words.next().ok_or(Failure::Syntax)?);
            }
            b"px" if options.seconds.is_none() && !options.keep_expiry => {
                options.millis = Some(words.next().ok_or(Failure::Syntax)?);
            }
            _ => return Err(Failure::Syntax),
        }
    }
    Ok(options)
}

fn expires_ms(context: &mut Context<'_>, options: &Options<'_>) -> Result<Option<i64>, Failure> {
    let (word, unit_ms) = match (options.seconds, options.millis) {
        (Some(word), _) => (word, 1000),
        (None, Some(word)) => (word, 1),
        (None, None) => return Ok(None),
    };
    let span = integer(word).ok_or(Failure::NotAnInteger)?;
    let span_ms = Some(span).filter(|span| *span > 0).and_then(|span| span.checked_mul(unit_ms));
    let at_ms = span_ms.and_then(|span_ms| span_ms.checked_add(context.db().now_ms()));
    at_ms.map(Some).ok_or_else(|| context.invalid_expire())
}
