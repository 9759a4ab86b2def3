//! What a chat node must hold before it writes to a conversation: one kind of lock per file.
//!
//! With a lock or without, a chat node takes the conversation's epoch from the store. It must not
//! know what is written under it. In reading order: `store_epoch` (no lock), `held` (locks that this
//! node has, until when, and when they are renewed), `redis_lock` and `redlock` (where they come
//! from), `commands` (what is asked of a Redis master).

mod commands;
mod held;
mod redis_lock;
mod redlock;
mod store_epoch;

use futures_util::future::LocalBoxFuture;

use crate::config;
use crate::env::Env;
use crate::model::ConversationId;
use crate::node::Node;
use crate::redis_client::RedisLink;

use held::Locks;

/// Whether this node may write, as far as the lock says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It may, and could all the time since it last asked.
    Still,
    /// It may from now on; others may have written before.
    Anew,
    /// Somebody else may, or nobody knows.
    Not,
}

/// The right to write.
pub trait Ownership {
    /// Whether this node may write to the conversation; takes or renews the lock where there is one.
    fn hold(&self, id: ConversationId) -> LocalBoxFuture<'_, Standing>;
}

/// The kind of lock that `im.ownership` asks for.
pub fn ownership<E: Env>(node: &Node<E>) -> Box<dyn Ownership> {
    match node.config.ownership {
        config::Ownership::StoreEpoch => Box::new(store_epoch::StoreEpoch),
        config::Ownership::RedisLock => {
            let redis = RedisLink::start(node.clone());
            let lender = redis_lock::RedisLock::new(node.clone(), redis);
            Box::new(Locks::new(node.clone(), lender))
        }
        config::Ownership::Redlock => {
            Box::new(Locks::new(node.clone(), redlock::Redlock::new(node)))
        }
    }
}
