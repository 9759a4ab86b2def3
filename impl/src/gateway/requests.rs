//! What a device asks for, and how the gateway has it done.

use std::rc::Rc;

use super::sessions::Session;
use super::{GatewayNode, list, open, reconcile};
use crate::env::Env;
use crate::fanout;
use crate::model::{ClientMsgId, ConversationId, Row, SendKey};
use crate::proto::chat::{Reply, Request};
use crate::proto::device::{Operation, ToDevice, ToGateway};
use crate::proto::gateway::What;
use crate::stats;
use crate::topology::{Role, owner_of};

/// Handles one frame. Calls run in tasks of their own; their answers leave as they come.
pub fn handle<E: Env>(gateway: &Rc<GatewayNode<E>>, session: &Rc<Session<E>>, frame: ToGateway) {
    match frame {
        // Only the first frame of a connection logs in.
        ToGateway::Login(_) => {}
        ToGateway::Ack { conversation, upto } => {
            session.asked.acked(conversation, upto);
            let acked = session.acked(conversation, upto);
            leave_queue(gateway, session, acked);
            let mut acks = gateway.acks.borrow_mut();
            let cursor = acks.entry((session.device, conversation)).or_default();
            *cursor = upto.max(*cursor);
            gateway.acked.notify_one();
        }
        ToGateway::Heartbeat => {
            // Where there is no room the device goes on waiting; it will call the connection dead.
            let _ = session.say(&gateway.node, &ToDevice::Heartbeat);
            let (gateway, session) = (gateway.clone(), session.clone());
            gateway.node.env.clone().spawn(async move { reconcile::run(&gateway, &session).await });
        }
        ToGateway::Submit { client_msg_id, conversation, operation } => {
            let limited = matches!(operation, Operation::Send(_)) && gateway.limit.is_some();
            match limited {
                true => {
                    submit_within_limit(gateway, session, client_msg_id, conversation, operation)
                }
                false => submit(gateway, session, client_msg_id, conversation, operation),
            }
        }
        ToGateway::Sync { conversation, after, heard_of, before } => {
            let user = session.device.user;
            let request = Request::Sync { user, conversation, after, heard_of, before };
            if session.asked.joins(conversation, &request, gateway.node.env.now()) {
                return;
            }
            let (gateway, session) = (gateway.clone(), session.clone());
            gateway.node.env.clone().spawn(async move {
                sync(&gateway, &session, conversation, request).await;
            });
        }
        ToGateway::Conversations => {
            let (gateway, session) = (gateway.clone(), session.clone());
            gateway.node.env.clone().spawn(async move { list::answer(&gateway, &session).await });
        }
        ToGateway::Open { conversation, after } => {
            let (gateway, session) = (gateway.clone(), session.clone());
            gateway.node.env.clone().spawn(async move {
                open::answer(&gateway, &session, conversation, after).await;
            });
        }
        ToGateway::OpenCounts(counts) => gateway.open_counts.note(counts),
    }
}

/// Has an operation committed.
fn submit<E: Env>(
    gateway: &Rc<GatewayNode<E>>,
    session: &Rc<Session<E>>,
    client_msg_id: ClientMsgId,
    conversation: ConversationId,
    operation: Operation,
) {
    let key = SendKey { sender: session.device.user, client_msg_id };
    let request = Request::Submit { key, conversation, operation };
    ask(gateway, session, conversation, request, move |reply| match reply {
        Reply::Accepted(seq, message_id) => {
            Some(ToDevice::Accepted { client_msg_id, seq, message_id })
        }
        Reply::Refused(reason) => Some(ToDevice::Refused { client_msg_id, reason }),
        Reply::Unavailable | Reply::Page(_) | Reply::Noted => None,
    });
}

/// Has an operation committed if its user has not sent too many. Otherwise the device hears nothing
/// and keeps it: a refusal would be for good.
fn submit_within_limit<E: Env>(
    gateway: &Rc<GatewayNode<E>>,
    session: &Rc<Session<E>>,
    client_msg_id: ClientMsgId,
    conversation: ConversationId,
    operation: Operation,
) {
    let (gateway, session) = (gateway.clone(), session.clone());
    gateway.node.env.clone().spawn(async move {
        let limit = gateway.limit.as_ref().expect("only asked for where there is a limit");
        match limit.admit(session.device.user).await {
            true => submit(&gateway, &session, client_msg_id, conversation, operation),
            false => stats::bump(&gateway.node.stats.sends_limited),
        }
    });
}

/// Takes rows that the device has acked out of its user's queue in Redis.
fn leave_queue<E: Env>(gateway: &Rc<GatewayNode<E>>, session: &Session<E>, acked: Vec<What>) {
    if gateway.queue.is_none() {
        return;
    }
    let row = |what| match what {
        What::Row(row) => Some(row).filter(fanout::copies),
        What::Head(..) => None,
    };
    let rows: Vec<Row> = acked.into_iter().filter_map(row).collect();
    let (gateway, user) = (gateway.clone(), session.device.user);
    gateway.node.env.clone().spawn(async move {
        let queue = gateway.queue.as_ref().expect("looked at above");
        if !rows.is_empty() {
            queue.remove(user, &rows).await;
        }
    });
}

/// Has rows read that the device lacks, again if it has asked again by the time at which nobody answers.
async fn sync<E: Env>(
    gateway: &Rc<GatewayNode<E>>,
    session: &Session<E>,
    conversation: ConversationId,
    request: Request,
) {
    let mut next = Some(request);
    while let Some(request) = next {
        let owner = owner_of(conversation, &gateway.roster.alive(Role::Chat));
        let reply = match owner {
            Some(owner) => gateway.chats.to(owner).call(request).await.ok(),
            None => None,
        };
        let page = match reply {
            Some(Reply::Page(page)) => Some(page),
            _ => None,
        };
        let (covered, now) = (page.as_ref().map(|page| page.covered), gateway.node.env.now());
        next =
            session.asked.answered(conversation, covered, now + gateway.node.config.idle_timeout.0);
        if let Some(page) = page {
            session.answer(&gateway.node, &ToDevice::Synced { conversation, page });
        }
    }
}

/// Asks the conversation's chat node. Where there is no answer the device hears nothing, and asks
/// again when its own time is up.
pub fn ask<E: Env>(
    gateway: &Rc<GatewayNode<E>>,
    session: &Rc<Session<E>>,
    conversation: ConversationId,
    request: Request,
    answer: impl FnOnce(Reply) -> Option<ToDevice> + 'static,
) {
    let Some(owner) = owner_of(conversation, &gateway.roster.alive(Role::Chat)) else { return };
    let call = gateway.chats.to(owner).call(request);
    let (session, node) = (session.clone(), gateway.node.clone());
    gateway.node.env.spawn(async move {
        if let Some(frame) = call.await.ok().and_then(answer) {
            session.answer(&node, &frame);
        }
    });
}
