//! A gateway: holds the connections of devices, brings their operations to chat nodes, and pushes
//! rows to them until they ack or the tries are used up.
//!
//! In reading order: `sessions` (devices connected here), `unacked` (what one of them was pushed and has not
//! acked), `way_out` (all that is said to it, in its order), `connection` (one device's connection), `requests` (what a device asks for), `asked` (for which rows it has asked), `reconcile` (comparing cursors),
//! `list` (a user's conversations), `open` (one of them, when it is opened), `open_counts` (how often that
//! happens), `upkeep` (renewing presence, retrying pushes, storing acks).

mod asked;
mod connection;
mod list;
mod open;
mod open_counts;
mod reconcile;
mod requests;
mod sessions;
mod unacked;
mod upkeep;
mod way_out;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::Notify;

use crate::call::{self, CallError, Caller};
use crate::config::Conversations;
use crate::conversation_list::ConversationLists;
use crate::env::Env;
use crate::inbox::RedisQueue;
use crate::limit::{self, Limit};
use crate::model::{ConversationId, DeviceId, Seq, UserId};
use crate::node::{Callers, Node, Roster};
use crate::points::Point;
use crate::presence::Presence;
use crate::proto::chat::Chat;
use crate::proto::gateway::Gateway;
use crate::proto::store::{self, Store};
use crate::redis_client::RedisLink;
use crate::stats::{self, Depth};
use crate::topology::{CALL_PORT, DEVICE_PORT, Role};

use open_counts::OpenCounts;
use sessions::Sessions;

/// What all connections of a gateway share.
struct GatewayNode<E: Env> {
    node: Node<E>,
    roster: Roster,
    chats: Callers<E, Chat>,
    stores: Vec<Caller<E, Store>>,
    presence: Presence<E>,
    sessions: Sessions<E>,
    /// Queues in Redis, where there are any.
    queue: Option<RedisQueue<E>>,
    /// Conversation lists in Redis, where there are any.
    lists: Option<ConversationLists<E>>,
    /// Who counts sends, if anybody.
    limit: Option<Box<dyn Limit>>,
    /// Delivery acks that are not stored yet.
    acks: RefCell<BTreeMap<(DeviceId, ConversationId), Seq>>,
    acked: Notify,
    open_counts: OpenCounts,
}

/// Runs a gateway.
pub async fn run<E: Env>(node: Node<E>) {
    let queued = node.config.inbox.in_redis();
    let listed = node.config.conversations == Conversations::Redis;
    let gateway = Rc::new(GatewayNode {
        roster: Roster::join(&node, Role::Gateway),
        chats: Callers::new(node.clone()),
        stores: node.topology.stores.iter().map(|store| node.caller(*store)).collect(),
        presence: Presence::new(RedisLink::start(node.clone()), node.config.presence_lease),
        sessions: Sessions::new(
            &node.config,
            Depth::new(&node.stats, |queues| &queues.pushes_unacked),
        ),
        queue: queued.then(|| RedisQueue::new(RedisLink::start(node.clone()))),
        lists: listed.then(|| ConversationLists::new(&node)),
        limit: limit::limit(&node),
        acks: RefCell::default(),
        acked: Notify::new(),
        open_counts: OpenCounts::default(),
        node: node.clone(),
    });
    upkeep::start(&gateway);
    let pushed = gateway.clone();
    let handle = move |pushes| {
        pushed.push(pushes);
        let env = pushed.node.env.clone();
        async move { env.point(Point::GatewayPushed).await }
    };
    let slow = node.config.slow_call();
    node.env.spawn(call::serve::<E, Gateway, _>(node.env.clone(), CALL_PORT, slow, handle));
    let mut listener = node.env.listen(DEVICE_PORT).expect("each gateway has its port to itself");
    while let Ok(stream) = node.env.accept(&mut listener).await {
        let gateway = gateway.clone();
        node.env.spawn(async move { connection::serve(&gateway, stream).await });
    }
}

impl<E: Env> GatewayNode<E> {
    /// Pushes to devices that are connected here.
    fn push(&self, pushes: Vec<crate::proto::gateway::Push>) {
        let mut pushed = Vec::new();
        for push in pushes {
            for device in push.devices {
                match self.sessions.get(device) {
                    Some(session) => {
                        self.sessions.push(&self.node, &session, push.what.clone());
                        pushed.push(session);
                    }
                    None => stats::bump(&self.node.stats.pushes_stale),
                }
            }
        }
        pushed.iter().for_each(|session| session.flush());
    }

    /// Asks the store shard that holds the user.
    async fn ask_store(
        &self,
        user: UserId,
        request: store::Request,
    ) -> Result<store::Reply, CallError> {
        self.stores[self.node.topology.user_shard(user)].call(request).await
    }
}
