//! Commands on the entries of a stream, and on what it remembers of its ids.

use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use super::{ids, told};
use crate::redis::number::integer;
use crate::redis::values::stream::Id;

pub(in super::super) const TABLE: &[Command] = &[
    command("xdel", -3, WRITE | FAST, FIRST, xdel),
    command("xlen", 2, READ | FAST, FIRST, xlen),
    command("xrange", -4, READ, FIRST, xrange),
    command("xrevrange", -4, READ, FIRST, xrevrange),
    command("xsetid", -3, WRITE | DENY_OOM | FAST, FIRST, xsetid),
];

fn xlen(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.stream(&words[1])?.map_or(0, |stream| stream.len())))
}

fn xrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    range(context, words, &words[2], &words[3], false)
}

fn xrevrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    range(context, words, &words[3], &words[2], true)
}

fn range(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    start: &[u8],
    end: &[u8],
    reverse: bool,
) -> Result<Reply, Failure> {
    let (start, end) = (ids::start(start)?, ids::end(end)?);
    let (mut count, mut options) = (None, words[4..].iter());
    while let Some(option) = options.next() {
        if !option.eq_ignore_ascii_case(b"count") {
            return Err(Failure::Syntax);
        }
        let number = integer(options.next().ok_or(Failure::Syntax)?);
        let number = number.ok_or(Failure::NotAnInteger)?;
        // -1, which Redis takes for no count at all, has become 0 before it looks.
        count = Some(usize::try_from(number).unwrap_or(0));
    }
    let Some(stream) = context.stream(&words[1])? else { return Ok(Reply::Array(Vec::new())) };
    if count == Some(0) {
        return Ok(Reply::NullArray);
    }
    let (entries, count) = (stream.range(start, end), count.unwrap_or(usize::MAX));
    Ok(Reply::Array(match reverse {
        false => entries.take(count).map(told).collect(),
        true => entries.rev().take(count).map(told).collect(),
    }))
}

fn xdel(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(stream) = context.stream(&words[1])? else { return Ok(Reply::Integer(0)) };
    let ids = words[2..].iter().map(|word| ids::id(word)).collect::<Result<Vec<_>, _>>()?;
    let gone = ids.into_iter().filter(|id| stream.delete(*id)).count();
    if gone > 0 {
        context.lessened(&words[1]);
    }
    Ok(Reply::count(gone))
}

fn xsetid(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let last_id = ids::id(&words[2])?;
    let (mut entries_added, mut max_deleted_id) = (None, Id::MIN);
    let mut options = words[3..].iter();
    while let Some(option) = options.next() {
        let value = options.next().ok_or(Failure::Syntax)?;
        match option.to_ascii_lowercase().as_slice() {
            b"entriesadded" => {
                let number = integer(value).ok_or(Failure::NotAnInteger)?;
                if number < 0 {
                    return Err(Failure::text("entries_added must be positive"));
                }
                entries_added = Some(number);
            }
            b"maxdeletedid" => {
                max_deleted_id = ids::id(value)?;
                if last_id < max_deleted_id {
                    return Err(smaller("ID", "provided max_deleted_entry_id"));
                }
            }
            _ => return Err(Failure::Syntax),
        }
    }
    let stream = context.stream(&words[1])?.ok_or_else(|| Failure::text("no such key"))?;
    if stream.last_entry_id().is_some_and(|top| last_id < top) {
        return Err(smaller("ID", "target stream top item"));
    }
    let len = i64::try_from(stream.len()).expect("no collection is that large");
    if entries_added.is_some_and(|added| len > added) {
        return Err(smaller("entries_added", "target stream length"));
    }
    stream.last_id = last_id;
    stream.entries_added = entries_added.unwrap_or(stream.entries_added);
    if max_deleted_id != Id::MIN {
        stream.max_deleted_id = max_deleted_id;
    }
    context.changed();
    Ok(Reply::OK)
}

fn smaller(what: &str, than: &str) -> Failure {
    Failure::text(format!("The {what} specified in XSETID is smaller than the {than}"))
}
