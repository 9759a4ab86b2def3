//! `INFO`: what a server tells of itself, in the sections that there are and in their order.
//!
//! Fields of which the simulator knows nothing are left out, unless clients read them.

use super::super::VERSION;
use super::super::instance::Instance;
use super::super::pubsub::Way;
use super::flags::{LOADING, STALE};
use super::{Command, Context, Failure, Keys, Reply, command, memory, replication};

pub(super) const TABLE: &[Command] = &[command("info", -1, LOADING | STALE, Keys::None, info)];

/// A section: its name as it is asked for, its title, its lines, and whether it is told to who asks
/// for none.
type Section = (&'static str, &'static str, fn(&Context<'_>) -> String, bool);

const SECTIONS: &[Section] = &[
    ("server", "Server", server, true),
    ("clients", "Clients", clients, true),
    ("memory", "Memory", memory::info, true),
    ("persistence", "Persistence", persistence, true),
    ("stats", "Stats", stats, true),
    ("replication", "Replication", replication::info, true),
    ("cpu", "CPU", cpu, true),
    ("modules", "Modules", |_| String::new(), true),
    ("commandstats", "Commandstats", |_| String::new(), false),
    ("errorstats", "Errorstats", |_| String::new(), true),
    ("latencystats", "Latencystats", |_| String::new(), false),
    ("cluster", "Cluster", |_| "cluster_enabled:0\r\n".to_owned(), true),
    ("keyspace", "Keyspace", keyspace, true),
];

fn info(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let asked =
        |name: &str| words[1..].iter().any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let (all, usual) = (asked("all") || asked("everything"), words.len() == 1 || asked("default"));
    let told =
        SECTIONS.iter().filter(|(name, _, _, always)| all || (usual && *always) || asked(name));
    let told: Vec<String> =
        told.map(|(_, title, lines, _)| format!("# {title}\r\n{}", lines(context))).collect();
    Ok(Reply::Text(told.join("\r\n")))
}

/// `name:value`, each on a line.
fn lines(fields: &[(&str, String)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect()
}

fn server(context: &Context<'_>) -> String {
    let instance = &*context.instance;
    let now_ms = context.now_ms();
    let up_s = (now_ms - instance.started_ms) / 1000;
    let setting = |name| String::from_utf8_lossy(instance.config.text(name)).into_owned();
    lines(&[
        ("redis_version", VERSION.to_owned()),
        ("redis_git_sha1", "00000000".to_owned()),
        ("redis_git_dirty", "0".to_owned()),
        ("redis_mode", "standalone".to_owned()),
        ("os", "imsim".to_owned()),
        ("arch_bits", "64".to_owned()),
        ("multiplexing_api", "imsim".to_owned()),
        ("process_id", "1".to_owned()),
        ("run_id", instance.replication.run_id.clone()),
        ("tcp_port", setting("port")),
        ("server_time_usec", (now_ms * 1000).to_string()),
        ("uptime_in_seconds", up_s.to_string()),
        ("uptime_in_days", (up_s / 86_400).to_string()),
        ("hz", setting("hz")),
        ("configured_hz", setting("hz")),
        ("config_file", String::new()),
    ])
}

fn clients(context: &Context<'_>) -> String {
    let instance = &*context.instance;
    let blocked = instance.clients.values().filter(|session| session.blocked.is_some()).count();
    let connected = instance.clients.len() - instance.replication.replicas.len();
    let maxclients = String::from_utf8_lossy(instance.config.text("maxclients")).into_owned();
    lines(&[
        ("connected_clients", connected.to_string()),
        ("cluster_connections", "0".to_owned()),
        ("maxclients", maxclients),
        ("blocked_clients", blocked.to_string()),
        ("tracking_clients", "0".to_owned()),
    ])
}

fn persistence(context: &Context<'_>) -> String {
    let aof = u8::from(context.instance.log.is_some());
    lines(&[
        ("loading", "0".to_owned()),
        ("async_loading", "0".to_owned()),
        ("rdb_bgsave_in_progress", "0".to_owned()),
        ("rdb_last_bgsave_status", "ok".to_owned()),
        ("aof_enabled", aof.to_string()),
        ("aof_rewrite_in_progress", "0".to_owned()),
        ("aof_last_write_status", "ok".to_owned()),
    ])
}

fn stats(context: &Context<'_>) -> String {
    let Instance { totals, replication, listeners, .. } = &*context.instance;
    let [full, partial] = replication.resyncs;
    let count = |way| listeners.names(way).count().to_string();
    lines(&[
        ("total_connections_received", totals.connections.to_string()),
        // Redis counts a command when it has run.
        ("total_commands_processed", totals.commands.saturating_sub(1).to_string()),
        ("rejected_connections", "0".to_owned()),
        ("sync_full", full.to_string()),
        ("sync_partial_ok", partial.to_string()),
        ("expired_keys", totals.expired_keys.to_string()),
        ("evicted_keys", totals.evicted_keys.to_string()),
        ("pubsub_channels", count(Way::Channel)),
        ("pubsub_patterns", count(Way::Pattern)),
        ("pubsubshard_channels", count(Way::Shard)),
    ])
}

/// Nothing takes time here but what the engine lets it take.
fn cpu(_: &Context<'_>) -> String {
    let none = || "0.000000".to_owned();
    lines(&[("used_cpu_sys", none()), ("used_cpu_user", none())])
}

fn keyspace(context: &Context<'_>) -> String {
    let databases = context.instance.databases.iter().enumerate();
    let filled = databases.filter(|(_, db)| !db.is_empty());
    let line = |(number, db): (usize, &crate::redis::db::Db)| {
        let (keys, expires) = (db.len(), db.expiring());
        format!("db{number}:keys={keys},expires={expires},avg_ttl=0\r\n")
    };
    filled.map(line).collect()
}
