//! The locks that a chat node has: trusted until their time is nearly up, renewed in its second
//! half, and taken anew when they are lost.
//!
//! Time is the node's own monotonic clock. A holder that stood still cannot know that its time is up
//! before it looks again, and what it sends meanwhile leaves without the lock. It must not know
//! where locks come from.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{Ownership, Standing};
use crate::env::{Env, Nanos};
use crate::model::ConversationId;
use crate::node::Node;
use crate::stats;

/// Where locks come from.
pub trait Lender {
    /// Takes the lock, if nobody else has it. `expired` is what this node had before.
    async fn take(&self, id: ConversationId, expired: Option<Held>) -> Option<Held>;

    /// Lengthens a lock that this node has.
    async fn lengthen(&self, id: ConversationId, held: &Held) -> Lengthened;
}

/// A lock that this node has.
#[derive(Clone)]
pub struct Held {
    /// What tells it from others' locks.
    pub token: String,
    /// From then on it is not trusted.
    pub until: Nanos,
}

/// What became of a lock that was to be lengthened.
pub enum Lengthened {
    /// It may be trusted so long.
    Until(Nanos),
    /// It is not this node's any more.
    Lost,
    /// Nobody knows.
    Unknown,
}

/// Locks of a chat node.
pub struct Locks<E: Env, L> {
    node: Node<E>,
    lender: L,
    held: RefCell<BTreeMap<ConversationId, Held>>,
}

impl<E: Env, L: Lender> Locks<E, L> {
    pub fn new(node: Node<E>, lender: L) -> Self {
        Self { node, lender, held: RefCell::default() }
    }

    /// Holds the lock for at least half of its time, or for what is left when it cannot be renewed.
    async fn hold_on(&self, id: ConversationId) -> Standing {
        let (env, ttl) = (&self.node.env, self.node.config.lock_ttl.0);
        let had = self.held.borrow().get(&id).cloned();
        if let Some(held) = had.as_ref().filter(|held| held.until > env.now()) {
            if held.until - env.now() > ttl / 2 {
                return Standing::Still;
            }
            match self.lender.lengthen(id, held).await {
                Lengthened::Until(until) => {
                    stats::bump(&self.node.stats.locks_renewed);
                    self.held.borrow_mut().insert(id, Held { until, ..held.clone() });
                    return Standing::Still;
                }
                Lengthened::Unknown if held.until > env.now() => return Standing::Still,
                Lengthened::Lost | Lengthened::Unknown => {}
            }
        }
        match self.lender.take(id, had).await {
            Some(held) => {
                stats::bump(&self.node.stats.locks_taken);
                self.held.borrow_mut().insert(id, held);
                Standing::Anew
            }
            None => {
                stats::bump(&self.node.stats.locks_not_taken);
                Standing::Not
            }
        }
    }
}

impl<E: Env, L: Lender> Ownership for Locks<E, L> {
    fn hold(&self, id: ConversationId) -> LocalBoxFuture<'_, Standing> {
        self.hold_on(id).boxed_local()
    }
}
