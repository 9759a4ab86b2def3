//! The Sentinel itself: whom it knows, what it takes in, and what it wants done.
//!
//! It has no clock, no connections and no disk. Whoever runs it passes the time in with every
//! input, and does the [`Action`]s in their order.

use std::collections::{BTreeMap, VecDeque};

use super::clients::{ClientId, Clients};
use super::instance::{ConnectionId, Id, Instance, Kind, Ms, Place, Role, State};
use super::memory::Memory;
use crate::redis::reply::Reply;
use crate::redis::request::Request;

/// Something happened.
#[derive(Debug)]
pub(super) enum Input {
    /// A reply, or what was said unasked.
    Reply(ConnectionId, Reply),
    /// A connection ended or could not be opened.
    Closed(ConnectionId),
    ClientCame(ClientId),
    Request(ClientId, Request),
    /// The client does not speak the protocol.
    Garbage(ClientId, Vec<u8>),
    ClientWent(ClientId),
}

/// Something is to be done.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Action {
    Open(ConnectionId, Place),
    Send(ConnectionId, Vec<u8>),
    Close(ConnectionId),
    /// An event, for whoever keeps the log.
    Event(String),
    /// This must be durable before anything else goes on.
    Flush(Box<Memory>),
    Tell(ClientId, Vec<u8>),
    /// To be hung up once it has been told everything.
    HangUp(ClientId),
}

/// What a reply is taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    Nothing,
    Ping,
    Info,
    Publish,
    MasterDown,
}

/// A connection that was dialled.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) to: Id,
    pub(super) pubsub: bool,
    pub(super) expected: VecDeque<Expected>,
}

/// A Sentinel.
pub(super) struct Sentinel {
    pub(super) myid: String,
    /// Where others find it.
    pub(super) at: Place,
    pub(super) epoch: u64,
    pub(super) masters: BTreeMap<String, Id>,
    pub(super) instances: BTreeMap<Id, Instance>,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    pub(super) clients: Clients,
    /// Since when it trusts no time, if so.
    pub(super) tilt_since: Option<Ms>,
    /// When the timer was last here.
    pub(super) ticked: Ms,
    pub(super) now: Ms,
    pub(super) actions: Vec<Action>,
    next_instance: Id,
    next_connection: ConnectionId,
    random: Box<dyn FnMut() -> u64>,
}

impl Sentinel {
    /// One that begins now and knows what `memory` says.
    pub(super) fn new(
        at: Place,
        memory: &Memory,
        now: Ms,
        random: impl FnMut() -> u64 + 'static,
    ) -> Self {
        let mut sentinel = Self {
            myid: memory.myid.clone(),
            at,
            epoch: memory.epoch,
            masters: BTreeMap::new(),
            instances: BTreeMap::new(),
            connections: BTreeMap::new(),
            clients: Clients::default(),
            tilt_since: None,
            ticked: now,
            now,
            actions: Vec::new(),
            next_instance: 1,
            next_connection: 1,
            random: Box::new(random),
        };
        sentinel.recall(memory);
        sentinel.flush();
        for id in sentinel.masters.values().copied().collect::<Vec<_>>() {
            sentinel.event_monitor(id);
        }
        sentinel
    }

    pub(super) fn event_monitor(&mut self, id: Id) {
        let quorum = self.one(id).quorum;
        self.event_of("+monitor", id, &format!(" quorum {quorum}"));
    }

    /// Takes in what happened. What is to be done about it lies in `actions` then.
    pub(super) fn take(&mut self, now: Ms, input: Input) {
        self.now = now;
        match input {
            Input::Reply(connection, reply) => self.take_reply(connection, &reply),
            Input::Closed(connection) => self.lose(connection),
            Input::ClientCame(client) => self.clients.came(client),
            Input::Request(client, words) => self.serve(client, &words),
            Input::Garbage(client, text) => {
                self.tell(client, &Reply::Error(text));
                self.actions.push(Action::HangUp(client));
            }
            Input::ClientWent(client) => self.clients.went(client),
        }
    }

    pub(super) fn one(&self, id: Id) -> &Instance {
        self.instances.get(&id).expect("who is spoken of is known")
    }

    pub(super) fn one_mut(&mut self, id: Id) -> &mut Instance {
        self.instances.get_mut(&id).expect("who is spoken of is known")
    }

    /// The master of a replica or Sentinel; a master itself.
    pub(super) fn master_of(&self, id: Id) -> Id {
        self.one(id).master.unwrap_or(id)
    }

    pub(super) fn replicas_of(&self, master: Id) -> Vec<Id> {
        self.one(master).replicas.values().copied().collect()
    }

    pub(super) fn sentinels_of(&self, master: Id) -> Vec<Id> {
        self.one(master).sentinels.values().copied().collect()
    }

    pub(super) fn random_below(&mut self, bound: u64) -> Ms {
        Ms::try_from((self.random)() % bound).expect("bounds are small")
    }

