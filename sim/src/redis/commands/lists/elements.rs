//! Commands on the elements of lists.

use super::super::arguments::span;
use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::number::integer;
use crate::redis::values::List;

pub(in super::super) const TABLE: &[Command] = &[
    command("lindex", 3, READ, FIRST, lindex),
    command("linsert", 5, WRITE | DENY_OOM, FIRST, linsert),
    command("llen", 2, READ | FAST, FIRST, llen),
    command("lpos", -3, READ, FIRST, lpos),
    command("lrange", 4, READ, FIRST, lrange),
    command("lrem", 4, WRITE, FIRST, lrem),
    command("lset", 4, WRITE | DENY_OOM, FIRST, lset),
    command("ltrim", 4, WRITE, FIRST, ltrim),
];

fn llen(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.list(&words[1])?.map_or(0, |list| list.len())))
}

/// The place of an index, which counts from the end when negative.
fn place(list: &List, index: i64) -> Option<usize> {
    let len = i64::try_from(list.len()).expect("no collection is that large");
    let index = if index < 0 { index.saturating_add(len) } else { index };
    usize::try_from(index).ok().filter(|index| *index < list.len())
}

fn lindex(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let Some(list) = context.list(&words[1])? else { return Ok(Reply::Null) };
    let index = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    Ok(place(list, index).map_or(Reply::Null, |place| Reply::bulk(&list[place])))
}

fn lset(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let list = context.list(&words[1])?.ok_or_else(|| Failure::text("no such key"))?;
    let index = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let place = place(list, index).ok_or_else(|| Failure::text("index out of range"))?;
    list[place] = words[3].clone();
    context.modified(&words[1]);
    Ok(Reply::OK)
}

fn linsert(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let behind = match words[2].to_ascii_lowercase().as_slice() {
        b"before" => 0,
        b"after" => 1,
        _ => return Err(Failure::Syntax),
    };
    let Some(list) = context.list(&words[1])? else { return Ok(Reply::Integer(0)) };
    let Some(pivot) = list.iter().position(|element| *element == words[3]) else {
        return Ok(Reply::Integer(-1));
    };
    list.insert(pivot + behind, words[4].clone());
    let len = list.len();
    context.modified(&words[1]);
    Ok(Reply::count(len))
}

fn lrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let start = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let stop = integer(&words[3]).ok_or(Failure::NotAnInteger)?;
    let Some(list) = context.list(&words[1])? else { return Ok(Reply::Array(Vec::new())) };
    let range = span(start, stop, list.len());
    let elements = range.into_iter().flat_map(|range| list.range(range)).map(Reply::bulk);
    Ok(Reply::Array(elements.collect()))
}

fn ltrim(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let start = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let stop = integer(&words[3]).ok_or(Failure::NotAnInteger)?;
    let Some(list) = context.list(&words[1])? else { return Ok(Reply::OK) };
    let before = list.len();
    match span(start, stop, before) {
        Some(range) => {
            list.truncate(range.end() + 1);
            list.drain(..range.start());
        }
        None => list.clear(),
    }
    let unchanged = list.len() == before;
    context.shrunk(&words[1]);
    if unchanged {
        // Watchers are disturbed all the same.
        context.propagate_as(vec![]);
    }
    Ok(Reply::OK)
}

fn lrem(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let count = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let Some(list) = context.list(&words[1])? else { return Ok(Reply::Integer(0)) };
    let limit = match count {
        0 => usize::MAX,
        count => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let same = |(_, element): &(usize, &Vec<u8>)| **element == words[3];
    let mut gone: Vec<usize> = match count < 0 {
        false => list.iter().enumerate().filter(same).take(limit).map(|(at, _)| at).collect(),
        true => list.iter().enumerate().rev().filter(same).take(limit).map(|(at, _)| at).collect(),
    };
    gone.sort_unstable();
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        gone.binary_search(&(at - 1)).is_err()
    });
    if !gone.is_empty() {
        context.shrunk(&words[1]);
    }
    Ok(Reply::count(gone.len()))
}

/// The options of `LPOS`.
struct Search {
    rank: i64,
    count: Option<usize>,
    compared_max: usize,
}

fn lpos(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let search = search(&words[3..])?;
    let nothing = || match search.count {
        Some(_) => Reply::Array(Vec::new()),
        None => Reply::Null,
    };
    let Some(list) = context.list(&words[1])? else { return Ok(nothing()) };
    let wanted = match search.count {
        None => 1,
        Some(0) => usize::MAX,
        Some(count) => count,
    };
    // The least rank has no opposite; Redis then takes the first that it finds.
    let skipped = search.rank.checked_abs().map_or(0, |rank| (rank - 1) as usize);
    let places: Box<dyn Iterator<Item = (usize, &Vec<u8>)>> = match search.rank > 0 {
        true => Box::new(list.iter().enumerate()),
        false => Box::new(list.iter().enumerate().rev()),
    };
    let found = places.take(search.compared_max).filter(|(_, element)| **element == words[2]);
    let mut found = found.skip(skipped).take(wanted).map(|(place, _)| Reply::count(place));
    match search.count {
        Some(_) => Ok(Reply::Array(found.collect())),
        None => Ok(found.next().unwrap_or(Reply::Null)),
    }
}

fn search(words: &[Vec<u8>]) -> Result<Search, Failure> {
    let mut search = Search { rank: 1, count: None, compared_max: usize::MAX };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or(Failure::Syntax)?;
        let number = || integer(value).ok_or(Failure::NotAnInteger);
        let not_negative = |text: &str| {
            let number = integer(value).and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(|| Failure::text(text))
        };
        match word.to_ascii_lowercase().as_slice() {
            b"rank" => {
                search.rank = number()?;
                if search.rank == 0 {
                    let text = "RANK can't be zero: use 1 to start from the first match, 2 from \
                                the second ... or use negative to start from the end of the list";
                    return Err(Failure::text(text));
                }
            }
            b"count" => search.count = Some(not_negative("COUNT can't be negative")?),
            b"maxlen" => {
                let max = not_negative("MAXLEN can't be negative")?;
                search.compared_max = if max == 0 { usize::MAX } else { max };
            }
            _ => return Err(Failure::Syntax),
        }
    }
    Ok(search)
}
