//! Commands between masters and replicas, and on roles.

use super::super::instance::{Blocked, Wait};
use super::super::number::integer;
use super::super::replication::{Introduction, Stage};
use super::flags::{ADMIN, BLOCKING, FAST, LOADING, NO_MULTI, NO_SCRIPT, STALE};
use super::{Command, Context, Failure, Keys, Reply, command};

const INTERNAL: u32 = ADMIN | NO_SCRIPT | LOADING | STALE;

pub(super) const TABLE: &[Command] = &[
    command("psync", -3, ADMIN | NO_SCRIPT | NO_MULTI, Keys::None, psync),
    command("replconf", -1, INTERNAL, Keys::None, replconf),
    command("replicaof", 3, ADMIN | NO_SCRIPT | STALE, Keys::None, replicaof),
    command("role", 1, NO_SCRIPT | LOADING | STALE | FAST, Keys::None, role),
    command("slaveof", 3, ADMIN | NO_SCRIPT | STALE, Keys::None, replicaof),
    command("wait", 3, NO_SCRIPT | BLOCKING, Keys::None, wait),
];

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

fn psync(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let client = context.client;
    let replication = &context.instance.replication;
    if replication.replicas.contains_key(&client) {
        return Ok(Reply::Nothing);
    }
    if replication.master.as_ref().is_some_and(|master| master.state.name() != "connected") {
        let text = b"NOMASTERLINK Can't SYNC while not connected with my master";
        return Err(Failure::Other(text.to_vec()));
    }
    let offset = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    Ok(context.instance.psync(client, &text(&words[1]), offset))
}

fn replconf(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let client = context.client;
    let options = words[1..].chunks_exact(2);
    if !options.remainder().is_empty() {
        return Err(Failure::Syntax);
    }
    for option in options {
        match option[0].to_ascii_lowercase().as_slice() {
            b"listening-port" => {
                let port = integer(&option[1]).ok_or(Failure::NotAnInteger)?;
                introduction(context).port = port;
            }
            b"ip-address" => introduction(context).ip = text(&option[1]),
            b"capa" | b"rdb-only" | b"rdb-filter-only" => {}
            b"ack" => {
                if let Some(offset) = integer(&option[1]) {
                    context.instance.acked(client, offset);
                }
                return Ok(Reply::Nothing);
            }
            b"getack" => {
                if !context.instance.is_master_client(client) {
                    return Ok(Reply::Nothing);
                }
                let offset = context.instance.replication.offset.to_string();
                let words = ["REPLCONF", "ACK", &offset].map(Reply::bulk);
                return Ok(Reply::Array(words.to_vec()));
            }
            _ => {
                let name = text(&option[0]);
                return Err(Failure::text(format!("Unrecognized REPLCONF option: {name}")));
            }
        }
    }
    Ok(Reply::OK)
}

/// Whoever does not say its address has that of this Redis, as far as can be known here.
fn introduction<'a>(context: &'a mut Context<'_>) -> &'a mut Introduction {
    let replication = &mut context.instance.replication;
    let unsaid = || Introduction { ip: replication.own_ip.clone(), port: 0 };
    replication.introductions.entry(context.client).or_insert_with(unsaid)
}

fn replicaof(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if words[1].eq_ignore_ascii_case(b"no") && words[2].eq_ignore_ascii_case(b"one") {
        context.instance.lead();
        return Ok(Reply::OK);
    }
    let port = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let port = u16::try_from(port).map_err(|_| Failure::text("Invalid master port"))?;
    let host = text(&words[1]);
    let same = context.instance.replication.master.as_ref();
    if same.is_some_and(|master| master.host == host && master.port == port) {
        return Ok(Reply::Simple("OK Already connected to specified master"));
    }
    context.instance.follow(host, port);
    Ok(Reply::OK)
}

fn role(context: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    let replication = &context.instance.replication;
    if let Some(master) = &replication.master {
        let connected = master.state.name() == "connected";
        return Ok(Reply::Array(vec![
            Reply::bulk("slave"),
            Reply::bulk(&master.host),
            Reply::Integer(master.port.into()),
            Reply::bulk(master.state.name()),
            Reply::Integer(if connected { replication.offset } else { -1 }),
        ]));
    }
    let replicas = replication.replicas.iter();
    let online = replicas.filter(|(_, one)| matches!(one.stage, Stage::Unheard | Stage::Streaming));
    let replicas = online.filter_map(|(id, one)| {
        let Introduction { ip, port } = replication.introductions.get(id)?;
        let words = [ip.clone(), port.to_string(), one.acked.to_string()];
        Some(Reply::Array(words.iter().map(Reply::bulk).collect()))
    });
    let replicas = Reply::Array(replicas.collect());
    Ok(Reply::Array(vec![Reply::bulk("master"), Reply::Integer(replication.offset), replicas]))
}

