//! A counter in Redis, and the ids taken from it that nobody has been given yet.
//!
//! It must not know what makes the values good ids, or that they may come again.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::NotNow;
use crate::env::Env;
use crate::model::MessageId;
use crate::node::Node;
use crate::redis_client::{Effect, RedisLink};
use crate::stats;

/// The counter's key, the same for all nodes.
const KEY: &str = "ids";

/// The counter, as a chat node sees it.
pub struct Counter<E: Env> {
    pub node: Node<E>,
    pub redis: RedisLink<E>,
    taken: RefCell<VecDeque<u64>>,
}

impl<E: Env> Counter<E> {
    pub fn new(node: Node<E>, redis: RedisLink<E>) -> Self {
        Self { node, redis, taken: RefCell::default() }
    }

    /// Raises the counter; its new value.
    pub async fn raise(&self, by: u64) -> Result<u64, NotNow> {
        let mut command = redis::pipe();
        command.incr(KEY, by);
        // Raised twice it only leaves a gap.
        let raised: Result<(u64,), _> = self.redis.call(&command, Effect::Idempotent).await;
        raised.map(|(value,)| value).map_err(|_| NotNow)
    }

    /// How many of `count` ids are still to be taken.
    pub fn lacks(&self, count: usize) -> u64 {
        count.saturating_sub(self.taken.borrow().len()) as u64
    }

    /// Keeps the ids in `from + 1 ..= upto` for [`Counter::next`].
    pub fn keep(&self, from: u64, upto: u64) {
        stats::add(&self.node.stats.ids_from_redis, upto - from);
        self.taken.borrow_mut().extend(from + 1..=upto);
    }

    /// The next id that was kept.
    pub fn next(&self) -> MessageId {
        MessageId(self.taken.borrow_mut().pop_front().expect("ids were waited for"))
    }
}
