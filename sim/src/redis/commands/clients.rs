//! Commands on connections: who a client is, what it may do, and how it ends.

use super::super::instance::{ClientId, Instance};
use super::super::number::integer;
use super::super::reply::Protocol;
use super::flags::{ADMIN, FAST, LOADING, NO_AUTH, NO_SCRIPT, STALE};
use super::{Command, Context, Failure, Keys, Reply, command};

const ALWAYS: u32 = NO_SCRIPT | LOADING | STALE | FAST | NO_AUTH;

pub(super) const TABLE: &[Command] = &[
    command("auth", -2, ALWAYS, Keys::None, auth),
    command("quit", -1, ALWAYS, Keys::None, quit),
    command("reset", 1, ALWAYS, Keys::None, reset),
];

const OF_CLIENT: u32 = NO_SCRIPT | LOADING | STALE;
const OF_ALL: u32 = ADMIN | OF_CLIENT;

pub(super) const CLIENT: &[Command] = &[
    command("getname", 2, OF_CLIENT, Keys::None, getname),
    command("getredir", 2, OF_CLIENT, Keys::None, getredir),
    command("id", 2, OF_CLIENT, Keys::None, id),
    command("kill", -3, OF_ALL, Keys::None, kill),
    command("no-evict", 3, OF_ALL, Keys::None, no_evict),
    command("setname", 3, OF_CLIENT, Keys::None, setname),
    command("trackinginfo", 2, OF_CLIENT, Keys::None, trackinginfo),
    command("unblock", -3, OF_ALL, Keys::None, unblock),
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

fn no_evict(_: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let known = [&b"on"[..], b"off"].iter().any(|word| words[2].eq_ignore_ascii_case(word));
    if known { Ok(Reply::OK) } else { Err(Failure::Syntax) }
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
    let Some(blocked) = context.instance.unblock(id) else { return Ok(Reply::Integer(0)) };
    let told = match error {
        true => Reply::Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK".to_vec()),
        false => blocked.timed_out,
    };
    context.instance.reply(id, &told);
    Ok(Reply::Integer(1))
}

/// Which clients are to be ended.
struct Victims<'a> {
    id: Option<ClientId>,
    kind: Option<&'static str>,
    /// Addresses are not known here, so that nobody has this one.
    addressed: bool,
    user: Option<&'a [u8]>,
    spare_self: bool,
}

fn kill(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if words.len() == 3 {
        return Err(Failure::text("No such client"));
    }
    let victims = victims(&words[2..])?;
    let asking = context.client;
    let ids: Vec<ClientId> = context.instance.clients.keys().copied().collect();
    let mut count = 0;
    for id in ids {
        let spared = id == asking && victims.spare_self;
        let meant = victims.id.is_none_or(|one| one == id)
            && victims.kind.is_none_or(|kind| kind == context.instance.kind_of(id))
            && victims.user.is_none_or(|user| user == b"default")
            && !victims.addressed;
        if meant && !spared {
            count += 1;
            context.instance.end_client(id, id == asking);
        }
    }
    Ok(Reply::Integer(count))
}

fn victims(options: &[Vec<u8>]) -> Result<Victims<'_>, Failure> {
    let mut victims =
        Victims { id: None, kind: None, addressed: false, user: None, spare_self: true };
    let pairs = options.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(Failure::Syntax);
    }
    for pair in pairs {
        let value = pair[1].as_slice();
        match pair[0].to_ascii_lowercase().as_slice() {
            b"id" => {
                let id = integer(value).filter(|id| *id > 0);
                let invalid = || Failure::text("client-id should be greater than 0");
                victims.id = Some(id.ok_or_else(invalid)?);
            }
            b"type" => victims.kind = Some(kind(value)?),
            b"addr" | b"laddr" => victims.addressed = true,
            b"user" if value == b"default" => victims.user = Some(value),
            b"user" => {
                let text = [b"No such user '", value, b"'"].concat();
                return Err(Failure::text(text));
            }
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => victims.spare_self = true,
            b"skipme" if value.eq_ignore_ascii_case(b"no") => victims.spare_self = false,
            _ => return Err(Failure::Syntax),
        }
    }
    Ok(victims)
}

fn kind(word: &[u8]) -> Result<&'static str, Failure> {
    match word.to_ascii_lowercase().as_slice() {
        b"normal" => Ok("normal"),
        b"slave" | b"replica" => Ok("replica"),
        b"pubsub" => Ok("pubsub"),
        b"master" => Ok("master"),
        _ => Err(Failure::text([b"Unknown client type '", word, b"'"].concat())),
    }
}

impl Instance {
    /// What sort of client it is.
    fn kind_of(&self, id: ClientId) -> &'static str {
        if self.is_master_client(id) {
            return "master";
        }
        match (self.replication.replicas.contains_key(&id), self.listeners.has(id)) {
            (true, _) => "replica",
            (false, true) => "pubsub",
            (false, false) => "normal",
        }
    }

    /// The client's connection ends. What it was to be sent is lost, but for replies to the one who
    /// asked for this.
    fn end_client(&mut self, id: ClientId, itself: bool) {
        self.unblock(id);
        self.woken.insert(id);
        if let Some(session) = self.clients.get_mut(&id) {
            session.closing = true;
            if !itself {
                session.output.clear();
            }
        }
    }
}
