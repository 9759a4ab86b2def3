//! Who is in the cluster: roles, node numbers and ports; and which node holds what.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::env::Addr;
use crate::model::{ConversationId, UserId};
use crate::redis_client::Names;

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Role {
    /// Service discovery.
    Registry,
    /// The log broker.
    Log,
    /// A shard of the store.
    Store,
    /// Owns conversations.
    Chat,
    /// Consumes the log and fans out.
    Dispatcher,
    /// Holds the connections of devices.
    Gateway,
}

/// The port on which every server answers calls.
pub const CALL_PORT: u16 = 1;
/// The port on which a gateway accepts devices.
pub const DEVICE_PORT: u16 = 2;
/// The port of Redis.
pub const REDIS_PORT: u16 = 6379;
/// The port of Redis Sentinel.
pub const SENTINEL_PORT: u16 = 26379;
/// What the Sentinels call the master and its replicas.
pub const REDIS_MASTER: &str = "redis";

/// Node numbers by role; the same in every node's configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Topology {
    /// The registry.
    pub registry: u32,
    /// Redis nodes; the first is the master when the cluster starts.
    pub redis: Vec<u32>,
    /// Redis Sentinels. Without any, the master never moves.
    pub sentinels: Vec<u32>,
    /// Redis masters that locks are taken on, each for itself: none is another's replica, and no
    /// Sentinel watches them. Only `im.ownership = "redlock"` asks for any.
    pub lock_masters: Vec<u32>,
    /// What Redis nodes and Sentinels call each other.
    pub redis_names: Names,
    /// The log broker.
    pub log: u32,
    /// Partitions of the log.
    pub log_partitions: u32,
    /// Store shards, in order.
    pub stores: Vec<u32>,
    /// Gateways, in order; devices know them as they would from DNS.
    pub gateways: Vec<u32>,
}

impl Topology {
    /// The store shard that holds the conversation's timeline.
    pub fn timeline_shard(&self, conversation: ConversationId) -> usize {
        (xxh3_64(&conversation.0.to_le_bytes()) % self.stores.len() as u64) as usize
    }

    /// The store shard that holds the user's inbox, conversation list and cursors.
    pub fn user_shard(&self, user: UserId) -> usize {
        (xxh3_64(&user.0.to_le_bytes()) % self.stores.len() as u64) as usize
    }

    /// The log partition that carries the conversation.
    pub fn log_partition(&self, conversation: ConversationId) -> u32 {
        let hash = xxh3_64_with_seed(&conversation.0.to_le_bytes(), 1);
        (hash % u64::from(self.log_partitions)) as u32
    }
}

/// Where a server answers calls.
pub fn call_addr(node: u32) -> Addr {
    Addr { node, port: CALL_PORT }
}

/// The chat node that should own the conversation, of those alive: the one with the highest hash
/// (rendezvous hashing), so that a node's death moves only its own conversations.
pub fn owner_of(conversation: ConversationId, chats: &[u32]) -> Option<u32> {
    let weight =
        |node: &u32| xxh3_64_with_seed(&conversation.0.to_le_bytes(), u64::from(*node) + 1);
    chats.iter().copied().max_by_key(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_moves_only_the_dead_nodes_conversations() {
        let moved = (0..1000).map(ConversationId).filter(|conversation| {
            let before = owner_of(*conversation, &[4, 5, 6]);
            let after = owner_of(*conversation, &[4, 6]);
            assert!(before == after || before == Some(5));
            before != after
        });
        assert!((250..420).contains(&moved.count()), "about a third");
    }
}
