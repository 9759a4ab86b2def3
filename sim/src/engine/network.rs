//! The network in the words of all engines: what links are like, what is imposed on them, and what
//! is counted.

use std::collections::BTreeSet;

use im::env::Nanos;

use super::HostId;

/// The paths of a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// Between a device and a server.
    pub clients: LinkProfile,
    /// Between servers.
    pub backend: LinkProfile,
}

/// Which of the two kinds of path: a device's access network, or the servers' own network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkKind {
    /// Between a device and a server.
    Client,
    /// Between servers.
    Backend,
}

/// What a path between two hosts is like. One-way latency is normal around `median`, cut off at
/// `min` and `max`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkProfile {
    /// Median one-way latency.
    pub median: Nanos,
    /// Smallest one-way latency.
    pub min: Nanos,
    /// Largest one-way latency.
    pub max: Nanos,
    /// Standard deviation of the one-way latency.
    pub sd: Nanos,
    /// Independent loss per packet, in a million.
    pub loss_ppm: u32,
    /// Loss that comes in bursts, beside the independent one.
    pub bursts: Option<Bursts>,
    /// What a host's own link carries, each way; without it bytes take no time of their own.
    pub rate: Option<Rate>,
}

/// Loss in bursts, as a Gilbert–Elliott chain that steps once a packet: a good state that loses
/// nothing beside the independent loss, and a bad one. All probabilities are in a million.
/// Source: Elliott, "Estimates of error rates for codes on burst-noise channels", 1963.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bursts {
    /// From good to bad.
    pub enter_ppm: u32,
    /// From bad to good.
    pub leave_ppm: u32,
    /// Loss per packet in the bad state.
    pub loss_ppm: u32,
}

/// The capacity of a host's link in one direction, behind a queue that drops at its tail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Bytes a second.
    pub bytes_per_s: u64,
    /// Bytes that may wait.
    pub queue_bytes: u64,
}

/// Which packets a condition is for.
#[derive(Clone, Debug)]
pub enum Where {
    /// Those on links of that kind.
    Links(LinkKind),
    /// Those from or to one of these hosts.
    Hosts(BTreeSet<HostId>),
    /// Those between the two groups, either way.
    Between(BTreeSet<HostId>, BTreeSet<HostId>),
}

impl Where {
    /// Whether packets on `hosts`, from the first to the second, on that kind of link are meant.
    pub fn covers(&self, (from, to): (HostId, HostId), kind: LinkKind) -> bool {
        match self {
            Self::Links(on) => *on == kind,
            Self::Hosts(hosts) => hosts.contains(&from) || hosts.contains(&to),
            Self::Between(a, b) => {
                a.contains(&from) && b.contains(&to) || b.contains(&from) && a.contains(&to)
            }
        }
    }
}

/// One condition.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Extra independent loss per packet, in a million.
    Loss(Where, u32),
    /// Extra loss in bursts; a chain for each direction of each connection.
    BurstLoss(Where, Bursts),
    /// Extra one-way latency.
    Delay(Where, Nanos),
    /// The links of these hosts, or of all hosts on that kind of link, carry no more than this.
    Bandwidth(Where, Rate),
    /// Nothing passes between the two groups, either way.
    Cut(BTreeSet<HostId>, BTreeSet<HostId>),
    /// Nothing passes from the first group to the second; the way back is open.
    CutOneWay(BTreeSet<HostId>, BTreeSet<HostId>),
}

impl Condition {
    /// Whether nothing passes from the first host to the second.
    pub fn cuts(&self, hosts: (HostId, HostId)) -> bool {
        match self {
            Self::Cut(a, b) => cuts(a, b, hosts) || cuts(b, a, hosts),
            Self::CutOneWay(a, b) => cuts(a, b, hosts),
            _ => false,
        }
    }
}

fn cuts(
    from: &BTreeSet<HostId>,
    to: &BTreeSet<HostId>,
    (sender, receiver): (HostId, HostId),
) -> bool {
    from.contains(&sender) && to.contains(&receiver)
}

/// Names an imposed condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConditionId(pub(super) u32);

/// Counters of the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NetStats {
    /// Events handled.
    pub events: u64,
    /// Writes that the network was asked to carry.
    pub packets_sent: u64,
    /// Packets of streams that were sent again.
    pub packets_resent: u64,
    /// Acks that did not come through.
    pub acks_lost: u64,
    /// Payload bytes written.
    pub bytes_sent: u64,
    /// Connections dialled.
    pub dials: u64,
    /// Ends that were told of a reset.
    pub resets: u64,
    /// What devices' links did.
    pub clients: LinkStats,
    /// What the servers' links did.
    pub backend: LinkStats,
}

/// Which hosts are counted together in [`Hops`]: a number below [`TIERS`].
pub type Tier = u8;

/// How many tiers can be told apart.
pub const TIERS: usize = 16;

/// What programs have written to streams, by the tiers of the hosts at both ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hops(Vec<Hop>);

/// What went from one tier to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hop {
    /// Writes: a frame each, or several frames that left together.
    pub writes: u64,
    /// Payload bytes.
    pub bytes: u64,
}

impl Default for Hops {
    fn default() -> Self {
        Self(vec![Hop::default(); TIERS * TIERS])
    }
}

impl Hops {
    /// Counts a write.
    pub fn add(&mut self, from: Tier, to: Tier, bytes: usize) {
        let hop = &mut self.0[usize::from(from) * TIERS + usize::from(to)];
        hop.writes += 1;
        hop.bytes += bytes as u64;
    }

    /// What came after `before`: every pair of tiers between which anything went, from and to.
    pub fn since(&self, before: &Self) -> impl Iterator<Item = (Tier, Tier, Hop)> {
        let pairs = self.0.iter().zip(&before.0).enumerate();
        pairs.filter(|(_, (now, then))| now != then).map(|(place, (now, then))| {
            let hop = Hop { writes: now.writes - then.writes, bytes: now.bytes - then.bytes };
            ((place / TIERS) as Tier, (place % TIERS) as Tier, hop)
        })
    }
}

/// Every sending on one kind of link: data, retransmissions, handshakes and resets, not acks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LinkStats {
    /// Sendings.
    pub sent: u64,
    /// Of these, lost at random.
    pub lost: u64,
    /// Of these, swallowed by a partition.
    pub swallowed: u64,
    /// Of these, dropped by the full queue of a host's link.
    pub dropped: u64,
}
