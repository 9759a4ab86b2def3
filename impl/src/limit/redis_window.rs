//! Counters in Redis, the same for all gateways: a key per user that counts and dies with its
//! window.
//!
//! Counting and the end of the window are one script: as two commands, a gateway that dies between
//! them leaves a counter that never ends, and a user who never sends again. What Redis forgets
//! begins a new window, so that a user gets in too many. Without Redis nobody counts, and
//! `im.limit_without_redis` says what that means.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::Limit;
use crate::config::WithoutRedis;
use crate::env::Env;
use crate::model::UserId;
use crate::node::Node;
use crate::redis_client::RedisLink;
use crate::stats;

/// Counts on; the first of a window says when it ends. Answers the count.
const COUNT: &str = "local count = redis.call('incr', KEYS[1]) \
                     if count == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end \
                     return count";

/// Counters in Redis.
pub struct RedisWindow<E: Env> {
    node: Node<E>,
    redis: RedisLink<E>,
}

impl<E: Env> RedisWindow<E> {
    pub fn new(node: &Node<E>, redis: RedisLink<E>) -> Self {
        Self { node: node.clone(), redis }
    }

    /// One try: a send that waits for a second one is later than one that is let in, or sent again.
    async fn count(&self, user: UserId) -> bool {
        let config = &self.node.config;
        let window_ms = (config.limit_window.0 / 1_000_000).max(1);
        let mut command = redis::pipe();
        command.cmd("EVAL").arg(COUNT).arg(1).arg(key(user)).arg(window_ms);
        match self.redis.run::<(u64,)>(&command).await {
            Ok((count,)) => count <= u64::from(config.limit_sends),
            Err(_) => {
                stats::bump(&self.node.stats.limits_unknown);
                config.limit_without_redis == WithoutRedis::Open
            }
        }
    }
}

impl<E: Env> Limit for RedisWindow<E> {
    fn admit(&self, user: UserId) -> LocalBoxFuture<'_, bool> {
        self.count(user).boxed_local()
    }
}

fn key(user: UserId) -> String {
    format!("sends:{}", user.0)
}
