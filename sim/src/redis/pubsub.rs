//! Publishing and subscribing: who listens to which channels, and who is told.
//!
//! It knows clients and channels, and nothing of keys.

use std::collections::{BTreeMap, BTreeSet};

use super::commands::pattern;
use super::instance::{ClientId, Instance};
use super::reply::Reply;

/// A way to listen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Way {
    /// To a channel by its name.
    Channel,
    /// To all channels whose names are as a pattern says.
    Pattern,
    /// To a channel of a shard.
    Shard,
}

impl Way {
    /// What a client is told when it begins to listen so, and when it ends.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Channel => ["subscribe", "unsubscribe"],
            Self::Pattern => ["psubscribe", "punsubscribe"],
            Self::Shard => ["ssubscribe", "sunsubscribe"],
        }
    }
}

/// Who listens.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_name: BTreeMap<(Way, Vec<u8>), BTreeSet<ClientId>>,
    by_client: BTreeMap<ClientId, BTreeSet<(Way, Vec<u8>)>>,
}

impl Listeners {
    /// Names that somebody listens to in this way, and how many do.
    pub(crate) fn names(&self, way: Way) -> impl Iterator<Item = (&[u8], usize)> {
        let of_way = self.by_name.iter().filter(move |((other, _), _)| *other == way);
        of_way.map(|((_, name), clients)| (name.as_slice(), clients.len()))
    }

    /// How many listen to this name in this way.
    pub(crate) fn count(&self, way: Way, name: &[u8]) -> usize {
        self.by_name.get(&(way, name.to_vec())).map_or(0, BTreeSet::len)
    }

    /// Whether the client listens to anything.
    pub(crate) fn has(&self, client: ClientId) -> bool {
        self.by_client.contains_key(&client)
    }

    /// To how many names the client listens in this way.
    pub(crate) fn count_of(&self, client: ClientId, way: Way) -> usize {
        let names = self.by_client.get(&client);
        names.map_or(0, |names| names.iter().filter(|(other, _)| *other == way).count())
    }

    /// The number that the client is told: shards are counted for themselves.
    fn told(&self, client: ClientId, way: Way) -> Reply {
        Reply::count(match way {
            Way::Shard => self.count_of(client, way),
            _ => self.count_of(client, Way::Channel) + self.count_of(client, Way::Pattern),
        })
    }

    /// The client listens; what it is told.
    pub(crate) fn add(&mut self, client: ClientId, way: Way, name: &[u8]) -> Reply {
        let place = (way, name.to_vec());
        self.by_name.entry(place.clone()).or_default().insert(client);
        self.by_client.entry(client).or_default().insert(place);
        Reply::Push(vec![Reply::bulk(way.words()[0]), Reply::bulk(name), self.told(client, way)])
    }

    /// The client no longer listens to these names, or to any if there are none; what it is told.
    pub(crate) fn remove(&mut self, client: ClientId, way: Way, names: &[Vec<u8>]) -> Reply {
        let all = || {
            let of_client = self.by_client.get(&client).into_iter().flatten();
            of_client.filter(|(other, _)| *other == way).map(|(_, name)| name.clone()).collect()
        };
        let names: Vec<Vec<u8>> = if names.is_empty() { all() } else { names.to_vec() };
        let mut told = Vec::new();
        for name in &names {
            self.remove_one(client, (way, name.clone()));
            told.push(self.ended(client, way, Reply::bulk(name)));
        }
        if told.is_empty() {
            told.push(self.ended(client, way, Reply::Null));
        }
        Reply::Several(told)
    }

    fn ended(&self, client: ClientId, way: Way, name: Reply) -> Reply {
        Reply::Push(vec![Reply::bulk(way.words()[1]), name, self.told(client, way)])
    }

    fn remove_one(&mut self, client: ClientId, place: (Way, Vec<u8>)) {
        if let Some(names) = self.by_client.get_mut(&client) {
            names.remove(&place);
            if names.is_empty() {
                self.by_client.remove(&client);
            }
        }
        if let Some(clients) = self.by_name.get_mut(&place) {
            clients.remove(&client);
            if clients.is_empty() {
                self.by_name.remove(&place);
            }
        }
    }

    /// The client listens to nothing any more, and is told nothing.
    pub(crate) fn forget(&mut self, client: ClientId) {
        for place in self.by_client.get(&client).cloned().unwrap_or_default() {
            self.remove_one(client, place);
        }
    }
}

impl Instance {
    /// Tells everybody who listens to the channel; how many that were.
    pub(crate) fn publish(&mut self, way: Way, channel: &[u8], message: &[u8]) -> usize {
        let (channel_told, message) = (Reply::bulk(channel), Reply::bulk(message));
        let mut told = Vec::new();
        for ((listening, name), clients) in &self.listeners.by_name {
            let push = match (way, listening) {
                (Way::Shard, Way::Shard) if name == channel => {
                    vec![Reply::bulk("smessage"), channel_told.clone(), message.clone()]
                }
                (Way::Channel, Way::Channel) if name == channel => {
                    vec![Reply::bulk("message"), channel_told.clone(), message.clone()]
                }
                (Way::Channel, Way::Pattern) if pattern::matches(name, channel) => {
                    let kind = Reply::bulk("pmessage");
                    vec![kind, Reply::bulk(name), channel_told.clone(), message.clone()]
                }
                _ => continue,
            };
            let push = Reply::Push(push);
            told.extend(clients.iter().map(|client| (*client, push.clone())));
        }
        told.iter().for_each(|(client, push)| self.send(*client, push));
        told.len()
    }
}
