//! A dispatcher: consumes its share of log partitions, writes copies and conversation lists (before
//! them timelines, where operations are committed in the log), and hands pushes to gateways.
//!
//! A partition is worked through in order; its offset is committed once copies and list entries
//! are durable. Pushes are best effort: what does not arrive, devices find by sync. In reading
//! order: `partition` (the work on one partition), `push` (towards gateways).

mod member_cache;
mod partition;
mod push;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::call::Caller;
use crate::config;
use crate::conversation_list::ConversationLists;
use crate::env::{Env, TaskHandle};
use crate::inbox::RedisQueue;
use crate::model::{ConversationId, Seq, UserId};
use crate::node::{Node, Roster};
use crate::proto::log::{Log, Reply, Request};
use crate::proto::store::Store;
use crate::redis_client::RedisLink;
use crate::topology::Role;

use member_cache::MemberCache;
use push::Pusher;

/// The members of a conversation at a version.
type Snapshot = (Seq, Rc<Vec<UserId>>);

/// What all partitions of a dispatcher share.
struct Dispatcher<E: Env> {
    node: Node<E>,
    log: Caller<E, Log>,
    stores: Vec<Caller<E, Store>>,
    pusher: Pusher<E>,
    /// Queues in Redis, where there are any.
    queue: Option<RedisQueue<E>>,
    /// Conversation lists in Redis, where there are any.
    lists: Option<Rc<ConversationLists<E>>>,
    /// Member snapshots in Redis, where there are any.
    member_cache: Option<MemberCache<E>>,
    generation: Cell<u64>,
    /// Last member snapshot of each conversation.
    members: RefCell<BTreeMap<ConversationId, Snapshot>>,
    /// Conversations whose rows are being read, and whose members' lists say so.
    on_timeline: RefCell<BTreeSet<ConversationId>>,
}

/// Runs a dispatcher.
pub async fn run<E: Env>(node: Node<E>) {
    let roster = Roster::join(&node, Role::Dispatcher);
    let cached = node.config.member_cache == config::MemberCache::Redis;
    let queued = node.config.inbox.in_redis();
    let listed = node.config.conversations == config::Conversations::Redis;
    let dispatcher = Rc::new(Dispatcher {
        log: node.caller(node.topology.log),
        stores: node.topology.stores.iter().map(|store| node.caller(*store)).collect(),
        pusher: Pusher::new(&node, roster),
        member_cache: cached.then(|| MemberCache::new(RedisLink::start(node.clone()))),
        queue: queued.then(|| RedisQueue::new(RedisLink::start(node.clone()))),
        lists: listed.then(|| Rc::new(ConversationLists::new(&node))),
        generation: Cell::new(0),
        members: RefCell::default(),
        on_timeline: RefCell::default(),
        node,
    });
    let mut working: BTreeMap<u32, E::Task> = BTreeMap::new();
    let node = &dispatcher.node;
    let renewal = Node::<E>::renewal(node.config.lease.0);
    let group = node.caller_within::<Log>(node.topology.log, renewal);
    loop {
        let next = node.env.now() + renewal;
        let beat = group.call(Request::Beat { member: node.number }).await;
        if let Ok(Reply::Assigned { generation, partitions }) = beat {
            let mine: BTreeSet<u32> = partitions.iter().map(|(partition, _)| *partition).collect();
            dispatcher.generation.set(generation);
            let lost: Vec<u32> =
                working.keys().filter(|held| !mine.contains(held)).copied().collect();
            for partition in lost {
                // The work may stop before its marks are durable: they are made again.
                dispatcher.on_timeline.borrow_mut().clear();
                working.remove(&partition).expect("listed from the map").abort();
            }
            for (partition, offset) in partitions {
                working.entry(partition).or_insert_with(|| {
                    let dispatcher = dispatcher.clone();
                    node.env.spawn(async move { dispatcher.work(partition, offset).await })
                });
            }
        }
        node.env.sleep_until(next).await;
    }
}
