//! What a replica does with its master's stream, and what becomes of it when its role changes.

use super::backlog::Backlog;
use crate::redis::instance::{ClientId, Instance, Wait};
use crate::redis::rdb;
use crate::redis::request::Request;

/// How far the link to the master is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinkState {
    /// There is none.
    Connect,
    /// It is being made.
    Connecting,
    /// A snapshot is on its way.
    Sync,
    /// The stream flows.
    Connected,
}

impl LinkState {
    /// Its name, as `ROLE` tells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Connecting => "connecting",
            Self::Sync => "sync",
            Self::Connected => "connected",
        }
    }
}

/// The master of a replica.
#[derive(Clone, Debug)]
pub(crate) struct Master {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) state: LinkState,
    /// The client on whose behalf the stream is applied.
    pub(crate) client: Option<ClientId>,
    /// When something was heard of it last.
    pub(crate) heard_ms: i64,
}

impl Instance {
    /// This becomes a replica, or one of another master. It goes on from its own history if that
    /// master shares it.
    pub(crate) fn follow(&mut self, host: String, port: u16) {
        self.end_master_client();
        let replication = &mut self.replication;
        if replication.master.is_none() {
            replication.resumable |= replication.backlog.is_some() || replication.epoch > 0;
            if replication.backlog.is_none() {
                replication.backlog = Some(Backlog::after(replication.offset));
            }
        }
        let state = LinkState::Connect;
        let heard_ms = self.now_ms;
        replication.master = Some(Master { host, port, state, client: None, heard_ms });
        replication.epoch += 1;
        let blocked: Vec<ClientId> = (self.clients.iter())
            .filter(|(_, session)| {
                let wait = session.blocked.as_ref().map(|blocked| &blocked.wait);
                wait.is_some_and(|wait| !matches!(wait, Wait::Unpause))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in blocked {
            self.unblock(id);
            let text = "UNBLOCKED force unblock from blocking operation, instance state changed \
                        (master -> replica?)";
            self.hang_up(id, &crate::redis::reply::Reply::Error(text.into()));
        }
    }

    /// This becomes a master. Replicas of the old one find their history under the second id.
    pub(crate) fn lead(&mut self) {
        if self.replication.master.is_none() {
            return;
        }
        self.end_master_client();
        let replication = &mut self.replication;
        replication.master = None;
        replication.down_since_ms = None;
        let id = replication.draw_id();
        replication.second_id = Some(std::mem::replace(&mut replication.id, id));
        replication.second_offset = replication.offset + 1;
        replication.database = None;
        replication.resumable = true;
        replication.epoch += 1;
        self.drop_replicas();
    }

    /// The link is gone, or is given up.
    pub(crate) fn end_master_client(&mut self) {
        let now_ms = self.now_ms;
        let Some(master) = &mut self.replication.master else { return };
        let was = std::mem::replace(&mut master.state, LinkState::Connect);
        let client = master.client.take();
        if was == LinkState::Connected {
            self.replication.down_since_ms = Some(now_ms);
        }
        if let Some(id) = client {
            self.disconnect(id);
        }
    }

    /// The snapshot of the master takes the place of all data; whether it could be read.
    pub(crate) fn load_snapshot(&mut self, id: &str, offset: i64, bytes: &[u8]) -> bool {
        let Ok((databases, _)) = rdb::read(bytes) else { return false };
        self.touch_watchers_of_all(&(0..databases.len()).collect::<Vec<_>>(), None);
        self.databases = databases;
        self.measure_anew();
        if let Some(log) = &mut self.log {
            log.begin_anew(rdb::write(&self.databases));
        }
        self.drop_replicas();
        let replication = &mut self.replication;
        id.clone_into(&mut replication.id);
        replication.second_id = None;
        replication.second_offset = -1;
        replication.offset = offset;
        replication.backlog = Some(Backlog::after(offset));
        replication.resumable = true;
        true
    }

    /// The master goes on with the stream, perhaps under a new id.
    pub(crate) fn resume(&mut self, id: Option<&str>) {
        let replication = &mut self.replication;
        if let Some(id) = id.filter(|id| *id != replication.id) {
            replication.second_id = Some(std::mem::replace(&mut replication.id, id.to_owned()));
            replication.second_offset = replication.offset + 1;
            self.drop_replicas();
        }
    }

    /// From now on a client stands for the master.
    pub(crate) fn begin_master_client(&mut self) -> ClientId {
        let id = self.connect();
        self.clients.get_mut(&id).expect("it was just made").authenticated = true;
        let master = self.replication.master.as_mut().expect("only replicas have a link");
        master.client = Some(id);
        master.state = LinkState::Connected;
        self.replication.down_since_ms = None;
        id
    }

    /// Applies a request of the master's, and passes its bytes on. Within a transaction they
    /// count when it ends.
    pub(crate) fn apply(&mut self, id: ClientId, now_ms: i64, words: &Request, raw: &mut Vec<u8>) {
        if let Some(master) = &mut self.replication.master {
            master.heard_ms = now_ms;
        }
        self.execute(id, now_ms, words);
        if self.clients.get(&id).is_some_and(|session| session.transaction.is_none()) {
            let bytes = std::mem::take(raw);
            self.feed(&bytes);
        }
    }

    /// Whether the client stands for the master.
    pub(crate) fn is_master_client(&self, id: ClientId) -> bool {
        self.replication.master.as_ref().is_some_and(|master| master.client == Some(id))
    }
}
