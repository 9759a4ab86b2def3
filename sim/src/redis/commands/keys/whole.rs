//! Commands on all keys of a database.

use super::super::arguments::{Scan, scan};
use super::super::flags::{FAST, READ, WRITE};
use super::super::{Command, Context, Failure, Keys, Reply, command, pattern};
use crate::redis::instance::DATABASES;

pub(in super::super) const TABLE: &[Command] = &[
    command("dbsize", 1, READ | FAST, Keys::None, dbsize),
    command("flushall", -1, WRITE, Keys::None, flushall),
    command("flushdb", -1, WRITE, Keys::None, flushdb),
    command("keys", 2, READ, Keys::None, keys),
    command("randomkey", 1, READ, Keys::None, randomkey),
    command("scan", -2, READ, Keys::None, scan_keys),
];

fn dbsize(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.db().len()))
}

fn flushall(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let all: Vec<usize> = (0..DATABASES).collect();
    flush(context, words, &all)
}

fn flushdb(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let database = context.database;
    flush(context, words, &[database])
}

fn flush(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    databases: &[usize],
) -> Result<Reply, Failure> {
    let known = match &words[1..] {
        [] => true,
        [how] => how.eq_ignore_ascii_case(b"sync") || how.eq_ignore_ascii_case(b"async"),
        _ => false,
    };
    if !known {
        return Err(Failure::Syntax);
    }
    context.instance.touch_watchers_of_all(databases, None);
    for database in databases {
        context.instance.databases[*database].clear();
    }
    context.instance.note_all_ready(databases);
    context.changed();
    Ok(Reply::OK)
}

/// Expired keys are passed over, and stay until somebody uses them.
fn keys(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let db = context.db();
    let found: Vec<Vec<u8>> = db.keys_after(None).map(<[u8]>::to_vec).collect();
    let all = pattern::is_everything(&words[1]);
    let found = found.into_iter().filter(|key| all || pattern::matches(&words[1], key));
    let found: Vec<_> = found.filter(|key| !db.has_expired(key)).map(Reply::Bulk).collect();
    Ok(Reply::Array(found))
}

fn randomkey(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    while !context.db().is_empty() {
        let len = context.db().len();
        let place = context.instance.random_below(len);
        let db = context.db();
        let key = db.keys_after(None).nth(place).expect("the place lies within").to_vec();
        if db.get(&key).is_some() {
            return Ok(Reply::Bulk(key));
        }
        // A replica does not remove what has expired, and takes any key in the end.
        if db.holds(&key) {
            return Ok(Reply::Bulk(key));
        }
    }
    Ok(Reply::Null)
}

fn scan_keys(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let scan = scan(context, &words[1], &words[2..], true)?;
    if scan.over {
        return Ok(Scan::reply(context, None, vec![]));
    }
    let db = context.db();
    let page = db.keys_after(scan.after.as_deref()).take(scan.count + 1);
    let page: Vec<Vec<u8>> = page.map(<[u8]>::to_vec).collect();
    let last = (page.len() > scan.count).then(|| page[scan.count - 1].clone());
    let mut found = Vec::new();
    for key in page.into_iter().take(scan.count).filter(|key| scan.admits(key)) {
        let Some(value) = db.get(&key) else { continue };
        let name = value.kind().name().as_bytes();
        if scan.kind.is_none_or(|kind| kind.eq_ignore_ascii_case(name)) {
            found.push(Reply::Bulk(key));
        }
    }
    Ok(Scan::reply(context, last, found))
}
