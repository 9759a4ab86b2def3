//! Dialling and listening: SYNs, refusals, the accept queue.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

use im::env::{Addr, Nanos};

use super::conn::{Conn, ConnId, EndId, EndState};
use super::digest::Noted;
use super::faults::Fare;
use super::net::{keep_waker, wake};
use super::rng;
use super::world::{Event, HostId, World};

/// When SYNs leave, in ms after the first (Linux 6.18: `tcp_syn_linear_timeouts` = 4).
const SYN_TIMES_MS: [u64; 11] =
    [0, 1_000, 2_000, 3_100, 4_100, 5_100, 7_100, 11_200, 19_400, 35_500, 67_800];
/// When dialling fails with `TimedOut`, in ms after the first SYN.
const SYN_GIVE_UP_MS: u64 = 133_000;
/// Connections that may wait for `accept` (Linux `SOMAXCONN` is larger; servers here accept fast).
const BACKLOG: usize = 4_096;

const MS: Nanos = 1_000_000;

/// A listening port.
pub struct Listener {
    pub port: u16,
    queue: VecDeque<ConnId>,
    waiting: Option<Waker>,
}

impl World {
    pub fn dial(&mut self, from: HostId, to: Addr) -> ConnId {
        let dialler = self.host(from);
        let ordinal = dialler.dialled;
        dialler.dialled += 1;
        let rng = rng::indexed(self.seed, "connection", u64::from(from) << 32 | ordinal);
        let kind = self.kind_between(from, to.node);
        let mut conn = Conn::new(from, to.node, to.port, kind as u16, rng);
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
            EndState::Gone | EndState::Unborn => {
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
        }
    }

    pub fn send_syn(&mut self, id: ConnId) {
        let now = self.now;
        let Some(conn) = self.conns.get(id) else { return };
        if conn.established || conn.ends[0].state != EndState::Open {
            return;
        }
        let tries = usize::from(conn.syn_tries);
        conn.syn_tries += 1;
        let since = conn.dialled_at;
        let Some(next_ms) = SYN_TIMES_MS.get(tries + 1) else {
            if now >= since + SYN_GIVE_UP_MS * MS {
                self.fail(EndId { conn: id, side: 0 }, io::ErrorKind::TimedOut);
            } else {
                self.events.push(since + SYN_GIVE_UP_MS * MS, Event::SynLeaves(id));
            }
            return;
        };
        let next = since + next_ms * MS;
        match self.fare(EndId { conn: id, side: 0 }, 1) {
            Fare::Arrives(latency) => self.events.push(now + latency, Event::SynArrives(id)),
            Fare::Lost | Fare::Swallowed => {
                self.events.push(next, Event::SynLeaves(id));
            }
        }
    }

    pub fn syn_arrives(&mut self, id: ConnId) {
        self.note(Noted::SynArrives, u64::from(id.slot));
        let now = self.now;
        let Some(conn) = self.conns.get(id) else { return };
        let (target, port) = (conn.ends[1].host, conn.port);
        let born = conn.ends[1].state != EndState::Unborn;
        let host = self.host(target);
        if !host.powered {
            return self.retry_syn(id);
        }
        if !born {
            let place = host.listeners.iter().position(|listener| listener.port == port);
            let Some(place) = place.filter(|_| host.alive) else {
                let back = self.fare(EndId { conn: id, side: 1 }, 1);
                return match back {
                    Fare::Arrives(latency) => {
                        self.events.push(now + latency, Event::RefusalArrives(id));
                    }
                    Fare::Lost | Fare::Swallowed => self.retry_syn(id),
                };
            };
            let listener = &mut host.listeners[place];
            if listener.queue.len() >= BACKLOG {
                return self.retry_syn(id);
            }
            listener.queue.push_back(id);
            let waiting = listener.waiting.take();
            self.conns.get(id).expect("found above").ends[1].state = EndState::Open;
            self.attach(EndId { conn: id, side: 1 });
            if let Some(waker) = waiting {
                waker.wake();
            }
        }
        match self.fare(EndId { conn: id, side: 1 }, 1) {
            Fare::Arrives(latency) => {
                let conn = self.conns.get(id).expect("found above");
                let pipe = &mut conn.pipes[1];
                pipe.last_arrival = pipe.last_arrival.max(now + latency);
                self.events.push(now + latency, Event::SynAckArrives(id));
            }
            Fare::Lost | Fare::Swallowed => self.retry_syn(id),
        }
    }

    fn retry_syn(&mut self, id: ConnId) {
        let now = self.now;
        let Some(conn) = self.conns.get(id) else { return };
        let since = conn.dialled_at;
        let due = SYN_TIMES_MS.get(usize::from(conn.syn_tries)).copied().unwrap_or(SYN_GIVE_UP_MS);
        self.events.push((since + due * MS).max(now), Event::SynLeaves(id));
    }

    pub fn syn_ack_arrives(&mut self, id: ConnId) {
        self.note(Noted::SynAckArrives, u64::from(id.slot));
        if let Some(conn) = self.conns.get(id) {
            conn.established = true;
            wake(&mut conn.ends[0].reader);
        }
    }

    pub fn refusal_arrives(&mut self, id: ConnId) {
        self.note(Noted::RefusalArrives, u64::from(id.slot));
        self.fail(EndId { conn: id, side: 0 }, io::ErrorKind::ConnectionRefused);
    }

    // Listening.

    pub fn listen(&mut self, host: HostId, port: u16) -> io::Result<()> {
        let host = self.host(host);
        if host.listeners.iter().any(|listener| listener.port == port) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        host.listeners.push(Listener { port, queue: VecDeque::new(), waiting: None });
        Ok(())
    }

    pub fn poll_accept(
        &mut self,
        host: HostId,
        port: u16,
        cx: &Context<'_>,
    ) -> Poll<io::Result<(EndId, HostId)>> {
        loop {
            let listeners = &mut self.host(host).listeners;
            let Some(listener) = listeners.iter_mut().find(|listener| listener.port == port) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let Some(id) = listener.queue.pop_front() else {
                keep_waker(&mut listener.waiting, cx);
                return Poll::Pending;
            };
            if let Some(conn) = self.conns.get(id) {
                return Poll::Ready(Ok((EndId { conn: id, side: 1 }, conn.ends[0].host)));
            }
        }
    }

    pub fn unlisten(&mut self, host: HostId, port: u16) {
        let listeners = &mut self.host(host).listeners;
        let Some(place) = listeners.iter().position(|listener| listener.port == port) else {
            return;
        };
        for id in listeners.remove(place).queue {
            self.close(EndId { conn: id, side: 1 });
        }
    }
}
