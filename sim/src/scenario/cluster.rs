//! The `[cluster]` and `[disk]` tables: how many nodes of each role, and what their disks cost.
//!
//! Knows nothing of what the nodes do (`[im]`) or of the network between them (`[network]`).

use std::str::FromStr;

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::units::from_text;

/// The `[cluster]` table. The registry is always one node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Gateways: they hold the devices' connections.
    #[schemars(range(min = 1))]
    pub gateways: u32,
    /// Chat nodes: each owns a share of the conversations.
    #[schemars(range(min = 1))]
    pub chats: u32,
    /// Dispatchers: they read the log and fan out.
    #[schemars(range(min = 1))]
    pub dispatchers: u32,
    /// The store.
    pub store: StoreNodes,
    /// The log.
    pub log: LogNodes,
    /// Redis.
    pub redis: RedisNodes,
    /// Names of regions. The nodes of each role, and the users, are dealt to them in turn: node 0
    /// to the first, node 1 to the second, and so on. See `network.between_regions`.
    pub regions: Vec<String>,
    /// How long a supervisor waits before it starts a process again that ended itself, as one does
    /// whose disk has failed. The default is assumed.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub restart_after: Span,
}

/// The store's nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreNodes {
    /// Shards, one node each.
    #[schemars(range(min = 1))]
    pub shards: u32,
}

/// The log's nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogNodes {
    /// Brokers. This version simulates a single one.
    #[schemars(extend("const" = 1))]
    pub brokers: u32,
    /// Log partitions; a conversation always goes to the same one.
    #[schemars(range(min = 1))]
    pub partitions: u32,
    /// What the broker waits for before it acks a producer.
    pub acks: Acks,
}

/// When the log broker acks a producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// When the record is synced on all brokers.
    #[default]
    All,
}

/// Redis' nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedisNodes {
    /// Replicas of the master. The master is `redis-0` at first, its replicas are the others.
    pub replicas: u32,
    /// Sentinels, which promote a replica when they agree that the master is down. Without any, the
    /// master never moves.
    pub sentinels: u32,
    /// So many Sentinels must find the master down. By default most of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// A node that is silent for so long is down to a Sentinel (`down-after-milliseconds`). The
    /// default is assumed: Redis' own, 30 s, is for nobody who waits.
    pub down_after: Span,
    /// The Sentinels' `failover-timeout`: a failover is not begun anew within twice this.
    pub failover_timeout: Span,
    /// What a restarted Redis still has.
    pub persistence: Persistence,
    /// A master with fewer replicas that ack refuses writes (`min-replicas-to-write`).
    pub min_replicas_to_write: u32,
    /// A replica whose last ack is older does not count for that (`min-replicas-max-lag`), in whole
    /// seconds. The default is Redis' own.
    pub min_replicas_max_lag: Span,
    /// How long a master waits for more replicas before it sends a snapshot
    /// (`repl-diskless-sync-delay`), in whole seconds. The default is Redis' own.
    pub repl_diskless_sync_delay: Span,
    /// Masters that know nothing of each other or of the ones above, for Redlock: `lock-0` and so
    /// on.
    pub lock_masters: u32,
}

/// What a Redis keeps across its restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// Nothing.
    #[default]
    None,
    /// An append-only file that is synced before the replies leave (`appendfsync always`).
    Always,
    /// An append-only file that is synced once a second (`appendfsync everysec`).
    Everysec,
    /// An append-only file that is never synced (`appendfsync no`): it outlives the process, not
    /// the machine's power.
    Unsynced,
}

impl RedisNodes {
    /// So many Sentinels must find the master down.
    pub fn quorum(&self) -> u32 {
        self.quorum.unwrap_or(self.sentinels / 2 + 1)
    }
}

/// The `[disk]` table: what disk operations cost. Those of one disk queue. Rates of 0 do not limit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// One sync on a server's disk. The default is assumed: a data-centre SSD.
    pub fsync: Span,
    /// One sync on a store's disk, if that is another than the other servers'.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_fsync: Option<Span>,
    /// On top of a sync, the bytes that it writes: megabytes per second. The default is assumed: a
    /// SATA SSD.
    #[schemars(range(min = 1))]
    pub write_mb_per_s: u32,
    /// One read on a server's disk. The default is assumed: a data-centre SSD.
    pub read: Span,
    /// On top of that, the bytes that are read: megabytes per second. The default is assumed: a
    /// SATA SSD.
    #[schemars(range(min = 1))]
    pub read_mb_per_s: u32,
    /// One sync on a device's disk. The default is assumed: a phone's flash.
    pub device_fsync: Span,
    /// On top of that, the bytes that it writes: megabytes per second. The default is assumed.
    #[schemars(range(min = 1))]
    pub device_write_mb_per_s: u32,
    /// One read on a device's disk. The default is assumed: a phone's flash.
    pub device_read: Span,
    /// On top of that, the bytes that are read: megabytes per second. The default is assumed.
    #[schemars(range(min = 1))]
    pub device_read_mb_per_s: u32,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            gateways: 2,
            chats: 2,
            dispatchers: 2,
            store: StoreNodes::default(),
            log: LogNodes::default(),
            redis: RedisNodes::default(),
            regions: Vec::new(),
            restart_after: Span::s(1),
        }
    }
}

impl Default for StoreNodes {
    fn default() -> Self {
        Self { shards: 2 }
    }
}

impl Default for LogNodes {
    fn default() -> Self {
        Self { brokers: 1, partitions: 8, acks: Acks::All }
    }
}

impl Default for RedisNodes {
    fn default() -> Self {
        Self {
            replicas: 0,
            sentinels: 0,
            quorum: None,
            down_after: Span::s(1),
            failover_timeout: Span::s(10),
            persistence: Persistence::None,
            min_replicas_to_write: 0,
            min_replicas_max_lag: Span::s(10),
            repl_diskless_sync_delay: Span::s(5),
            lock_masters: 0,
        }
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            fsync: Span(300_000),
            store_fsync: None,
            write_mb_per_s: 500,
            read: Span(100_000),
            read_mb_per_s: 500,
            device_fsync: Span::ms(1),
            device_write_mb_per_s: 150,
            device_read: Span(200_000),
            device_read_mb_per_s: 500,
        }
    }
}

impl FromStr for Acks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            _ => Err(format!(
                "`{text}` is not simulated: this version simulates a single broker, which acks \
                 when it has synced; write \"all\""
            )),
        }
    }
}

impl FromStr for Persistence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "always" => Ok(Self::Always),
            "everysec" => Ok(Self::Everysec),
            "unsynced" => Ok(Self::Unsynced),
            _ => Err(format!(
                "`{text}` is not what Redis can keep; write \"none\", \"always\", \"everysec\" or \
                 \"unsynced\""
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Acks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "\"all\"")
    }
}

impl<'de> Deserialize<'de> for Persistence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, "what Redis keeps, as in \"everysec\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_version_does_not_simulate_is_refused_by_name() {
        let acks = Acks::from_str("1").expect_err("only all");
        assert!(acks.contains("single broker") && acks.ends_with("write \"all\""), "{acks}");
        let kept = Persistence::from_str("rdb").expect_err("only append-only files");
        assert!(kept.contains("not what Redis can keep") && kept.contains("everysec"), "{kept}");
    }
}
