//! A lock on one Redis master: `SET NX PX` with a random token, renewed only while that stands there.
//!
//! Two nodes hold it at once when Redis forgets it: after a failover to a replica that lacked it, or
//! a restart without data. Source of the scheme: the Redis documentation of `SET`, "Patterns".

use super::commands;
use super::held::{Held, Lender, Lengthened};
use crate::env::{Env, Nanos};
use crate::model::ConversationId;
use crate::node::Node;
use crate::redis_client::{Effect, RedisLink};

/// A lock is not trusted for the last part of its time, one in so many: clocks differ.
const DRIFT: Nanos = 100;

/// Locks on the master.
pub struct RedisLock<E: Env> {
    node: Node<E>,
    redis: RedisLink<E>,
}

impl<E: Env> RedisLock<E> {
    pub fn new(node: Node<E>, redis: RedisLink<E>) -> Self {
        Self { node, redis }
    }

    /// A lock is trusted for a time that began when it was asked for.
    fn trusted_until(&self, asked: Nanos) -> Nanos {
        let ttl = self.node.config.lock_ttl.0;
        asked + ttl - ttl / DRIFT
    }
}

impl<E: Env> Lender for RedisLock<E> {
    async fn take(&self, id: ConversationId, _: Option<Held>) -> Option<Held> {
        let token = commands::token(&self.node.env);
        let asked = self.node.env.now();
        let command = commands::take(id, &token, &self.node.config);
        // A try whose outcome nobody knows is waited out.
        let taken: (Option<String>,) = self.redis.call(&command, Effect::Once).await.ok()?;
        taken.0.map(|_| Held { token, until: self.trusted_until(asked) })
    }

    async fn lengthen(&self, id: ConversationId, held: &Held) -> Lengthened {
        let asked = self.node.env.now();
        let command = commands::lengthen(id, &held.token, &self.node.config);
        match self.redis.run::<(i64,)>(&command).await {
            Ok((1,)) => Lengthened::Until(self.trusted_until(asked)),
            // It has somebody else's token, or none.
            Ok(_) => Lengthened::Lost,
            Err(_) => Lengthened::Unknown,
        }
    }
}
