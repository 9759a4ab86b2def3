//! The list of a user's conversations, the latest first: from Redis, or from the store, which always
//! knows.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::join_all;

use super::GatewayNode;
use super::sessions::Session;
use crate::conversation_list::Latest;
use crate::env::Env;
use crate::model::{ConversationId, UserId};
use crate::proto::device::ToDevice;
use crate::proto::store::{Reply, Request};
use crate::stats;

/// Answers a device that asks for its list. Where there is no answer it asks again at its next
/// login.
pub async fn answer<E: Env>(gateway: &Rc<GatewayNode<E>>, session: &Rc<Session<E>>) {
    if let Some(list) = list(gateway, session.device.user).await {
        session.answer(&gateway.node, &ToDevice::Conversations(list));
    }
}

async fn list<E: Env>(gateway: &GatewayNode<E>, user: UserId) -> Option<Vec<ConversationId>> {
    let stats = &gateway.node.stats;
    if let Some(lists) = &gateway.lists {
        if let Some(list) = lists.read(user).await {
            stats::bump(&stats.lists_from_redis);
            return Some(list);
        }
        lists.begin_to_fill(user).await;
    }
    let latest = latest(gateway, user).await?;
    stats::bump(&stats.lists_from_store);
    if let Some(lists) = &gateway.lists {
        lists.fill(user, &latest).await;
    }
    Some(latest.into_iter().map(|(conversation, _)| conversation).collect())
}

/// The conversations with the latest messages, from the store: the user's shard knows which ones
/// there are, the shards of their timelines what was said last. `None` when a shard does not answer.
async fn latest<E: Env>(gateway: &GatewayNode<E>, user: UserId) -> Option<Vec<Latest>> {
    let listed = gateway.ask_store(user, Request::Conversations(user)).await;
    let Ok(Reply::Conversations(listed)) = listed else { return None };
    let mut by_shard: BTreeMap<usize, Vec<ConversationId>> = BTreeMap::new();
    for conversation in listed {
        let shard = gateway.node.topology.timeline_shard(conversation);
        by_shard.entry(shard).or_default().push(conversation);
    }
    let asked = by_shard.into_iter();
    let asked = asked.map(|(shard, ids)| gateway.stores[shard].call(Request::Latest(ids)));
    let mut latest = Vec::new();
    for answer in join_all(asked).await {
        let Ok(Reply::Latest(of_shard)) = answer else { return None };
        latest.extend(of_shard);
    }
    latest.sort_unstable_by_key(|(conversation, message)| (Reverse(*message), *conversation));
    latest.truncate(gateway.node.config.conversations_kept);
    Some(latest)
}
