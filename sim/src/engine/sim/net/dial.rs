//! Dialling and listening: SYNs, refusals, half-made connections, the accept queue.
//!
//! As on Linux, a listening port has two queues of `backlog` + 1 places: one for dialled
//! connections that wait for the dialler's ack, one for whole ones that wait for `accept`. A SYN
//! that finds the second full is dropped. One that finds the first full is dropped too, or, with
//! SYN cookies, answered without a place: the dialler then believes to be connected, and the
//! listener takes it in with its ack or its first bytes, as soon as there is room.
//!
//! SYNs leave at fixed times until an answer is back. Most are answered before the second would leave,
//! and cost no timer: there is one as soon as a packet of the handshake is lost, or will arrive too late
//! to keep the next SYN from leaving. So whatever the packets meet, there is a timer or a packet under
//! way that comes before the next SYN is due, and no SYN is ever due in the past.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

use im::env::{Addr, Nanos};

use super::conn::{Conn, ConnId, EndId, EndState, Pipe};
use super::path::Fare;
use super::streams::{keep_waker, wake};
use crate::engine::HostId;
use crate::engine::rng;
use crate::engine::sim::digest::Noted;
use crate::engine::sim::world::{Event, World};

/// When SYNs leave, in ms after the first (Linux 6.18: `tcp_syn_linear_timeouts` = 4).
const SYN_TIMES_MS: [u64; 11] =
    [0, 1_000, 2_000, 3_100, 4_100, 5_100, 7_100, 11_200, 19_400, 35_500, 67_800];
/// When dialling fails with `TimedOut`, in ms after the first SYN.
const SYN_GIVE_UP_MS: u64 = 133_000;
/// How often a SYN is answered again, after 1 s, 2 s, 4 s, … (Linux `tcp_synack_retries`).
const ANSWERS_AGAIN_MAX: u8 = 5;

const MS: Nanos = 1_000_000;

/// How ports of this world listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AcceptQueue {
    /// Connections that may wait for `accept`, less one.
    pub backlog: u32,
    /// Whether SYNs that find no place are answered with cookies (Linux `tcp_syncookies`).
    pub syn_cookies: bool,
}

impl Default for AcceptQueue {
    /// What a listener of tokio's has on Linux.
    fn default() -> Self {
        Self { backlog: 1_024, syn_cookies: true }
    }
}

/// A listening port.
pub struct Listener {
    pub port: u16,
    /// Unique in its world: a port that is opened again knows nothing of what it had before.
    number: u64,
    queue: VecDeque<ConnId>,
    /// Connections that wait for the dialler's ack.
    answered: u32,
    waiting: Option<Waker>,
}

impl World {
    pub fn dial(&mut self, from: HostId, to: Addr) -> ConnId {
        let dialler = self.host(from);
        let ordinal = dialler.dialled;
        dialler.dialled += 1;
        let rng = rng::indexed(self.seed, "connection", u64::from(from) << 32 | ordinal);
        let kind = self.kind_between(from, to.node);
        let mut conn = Conn::new(from, to.node, to.port, kind as u8, rng);
        if self.delayed_acks {
            conn.pipes.iter_mut().for_each(Pipe::delay_acks);
        }
        conn.dialled_at = self.now;
        let id = self.conns.insert(conn);
        self.attach(EndId { conn: id, side: 0 });
        self.stats.dials += 1;
        self.send_syn(id);
        id
    }

    /// Polls a dialled connection until it is established or has failed.
    pub fn poll_dialled(&mut self, id: ConnId, cx: &Context<'_>) -> Poll<io::Result<EndId>> {
        let Some(conn) = self.conns.get(id) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        };
        match conn.ends[0].state {
            EndState::Failed(kind) => Poll::Ready(Err(kind.into())),
            EndState::Open if conn.established => Poll::Ready(Ok(EndId { conn: id, side: 0 })),
            EndState::Open => {
                keep_waker(&mut conn.ends[0].reader, cx);
                Poll::Pending
            }
            EndState::Gone | EndState::Unborn | EndState::Answered => {
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
        }
    }

    pub fn send_syn(&mut self, id: ConnId) {
        let end = EndId { conn: id, side: 0 };
        let Some((conn, mut net)) = self.split(end) else { return };
        conn.syn_due = false;
        if conn.established || conn.ends[0].state != EndState::Open {
            return;
        }
        if usize::from(conn.syn_tries) == SYN_TIMES_MS.len() {
            return self.fail(end, io::ErrorKind::TimedOut);
        }
        conn.syn_tries += 1;
        conn.handshake_sent_at[0] = net.now;
        let fare = net.send(conn, end, 0);
        if let Fare::Arrives(at) = fare {
            self.events.push(at, Event::SynArrives(id));
        }
        self.expect_syn(id, fare);
    }

