//! Sockets that find out that their peer is gone: keepalive probes while nothing is under way
//! (`SO_KEEPALIVE`), and a limit on how long sent bytes may stay unacked (`TCP_USER_TIMEOUT`).
//!
//! As on Linux, no probe is sent while bytes are unacked: then the retransmissions decide.

use std::io;

use im::env::Nanos;

use super::conn::{Conn, EndId, EndState, Fin, WINDOW_BYTES};
use super::path::{Fare, Net};
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

/// A writer that waits for room.
#[derive(Clone, Copy, Debug)]
pub struct Persist {
    /// How often the peer was asked; the waits double, whether it answers or not.
    probes: u32,
    /// When the peer was last known to be there.
    heard_at: Nanos,
}

/// What comes back from a peer that is asked whether it is there.
enum Answer {
    /// It does not know of the connection; its RST is on the way.
    Reset,
    None,
    Arrives(Nanos),
}

impl Net<'_> {
    /// A probe goes to the peer of `end`, and its answer comes back.
    fn ask_peer(&mut self, conn: &mut Conn, end: EndId) -> Answer {
        let peer = &conn.ends[1 - end.at()];
        let peer_up = self.hosts[peer.host as usize].powered;
        let back = &conn.pipes[1 - end.at()];
        // A kernel that still has bytes to bring after a program closed knows of the connection.
        let closing = back.fin != Fin::No && !back.sender.silent && back.fin != Fin::Arrived;
        let known = match peer.state {
            EndState::Open | EndState::Answered => true,
            EndState::Gone => closing,
            EndState::Unborn | EndState::Failed(_) => false,
        };
        let there = self.send_ack(conn, end);
        let back = if peer_up { self.send_ack(conn, end.peer()) } else { Fare::Lost };
        match (there, back) {
            (Fare::Arrives(there), Fare::Arrives(back)) => {
                let at = there.saturating_add(back - self.now);
                if known {
                    return Answer::Arrives(at);
                }
                let at = at.max(conn.pipes[1 - end.at()].last_arrival.saturating_add(1));
                self.events.push(at, Event::ResetArrives(end));
                Answer::Reset
            }
            _ => Answer::None,
        }
    }
}

impl World {
    /// A writer waits for room: once nothing is under way, it must ask whether the peer has made
    /// some, or is still there (the persist timer).
    pub fn expect_persist(&mut self, end: EndId) {
        let Some((conn, net)) = self.split(end) else { return };
        let pipe = &mut conn.pipes[end.at()];
        if pipe.persist.is_none() {
            pipe.persist = Some(Persist { probes: 0, heard_at: net.now });
            net.events.push(net.now + pipe.sender.trip.rto(0), Event::Persist(end));
        }
    }

    pub fn persist(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        let (now, host) = (net.now, conn.ends[end.at()].host);
        let open = conn.ends[end.at()].state == EndState::Open;
        let pipe = &mut conn.pipes[end.at()];
        let Some(mut persist) = pipe.persist.take() else { return };
        let waits = open && pipe.ring.len() == WINDOW_BYTES;
        if !waits || !net.hosts[host as usize].powered {
            return;
        }
        pipe.sender.learn(now);
        let give_up_after = pipe.sender.give_up_after;
        if !pipe.sender.packets.is_empty() {
            // The retransmissions decide meanwhile.
            persist = Persist { probes: 0, heard_at: now };
        } else {
            persist.probes += 1;
            match net.ask_peer(conn, end) {
                Answer::Reset => return,
                Answer::Arrives(_) => persist.heard_at = now,
                Answer::None if now - persist.heard_at >= give_up_after => {
                    return self.fail(end, io::ErrorKind::TimedOut);
                }
                Answer::None => {}
            }
        }
        let pipe = &mut conn.pipes[end.at()];
        pipe.persist = Some(persist);
        net.events.push(now + pipe.sender.trip.rto(persist.probes), Event::Persist(end));
    }

    pub fn set_keep_alive(&mut self, end: EndId, rules: KeepAlive) {
        let Some((conn, net)) = self.split(end) else { return };
        assert!(rules.idle > 0 && rules.every > 0, "a socket cannot ask all the time");
        let fresh = conn.ends[end.at()].probing.is_none();
        let probing = Probing { rules, unanswered: 0, answer_at: net.now };
        conn.ends[end.at()].probing = Some(Box::new(probing));
        if fresh {
            net.events.push(net.now.saturating_add(rules.idle), Event::KeepAlive(end));
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
        let idle_until = heard_at.saturating_add(rules.idle);
        if unacked || now < idle_until {
            probing.unanswered = 0;
            let next = if unacked { now.saturating_add(rules.idle) } else { idle_until };
            conn.ends[end.at()].probing = Some(Box::new(probing));
            return net.events.push(next, Event::KeepAlive(end));
        }
        if probing.unanswered == rules.probes {
            return self.fail(end, io::ErrorKind::TimedOut);
        }
        net.note(Noted::KeepAlive, u64::from(end.conn.slot));
        probing.unanswered += 1;
        let next = match net.ask_peer(conn, end) {
            Answer::Reset => return,
            Answer::None => now.saturating_add(rules.every),
            Answer::Arrives(answer_at) => {
                probing.answer_at = answer_at;
                probing.unanswered = 0;
                answer_at.saturating_add(rules.idle)
            }
        };
        conn.ends[end.at()].probing = Some(Box::new(probing));
        net.events.push(next, Event::KeepAlive(end));
    }
}
