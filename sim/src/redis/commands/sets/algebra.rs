//! Commands on several sets: what they have in common, in all, or apart.

use super::super::flags::{DENY_OOM, READ, WRITE};
use super::super::{ALL, Command, Context, Failure, Keys, Reply, command};
use crate::redis::number::integer;
use crate::redis::values::Set;

pub(in super::super) const TABLE: &[Command] = &[
    command("sdiff", -2, READ, ALL, sdiff),
    command("sdiffstore", -3, WRITE | DENY_OOM, ALL, sdiffstore),
    command("sinter", -2, READ, ALL, sinter),
    command("sintercard", -3, READ, Keys::Counted(1), sintercard),
    command("sinterstore", -3, WRITE | DENY_OOM, ALL, sinterstore),
    command("sunion", -2, READ, ALL, sunion),
    command("sunionstore", -3, WRITE | DENY_OOM, ALL, sunionstore),
];

type Combine = fn(Vec<Set>) -> Set;

fn sinter(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told(context, &words[1..], common)
}

fn sunion(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told(context, &words[1..], united)
}

fn sdiff(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    told(context, &words[1..], first_only)
}

fn sinterstore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    stored(context, words, common)
}

fn sunionstore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    stored(context, words, united)
}

fn sdiffstore(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    stored(context, words, first_only)
}

/// The sets of the keys; an empty one for a key that is not there.
fn sets(context: &mut Context<'_>, keys: &[Vec<u8>]) -> Result<Vec<Set>, Failure> {
    keys.iter().map(|key| Ok(context.set(key)?.cloned().unwrap_or_default())).collect()
}

fn collected(members: impl IntoIterator<Item = Vec<u8>>) -> Set {
    let mut set = Set::default();
    for member in members {
        set.insert(&member);
    }
    set
}

fn common(sets: Vec<Set>) -> Set {
    let (first, others) = sets.split_first().expect("there is a key");
    let shared = |member: &Vec<u8>| others.iter().all(|set| set.contains(member));
    collected(first.members().into_iter().filter(shared))
}

fn united(sets: Vec<Set>) -> Set {
    collected(sets.iter().flat_map(Set::members))
}

fn first_only(sets: Vec<Set>) -> Set {
    let (first, others) = sets.split_first().expect("there is a key");
    let alone = |member: &Vec<u8>| !others.iter().any(|set| set.contains(member));
    collected(first.members().into_iter().filter(alone))
}

fn told(context: &mut Context<'_>, keys: &[Vec<u8>], combine: Combine) -> Result<Reply, Failure> {
    let members = combine(sets(context, keys)?).members();
    Ok(Reply::Set(members.into_iter().map(Reply::Bulk).collect()))
}

fn stored(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    combine: Combine,
) -> Result<Reply, Failure> {
    let (to, set) = (&words[1], combine(sets(context, &words[2..])?));
    let len = set.len();
    let replaced = context.db().remove_for(to, len).is_some();
    if len > 0 {
        context.db().set(to, set.into());
    }
    if replaced || len > 0 {
        context.modified(to);
    }
    Ok(Reply::count(len))
}

fn sintercard(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let few = || Failure::text("numkeys should be greater than 0");
    let number = integer(&words[1]).ok_or_else(few)?;
    let number = usize::try_from(number).ok().filter(|number| *number > 0).ok_or_else(few)?;
    let keys = words
        .get(2..number.saturating_add(2))
        .ok_or_else(|| Failure::text("Number of keys can't be greater than number of args"))?;
    let mut limit = 0;
    let mut options = words[number + 2..].iter();
    while let Some(option) = options.next() {
        let value = options.next().filter(|_| option.eq_ignore_ascii_case(b"limit"));
        let negative = || Failure::text("LIMIT can't be negative");
        let value = integer(value.ok_or(Failure::Syntax)?).ok_or_else(negative)?;
        limit = usize::try_from(value).map_err(|_| negative())?;
    }
    let len = common(sets(context, keys)?).len();
    Ok(Reply::count(if limit == 0 { len } else { len.min(limit) }))
}
