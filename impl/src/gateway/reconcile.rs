//! Comparing cursors: what a device has not acked is pushed to it, so that a lost last push is
//! found although no gap shows it. Runs at login and at every heartbeat. Timelines that are read when
//! their conversations are opened are not looked at.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::GatewayNode;
use super::sessions::{Comparing, Session};
use crate::config::{Pull, Sabotage};
use crate::env::Env;
use crate::fanout;
use crate::model::{ConversationId, Seq};
use crate::proto::device::ToDevice;
use crate::proto::gateway::What;
use crate::proto::store::{Reply, Request};
use crate::stats;

/// With queues in Redis over copies in the store: one comparison in so many reads the copies too,
/// since a queue that lost some rows looks like any other. The first one of a session is at login.
const STORE_EVERY: u64 = 3;

/// Compares, or has the comparison that is under way followed by another one: where the store is behind,
/// comparisons that read the same rows side by side would keep it there. What fails is found at the next
/// heartbeat.
pub async fn run<E: Env>(gateway: &Rc<GatewayNode<E>>, session: &Rc<Session<E>>) {
    if gateway.node.config.sabotaged(Sabotage::PushOnce) {
        return;
    }
    session.compare();
    if session.comparing.get() != Comparing::No {
        session.comparing.set(Comparing::OnceMore);
        return;
    }
    loop {
        session.comparing.set(Comparing::Yes);
        compare(gateway, session).await;
        if session.comparing.replace(Comparing::No) == Comparing::Yes {
            return;
        }
    }
}

async fn compare<E: Env>(gateway: &Rc<GatewayNode<E>>, session: &Rc<Session<E>>) {
    let device = session.device;
    let limit = match push_queued(gateway, session).await {
        true => 0,
        false => gateway.node.config.sync_rows,
    };
    let mut after = (ConversationId(0), 0);
    loop {
        let request = Request::Pending { device, after, limit };
        let Ok(Reply::Pending(pending)) = gateway.ask_store(device.user, request).await else {
            return;
        };
        let first_page = after == (ConversationId(0), 0);
        let last_page = limit == 0 || pending.copies.len() < limit;
        after = pending.copies.last().map_or(after, |row| (row.conversation, row.seq));
        for what in fanout::lacking(pending.copies, &gateway.node.config) {
            push(gateway, session, what);
        }
        session.flush();
        if first_page {
            match gateway.node.config.pull {
                Pull::OnNotify => compare_heads(gateway, session, pending.cursors).await,
                Pull::OnOpen => tell_on_timeline(gateway, session, pending.cursors),
            }
        }
        if last_page {
            return;
        }
    }
}

/// Pushes what the user's queue in Redis holds; true when the store's copies need not be read.
async fn push_queued<E: Env>(gateway: &Rc<GatewayNode<E>>, session: &Rc<Session<E>>) -> bool {
    let Some(queue) = &gateway.queue else { return false };
    let (limit, stats) = (gateway.node.config.sync_rows, &gateway.node.stats);
    let generation = queue.generation();
    let mut skip = 0;
    loop {
        let Ok(rows) = queue.read(session.device.user, skip, limit).await else { return false };
        stats::add(&stats.rows_from_queue, rows.len() as u64);
        skip += rows.len();
        let last_page = rows.len() < limit;
        for row in rows {
            push(gateway, session, What::Row(row));
        }
        session.flush();
        if last_page {
            break;
        }
    }
    let compared = session.compared.replace(session.compared.get() + 1);
    let reconnected = session.redis_seen.replace(generation) != generation;
    let enough = !compared.is_multiple_of(STORE_EVERY) && !reconnected;
    stats::add(&stats.comparisons_from_queue, u64::from(enough));
    enough
}

/// Compares cursors with the heads of their timelines.
async fn compare_heads<E: Env>(
    gateway: &Rc<GatewayNode<E>>,
    session: &Rc<Session<E>>,
    cursors: Vec<(ConversationId, Seq, Option<Seq>)>,
) {
    let mut by_shard: BTreeMap<usize, Vec<ConversationId>> = BTreeMap::new();
    let mut known = BTreeMap::new();
    for (conversation, cursor, left) in cursors {
        let shard = gateway.node.topology.timeline_shard(conversation);
        by_shard.entry(shard).or_default().push(conversation);
        known.insert(conversation, (cursor, left));
    }
    for (shard, conversations) in by_shard {
        let heads = gateway.stores[shard].call(Request::Heads(conversations)).await;
        let Ok(Reply::Heads(heads)) = heads else { continue };
        for (conversation, head) in heads {
            let (cursor, left) = known[&conversation];
            let visible = left.map_or(head, |left| left.min(head));
            if visible > cursor {
                push(gateway, session, What::Head(conversation, visible));
            }
        }
        session.flush();
    }
}

/// Tells the device which conversations it must ask for when they are opened: once, and again after a
/// conversation was written for a while and is not any more.
fn tell_on_timeline<E: Env>(
    gateway: &GatewayNode<E>,
    session: &Session<E>,
    cursors: Vec<(ConversationId, Seq, Option<Seq>)>,
) {
    let (mut told, written) = (session.on_timeline.borrow_mut(), session.written.take());
    let all = cursors.into_iter().map(|(conversation, ..)| conversation);
    let new: Vec<ConversationId> = all
        .filter(|conversation| !told.contains(conversation) && !written.contains(conversation))
        .collect();
    // Where there is no room, the next comparison tells.
    let frame = ToDevice::OnTimeline(new.clone());
    if !new.is_empty() && session.say(&gateway.node, &frame).is_ok() {
        told.extend(new);
    }
}

fn push<E: Env>(gateway: &GatewayNode<E>, session: &Rc<Session<E>>, what: What) {
    let what = session.again(&gateway.node, what);
    let place = what.place();
    let stored = gateway.acks.borrow().get(&(session.device, place.0)).copied();
    let acked_meanwhile = stored.is_some_and(|cursor| cursor >= place.1);
    if !acked_meanwhile && !session.is_on_its_way(place) {
        stats::bump(&gateway.node.stats.pushes_reconciled);
        gateway.sessions.push(&gateway.node, session, what);
    }
}
