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
    pub gateways: u32,
    /// Chat nodes: each owns a share of the conversations.
    pub chats: u32,
    /// Dispatchers: they read the log and fan out.
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
    pub restart_after: Span,
}

/// The store's nodes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreNodes {
    /// Shards, one node each.
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
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedisNodes {
    /// Replicas of the master. This version simulates a master alone.
    #[schemars(extend("const" = 0))]
    pub replicas: u32,
    /// Sentinels. This version simulates a master alone.
    #[schemars(extend("const" = 0))]
    pub sentinels: u32,
    /// What a restarted master still has.
    pub persistence: Persistence,
}

/// What a Redis master keeps across its restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// Nothing.
    #[default]
    None,
}

/// The `[disk]` table: what disk operations cost. Those of one disk queue. Rates of 0 do not limit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// One sync on a server's disk. The default is assumed: a data-centre SSD.
    pub fsync: Span,
    /// On top of that, the bytes that it writes: megabytes per second. The default is assumed: a
    /// SATA SSD.
    pub write_mb_per_s: u32,
    /// One read on a server's disk. The default is assumed: a data-centre SSD.
    pub read: Span,
    /// On top of that, the bytes that are read: megabytes per second. The default is assumed: a
    /// SATA SSD.
    pub read_mb_per_s: u32,
    /// One sync on a device's disk. The default is assumed: a phone's flash.
    pub device_fsync: Span,
    /// On top of that, the bytes that it writes: megabytes per second. The default is assumed.
    pub device_write_mb_per_s: u32,
    /// One read on a device's disk. The default is assumed: a phone's flash.
    pub device_read: Span,
    /// On top of that, the bytes that are read: megabytes per second. The default is assumed.
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

impl Default for Disk {
    fn default() -> Self {
        Self {
            fsync: Span(300_000),
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
            _ => Err(format!(
                "`{text}` is not simulated: this version simulates a single Redis master without \
                 persistence; write \"none\""
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
        from_text(deserializer, "\"none\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_version_does_not_simulate_is_refused_by_name() {
        let acks = Acks::from_str("1").expect_err("only all");
        assert!(acks.contains("single broker") && acks.ends_with("write \"all\""), "{acks}");
        let kept = Persistence::from_str("everysec").expect_err("only none");
        assert!(kept.contains("single Redis master") && kept.ends_with("write \"none\""), "{kept}");
    }
}
