//! Commands that give a consumer what is pending for others.

use super::super::flags::{FAST, WRITE};
use super::super::{Command, Context, FIRST, Failure, Reply, command, up_to_zero};
use super::{claim_request, ids, no_group, set_id_request, told, told_id};
use crate::redis::number::integer;
use crate::redis::request::Request;
use crate::redis::values::Stream;
use crate::redis::values::stream::{Group, Id, Pending};

pub(in super::super) const TABLE: &[Command] = &[
    command("xautoclaim", -6, WRITE | FAST, FIRST, xautoclaim),
    command("xclaim", -6, WRITE | FAST, FIRST, xclaim),
];

/// `XAUTOCLAIM` looks at so many entries for each that it may claim.
const ATTEMPTS_PER_ENTRY: usize = 10;

/// The greatest `COUNT` of `XAUTOCLAIM`.
const COUNT_MAX: i64 = i64::MAX / 16;

/// How entries are claimed.
struct Claim<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
    idle_ms_min: i64,
    now_ms: i64,
    /// Since when they count as idle.
    delivered_ms: i64,
    deliveries: Option<i64>,
    force: bool,
    just_id: bool,
}

/// What became of one entry.
enum Claimed {
    /// It goes to the consumer.
    Told(Reply),
    /// It was pending, and is no longer in the stream.
    Deleted,
    /// It stays as it is.
    Refused,
}

impl<'a> Claim<'a> {
    fn new(words: &'a [Vec<u8>], idle_ms_min: i64, now_ms: i64) -> Self {
        Self {
            key: &words[1],
            group: &words[2],
            consumer: &words[3],
            idle_ms_min,
            now_ms,
            delivered_ms: now_ms,
            deliveries: None,
            force: false,
            just_id: false,
        }
    }

    /// Claims one entry; replicas hear of it by `log`.
    fn run(&self, stream: &Stream, group: &mut Group, id: Id, log: &mut Vec<Request>) -> Claimed {
        let pending = group.pending().get(&id).cloned();
        let Some(fields) = stream.entry(id) else {
            let Some(pending) = pending else { return Claimed::Refused };
            log.push(claim_request(self.key, (self.group, group), id, &pending));
            group.acknowledge(id);
            return Claimed::Deleted;
        };
        let deliveries = match &pending {
            None if !self.force => return Claimed::Refused,
            None => 1,
            Some(pending) => {
                let idle_ms = self.now_ms.saturating_sub(pending.delivered_ms);
                if self.idle_ms_min > 0 && idle_ms < self.idle_ms_min {
                    return Claimed::Refused;
                }
                pending.deliveries
            }
        };
        let again = deliveries.wrapping_add(i64::from(!self.just_id));
        let pending = Pending {
            consumer: self.consumer.to_vec(),
            delivered_ms: self.delivered_ms,
            deliveries: self.deliveries.unwrap_or(again),
        };
        group.see(self.consumer, self.now_ms);
        log.push(claim_request(self.key, (self.group, group), id, &pending));
        group.assign(id, pending);
        Claimed::Told(if self.just_id { told_id(id) } else { told((id, fields)) })
    }
}

/// Does something with a group and its stream; an error if there is no such group.
fn with_group<T>(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    run: impl FnOnce(&Stream, &mut Group) -> T,
) -> Result<T, Failure> {
    let stream = context.stream(&words[1])?;
    let found = stream.and_then(|stream| Some((stream.groups.remove(&words[2])?, stream)));
    let (mut group, stream) = found.ok_or_else(|| no_group(&words[1], &words[2], ""))?;
    let result = run(stream, &mut group);
    stream.groups.insert(words[2].clone(), group);
    Ok(result)
}

fn idle_ms_min(word: &[u8], name: &str) -> Result<i64, Failure> {
    let text = format!("Invalid min-idle-time argument for {name}");
    Ok(integer(word).ok_or_else(|| Failure::text(text))?.max(0))
}

