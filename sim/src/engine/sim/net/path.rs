//! One packet on its way from host to host: through the sender's link, the network between, and
//! the receiver's link. Decides when it arrives, or that it does not.

use std::collections::VecDeque;

use im::env::Nanos;

use super::conditions::{Conditions, Effect};
use super::conn::{Conn, EndId};
use super::link::Queue;
use crate::engine::HostId;
use crate::engine::network::{Hops, LinkKind, LinkProfile, NetStats};
use crate::engine::rng;
use crate::engine::sim::digest::{Digest, Noted};
use crate::engine::sim::heap::EventQueue;
use crate::engine::sim::host::processor::Poll;
use crate::engine::sim::world::{Event, Host, World};

/// How a packet fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fare {
    /// It arrives at this time.
    Arrives(Nanos),
    /// It does not arrive; sending it again may help.
    Lost,
}

/// What a packet meets: the world without its connections, one of which is in the caller's hands.
pub struct Net<'a> {
    pub now: Nanos,
    pub seed: u64,
    pub one_kernel: bool,
    pub events: &'a mut EventQueue<Event>,
    pub hosts: &'a mut [Host],
    pub links: &'a [LinkProfile; 2],
    pub conditions: &'a mut Conditions,
    pub digest: &'a mut Digest,
    pub stats: &'a mut NetStats,
    pub hops: &'a mut Hops,
    pub poll: &'a mut Poll,
    pub spare_rings: &'a mut Vec<VecDeque<u8>>,
}

impl World {
    /// The connection, and everything else; `None` when the connection is no more.
    pub fn split(&mut self, end: EndId) -> Option<(&mut Conn, Net<'_>)> {
        let conn = self.conns.get(end.conn)?;
        let net = Net {
            now: self.now,
            seed: self.seed,
            one_kernel: self.one_kernel,
            events: &mut self.events,
            hosts: &mut self.hosts,
            links: &self.links,
            conditions: &mut self.conditions,
            digest: &mut self.digest,
            stats: &mut self.stats,
            hops: &mut self.hops,
            poll: &mut self.poll,
            spare_rings: &mut self.spare_rings,
        };
        Some((conn, net))
    }

    pub(super) fn kind_between(&self, a: HostId, b: HostId) -> LinkKind {
        let device = |host: HostId| self.hosts[host as usize].kind == LinkKind::Client;
        if device(a) || device(b) { LinkKind::Client } else { LinkKind::Backend }
    }
}

impl Net<'_> {
    pub fn note(&mut self, noted: Noted, about: u64) {
        self.digest.add_event(self.now, noted, about);
    }

    /// Whether nothing on this connection can be lost, held up or swallowed now.
    pub fn is_clean(&self, conn: &Conn) -> bool {
        self.conditions.is_empty()
            && self.links[usize::from(conn.link)].is_clean()
            && self.links.iter().all(|link| link.rate.is_none())
    }

    /// How a packet of `bytes` payload bytes fares from `from` to its peer.
    pub fn send(&mut self, conn: &mut Conn, from: EndId, bytes: usize) -> Fare {
        let kind = if conn.link == 0 { LinkKind::Client } else { LinkKind::Backend };
        let fare = if self.is_clean(conn) {
            let profile = &self.links[usize::from(conn.link)];
            let leaves_at = self.poll.departure(self.now, conn.ends[from.at()].host);
            Fare::Arrives(leaves_at.saturating_add(profile.latency(&mut conn.rng)))
        } else {
            self.go_through(conn, from, kind, Some(bytes))
        };
        let stats = match kind {
            LinkKind::Client => &mut self.stats.clients,
            LinkKind::Backend => &mut self.stats.backend,
        };
        stats.sent += 1;
        fare
    }

    /// How an ack fares from `from` to its peer. Acks are too short to count towards a link's rate.
    pub fn send_ack(&mut self, conn: &mut Conn, from: EndId) -> Fare {
        if self.is_clean(conn) {
            let profile = &self.links[usize::from(conn.link)];
            return Fare::Arrives(self.now.saturating_add(profile.latency(&mut conn.rng)));
        }
        let kind = if conn.link == 0 { LinkKind::Client } else { LinkKind::Backend };
        let fare = self.go_through(conn, from, kind, None);
        self.stats.acks_lost += u64::from(fare == Fare::Lost);
        fare
    }

    /// The whole way. `bytes` is `None` for an ack.
    fn go_through(
        &mut self,
        conn: &mut Conn,
        from: EndId,
        kind: LinkKind,
        bytes: Option<usize>,
    ) -> Fare {
        let hosts = (conn.ends[from.at()].host, conn.ends[1 - from.at()].host);
        let profile = self.links[usize::from(conn.link)];
        let burstiness = &mut conn.pipes[from.at()].burstiness;
        let mut at = self.poll.departure(self.now, hosts.0);
        if let Some(bytes) = bytes {
            match self.pass_link(hosts.0, at, bytes, |host| &mut host.uplink) {
                Some(left) => at = left,
                None => return self.lose(kind, true, Counted::Dropped),
            }
        }
        let counts = bytes.is_some();
        let delay = match self.conditions.touch(hosts, kind, &mut burstiness.fault, &mut conn.rng) {
            Effect::Delayed(by) => by,
            Effect::Lost => return self.lose(kind, counts, Counted::Lost),
            Effect::Swallowed => return self.lose(kind, counts, Counted::Swallowed),
        };
        let bursts = profile.bursts;
        if (profile.loss_ppm > 0 && rng::chance_ppm(&mut conn.rng, profile.loss_ppm))
            || bursts.is_some_and(|bursts| bursts.lose(&mut burstiness.link, &mut conn.rng))
        {
            return self.lose(kind, counts, Counted::Lost);
        }
        if let Some(bytes) = bytes {
            match self.pass_link(hosts.1, at, bytes, |host| &mut host.downlink) {
                Some(left) => at = left,
                None => return self.lose(kind, true, Counted::Dropped),
            }
        }
        let latency = profile.latency(&mut conn.rng);
        Fare::Arrives(at.saturating_add(delay).saturating_add(latency))
    }

    /// When the packet, which comes at `at`, has passed one direction of the host's own link. The
    /// queue of a downlink stands before the way to it, with all its latency and delays, because
    /// packets pass in the order of their sending.
    fn pass_link(
        &mut self,
        host: HostId,
        at: Nanos,
        bytes: usize,
        queue: impl Fn(&mut Host) -> &mut Queue,
    ) -> Option<Nanos> {
        let entry = &mut self.hosts[host as usize];
        let own = self.links[entry.kind as usize].rate;
        let (rate, cap) = self.conditions.rate(host, entry.kind, own);
        let Some(rate) = rate else { return Some(at) };
        let queue = queue(entry);
        let waits = queue.is_busy(self.now);
        let left = queue.pass(self.now, at, bytes, rate);
        if let Some(cap) = cap.filter(|_| waits) {
            self.conditions.note_wait(cap);
        }
        left
    }

    fn lose(&mut self, kind: LinkKind, counts: bool, how: Counted) -> Fare {
        let stats = match kind {
            LinkKind::Client => &mut self.stats.clients,
            LinkKind::Backend => &mut self.stats.backend,
        };
        if counts {
            *match how {
                Counted::Lost => &mut stats.lost,
                Counted::Swallowed => &mut stats.swallowed,
                Counted::Dropped => &mut stats.dropped,
            } += 1;
        }
        Fare::Lost
    }
}

/// As what a packet counts that does not arrive.
enum Counted {
    Lost,
    Swallowed,
    Dropped,
}
