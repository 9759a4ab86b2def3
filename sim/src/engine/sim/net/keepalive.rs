//! Sockets that find out that their peer is gone: keepalive probes while nothing is under way
//! (`SO_KEEPALIVE`), and a limit on how long sent bytes may stay unacked (`TCP_USER_TIMEOUT`).
//!
//! As on Linux, no probe is sent while bytes are unacked: then the retransmissions decide.

use std::io;

use im::env::Nanos;

use super::conn::{EndId, EndState};
use super::path::Fare;
use crate::engine::sim::digest::Noted;
use crate::engine::sim::world::{Event, World};

/// When a socket asks whether its peer is still there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeepAlive {
    /// After so long without a packet from the peer (`TCP_KEEPIDLE`).
    pub idle: Nanos,
    /// And again after so long without an answer (`TCP_KEEPINTVL`).
    pub every: Nanos,
    /// So many times, before the connection fails with `TimedOut` (`TCP_KEEPCNT`).
    pub probes: u32,
}

/// The keepalive of one end.
#[derive(Clone, Copy, Debug)]
pub struct Probing {
    rules: KeepAlive,
    unanswered: u32,
    /// An answer to a probe is on its way; it arrives then.
    answer_at: Nanos,
}

impl World {
    pub fn set_keep_alive(&mut self, end: EndId, rules: KeepAlive) {
        let Some((conn, net)) = self.split(end) else { return };
        let fresh = conn.ends[end.at()].probing.is_none();
        let probing = Probing { rules, unanswered: 0, answer_at: net.now };
        conn.ends[end.at()].probing = Some(Box::new(probing));
        if fresh {
            net.events.push(net.now + rules.idle, Event::KeepAlive(end));
        }
    }

    /// Bytes that stay unacked for `span` after they were first sent again fail the connection.
    pub fn set_user_timeout(&mut self, end: EndId, span: Nanos) {
        if let Some(conn) = self.conns.get(end.conn) {
            conn.pipes[end.at()].sender.give_up_after = span;
        }
    }

    /// It may be time to ask whether the peer of this end is still there.
    pub fn keep_alive(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        let (now, host) = (net.now, conn.ends[end.at()].host);
        let own = &conn.ends[end.at()];
        let Some(mut probing) = own.probing.as_deref().copied() else { return };
        if own.state != EndState::Open || !net.hosts[host as usize].powered {
            return;
        }
        let sender = &mut conn.pipes[end.at()].sender;
        sender.learn(now);
        let unacked = !sender.packets.is_empty();
        let acked_at = sender.last_acked_at();
        let answered_at = Some(probing.answer_at).filter(|at| *at <= now).unwrap_or(0);
        let heard_at = acked_at.max(conn.pipes[1 - end.at()].heard_at).max(answered_at);
        let rules = probing.rules;
        if unacked || now < heard_at + rules.idle {
            probing.unanswered = 0;
            let next = if unacked { now + rules.idle } else { heard_at + rules.idle };
            conn.ends[end.at()].probing = Some(Box::new(probing));
            return net.events.push(next, Event::KeepAlive(end));
        }
        if probing.unanswered == rules.probes {
            return self.fail(end, io::ErrorKind::TimedOut);
        }
        net.note(Noted::KeepAlive, u64::from(end.conn.slot));
        probing.unanswered += 1;
        let peer = &conn.ends[1 - end.at()];
        let (peer_up, peer_open) =
            (net.hosts[peer.host as usize].powered, peer.state == EndState::Open);
        let there = net.send_ack(conn, end);
        let back = if peer_up { net.send_ack(conn, end.peer()) } else { Fare::Lost };
        let mut next = now + rules.every;
        if let (Fare::Arrives(there), Fare::Arrives(back)) = (there, back) {
            let answer_at = there + (back - now);
            if !peer_open {
                return net.events.push(answer_at, Event::ResetArrives(end));
            }
            probing.answer_at = answer_at;
            probing.unanswered = 0;
            next = answer_at + rules.idle;
        }
        conn.ends[end.at()].probing = Some(Box::new(probing));
        net.events.push(next, Event::KeepAlive(end));
    }
}
