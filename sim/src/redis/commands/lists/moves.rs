//! Commands that move an element from one list to another.

use super::super::arguments::timeout;
use super::super::flags::{BLOCKING, DENY_OOM, NO_SCRIPT, WRITE};
use super::super::{Command, Context, Failure, Keys, Reply, command};
use super::End;
use super::ends::{put, take};
use crate::redis::values::{Kind, List};

const BOTH: Keys = Keys::Range(1, 2, 1);

pub(in super::super) const TABLE: &[Command] = &[
    command("blmove", 6, WRITE | DENY_OOM | NO_SCRIPT | BLOCKING, BOTH, blmove),
    command("brpoplpush", 4, WRITE | DENY_OOM | NO_SCRIPT | BLOCKING, BOTH, brpoplpush),
    command("lmove", 5, WRITE | DENY_OOM, BOTH, lmove),
    command("rpoplpush", 3, WRITE | DENY_OOM, BOTH, rpoplpush),
];

/// From where to where.
struct Move<'a> {
    from: &'a [u8],
    to: &'a [u8],
    take: End,
    put: End,
}

fn lmove(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(ends(words)?.run(context)?.unwrap_or(Reply::Null))
}

fn rpoplpush(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(right_to_left(words).run(context)?.unwrap_or(Reply::Null))
}

fn blmove(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let ends = ends(words)?;
    let deadline_ms = timeout(context, &words[5])?;
    move_or_wait(context, &ends, deadline_ms, words)
}

fn brpoplpush(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let deadline_ms = timeout(context, &words[3])?;
    move_or_wait(context, &right_to_left(words), deadline_ms, words)
}

fn ends(words: &[Vec<u8>]) -> Result<Move<'_>, Failure> {
    let (take, put) = (End::parse(&words[3])?, End::parse(&words[4])?);
    Ok(Move { from: &words[1], to: &words[2], take, put })
}

fn right_to_left(words: &[Vec<u8>]) -> Move<'_> {
    Move { from: &words[1], to: &words[2], take: End::Right, put: End::Left }
}

fn move_or_wait(
    context: &mut Context<'_>,
    ends: &Move<'_>,
    deadline_ms: Option<i64>,
    words: &[Vec<u8>],
) -> Result<Reply, Failure> {
    let Some(reply) = ends.run(context)? else {
        let keys = [ends.from.to_vec()];
        return Ok(context.wait_for_keys(Kind::List, &keys, deadline_ms, words, Reply::Null));
    };
    let told = match (words.len(), context.served_key()) {
        (4, _) => [&[b"RPOPLPUSH".to_vec()], &words[1..3]].concat(),
        (_, None) => [&[b"LMOVE".to_vec()], &words[1..5]].concat(),
        // Who has waited is told of in other words.
        (_, Some(_)) => {
            [&[b"LMOVE".to_vec()], &words[1..3], &[ends.take.word(), ends.put.word()]].concat()
        }
    };
    context.propagate_as(vec![told]);
    Ok(reply)
}

impl Move<'_> {
    /// The element that was moved, if there was one.
    fn run(&self, context: &mut Context<'_>) -> Result<Option<Reply>, Failure> {
        if context.list(self.from)?.is_none() {
            return Ok(None);
        }
        context.list(self.to)?;
        let list = context.list(self.from)?.expect("it was there");
        let element = take(list, self.take).expect("a list that is there is not empty");
        // An element that goes round in one list never leaves it empty.
        let same = self.from == self.to;
        if !same {
            context.shrunk(self.from);
        }
        put(context.made::<List>(self.to)?, element.clone(), self.put);
        context.modified(self.to);
        Ok(Some(Reply::Bulk(element)))
    }
}
