//! Commands of transactions.

use super::flags::{FAST, LOADING, NO_SCRIPT, STALE};
use super::{ALL, Command, Context, Failure, Keys, Reply, command};

const ALWAYS: u32 = NO_SCRIPT | LOADING | STALE | FAST;

pub(super) const TABLE: &[Command] = &[
    command("discard", 1, ALWAYS, Keys::None, discard),
    command("exec", 1, NO_SCRIPT | LOADING | STALE, Keys::None, exec),
    command("multi", 1, ALWAYS, Keys::None, multi),
    command("unwatch", 1, ALWAYS, Keys::None, unwatch),
    command("watch", -2, ALWAYS, ALL, watch),
];

fn multi(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    let session = context.session();
    if session.transaction.is_some() {
        return Err(Failure::text("MULTI calls can not be nested"));
    }
    session.transaction = Some(Default::default());
    Ok(Reply::OK)
}

fn exec(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    let client = context.client;
    match &context.session().transaction {
        None => Err(Failure::text("EXEC without MULTI")),
        Some(open) if open.failed => {
            context.instance.end_transaction(client);
            let text = b"EXECABORT Transaction discarded because of previous errors.";
            Err(Failure::Other(text.to_vec()))
        }
        Some(_) => Ok(context.instance.exec(client)),
    }
}

fn discard(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    if context.session().transaction.is_none() {
        return Err(Failure::text("DISCARD without MULTI"));
    }
    context.instance.end_transaction(context.client);
    Ok(Reply::OK)
}

fn watch(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if context.session().transaction.is_some() {
        return Err(Failure::text("WATCH inside MULTI is not allowed"));
    }
    for key in &words[1..] {
        context.instance.watch(context.client, context.database, key);
    }
    Ok(Reply::OK)
}

fn unwatch(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    context.instance.unwatch(context.client);
    Ok(Reply::OK)
}
