//! Those whom a Sentinel watches: masters, their replicas, and the other Sentinels of each.
//!
//! Plain data; what becomes of it is told elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// Tells instances apart.
pub(super) type Id = u32;

/// Tells connections apart.
pub(super) type ConnectionId = u64;

/// A point or length of the wall clock's time, in milliseconds. As a point, 0 is "never".
pub(super) type Ms = i64;

/// Where somebody listens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) ip: Ipv4Addr,
    pub(super) port: u16,
}

impl fmt::Display for Place {
    /// As in events: the address, a space, the port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ip, self.port)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Master,
    Replica,
    Sentinel,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "slave",
            Self::Sentinel => "sentinel",
        }
    }
}

/// What an instance says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Master,
    Replica,
}

/// What is believed of an instance: a set of the constants below.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Flags(u16);

/// I find it down.
pub(super) const S_DOWN: u16 = 1;
/// Enough of us find it down.
pub(super) const O_DOWN: u16 = 1 << 1;
/// This Sentinel finds its master down.
pub(super) const MASTER_DOWN: u16 = 1 << 2;
pub(super) const FAILOVER: u16 = 1 << 3;
pub(super) const PROMOTED: u16 = 1 << 4;
pub(super) const RECONF_SENT: u16 = 1 << 5;
pub(super) const RECONF_INPROG: u16 = 1 << 6;
pub(super) const RECONF_DONE: u16 = 1 << 7;
/// The failover was asked for by a client and needs no vote.
pub(super) const FORCED: u16 = 1 << 8;
pub(super) const SCRIPT_KILL_SENT: u16 = 1 << 9;
/// It has another run id than before, and has not answered a ping since.
pub(super) const REBOOT: u16 = 1 << 10;

impl Flags {
    /// Whether one of these is set.
    pub(super) fn any(self, flags: u16) -> bool {
        self.0 & flags != 0
    }

    pub(super) fn set(&mut self, flags: u16) {
        self.0 |= flags;
    }

    pub(super) fn clear(&mut self, flags: u16) {
        self.0 &= !flags;
    }
}

/// How far a failover has come, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum State {
    None,
    WaitStart,
    SelectSlave,
    SendSlaveofNoOne,
    WaitPromotion,
    ReconfSlaves,
    UpdateConfig,
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::WaitStart => "wait_start",
            Self::SelectSlave => "select_slave",
            Self::SendSlaveofNoOne => "send_slaveof_noone",
            Self::WaitPromotion => "wait_promotion",
            Self::ReconfSlaves => "reconf_slaves",
            Self::UpdateConfig => "update_config",
        }
    }
}

/// The connections to an instance. A connection counts from the moment at which it is dialled.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) commands: Option<ConnectionId>,
    /// Sentinels have none.
    pub(super) pubsub: Option<ConnectionId>,
    /// One of the two is missing.
    pub(super) disconnected: bool,
    /// Commands without a reply.
    pub(super) pending: i64,
    pub(super) commands_since: Ms,
    pub(super) pubsub_since: Ms,
    pub(super) reconnected: Ms,
    pub(super) pubsub_heard: Ms,
    /// When the oldest ping without a good reply was sent; 0 if there is none.
    pub(super) ping_waits_since: Ms,
    pub(super) pinged: Ms,
    /// The last good reply to a ping.
    pub(super) available: Ms,
    /// The last reply to a ping, whatever it was.
    pub(super) ponged: Ms,
}

impl Link {
    /// A ping counts as under way at once, so that whoever never can be reached is down too.
    fn new(now: Ms) -> Self {
        Self {
            commands: None,
            pubsub: None,
            disconnected: true,
            pending: 0,
            commands_since: 0,
            pubsub_since: 0,
            reconnected: 0,
            pubsub_heard: 0,
            ping_waits_since: now,
            pinged: 0,
            available: now,
            ponged: now,
        }
    }
}

/// One who is watched.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) kind: Kind,
    /// A master's name; `ip:port` of a replica; the run id of a Sentinel.
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) run_id: Option<String>,
    pub(super) flags: Flags,
    pub(super) link: Link,
    /// Whose replica or Sentinel it is.
    pub(super) master: Option<Id>,
    pub(super) replicas: BTreeMap<String, Id>,
    pub(super) sentinels: BTreeMap<String, Id>,

    pub(super) published: Ms,
    pub(super) hello_heard: Ms,
    pub(super) master_down_replied: Ms,
    pub(super) s_down_since: Ms,
    pub(super) o_down_since: Ms,
    pub(super) down_after: Ms,
    pub(super) reboot_down_after: Ms,
    pub(super) reboot_since: Ms,
    pub(super) info_refreshed: Ms,
    pub(super) role: Role,
    pub(super) role_since: Ms,

    pub(super) master_link_down: Ms,
    pub(super) priority: i64,
    pub(super) announced: bool,
    pub(super) reconf_sent: Ms,
    pub(super) follows_ip: Option<String>,
    pub(super) follows_port: u16,
    pub(super) follows_since: Ms,
    pub(super) master_link_up: bool,
    pub(super) offset: u64,

    pub(super) quorum: u32,
    pub(super) parallel_syncs: u32,
    pub(super) config_epoch: u64,
    /// For whom I voted, if it is a master; whom this Sentinel voted for otherwise.
    pub(super) leader: Option<String>,
    pub(super) leader_epoch: u64,
    pub(super) failover_epoch: u64,
    pub(super) state: State,
    pub(super) state_since: Ms,
    pub(super) failover_start: Ms,
    pub(super) failover_timeout: Ms,
    pub(super) promoted: Option<Id>,
}

impl Instance {
    pub(super) fn new(kind: Kind, name: String, at: Place, quorum: u32, now: Ms) -> Self {
        Self {
            kind,
            name,
            at,
            run_id: None,
            flags: Flags::default(),
            link: Link::new(now),
            master: None,
            replicas: BTreeMap::new(),
            sentinels: BTreeMap::new(),
            published: now,
            hello_heard: now,
            master_down_replied: now,
            s_down_since: 0,
            o_down_since: 0,
            down_after: 30_000,
            reboot_down_after: 0,
            reboot_since: 0,
            info_refreshed: 0,
            role: if kind == Kind::Replica { Role::Replica } else { Role::Master },
            role_since: now,
            master_link_down: 0,
            priority: 100,
            announced: true,
            reconf_sent: 0,
            follows_ip: None,
            follows_port: 0,
            follows_since: now,
            master_link_up: false,
            offset: 0,
            quorum,
            parallel_syncs: 1,
            config_epoch: 0,
            leader: None,
            leader_epoch: 0,
            failover_epoch: 0,
            state: State::None,
            state_since: 0,
            failover_start: 0,
            failover_timeout: 180_000,
            promoted: None,
        }
    }

    /// It follows whoever is there.
    pub(super) fn follows(&self, at: Place) -> bool {
        self.follows_port == at.port && self.follows_ip.as_deref() == Some(&at.ip.to_string())
    }

    /// It was not found down within the last `span`.
    pub(super) fn was_up_for(&self, span: Ms, now: Ms) -> bool {
        let last = self.s_down_since.max(self.o_down_since);
        last == 0 || now - last > span
    }
}
