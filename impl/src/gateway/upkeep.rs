//! What a gateway does on its own: renews presence, tries pushes again, stores delivery acks, tells how often
//! conversations are opened.

use std::rc::Rc;

use futures_util::future::join_all;

use super::{GatewayNode, open_counts};
use crate::call::BACKOFF;
use crate::env::Env;
use crate::model::{ConversationId, DeviceId, Seq};
use crate::node::Node;
use crate::points::Point;
use crate::proto::store::{Reply, Request};

/// Starts all of it.
pub fn start<E: Env>(gateway: &Rc<GatewayNode<E>>) {
    let env = gateway.node.env.clone();
    let at_work = gateway.clone();
    env.spawn(async move { renew_presence(&at_work).await });
    let at_work = gateway.clone();
    env.spawn(async move { store_acks(&at_work).await });
    if gateway.node.config.counts_opens() {
        let at_work = gateway.clone();
        env.spawn(async move { open_counts::tell(&at_work).await });
    }
    for tried in 0..gateway.node.config.push_retry.len() {
        let at_work = gateway.clone();
        env.spawn(async move { at_work.sessions.retry(&at_work.node, tried).await });
    }
}

/// Announces sessions again in time, and at once when Redis is back and may have forgotten. A silent
/// session is left out: its device may be on another gateway by now.
async fn renew_presence<E: Env>(gateway: &GatewayNode<E>) {
    let node = &gateway.node;
    let wait = Node::<E>::renewal(node.config.presence_lease.0);
    let mut seen = 0;
    loop {
        let reconnected = gateway.presence.connected_after(seen);
        if let Some(generation) = node.env.timeout(wait, reconnected).await {
            seen = generation;
        }
        let since = node.env.now().saturating_sub(2 * node.config.heartbeat.0);
        for devices in gateway.sessions.devices_heard_since(since).chunks(node.config.push_shard) {
            gateway.presence.announce(devices, node.number).await;
        }
    }
}

/// Stores delivery acks in batches. What cannot be stored is kept for the next batch.
async fn store_acks<E: Env>(gateway: &GatewayNode<E>) {
    let node = &gateway.node;
    loop {
        if gateway.acks.borrow().is_empty() {
            gateway.acked.notified().await;
        }
        node.env.sleep(node.config.ack_flush.0).await;
        let mut shards: Vec<Vec<(DeviceId, ConversationId, Seq)>> =
            vec![Vec::new(); gateway.stores.len()];
        for ((device, conversation), upto) in std::mem::take(&mut *gateway.acks.borrow_mut()) {
            let shard = node.topology.user_shard(device.user);
            shards[shard].push((device, conversation, upto));
        }
        let stored = shards.into_iter().enumerate().filter(|(_, acks)| !acks.is_empty());
        let all_stored = join_all(stored.map(|(shard, acks)| async move {
            let reply = gateway.stores[shard].call(Request::Ack(acks.clone())).await;
            let stored = reply == Ok(Reply::Done);
            if !stored {
                let mut kept = gateway.acks.borrow_mut();
                for (device, conversation, upto) in acks {
                    let cursor = kept.entry((device, conversation)).or_default();
                    *cursor = upto.max(*cursor);
                }
            }
            stored
        }))
        .await
        .into_iter()
        .all(|stored| stored);
        node.env.point(Point::GatewayAcksStored).await;
        if !all_stored {
            node.env.sleep(BACKOFF.0).await;
        }
    }
}