    /// The SYN leaves again, unless a packet that fares like this comes before.
    fn expect_syn(&mut self, id: ConnId, fare: Fare) {
        let Some(conn) = self.conns.get(id) else { return };
        let after_ms = SYN_TIMES_MS.get(usize::from(conn.syn_tries)).unwrap_or(&SYN_GIVE_UP_MS);
        let next = conn.dialled_at + after_ms * MS;
        let too_late = match fare {
            Fare::Arrives(at) => at >= next,
            Fare::Lost => true,
        };
        let dials = !conn.established && conn.ends[0].state == EndState::Open;
        if dials && too_late && !conn.syn_due {
            conn.syn_due = true;
            self.events.push(next, Event::SynLeaves(id));
        }
    }

    pub fn syn_arrives(&mut self, id: ConnId) {
        self.note(Noted::SynArrives, u64::from(id.slot));
        let Some(conn) = self.conns.get(id) else { return };
        let (target, port, state) = (conn.ends[1].host, conn.port, conn.ends[1].state);
        let (number, established) = (conn.listener, conn.established);
        let host = self.host(target);
        if !host.powered {
            return self.expect_syn(id, Fare::Lost);
        }
        let listens = |listener: &Listener| listener.port == port && listener.number == number;
        let known = match state {
            EndState::Answered => host.listeners.iter().any(listens),
            EndState::Open | EndState::Failed(_) => true,
            // A machine that lost its power has forgotten what it had answered.
            EndState::Unborn | EndState::Gone => false,
        };
        if known {
            return self.answer(id);
        }
        // An old copy: its dialler heeds no answer any more.
        if !established {
            self.take_syn(id);
        }
    }

    /// A SYN of which the machine knows nothing yet.
    fn take_syn(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get(id) else { return };
        let (target, port, rules) = (conn.ends[1].host, conn.port, self.accept_queue);
        let host = self.host(target);
        let listener = host.listeners.iter_mut().find(|listener| listener.port == port);
        let Some(listener) = listener.filter(|_| host.alive) else {
            return self.refuse(id);
        };
        let no_place = listener.answered > rules.backlog;
        if listener.queue.len() as u32 > rules.backlog || no_place && !rules.syn_cookies {
            return self.expect_syn(id, Fare::Lost);
        }
        listener.answered += u32::from(!no_place);
        let number = listener.number;
        let conn = self.conns.get(id).expect("found above");
        conn.ends[1].state = EndState::Answered;
        conn.pipes[1].begin_again();
        conn.has_cookie = no_place;
        conn.listener = number;
        self.answer(id);
    }

    fn answer(&mut self, id: ConnId) {
        let end = EndId { conn: id, side: 1 };
        let Some((conn, mut net)) = self.split(end) else { return };
        conn.handshake_sent_at[1] = net.now;
        let mut fare = net.send(conn, end, 0);
        if let Fare::Arrives(at) = &mut fare {
            *at = (*at).max(conn.pipes[1].last_arrival);
            conn.pipes[1].last_arrival = *at;
            self.events.push(*at, Event::SynAckArrives(id));
        }
        self.expect_syn(id, fare);
    }

    fn refuse(&mut self, id: ConnId) {
        let end = EndId { conn: id, side: 1 };
        let Some((conn, mut net)) = self.split(end) else { return };
        let fare = net.send(conn, end, 0);
        if let Fare::Arrives(at) = fare {
            self.events.push(at, Event::RefusalArrives(id));
        }
        self.expect_syn(id, fare);
    }

    pub fn syn_ack_arrives(&mut self, id: ConnId) {
        self.note(Noted::SynAckArrives, u64::from(id.slot));
        let end = EndId { conn: id, side: 0 };
        let Some((conn, mut net)) = self.split(end) else { return };
        if conn.ends[0].state != EndState::Open || !net.hosts[conn.ends[0].host as usize].powered {
            return;
        }
        if !std::mem::replace(&mut conn.established, true) {
            if conn.syn_tries == 1 {
                let round_trip = net.now - conn.handshake_sent_at[0];
                conn.pipes[0].sender.trip.measure(round_trip);
            }
            wake(&mut conn.ends[0].reader);
        }
        match net.send_ack(conn, end) {
            Fare::Arrives(at) => {
                let at = at.max(conn.pipes[0].last_arrival);
                conn.pipes[0].last_arrival = at;
                self.events.push(at, Event::HandshakeAckArrives(id));
            }
            Fare::Lost => self.answer_again_later(id),
        }
    }

    pub fn handshake_ack_arrives(&mut self, id: ConnId) {
        self.note(Noted::HandshakeAckArrives, u64::from(id.slot));
        self.complete_handshake(id);
    }

