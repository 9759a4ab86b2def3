//! Connections to those who are watched: opening, closing, and what is said over them.

use std::collections::VecDeque;

use super::core::{Action, Connection, Expected, Sentinel};
use super::instance::{
    ConnectionId, FAILOVER, Id, Kind, MASTER_DOWN, Ms, O_DOWN, Place, REBOOT, S_DOWN,
    SCRIPT_KILL_SENT,
};
use crate::redis::reply::{Protocol, Reply};

pub(super) const PING_PERIOD: Ms = 1_000;
pub(super) const INFO_PERIOD: Ms = 10_000;
pub(super) const PUBLISH_PERIOD: Ms = 2_000;

/// Nothing of what is said periodically is said behind so many commands without a reply.
const PENDING_MAX: i64 = 100;

/// Where Sentinels tell each other of themselves.
pub(super) const HELLO_CHANNEL: &str = "__sentinel__:hello";

impl Sentinel {
    /// Dials what is missing, once a second at most.
    pub(super) fn reconnect(&mut self, id: Id) {
        let (now, one) = (self.now, self.one_mut(id));
        let (link, is_sentinel) = (&mut one.link, one.kind == Kind::Sentinel);
        if !link.disconnected || one.at.port == 0 || now - link.reconnected < PING_PERIOD {
            return;
        }
        link.reconnected = now;
        if link.commands.is_none() {
            let connection = self.open(id, false);
            let link = &mut self.one_mut(id).link;
            link.pending = 0;
            link.commands_since = now;
            link.commands = Some(connection);
            self.set_name(id, connection, "cmd");
            self.ping(id);
        }
        if !is_sentinel && self.one(id).link.pubsub.is_none() {
            let connection = self.open(id, true);
            let link = &mut self.one_mut(id).link;
            link.pubsub_since = now;
            link.pubsub = Some(connection);
            self.set_name(id, connection, "pubsub");
            self.say(connection, &["SUBSCRIBE", HELLO_CHANNEL]);
        }
        self.one_mut(id).link.disconnected = false;
    }

    fn open(&mut self, id: Id, pubsub: bool) -> ConnectionId {
        let connection = self.next_connection();
        let known = Connection { to: id, pubsub, expected: VecDeque::new() };
        self.connections.insert(connection, known);
        self.actions.push(Action::Open(connection, self.one(id).at));
        connection
    }

    fn set_name(&mut self, id: Id, connection: ConnectionId, kind: &str) {
        let name = format!("sentinel-{}-{kind}", &self.myid[..8]);
        self.say(connection, &["CLIENT", "SETNAME", &name]);
        self.expect(id, connection, Expected::Nothing);
    }

    fn say(&mut self, connection: ConnectionId, words: &[&str]) {
        let mut bytes = Vec::new();
        let words = words.iter().map(Reply::bulk).collect();
        Reply::Array(words).write(Protocol::Resp2, &mut bytes);
        self.actions.push(Action::Send(connection, bytes));
    }

    fn expect(&mut self, id: Id, connection: ConnectionId, expected: Expected) {
        self.one_mut(id).link.pending += 1;
        let known = self.connections.get_mut(&connection).expect("it was just opened or is open");
        known.expected.push_back(expected);
    }

    /// Sends a command, if there is a connection for it.
    pub(super) fn send(&mut self, id: Id, words: &[&str], expected: Expected) -> bool {
        let Some(connection) = self.one(id).link.commands else { return false };
        self.say(connection, words);
        self.expect(id, connection, expected);
        true
    }

    pub(super) fn close_commands(&mut self, id: Id) {
        let link = &mut self.one_mut(id).link;
        if let Some(connection) = link.commands.take() {
            link.pending = 0;
            link.disconnected = true;
            self.close(connection);
        }
    }

