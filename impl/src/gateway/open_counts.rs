//! How often devices of this gateway open conversations: gathered, and told to the conversations' chat nodes
//! at every heartbeat.
//!
//! Fan-out that goes by consumption rests on it. It is an estimate: what cannot be told is forgotten.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::GatewayNode;
use crate::env::Env;
use crate::model::ConversationId;
use crate::proto::chat::Request;
use crate::topology::{Role, owner_of};

/// Counts that no chat node has yet.
#[derive(Default)]
pub struct OpenCounts(RefCell<BTreeMap<ConversationId, u32>>);

impl OpenCounts {
    /// A device tells.
    pub fn note(&self, counts: Vec<(ConversationId, u32)>) {
        let mut gathered = self.0.borrow_mut();
        for (conversation, count) in counts {
            *gathered.entry(conversation).or_default() += count;
        }
    }
}

/// Tells chat nodes, over and over.
pub async fn tell<E: Env>(gateway: &GatewayNode<E>) {
    let node = &gateway.node;
    loop {
        node.env.sleep(node.config.heartbeat.0).await;
        let alive = gateway.roster.alive(Role::Chat);
        let mut by_owner: BTreeMap<_, Vec<(ConversationId, u32)>> = BTreeMap::new();
        for (conversation, count) in std::mem::take(&mut *gateway.open_counts.0.borrow_mut()) {
            if let Some(owner) = owner_of(conversation, &alive) {
                by_owner.entry(owner).or_default().push((conversation, count));
            }
        }
        for (owner, counts) in by_owner {
            // Nobody waits for the answer, and a count that is lost is not told again.
            gateway.chats.to(owner).call(Request::OpenCounts(counts)).forget();
        }
    }
}
