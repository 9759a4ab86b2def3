//! Commands that go through the members of a sorted set, or choose among them by chance.

use super::super::arguments::{Scan, scan};
use super::super::flags::READ;
use super::super::{Command, Context, FIRST, Failure, Reply, command};
use super::told;
use crate::redis::number::{integer, write_short};

pub(in super::super) const TABLE: &[Command] = &[
    command("zrandmember", -2, READ, FIRST, zrandmember),
    command("zscan", -3, READ, FIRST, zscan),
];

fn zscan(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let scan = scan(context, &words[2], &words[3..], false)?;
    let Some(set) = context.sorted_set(&words[1])?.filter(|_| !scan.over) else {
        return Ok(Scan::reply(context, None, vec![]));
    };
    let compact = set.is_compact();
    let page: Vec<(Vec<u8>, f64)> = match compact {
        true => set.iter().map(|(member, score)| (member.to_vec(), score)).collect(),
        false => {
            let page = set.after(scan.after.as_deref()).take(scan.count + 1);
            page.map(|(member, score)| (member.to_vec(), score)).collect()
        }
    };
    let more = !compact && page.len() > scan.count;
    let last = more.then(|| page[scan.count - 1].0.clone());
    let count = if compact { page.len() } else { scan.count };
    let page = page.into_iter().take(count).filter(|(member, _)| scan.admits(member));
    let pair = |(member, score)| [Reply::Bulk(member), Reply::bulk(write_short(score))];
    let found = page.flat_map(pair).collect();
    Ok(Scan::reply(context, last, found))
}

fn zrandmember(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let count = words.get(2).map(|word| integer(word).ok_or(Failure::NotAnInteger)).transpose()?;
    let with_scores = match &words[3.min(words.len())..] {
        [] => false,
        [word] if word.eq_ignore_ascii_case(b"withscores") => true,
        _ => return Err(Failure::Syntax),
    };
    if count.is_some_and(|count| !(-i64::MAX / 2..=i64::MAX / 2).contains(&count)) {
        return Err(Failure::text("value is out of range"));
    }
    let members = context
        .sorted_set(&words[1])?
        .map(|set| set.iter().map(|(member, score)| (member.to_vec(), score)).collect::<Vec<_>>());
    let Some(mut members) = members else {
        return Ok(if count.is_some() { Reply::Array(Vec::new()) } else { Reply::Null });
    };
    let Some(count) = count else {
        let place = context.instance.random_below(members.len());
        return Ok(Reply::Bulk(members.swap_remove(place).0));
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        let chosen =
            (0..wanted).map(|_| members[context.instance.random_below(members.len())].clone());
        let chosen = chosen.collect();
        return Ok(told(context, chosen, with_scores));
    }
    while members.len() > wanted {
        let place = context.instance.random_below(members.len());
        members.swap_remove(place);
    }
    Ok(told(context, members, with_scores))
}
