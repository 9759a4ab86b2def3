//! Message ids: one generator per file; and `reserve`, which keeps snowflakes unique whatever the
//! wall clock does.

mod counter;
mod redis_incr;
mod redis_incr_epoch;
mod redis_incr_floor;
mod reserve;
mod snowflake;

use futures_util::future::LocalBoxFuture;

use crate::config::{self, Sabotage};
use crate::env::Env;
use crate::model::MessageId;
use crate::node::Node;
use crate::redis_client::RedisLink;

pub use reserve::Ids;
pub use snowflake::Snowflake;

use counter::Counter;

/// Ids cannot be had now; nothing may be given one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotNow;

/// Where a chat node has its ids from.
pub trait Source {
    /// Completes once `count` ids may be taken. They must be taken before anything else is awaited.
    fn ready(&self, count: usize) -> LocalBoxFuture<'_, Result<(), NotNow>>;

    /// The next id. Panics when [`Source::ready`] has not been waited for.
    fn next(&self) -> MessageId;
}

/// The source that `im.ids` asks for.
pub async fn source<E: Env>(node: &Node<E>) -> Box<dyn Source> {
    let counter = || Counter::new(node.clone(), RedisLink::start(node.clone()));
    // The first shard keeps epochs and claims.
    let store = || node.caller(node.topology.stores[0]);
    match node.config.ids {
        config::Ids::Snowflake => {
            let ids = Ids::open(node.env.clone(), node.number, node.stats.clone()).await;
            Box::new(match node.config.sabotaged(Sabotage::ReuseIds) {
                true => ids.reusing(node.number),
                false => ids,
            })
        }
        config::Ids::RedisIncr => Box::new(redis_incr::Bare::new(counter())),
        config::Ids::RedisIncrEpoch => Box::new(redis_incr_epoch::Epoch::new(counter(), store())),
        config::Ids::RedisIncrFloor => Box::new(redis_incr_floor::Floor::new(counter(), store())),
    }
}
