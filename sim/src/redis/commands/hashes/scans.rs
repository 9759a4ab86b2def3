//! Commands that go through the fields of a hash, or choose among them by chance.

use super::super::arguments::{Scan, cursor, random_count, scan};
use super::super::flags::READ;
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use crate::redis::reply::Protocol;

pub(in super::super) const TABLE: &[Command] =
    &[command("hrandfield", -2, READ, FIRST, hrandfield), command("hscan", -3, READ, FIRST, hscan)];

fn hscan(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    cursor(&words[2])?;
    if context.hash(&words[1])?.is_none() {
        return Ok(Scan::reply(context, None, vec![]));
    }
    let scan = scan(context, &words[2], &words[3..], false)?;
    let hash = context.hash(&words[1])?.filter(|hash| !scan.over || hash.is_compact());
    let Some(hash) = hash else { return Ok(Scan::reply(context, None, vec![])) };
    let pair = |(field, value): (&[u8], &[u8])| [Reply::bulk(field), Reply::bulk(value)];
    if hash.is_compact() {
        let found = hash.iter().filter(|(field, _)| scan.admits(field)).flat_map(pair).collect();
        return Ok(Scan::reply(context, None, found));
    }
    let page: Vec<_> = hash.after(scan.after.as_deref()).take(scan.count + 1).collect();
    let last = (page.len() > scan.count).then(|| page[scan.count - 1].0.to_vec());
    let page = page.into_iter().take(scan.count).filter(|(field, _)| scan.admits(field));
    let found = page.flat_map(pair).collect();
    Ok(Scan::reply(context, last, found))
}

fn hrandfield(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let count = words.get(2).map(|word| random_count(word)).transpose()?;
    let with_values = match &words[3.min(words.len())..] {
        [] => false,
        [word] if word.eq_ignore_ascii_case(b"withvalues") => true,
        _ => return Err(Failure::Syntax),
    };
    if with_values && count.is_some_and(|count| !(-i64::MAX / 2..=i64::MAX / 2).contains(&count)) {
        return Err(Failure::text("value is out of range"));
    }
    let pairs = context.hash(&words[1])?.map(|hash| {
        hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect::<Vec<_>>()
    });
    let Some(pairs) = pairs else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    let Some(count) = count else {
        let place = context.instance.random_below(pairs.len());
        return Ok(Reply::bulk(&pairs[place].0));
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let mut places: Vec<usize> = (0..pairs.len()).collect();
    if count < 0 {
        places = (0..wanted).map(|_| context.instance.random_below(pairs.len())).collect();
    }
    while count >= 0 && places.len() > wanted {
        let place = context.instance.random_below(places.len());
        places.swap_remove(place);
    }
    let in_pairs = context.session().protocol == Protocol::Resp3;
    let told = places.into_iter().flat_map(|place| {
        let (field, value) = &pairs[place];
        match (with_values, in_pairs) {
            (false, _) => vec![Reply::bulk(field)],
            (true, false) => vec![Reply::bulk(field), Reply::bulk(value)],
            (true, true) => vec![Reply::Array(vec![Reply::bulk(field), Reply::bulk(value)])],
        }
    });
    Ok(Reply::Array(told.collect()))
}