    /// Something from the dialler has come: the listener takes the connection in, if it has room.
    pub(super) fn complete_handshake(&mut self, id: ConnId) {
        let (backlog, now) = (self.accept_queue.backlog, self.now);
        let Some(conn) = self.conns.get(id) else { return };
        let (target, port, has_cookie) = (conn.ends[1].host, conn.port, conn.has_cookie);
        let number = conn.listener;
        if conn.ends[1].state != EndState::Answered || !self.host(target).powered {
            return;
        }
        let listeners = &mut self.host(target).listeners;
        let same = |listener: &&mut Listener| listener.port == port && listener.number == number;
        let Some(listener) = listeners.iter_mut().find(same) else {
            return self.forget_answered(id);
        };
        if listener.queue.len() as u32 > backlog {
            return self.answer_again_later(id);
        }
        listener.answered -= u32::from(!has_cookie);
        listener.queue.push_back(id);
        if let Some(waker) = listener.waiting.take() {
            waker.wake();
        }
        let conn = self.conns.get(id).expect("found above");
        conn.ends[1].state = EndState::Open;
        if conn.answers == 0 {
            let round_trip = now - conn.handshake_sent_at[1];
            conn.pipes[1].sender.trip.measure(round_trip);
        }
        self.attach(EndId { conn: id, side: 1 });
    }

    /// The port was closed meanwhile: the dialler gets a RST for what it sends.
    fn forget_answered(&mut self, id: ConnId) {
        let end = EndId { conn: id, side: 1 };
        let Some((conn, mut net)) = self.split(end) else { return };
        conn.ends[1].state = EndState::Gone;
        net.send_reset(conn, end);
        if conn.is_dead() {
            self.remove_connection(id);
        }
    }

    /// The listener has not heard the dialler's ack, or had no room: it answers the SYN again.
    fn answer_again_later(&mut self, id: ConnId) {
        let now = self.now;
        let Some(conn) = self.conns.get(id) else { return };
        if conn.ends[1].state == EndState::Answered && !conn.has_cookie && !conn.waits_to_answer {
            conn.waits_to_answer = true;
            let wait = (1_000 * MS) << conn.answers;
            self.events.push(now + wait, Event::AnswerAgain(id));
        }
    }

    pub fn answer_again(&mut self, id: ConnId) {
        self.note(Noted::AnswerAgain, u64::from(id.slot));
        let Some(conn) = self.conns.get(id) else { return };
        conn.waits_to_answer = false;
        if conn.ends[1].state != EndState::Answered {
            return;
        }
        if conn.answers == ANSWERS_AGAIN_MAX {
            self.free_answered(id);
            let Some(conn) = self.conns.get(id) else { return };
            conn.ends[1].state = EndState::Gone;
            if conn.is_dead() {
                self.remove_connection(id);
            }
            return;
        }
        conn.answers += 1;
        self.answer(id);
        self.answer_again_later(id);
    }

    /// The connection no longer waits in its listener's first queue.
    fn free_answered(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get(id) else { return };
        let (target, number) = (conn.ends[1].host, conn.listener);
        if conn.ends[1].state == EndState::Answered && !conn.has_cookie {
            let listeners = &mut self.host(target).listeners;
            if let Some(listener) = listeners.iter_mut().find(|known| known.number == number) {
                listener.answered -= 1;
            }
        }
    }

    pub(super) fn remove_connection(&mut self, id: ConnId) {
        self.free_answered(id);
        self.conns.remove(id);
    }

    pub fn refusal_arrives(&mut self, id: ConnId) {
        self.note(Noted::RefusalArrives, u64::from(id.slot));
        // One that answers an old copy of the SYN means nothing to a connection.
        if self.conns.get(id).is_none_or(|conn| conn.established) {
            return;
        }
        self.fail(EndId { conn: id, side: 0 }, io::ErrorKind::ConnectionRefused);
    }

    // Listening.

    pub fn listen(&mut self, host: HostId, port: u16) -> io::Result<()> {
        let number = self.listeners_opened;
        self.listeners_opened += 1;
        let host = self.host(host);
        if host.listeners.iter().any(|listener| listener.port == port) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        host.listeners.push(Listener {
            port,
            number,
            queue: VecDeque::new(),
            answered: 0,
            waiting: None,
        });
        Ok(())
    }

    pub fn poll_accept(
        &mut self,
        host: HostId,
        port: u16,
        cx: &Context<'_>,
    ) -> Poll<io::Result<EndId>> {
        loop {
            let listeners = &mut self.host(host).listeners;
            let Some(listener) = listeners.iter_mut().find(|listener| listener.port == port) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let Some(id) = listener.queue.pop_front() else {
                keep_waker(&mut listener.waiting, cx);
                return Poll::Pending;
            };
            if self.conns.get(id).is_some() {
                return Poll::Ready(Ok(EndId { conn: id, side: 1 }));
            }
        }
    }

    /// The process of a host is gone: connections that waited for `accept` are reset.
    pub fn drop_listeners(&mut self, host: HostId) {
        for listener in std::mem::take(&mut self.host(host).listeners) {
            for id in listener.queue {
                self.abort(EndId { conn: id, side: 1 });
            }
        }
    }

    pub fn unlisten(&mut self, host: HostId, port: u16) {
        let listeners = &mut self.host(host).listeners;
        let Some(place) = listeners.iter().position(|listener| listener.port == port) else {
            return;
        };
        for id in listeners.remove(place).queue {
            self.abort(EndId { conn: id, side: 1 });
        }
    }
}