fn xclaim(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    with_group(context, words, |_, _| ())?;
    let idle_ms_min = idle_ms_min(&words[4], "XCLAIM")?;
    let ids: Vec<Id> = words[5..].iter().map_while(|word| ids::id(word).ok()).collect();
    let mut claim = Claim::new(words, idle_ms_min, context.now_ms());
    let last_id = claim.options(&words[5 + ids.len()..])?;
    let mut log = Vec::new();
    let claimed = with_group(context, words, |stream, group| {
        let moved = last_id > group.last_id;
        group.last_id = group.last_id.max(last_id);
        let one = |id| match claim.run(stream, group, id, &mut log) {
            Claimed::Told(reply) => Some(reply),
            Claimed::Deleted | Claimed::Refused => None,
        };
        let claimed = ids.into_iter().filter_map(one).collect();
        // Claims tell the last id as well.
        if moved && log.is_empty() {
            log.push(set_id_request(&words[1], &words[2], group));
        }
        claimed
    })?;
    if !log.is_empty() {
        context.changed();
    }
    context.propagate_as(log);
    Ok(Reply::Array(claimed))
}

impl Claim<'_> {
    /// Reads the options of `XCLAIM`; the id up to which the group has read at least.
    fn options(&mut self, words: &[Vec<u8>]) -> Result<Id, Failure> {
        let (mut last_id, mut delivered_ms) = (Id::MIN, -1);
        let mut rest = words.iter();
        while let Some(option) = rest.next() {
            let name = option.to_ascii_lowercase();
            let invalid = || {
                let name = name.to_ascii_uppercase();
                Failure::text([b"Invalid ", &name[..], b" option argument for XCLAIM"].concat())
            };
            match (name.as_slice(), rest.len()) {
                (b"force", _) => self.force = true,
                (b"justid", _) => self.just_id = true,
                (b"idle" | b"time" | b"retrycount", 1..) => {
                    let value = rest.next().expect("one is left");
                    let number = integer(value).ok_or_else(invalid)?;
                    match name.as_slice() {
                        b"idle" => delivered_ms = self.now_ms.wrapping_sub(number),
                        b"time" => delivered_ms = number,
                        _ => self.deliveries = Some(number).filter(|number| *number >= 0),
                    }
                }
                (b"lastid", 1..) => last_id = ids::id(rest.next().expect("one is left"))?,
                _ => {
                    let option = up_to_zero(option);
                    let text = [b"Unrecognized XCLAIM option '", option, b"'"].concat();
                    return Err(Failure::text(text));
                }
            }
        }
        // A time that cannot be is the present.
        if (0..=self.now_ms).contains(&delivered_ms) {
            self.delivered_ms = delivered_ms;
        }
        Ok(last_id)
    }
}

fn xautoclaim(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let idle_ms_min = idle_ms_min(&words[4], "XAUTOCLAIM")?;
    let start = ids::start(&words[5])?;
    let mut claim = Claim::new(words, idle_ms_min, context.now_ms());
    let (mut count, mut options) = (100, words[6..].iter());
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"count") && options.len() > 0 {
            let number = integer(options.next().expect("one is left"));
            let number = number.filter(|number| (1..=COUNT_MAX).contains(number));
            let number = number.ok_or_else(|| Failure::text("COUNT must be > 0"))?;
            count = usize::try_from(number).expect("it is positive");
        } else if option.eq_ignore_ascii_case(b"justid") {
            claim.just_id = true;
        } else {
            return Err(Failure::Syntax);
        }
    }
    let mut log = Vec::new();
    let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
    let cursor = with_group(context, words, |stream, group| {
        let mut from = Some(start);
        for _ in 0..count.saturating_mul(ATTEMPTS_PER_ENTRY) {
            let next = from.and_then(|from| group.pending().range(from..).next());
            let Some(id) =
                next.map(|(id, _)| *id).filter(|_| claimed.len() + deleted.len() < count)
            else {
                break;
            };
            match claim.run(stream, group, id, &mut log) {
                Claimed::Told(reply) => claimed.push(reply),
                Claimed::Deleted => deleted.push(told_id(id)),
                Claimed::Refused => {}
            }
            from = id.next();
        }
        let next = from.and_then(|from| group.pending().range(from..).next());
        next.map_or(Id::MIN, |(id, _)| *id)
    })?;
    if !log.is_empty() {
        context.changed();
    }
    context.propagate_as(log);
    let lists = [Reply::Array(claimed), Reply::Array(deleted)];
    Ok(Reply::Array([told_id(cursor)].into_iter().chain(lists).collect()))
}
