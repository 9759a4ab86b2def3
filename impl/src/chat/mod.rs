//! A chat node: owns conversations. It recognises repeats, checks membership, gives seq and id,
//! commits in the store (or in the log), acks; and it reads timelines for devices that sync.
//!
//! Ownership is a hint: gateways send a conversation to the node they believe in, that node takes
//! it over, and whoever commits decides whose appends count. In reading order: `conversation` (one
//! conversation's queue and commits), `committer` (who commits), `reader` (sync), `recent` (the cache in Redis), `sent` (send keys in Redis).

mod committer;
mod conversation;
mod reader;
mod recent;
mod sent;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;

use crate::call::{self, CallError, Caller};
use crate::env::Env;
use crate::fanout::{self, Strategy, Threshold};
use crate::ids::{self, Source};
use crate::model::ConversationId;
use crate::node::{Node, Roster};
use crate::ownership::{self, Ownership};
use crate::proto::chat::{Chat, Reply, Request};
use crate::proto::store::{self, Store};
use crate::redis_client::RedisLink;
use crate::stats::Depth;
use crate::topology::{CALL_PORT, Role};

use committer::Committer;
use conversation::Conversation;
use recent::Recent;
use sent::Sent;

/// What all conversations of a chat node share.
struct ChatNode<E: Env> {
    node: Node<E>,
    stores: Vec<Caller<E, Store>>,
    committer: Committer<E>,
    strategy: Box<dyn Strategy>,
    ids: Box<dyn Source>,
    ownership: Box<dyn Ownership>,
    recent: Recent<E>,
    sent: Sent<E>,
    conversations: RefCell<BTreeMap<ConversationId, Rc<Conversation>>>,
    /// Operations in the queues of all conversations.
    waiting: Depth,
}

/// Runs a chat node that decides by this threshold of hybrid fan-out.
pub async fn run<E: Env>(node: Node<E>, threshold: Threshold) {
    let ids = ids::source(&node).await;
    Roster::join(&node, Role::Chat);
    let stores = node.topology.stores.iter().map(|store| node.caller(*store));
    let stores: Vec<Caller<E, Store>> = stores.collect();
    let redis = RedisLink::start(node.clone());
    let chat = Rc::new(ChatNode {
        committer: Committer::new(&node, stores.clone()),
        stores,
        strategy: fanout::strategy(&node.config, threshold),
        ids,
        ownership: ownership::ownership(&node),
        recent: Recent::new(redis.clone(), &node.config),
        sent: Sent::new(redis, &node.config),
        conversations: RefCell::default(),
        waiting: Depth::new(&node.stats, |queues| &queues.operations),
        node: node.clone(),
    });
    let handle = move |request| {
        let chat = chat.clone();
        let outcome = match &request {
            Request::Submit { key, conversation, operation } => {
                Some(conversation::submit(&chat, *key, *conversation, operation.clone()))
            }
            Request::Sync { .. } | Request::OpenCounts(_) => None,
        };
        async move {
            match (request, outcome) {
                (_, Some(outcome)) => outcome.await.unwrap_or(Reply::Unavailable),
                // Far larger than what waits for a submit, each of which would be as large.
                (Request::Sync { user, conversation, after, heard_of, before }, None) => {
                    let sync = reader::sync(&chat, user, conversation, after, heard_of, before);
                    sync.boxed_local().await
                }
                (Request::OpenCounts(counts), None) => {
                    chat.note_opens(counts);
                    Reply::Noted
                }
                (Request::Submit { .. }, None) => unreachable!("a submit has an outcome"),
            }
        }
    };
    call::serve::<E, Chat, _>(node.env, CALL_PORT, node.config.slow_call(), handle).await;
}

impl<E: Env> ChatNode<E> {
    fn conversation(&self, id: ConversationId) -> Rc<Conversation> {
        self.conversations.borrow_mut().entry(id).or_default().clone()
    }

    /// Conversations were opened so often.
    fn note_opens(&self, counts: Vec<(ConversationId, u32)>) {
        for (id, count) in counts {
            self.conversation(id).consumption.borrow_mut().opened(count);
        }
    }

    /// Asks the store shard that holds the conversation.
    async fn ask_store(
        &self,
        id: ConversationId,
        request: store::Request,
    ) -> Result<store::Reply, CallError> {
        self.stores[self.node.topology.timeline_shard(id)].call(request).await
    }
}