fn wait(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if context.instance.replication.master.is_some() {
        let text = "WAIT cannot be used with replica instances. Please also note that since Redis \
                    4.0 if a replica is configured to be writable (which is not the default) \
                    writes to replicas are just local and are not propagated.";
        return Err(Failure::text(text));
    }
    let enough = integer(&words[1]).ok_or(Failure::NotAnInteger)?;
    let timeout = b"timeout is not an integer or out of range";
    let span_ms = integer(&words[2]).ok_or_else(|| Failure::text(timeout))?;
    if span_ms < 0 {
        return Err(Failure::text("timeout is negative"));
    }
    let offset = context.session().written;
    let count = context.instance.replicas_at(offset);
    let enough = usize::try_from(enough).unwrap_or(0);
    if count >= enough || !context.may_block() {
        return Ok(Reply::count(count));
    }
    let deadline_ms = (span_ms > 0).then(|| context.now_ms() + span_ms);
    context.block(Blocked {
        wait: Wait::Acks { offset, enough },
        deadline_ms,
        timed_out: Reply::count(count),
        retry: words.to_vec(),
    });
    context.instance.ask_for_acks();
    Ok(Reply::Nothing)
}

/// The section of `INFO`.
pub(super) fn info(context: &Context<'_>) -> String {
    let (instance, now_ms) = (&*context.instance, context.now_ms());
    let replication = &instance.replication;
    let mut lines = Vec::new();
    match &replication.master {
        None => lines.push("role:master".to_owned()),
        Some(master) => {
            let up = master.state.name() == "connected";
            let ago_s = if up { (now_ms - master.heard_ms) / 1000 } else { -1 };
            lines.extend([
                "role:slave".to_owned(),
                format!("master_host:{}", master.host),
                format!("master_port:{}", master.port),
                format!("master_link_status:{}", if up { "up" } else { "down" }),
                format!("master_last_io_seconds_ago:{ago_s}"),
                format!("master_sync_in_progress:{}", u8::from(master.state.name() == "sync")),
                format!("slave_read_repl_offset:{}", replication.offset),
                format!("slave_repl_offset:{}", replication.offset),
            ]);
            if !up {
                let down_s = replication
                    .down_since_ms
                    .map_or(-1, |since_ms| now_ms / 1000 - since_ms / 1000);
                lines.push(format!("master_link_down_since_seconds:{down_s}"));
            }
            let priority = instance.config.number("replica-priority");
            let yes = |name| u8::from(instance.config.text(name) == b"yes");
            lines.extend([
                format!("slave_priority:{priority}"),
                format!("slave_read_only:{}", yes("replica-read-only")),
                format!("replica_announced:{}", yes("replica-announced")),
            ]);
        }
    }
    lines.push(format!("connected_slaves:{}", replication.replicas.len()));
    if replication.settings.replicas_min > 0 {
        lines.push(format!("min_slaves_good_slaves:{}", replication.good_replicas));
    }
    for (number, (id, one)) in replication.replicas.iter().enumerate() {
        let Introduction { ip, port } =
            replication.introductions.get(id).cloned().unwrap_or_default();
        let (state, lag) = match one.stage {
            Stage::Waiting => ("wait_bgsave", 0),
            Stage::Sending => ("send_bulk", 0),
            _ => ("online", now_ms / 1000 - one.acked_ms / 1000),
        };
        let acked = one.acked;
        lines.push(format!(
            "slave{number}:ip={ip},port={port},state={state},offset={acked},lag={lag}"
        ));
    }
    let none = "0".repeat(40);
    let backlog = replication.backlog.as_ref();
    lines.extend([
        "master_failover_state:no-failover".to_owned(),
        format!("master_replid:{}", replication.id),
        format!("master_replid2:{}", replication.second_id.as_ref().unwrap_or(&none)),
        format!("master_repl_offset:{}", replication.offset),
        format!("second_repl_offset:{}", replication.second_offset),
        format!("repl_backlog_active:{}", u8::from(backlog.is_some())),
        "repl_backlog_size:1048576".to_owned(),
        format!("repl_backlog_first_byte_offset:{}", backlog.map_or(0, |kept| kept.first)),
        format!("repl_backlog_histlen:{}", backlog.map_or(0, |kept| kept.len())),
    ]);
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}
