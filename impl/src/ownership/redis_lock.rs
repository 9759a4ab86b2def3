//! A lock on one Redis master: `SET NX PX` with a random token, renewed only while that stands there.
//!
//! Two nodes hold it at once when Redis forgets it: after a failover to a replica that lacked it, or
//! a restart without data. Source of the scheme: the Redis documentation of `SET`, "Patterns".

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{Ownership, Standing};
use crate::env::{Env, Nanos};
use crate::model::ConversationId;
use crate::node::Node;
use crate::redis_client::{Effect, RedisLink};
use crate::stats;

/// Lengthens the lock if it still has the token.
const RENEW: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then \
                     return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end";

/// A lock is not trusted for the last part of its time, one in so many: clocks differ.
const DRIFT: Nanos = 100;

/// A lock that this node has.
#[derive(Clone)]
struct Held {
    token: String,
    until: Nanos,
}

/// Locks of a chat node.
pub struct RedisLock<E: Env> {
    node: Node<E>,
    redis: RedisLink<E>,
    held: RefCell<BTreeMap<ConversationId, Held>>,
}

impl<E: Env> RedisLock<E> {
    pub fn new(node: Node<E>, redis: RedisLink<E>) -> Self {
        Self { node, redis, held: RefCell::default() }
    }

    /// Holds the lock for at least half of its time, or for what is left when it cannot be renewed.
    async fn hold_on(&self, id: ConversationId) -> Standing {
        let (env, ttl) = (&self.node.env, self.node.config.lock_ttl.0);
        let held = self.held.borrow().get(&id).cloned();
        if let Some(held) = held.filter(|held| held.until > env.now()) {
            if held.until - env.now() > ttl / 2 {
                return Standing::Still;
            }
            match self.renew(id, &held).await {
                Some(true) => return Standing::Still,
                // It has somebody else's token, or none.
                Some(false) => {}
                None if held.until > env.now() => return Standing::Still,
                None => {}
            }
        }
        match self.take(id).await {
            true => Standing::Anew,
            false => Standing::Not,
        }
    }

    async fn take(&self, id: ConversationId) -> bool {
        let token = format!("{:016x}{:016x}", self.node.env.rand_u64(), self.node.env.rand_u64());
        let asked = self.node.env.now();
        let mut command = redis::pipe();
        command.cmd("SET").arg(key(id)).arg(&token).arg("NX").arg("PX").arg(self.ttl_ms());
        // A try whose outcome nobody knows is waited out.
        let taken: Result<(Option<String>,), _> = self.redis.call(&command, Effect::Once).await;
        let taken = matches!(taken, Ok((Some(_),)));
        stats::bump(match taken {
            true => &self.node.stats.locks_taken,
            false => &self.node.stats.locks_not_taken,
        });
        if taken {
            self.note(id, token, asked);
        }
        taken
    }

    /// Whether the lock was still this node's and is lengthened; `None` when nobody knows.
    async fn renew(&self, id: ConversationId, held: &Held) -> Option<bool> {
        let asked = self.node.env.now();
        let mut command = redis::pipe();
        command.cmd("EVAL").arg(RENEW).arg(1).arg(key(id)).arg(&held.token).arg(self.ttl_ms());
        let renewed: Result<(i64,), _> = self.redis.run(&command).await;
        let (lengthened,) = renewed.ok()?;
        if lengthened == 1 {
            stats::bump(&self.node.stats.locks_renewed);
            self.note(id, held.token.clone(), asked);
        }
        Some(lengthened == 1)
    }

    /// The lock is this node's, for a time that began when it was asked for.
    fn note(&self, id: ConversationId, token: String, asked: Nanos) {
        let ttl = self.node.config.lock_ttl.0;
        self.held.borrow_mut().insert(id, Held { token, until: asked + ttl - ttl / DRIFT });
    }

    fn ttl_ms(&self) -> u64 {
        (self.node.config.lock_ttl.0 / 1_000_000).max(1)
    }
}

impl<E: Env> Ownership for RedisLock<E> {
    fn hold(&self, id: ConversationId) -> LocalBoxFuture<'_, Standing> {
        self.hold_on(id).boxed_local()
    }
}

fn key(id: ConversationId) -> String {
    format!("lock:{}", id.0)
}
