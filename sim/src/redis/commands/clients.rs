//! Commands on connections: who a client is, what it may do, what it is told, and how it ends.

use super::super::instance::pause::Paused;
use super::super::number::integer;
use super::super::reply::Protocol;
use super::flags::{ADMIN, FAST, LOADING, NO_AUTH, NO_SCRIPT, STALE};
use super::{Command, Context, Failure, Keys, Reply, client_list, command};

const ALWAYS: u32 = NO_SCRIPT | LOADING | STALE | FAST | NO_AUTH;

pub(super) const TABLE: &[Command] = &[
    command("auth", -2, ALWAYS, Keys::None, auth),
    command("monitor", 1, ADMIN | NO_SCRIPT | LOADING | STALE, Keys::None, monitor),
    command("quit", -1, ALWAYS, Keys::None, quit),
    command("reset", 1, ALWAYS, Keys::None, reset),
];

const OF_CLIENT: u32 = NO_SCRIPT | LOADING | STALE;
const OF_ALL: u32 = ADMIN | OF_CLIENT;

pub(super) const CLIENT: &[Command] = &[
    command("caching", 3, OF_CLIENT, Keys::None, caching),
    command("getname", 2, OF_CLIENT, Keys::None, getname),
    command("getredir", 2, OF_CLIENT, Keys::None, getredir),
    command("id", 2, OF_CLIENT, Keys::None, id),
    command("info", 2, OF_CLIENT, Keys::None, client_list::info),
    command("kill", -3, OF_ALL, Keys::None, client_list::kill),
    command("list", -2, OF_ALL, Keys::None, client_list::list),
    command("no-evict", 3, OF_ALL, Keys::None, no_evict),
    command("pause", -3, OF_ALL, Keys::None, pause),
    command("reply", 3, OF_CLIENT, Keys::None, reply),
    command("setname", 3, OF_CLIENT, Keys::None, setname),
    command("tracking", -3, OF_CLIENT, Keys::None, tracking),
    command("trackinginfo", 2, OF_CLIENT, Keys::None, trackinginfo),
    command("unblock", -3, OF_ALL, Keys::None, unblock),
    command("unpause", 2, OF_ALL, Keys::None, unpause),
];

const WRONG: &[u8] = b"WRONGPASS invalid username-password pair or user is disabled.";

fn auth(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (user, password) = match &words[1..] {
        [password] => (&b"default"[..], password),
        [user, password] => (user.as_slice(), password),
        _ => return Err(Failure::Syntax),
    };
    let open = context.instance.config.text("requirepass").is_empty();
    if words.len() == 2 && open {
        return Err(Failure::text(
            "AUTH <password> called without any password configured for the default user. Are \
             you sure your configuration is correct?",
        ));
    }
    authenticate(context, user, password)?;
    Ok(Reply::OK)
}

/// The client is the one user that there is, if the password is his.
pub(super) fn authenticate(
    context: &mut Context<'_>,
    user: &[u8],
    password: &[u8],
) -> Result<(), Failure> {
    let expected = context.instance.config.text("requirepass");
    if user != b"default" || !(expected.is_empty() || expected == password) {
        return Err(Failure::Other(WRONG.to_vec()));
    }
    context.session().authenticated = true;
    Ok(())
}

fn quit(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    context.session().closing = true;
    Ok(Reply::OK)
}

/// The connection is as new.
fn reset(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    let client = context.client;
    context.instance.end_transaction(client);
    context.instance.listeners.forget(client);
    let open = context.instance.config.text("requirepass").is_empty();
    let session = context.session();
    session.protocol = Protocol::Resp2;
    session.database = 0;
    session.authenticated = open;
    session.name.clear();
    session.monitors = false;
    // It does not hear of this one if it said so just before.
    (session.replies.off, session.replies.not_next) = (false, false);
    Ok(Reply::Simple("RESET"))
}

fn id(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Integer(context.session().id))
}

fn getname(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    let name = &context.session().name;
    Ok(if name.is_empty() { Reply::Null } else { Reply::bulk(name) })
}

fn setname(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    set_name(context, &words[2])?;
    Ok(Reply::OK)
}

/// An empty name is no name.
pub(super) fn set_name(context: &mut Context<'_>, name: &[u8]) -> Result<(), Failure> {
    if !name.iter().all(u8::is_ascii_graphic) {
        let text = "Client names cannot contain spaces, newlines or special characters.";
        return Err(Failure::text(text));
    }
    context.session().name = name.to_vec();
    Ok(())
}

/// Nobody's invalidations go elsewhere: nobody is told any.
fn getredir(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Integer(-1))
}

fn trackinginfo(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Map(vec![
        (Reply::bulk("flags"), Reply::Set(vec![Reply::bulk("off")])),
        (Reply::bulk("redirect"), Reply::Integer(-1)),
        (Reply::bulk("prefixes"), Reply::Array(Vec::new())),
    ]))
}

/// Nobody is told what changes: who could not do without it is better refused.
fn tracking(_: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    match words[2].to_ascii_lowercase().as_slice() {
        b"off" => Ok(Reply::OK),
        b"on" => Err(Failure::text("client tracking is not simulated")),
        _ => Err(Failure::Syntax),
    }
}

fn caching(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Err(Failure::text(
        "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
         OPTOUT mode enabled",
    ))
}

fn no_evict(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    context.session().no_evict = match words[2].to_ascii_lowercase().as_slice() {
        b"on" => true,
        b"off" => false,
        _ => return Err(Failure::Syntax),
    };
    Ok(Reply::OK)
}

fn reply(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let replies = &mut context.session().replies;
    match words[2].to_ascii_lowercase().as_slice() {
        b"on" => {
            (replies.off, replies.not_this) = (false, false);
            return Ok(Reply::OK);
        }
        b"off" => replies.off = true,
        b"skip" => replies.not_next |= !replies.off,
        _ => return Err(Failure::Syntax),
    }
    Ok(Reply::Nothing)
}

fn pause(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let paused = match &words[3..] {
        [] => Paused::All,
        [how] if how.eq_ignore_ascii_case(b"all") => Paused::All,
        [how] if how.eq_ignore_ascii_case(b"write") => Paused::Writes,
        [_] => return Err(Failure::text("CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(context.arity()),
    };
    let invalid = || Failure::text("timeout is not an integer or out of range");
    let span_ms = integer(&words[2]).ok_or_else(invalid)?;
    if span_ms < 0 {
        return Err(Failure::text("timeout is negative"));
    }
    let end_ms = context.now_ms().checked_add(span_ms).ok_or_else(invalid)?;
    context.instance.pause(end_ms, paused);
    Ok(Reply::OK)
}

fn unpause(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    context.instance.unpause();
    Ok(Reply::OK)
}

fn monitor(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    context.session().monitors = true;
    Ok(Reply::OK)
}

fn unblock(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let error = match &words[3..] {
        [] => false,
        [how] if how.eq_ignore_ascii_case(b"timeout") => false,
        [how] if how.eq_ignore_ascii_case(b"error") => true,
        _ => {
            let text = "CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
            return Err(Failure::text(text));
        }
    };
    let id = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let session = context.instance.clients.get_mut(&id);
    let Some(blocked) = session.and_then(|session| session.blocked.as_mut()) else {
        return Ok(Reply::Integer(0));
    };
    let told = match error {
        true => Reply::Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK".to_vec()),
        false => std::mem::replace(&mut blocked.timed_out, Reply::Nothing),
    };
    context.instance.end_wait(id, &told);
    Ok(Reply::Integer(1))
}
