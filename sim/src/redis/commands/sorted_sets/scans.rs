//! Commands that go through the members of a sorted set, or choose among them by chance.

use super::super::arguments::{Scan, cursor, random_count, scan};
use super::super::flags::READ;
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use super::listed;
use crate::redis::number::write_float;

pub(in super::super) const TABLE: &[Command] = &[
    command("zrandmember", -2, READ, FIRST, zrandmember),
    command("zscan", -3, READ, FIRST, zscan),
];

/// In the compact form of Redis whole scores up to 2^62 are integers, and are told as such.
const INTEGER_MAX: f64 = (i64::MAX / 2) as f64;

fn zscan(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    cursor(&words[2])?;
    if context.sorted_set(&words[1])?.is_none() {
        return Ok(Scan::reply(context, None, vec![]));
    }
    let scan = scan(context, &words[2], &words[3..], false)?;
    let set = context.sorted_set(&words[1])?.filter(|set| !scan.over || set.is_compact());
    let Some(set) = set else { return Ok(Scan::reply(context, None, vec![])) };
    let pair = |(member, score): (&[u8], f64)| {
        let whole = set.is_compact() && score.abs() <= INTEGER_MAX && score.fract() == 0.0;
        let text = if whole { (score as i64).to_string() } else { write_float(score) };
        [Reply::bulk(member), Reply::bulk(text)]
    };
    if set.is_compact() {
        let members = set.at(0..set.len()).filter(|(member, _)| scan.admits(member));
        let found = members.flat_map(pair).collect();
        return Ok(Scan::reply(context, None, found));
    }
    let page: Vec<_> = set.after(scan.after.as_deref()).take(scan.count + 1).collect();
    let last = (page.len() > scan.count).then(|| page[scan.count - 1].0.to_vec());
    let page = page.into_iter().take(scan.count).filter(|(member, _)| scan.admits(member));
    let found = page.flat_map(pair).collect();
    Ok(Scan::reply(context, last, found))
}

fn zrandmember(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let count = words.get(2).map(|word| random_count(word)).transpose()?;
    let with_scores = match &words[3.min(words.len())..] {
        [] => false,
        [word] if word.eq_ignore_ascii_case(b"withscores") => true,
        _ => return Err(Failure::Syntax),
    };
    let possible = i64::MIN / 2..=i64::MAX / 2;
    if with_scores && count.is_some_and(|count| !possible.contains(&count)) {
        return Err(Failure::text("value is out of range"));
    }
    let Some(set) = context.sorted_set(&words[1])? else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    // Redis begins at the last member.
    let members = set.at(0..set.len()).rev().map(|(member, score)| (member.to_vec(), score));
    let mut members: Vec<_> = members.collect();
    let Some(count) = count else {
        let place = context.instance.random_below(members.len());
        return Ok(Reply::Bulk(members.swap_remove(place).0));
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let protocol = context.session().protocol;
    if count < 0 {
        let chosen = (0..wanted).map(|_| {
            let (member, score) = &members[context.instance.random_below(members.len())];
            (member, *score)
        });
        return Ok(Reply::Array(listed(chosen, with_scores, protocol)));
    }
    while members.len() > wanted {
        let place = context.instance.random_below(members.len());
        members.swap_remove(place);
    }
    Ok(Reply::Array(listed(members.into_iter(), with_scores, protocol)))
}
