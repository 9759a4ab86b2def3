//! Those who are connected to a Sentinel: their protocol and what they are subscribed to.

use std::collections::{BTreeMap, BTreeSet};

use crate::redis::commands::pattern::matches;
use crate::redis::reply::{Protocol, Reply};

/// Tells clients apart.
pub(super) type ClientId = i64;

/// One client.
#[derive(Default)]
pub(super) struct Client {
    pub(super) protocol: Protocol,
    pub(super) name: Vec<u8>,
    pub(super) channels: BTreeSet<Vec<u8>>,
    pub(super) patterns: BTreeSet<Vec<u8>>,
}

impl Client {
    /// It can do little else than listen.
    pub(super) fn only_listens(&self) -> bool {
        self.protocol == Protocol::Resp2 && self.subscriptions() > 0
    }

    fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }
}

/// All clients.
#[derive(Default)]
pub(super) struct Clients(BTreeMap<ClientId, Client>);

impl Clients {
    pub(super) fn came(&mut self, id: ClientId) {
        self.0.insert(id, Client::default());
    }

    pub(super) fn went(&mut self, id: ClientId) {
        self.0.remove(&id);
    }

    pub(super) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.0.get_mut(&id)
    }

    /// The bytes of a reply in the client's protocol; none if the client is gone.
    pub(super) fn encode(&self, id: ClientId, reply: &Reply) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(client) = self.0.get(&id) {
            reply.write(client.protocol, &mut bytes);
        }
        bytes
    }

    /// What subscribers are told of a message.
    pub(super) fn publish(&self, channel: &[u8], text: &[u8]) -> Vec<(ClientId, Vec<u8>)> {
        let mut told = Vec::new();
        for (id, client) in &self.0 {
            let mut bytes = Vec::new();
            if client.channels.contains(channel) {
                let parts = [&b"message"[..], channel, text].map(Reply::bulk);
                Reply::Push(parts.to_vec()).write(client.protocol, &mut bytes);
            }
            for pattern in client.patterns.iter().filter(|pattern| matches(pattern, channel)) {
                let parts = [&b"pmessage"[..], pattern, channel, text].map(Reply::bulk);
                Reply::Push(parts.to_vec()).write(client.protocol, &mut bytes);
            }
            if !bytes.is_empty() {
                told.push((*id, bytes));
            }
        }
        told
    }

    /// Subscribes to channels or patterns.
    pub(super) fn subscribe(&mut self, id: ClientId, what: &[Vec<u8>], patterns: bool) -> Reply {
        let Some(client) = self.0.get_mut(&id) else { return Reply::Nothing };
        let kind = if patterns { "psubscribe" } else { "subscribe" };
        let mut replies = Vec::new();
        for one in what {
            let set = if patterns { &mut client.patterns } else { &mut client.channels };
            set.insert(one.clone());
            let count = Reply::count(client.subscriptions());
            replies.push(Reply::Push(vec![Reply::bulk(kind), Reply::bulk(one), count]));
        }
        Reply::Several(replies)
    }

    /// Ends subscriptions; all of them if none is named.
    pub(super) fn unsubscribe(&mut self, id: ClientId, what: &[Vec<u8>], patterns: bool) -> Reply {
        let Some(client) = self.0.get_mut(&id) else { return Reply::Nothing };
        let kind = if patterns { "punsubscribe" } else { "unsubscribe" };
        let set = if patterns { &client.patterns } else { &client.channels };
        let what = if what.is_empty() { set.iter().cloned().collect() } else { what.to_vec() };
        let mut replies = Vec::new();
        for one in &what {
            let set = if patterns { &mut client.patterns } else { &mut client.channels };
            set.remove(one);
            let count = Reply::count(client.subscriptions());
            replies.push(Reply::Push(vec![Reply::bulk(kind), Reply::bulk(one), count]));
        }
        if what.is_empty() {
            let count = Reply::count(client.subscriptions());
            replies.push(Reply::Push(vec![Reply::bulk(kind), Reply::Null, count]));
        }
        Reply::Several(replies)
    }
}
