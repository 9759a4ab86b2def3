//! Commands on parts of strings.

use super::super::flags::{DENY_OOM, FAST, READ, WRITE};
use super::super::{Command, Context, FIRST, Failure, Keys, Reply, command};
use super::BYTES_MAX;
use crate::redis::number::integer;
use crate::redis::values::Value;

pub(in super::super) const TABLE: &[Command] = &[
    command("append", 3, WRITE | DENY_OOM | FAST, FIRST, append),
    command("getrange", 4, READ, FIRST, getrange),
    command("lcs", -3, READ, Keys::Range(1, 2, 1), lcs),
    command("setrange", 4, WRITE | DENY_OOM, FIRST, setrange),
    command("strlen", 2, READ | FAST, FIRST, strlen),
    command("substr", 4, READ, FIRST, getrange),
];

fn strlen(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::count(context.string(&words[1])?.map_or(0, |bytes| bytes.len())))
}

fn append(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (key, tail) = (&words[1], &words[2]);
    let len = match context.string(key)? {
        Some(bytes) if bytes.len() + tail.len() > BYTES_MAX => return Err(too_long()),
        Some(bytes) => {
            bytes.extend(tail);
            bytes.len()
        }
        None => {
            context.db().set(key, Value::String(tail.clone()));
            tail.len()
        }
    };
    context.modified(key);
    Ok(Reply::count(len))
}

fn too_long() -> Failure {
    Failure::text("string exceeds maximum allowed size (proto-max-bulk-len)")
}

fn getrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let start = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let end = integer(&words[3]).ok_or(Failure::NotAnInteger)?;
    let Some(bytes) = context.string(&words[1])? else { return Ok(Reply::bulk("")) };
    if start < 0 && end < 0 && start > end {
        return Ok(Reply::bulk(""));
    }
    let len = i64::try_from(bytes.len()).expect("a string fits");
    let place = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let (start, end) = (place(start), place(end).min(len - 1));
    if start > end || len == 0 {
        return Ok(Reply::bulk(""));
    }
    let index = |at: i64| usize::try_from(at).expect("it lies within the string");
    Ok(Reply::bulk(&bytes[index(start)..=index(end)]))
}

fn setrange(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (key, part) = (&words[1], &words[3]);
    let offset = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let offset = usize::try_from(offset).map_err(|_| Failure::text("offset is out of range"))?;
    let len = context.string(key)?.map_or(0, |bytes| bytes.len());
    if part.is_empty() {
        return Ok(Reply::count(len));
    }
    if offset.saturating_add(part.len()) > BYTES_MAX {
        return Err(too_long());
    }
    if context.string(key)?.is_none() {
        context.db().set(key, Value::String(Vec::new()));
    }
    let bytes = context.string(key)?.expect("it was just made");
    bytes.resize(len.max(offset + part.len()), 0);
    bytes[offset..offset + part.len()].copy_from_slice(part);
    let len = bytes.len();
    context.modified(key);
    Ok(Reply::count(len))
}

/// The options of `LCS`.
#[derive(Default)]
struct LcsOptions {
    indexes: bool,
    len_only: bool,
    with_len: bool,
    min_len: usize,
}

fn lcs(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let mut text = |key: &Vec<u8>| match context.db().get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(bytes)) => Ok(bytes.clone()),
        Some(_) => Err(Failure::text("The specified keys must contain string values")),
    };
    let (a, b) = (text(&words[1])?, text(&words[2])?);
    let options = lcs_options(&words[3..])?;
    let lengths = lcs_lengths(&a, &b);
    if options.len_only {
        return Ok(Reply::count(lengths[a.len()][b.len()] as usize));
    }
    let (common, runs) = lcs_runs(&a, &b, &lengths);
    if !options.indexes {
        return Ok(Reply::Bulk(common));
    }
    let pair = |from: usize, len: usize| {
        Reply::Array(vec![Reply::count(from), Reply::count(from + len - 1)])
    };
    let wanted = runs.into_iter().filter(|(_, _, len)| *len >= options.min_len);
    let matches = wanted.map(|(at_a, at_b, len)| {
        let mut items = vec![pair(at_a, len), pair(at_b, len)];
        items.extend(options.with_len.then(|| Reply::count(len)));
        Reply::Array(items)
    });
    Ok(Reply::Map(vec![
        (Reply::bulk("matches"), Reply::Array(matches.collect())),
        (Reply::bulk("len"), Reply::count(common.len())),
    ]))
}

fn lcs_options(words: &[Vec<u8>]) -> Result<LcsOptions, Failure> {
    let mut options = LcsOptions::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_slice() {
            b"idx" => options.indexes = true,
            b"len" => options.len_only = true,
            b"withmatchlen" => options.with_len = true,
            b"minmatchlen" => {
                let word = words.next().ok_or(Failure::Syntax)?;
                let len = integer(word).ok_or(Failure::NotAnInteger)?;
                options.min_len = usize::try_from(len).unwrap_or(0);
            }
            _ => return Err(Failure::Syntax),
        }
    }
    if options.indexes && options.len_only {
        let text = "If you want both the length and indexes, please just use IDX.";
        return Err(Failure::text(text));
    }
    Ok(options)
}

/// The length of the longest common subsequence of every two beginnings.
fn lcs_lengths(a: &[u8], b: &[u8]) -> Vec<Vec<u32>> {
    let mut lengths = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            lengths[i][j] = match a[i - 1] == b[j - 1] {
                true => lengths[i - 1][j - 1] + 1,
                false => lengths[i - 1][j].max(lengths[i][j - 1]),
            };
        }
    }
    lengths
}

/// The longest common subsequence, and its runs from the last: where in both, and how long.
fn lcs_runs(a: &[u8], b: &[u8], lengths: &[Vec<u32>]) -> (Vec<u8>, Vec<(usize, usize, usize)>) {
    let (mut i, mut j) = (a.len(), b.len());
    let (mut common, mut runs) = (Vec::new(), Vec::<(usize, usize, usize)>::new());
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            common.push(a[i - 1]);
            (i, j) = (i - 1, j - 1);
            match runs.last_mut() {
                Some((at_a, at_b, len)) if (*at_a, *at_b) == (i + 1, j + 1) => {
                    (*at_a, *at_b, *len) = (i, j, *len + 1);
                }
                _ => runs.push((i, j, 1)),
            }
        } else if lengths[i - 1][j] > lengths[i][j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    common.reverse();
    (common, runs)
}
