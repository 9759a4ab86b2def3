//! Commands on the connection and on the server.

use super::super::VERSION;
use super::super::instance::DATABASES;
use super::super::number::integer;
use super::super::reply::Protocol;
use super::clients::{CLIENT, authenticate, set_name};
use super::flags::{FAST, LOADING, NO_AUTH, NO_SCRIPT, STALE};
use super::{Command, Context, Failure, Keys, Reply, command, container, up_to_zero};

pub(super) const TABLE: &[Command] = &[
    container("client", -2, CLIENT),
    command("echo", 2, FAST, Keys::None, echo),
    command("hello", -1, NO_SCRIPT | LOADING | STALE | FAST | NO_AUTH, Keys::None, hello),
    command("ping", -1, FAST, Keys::None, ping),
    command("select", 2, LOADING | STALE | FAST, Keys::None, select),
];

fn ping(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let old = context.session().protocol == Protocol::Resp2;
    match &words[1..] {
        text if text.len() < 2 && old && context.instance.listeners.has(context.client) => {
            let text = text.first().cloned().unwrap_or_default();
            Ok(Reply::Array(vec![Reply::bulk("pong"), Reply::Bulk(text)]))
        }
        [] => Ok(Reply::Simple("PONG")),
        [text] => Ok(Reply::bulk(text)),
        _ => Err(context.arity()),
    }
}

fn echo(_: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::bulk(&words[1]))
}

fn select(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let number = integer(&words[1]).ok_or(Failure::NotAnInteger)?;
    if i32::try_from(number).is_err() {
        let (min, max) = (i32::MIN, i32::MAX);
        let text = format!("value is out of range, value must between {min} and {max}");
        return Err(Failure::text(text));
    }
    let database = usize::try_from(number).ok().filter(|database| *database < DATABASES);
    let database = database.ok_or_else(|| Failure::text("DB index is out of range"))?;
    context.session().database = database;
    Ok(Reply::OK)
}

fn hello(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let chosen = words.get(1).map(|word| protocol(word)).transpose()?;
    let mut options = words.iter().skip(2);
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"auth") && options.len() >= 2 {
            let (user, password) = (options.next(), options.next());
            let (user, password) = user.zip(password).expect("two are left");
            authenticate(context, user, password)?;
        } else if option.eq_ignore_ascii_case(b"setname") && options.len() >= 1 {
            let name = options.next().expect("one is left");
            set_name(context, name)?;
        } else {
            let text = [b"Syntax error in HELLO option '", up_to_zero(option), b"'"].concat();
            return Err(Failure::text(text));
        }
    }
    if !context.session().authenticated {
        let text = b"NOAUTH HELLO must be called with the client already authenticated, otherwise \
                     the HELLO AUTH <user> <pass> option can be used to authenticate the \
                     client and select the RESP protocol version at the same time";
        return Err(Failure::Other(text.to_vec()));
    }
    if let Some(protocol) = chosen {
        context.session().protocol = protocol;
    }
    let role = if context.instance.replication.master.is_some() { "replica" } else { "master" };
    let entry = |key: &str, value| (Reply::bulk(key), value);
    Ok(Reply::Map(vec![
        entry("server", Reply::bulk("redis")),
        entry("version", Reply::bulk(VERSION)),
        entry("proto", Reply::Integer(context.session().protocol.number())),
        entry("id", Reply::Integer(context.session().id)),
        entry("mode", Reply::bulk("standalone")),
        entry("role", Reply::bulk(role)),
        entry("modules", Reply::Array(Vec::new())),
    ]))
}

fn protocol(word: &[u8]) -> Result<Protocol, Failure> {
    let text = "Protocol version is not an integer or out of range";
    match integer(word).ok_or_else(|| Failure::text(text))? {
        2 => Ok(Protocol::Resp2),
        3 => Ok(Protocol::Resp3),
        _ => Err(Failure::Other(b"NOPROTO unsupported protocol version".to_vec())),
    }
}