    pub(super) fn next_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        self.next_connection
    }

    /// Watches somebody new; `None` if such a one is known.
    pub(super) fn create(
        &mut self,
        kind: Kind,
        name: String,
        at: Place,
        quorum: u32,
        master: Option<Id>,
    ) -> Option<Id> {
        let name = if kind == Kind::Replica { format!("{}:{}", at.ip, at.port) } else { name };
        let id = self.next_instance;
        let mut new = Instance::new(kind, name.clone(), at, quorum, self.now);
        new.master = master;
        let siblings = match (kind, master) {
            (Kind::Master, _) => &mut self.masters,
            (Kind::Replica, Some(master)) => &mut self.one_mut(master).replicas,
            (Kind::Sentinel, Some(master)) => &mut self.one_mut(master).sentinels,
            _ => unreachable!("only masters have no master"),
        };
        if siblings.contains_key(&name) {
            return None;
        }
        siblings.insert(name, id);
        if let Some(master) = master {
            new.down_after = self.one(master).down_after;
        }
        self.next_instance += 1;
        self.instances.insert(id, new);
        Some(id)
    }

    /// Forgets somebody, with all who belong to it.
    pub(super) fn remove(&mut self, id: Id) {
        for child in [self.replicas_of(id), self.sentinels_of(id)].concat() {
            self.remove(child);
        }
        self.close_commands(id);
        self.close_pubsub(id);
        let gone = self.instances.remove(&id).expect("who is spoken of is known");
        let Some(master) = gone.master else {
            self.masters.remove(&gone.name);
            return;
        };
        let master = self.one_mut(master);
        match gone.kind {
            Kind::Sentinel => master.sentinels.remove(&gone.name),
            _ => master.replicas.remove(&gone.name),
        };
        if master.promoted == Some(id) {
            master.promoted = None;
        }
    }

    /// Begins anew with a master: nothing is under way, and its replicas are unknown. What other
    /// Sentinels said of it stays, and so does the time of the last reconnection.
    pub(super) fn reset(&mut self, id: Id, forget_sentinels: bool) {
        let sentinels = if forget_sentinels { self.sentinels_of(id) } else { Vec::new() };
        for gone in [self.replicas_of(id), sentinels].concat() {
            self.remove(gone);
        }
        self.close_commands(id);
        self.close_pubsub(id);
        let now = self.now;
        let master = self.one_mut(id);
        master.flags = Default::default();
        master.leader = None;
        master.state = State::None;
        master.state_since = 0;
        master.failover_start = 0;
        master.promoted = None;
        master.run_id = None;
        master.follows_ip = None;
        master.link.ping_waits_since = now;
        master.link.pinged = 0;
        master.link.available = now;
        master.link.ponged = now;
        master.role_since = now;
        master.role = Role::Master;
    }

    /// The master is elsewhere from now on. Where it was, there may be a replica.
    pub(super) fn switch(&mut self, id: Id, to: Place) {
        let old = self.one(id).at;
        let mut replicas: Vec<_> =
            self.replicas_of(id).iter().map(|one| self.one(*one).at).collect();
        replicas.push(old);
        replicas.retain(|at| *at != to);
        self.reset(id, false);
        let quorum = self.one(id).quorum;
        let master = self.one_mut(id);
        master.at = to;
        master.o_down_since = 0;
        master.s_down_since = 0;
        for at in replicas {
            if let Some(replica) = self.create(Kind::Replica, String::new(), at, quorum, Some(id)) {
                self.event_of("+slave", replica, "");
            }
        }
        self.flush();
    }

    /// Where the master is: as soon as a promoted replica has said that it is a master, there.
    pub(super) fn current_place(&self, id: Id) -> Place {
        let master = self.one(id);
        match master.promoted {
            Some(promoted) if master.state >= State::ReconfSlaves => self.one(promoted).at,
            _ => master.at,
        }
    }

    /// Something happened to somebody; `more` is appended to who it is.
    pub(super) fn event_of(&mut self, kind: &str, id: Id, more: &str) {
        let one = self.one(id);
        let mut text = format!("{} {} {}", one.kind.name(), one.name, one.at);
        if let Some(master) = one.master {
            let master = self.one(master);
            text += &format!(" @ {} {}", master.name, master.at);
        }
        text += more;
        self.event(kind, &text);
    }

    /// Something happened. Subscribers hear of it.
    pub(super) fn event(&mut self, kind: &str, text: &str) {
        self.actions.push(Action::Event(format!("{kind} {text}")));
        let told = self.clients.publish(kind.as_bytes(), text.as_bytes());
        self.actions.extend(told.into_iter().map(|(client, bytes)| Action::Tell(client, bytes)));
    }

    pub(super) fn tell(&mut self, client: ClientId, reply: &Reply) {
        let bytes = self.clients.encode(client, reply);
        if !bytes.is_empty() {
            self.actions.push(Action::Tell(client, bytes));
        }
    }

    /// What it knows now must be durable before it goes on.
    pub(super) fn flush(&mut self) {
        let memory = Box::new(self.memory());
        self.actions.push(Action::Flush(memory));
    }
}