    pub(super) fn close_pubsub(&mut self, id: Id) {
        let link = &mut self.one_mut(id).link;
        if let Some(connection) = link.pubsub.take() {
            link.disconnected = true;
            self.close(connection);
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        self.connections.remove(&connection);
        self.actions.push(Action::Close(connection));
    }

    /// A connection has ended without us.
    pub(super) fn lose(&mut self, connection: ConnectionId) {
        let Some(known) = self.connections.remove(&connection) else { return };
        let link = &mut self.one_mut(known.to).link;
        link.disconnected = true;
        if known.pubsub {
            link.pubsub = None;
        } else {
            link.commands = None;
        }
    }

    /// The time counts from the first ping that was not answered.
    fn ping(&mut self, id: Id) {
        let now = self.now;
        if self.send(id, &["PING"], Expected::Ping) {
            let link = &mut self.one_mut(id).link;
            link.pinged = now;
            if link.ping_waits_since == 0 {
                link.ping_waits_since = now;
            }
        }
    }

    /// INFO, PING and hello, each when it is time.
    pub(super) fn send_periodic(&mut self, id: Id) {
        let (now, one) = (self.now, self.one(id));
        if one.link.disconnected || one.link.pending >= PENDING_MAX {
            return;
        }
        let master = self.one(self.master_of(id));
        let closely = one.kind == Kind::Replica
            && (master.flags.any(O_DOWN | FAILOVER) || one.master_link_down != 0);
        let info_period = if closely { 1_000 } else { INFO_PERIOD };
        let ping_period = one.down_after.min(PING_PERIOD);
        let info = one.kind != Kind::Sentinel
            && (one.info_refreshed == 0 || now - one.info_refreshed > info_period);
        let ping = now - one.link.ponged > ping_period && now - one.link.pinged > ping_period / 2;
        let hello = now - one.published > PUBLISH_PERIOD;
        if info {
            self.send(id, &["INFO"], Expected::Info);
        }
        if ping {
            self.ping(id);
        }
        if hello {
            self.send_hello(id);
        }
    }

    fn send_hello(&mut self, id: Id) {
        let master = self.master_of(id);
        let current = self.current_place(master);
        let master = self.one(master);
        let text = format!(
            "{},{},{},{},{},{},{},{}",
            self.at.ip,
            self.at.port,
            self.myid,
            self.epoch,
            master.name,
            current.ip,
            current.port,
            master.config_epoch,
        );
        self.send(id, &["PUBLISH", HELLO_CHANNEL, &text], Expected::Publish);
    }

    /// Lets everybody around a master hear of it as soon as possible.
    pub(super) fn force_hello(&mut self, master: Id) {
        for id in [vec![master], self.sentinels_of(master), self.replicas_of(master)].concat() {
            self.one_mut(id).published -= PUBLISH_PERIOD + 1;
        }
    }

    /// Makes somebody a replica of `of`, or a master; in one transaction, and so that its clients
    /// look for the master anew.
    pub(super) fn send_slaveof(&mut self, id: Id, of: Option<Place>) -> bool {
        let (ip, port) = match of {
            Some(at) => (at.ip.to_string(), at.port.to_string()),
            None => ("NO".to_owned(), "ONE".to_owned()),
        };
        let commands: [&[&str]; 6] = [
            &["MULTI"],
            &["SLAVEOF", &ip, &port],
            &["CONFIG", "REWRITE"],
            &["CLIENT", "KILL", "TYPE", "normal"],
            &["CLIENT", "KILL", "TYPE", "pubsub"],
            &["EXEC"],
        ];
        commands.iter().all(|words| self.send(id, words, Expected::Nothing))
    }

    pub(super) fn take_reply(&mut self, connection: ConnectionId, reply: &Reply) {
        let Some(known) = self.connections.get_mut(&connection) else { return };
        let id = known.to;
        let Some(expected) = known.expected.pop_front() else {
            if known.pubsub {
                self.take_published(id, reply);
            }
            return;
        };
        self.one_mut(id).link.pending -= 1;
        let now = self.now;
        match (expected, reply) {
            (Expected::Ping, reply) => self.take_pong(id, reply),
            (Expected::Info, Reply::Bulk(text)) => {
                self.take_info(id, &String::from_utf8_lossy(text));
            }
            (Expected::Publish, Reply::Error(_)) => {}
            (Expected::Publish, _) => self.one_mut(id).published = now,
            (Expected::MasterDown, reply) => self.take_judgement(id, reply),
            _ => {}
        }
    }

    fn take_pong(&mut self, id: Id, reply: &Reply) {
        let now = self.now;
        let one = self.one_mut(id);
        one.link.ponged = now;
        let (Reply::Status(text) | Reply::Error(text)) = reply else { return };
        let good: [&[u8]; 3] = [b"PONG", b"LOADING", b"MASTERDOWN"];
        if good.iter().any(|start| text.starts_with(start)) {
            one.link.available = now;
            one.link.ping_waits_since = 0;
            if text.starts_with(b"PONG") {
                one.flags.clear(REBOOT);
            }
        } else if text.starts_with(b"BUSY")
            && one.flags.any(S_DOWN)
            && !one.flags.any(SCRIPT_KILL_SENT)
        {
            one.flags.set(SCRIPT_KILL_SENT);
            self.send(id, &["SCRIPT", "KILL"], Expected::Nothing);
        }
    }

    /// Another Sentinel said whether it finds the master down, and perhaps for whom it voted.
    fn take_judgement(&mut self, id: Id, reply: &Reply) {
        let Reply::Array(parts) = reply else { return };
        let [Reply::Integer(down), Reply::Bulk(leader), Reply::Integer(epoch)] = &parts[..] else {
            return;
        };
        let now = self.now;
        let one = self.one_mut(id);
        one.master_down_replied = now;
        if *down == 1 {
            one.flags.set(MASTER_DOWN);
        } else {
            one.flags.clear(MASTER_DOWN);
        }
        if leader != b"*" {
            one.leader = Some(String::from_utf8_lossy(leader).into_owned());
            one.leader_epoch = u64::try_from(*epoch).unwrap_or(0);
        }
    }
}
