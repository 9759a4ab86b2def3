//! A conversation that is read from its timeline, when its user opens it.
//!
//! Nobody has told the device how far the conversation is, and a chat node that was cut off may answer
//! from the past. So the store is asked first.

use std::rc::Rc;

use super::sessions::Session;
use super::{GatewayNode, requests};
use crate::env::Env;
use crate::model::{ConversationId, Seq};
use crate::proto::chat;
use crate::proto::device::ToDevice;
use crate::proto::store::{Reply, Request};

/// Answers a device that opens a conversation. Where there is no answer it asks again.
pub async fn answer<E: Env>(
    gateway: &Rc<GatewayNode<E>>,
    session: &Rc<Session<E>>,
    conversation: ConversationId,
    after: Seq,
) {
    let shard = &gateway.stores[gateway.node.topology.timeline_shard(conversation)];
    let heads = shard.call(Request::Heads(vec![conversation])).await;
    let Ok(Reply::Heads(heads)) = heads else { return };
    let Some((_, head)) = heads.first().copied() else { return };
    if head <= after {
        session.answer(&gateway.node, &ToDevice::Opened { conversation, page: None });
        return;
    }
    let user = session.device.user;
    let request = chat::Request::Sync { user, conversation, after, heard_of: head, before: None };
    requests::ask(gateway, session, conversation, request, move |reply| match reply {
        chat::Reply::Page(page) => Some(ToDevice::Opened { conversation, page: Some(page) }),
        _ => None,
    });
}
