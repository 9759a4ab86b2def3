//! What the network does with streams: sending, losing, delivering, resetting. How they come about
//! stands in `dial.rs`.
//!
//! The model. A write is one packet-like unit. It arrives after the link's latency, never before
//! what was written earlier. A unit that is lost or swallowed stalls its pipe: everything behind it
//! waits (head-of-line blocking) until a retransmission gets through. Retransmissions leave
//! `R·2^k` after the first sending, with R = RTT + 204 ms, as measured on Linux 6.18 (RTO minimum
//! of 200 ms plus timer slack); later writes on the same pipe make the peer report the gap, so that
//! the first retransmission may leave one RTT after them (fast retransmit).
//! Acks are not modelled as packets; bandwidth and congestion windows are not modelled.

use std::io;
use std::task::{Context, Poll, Waker};

use im::env::Nanos;
use tokio::io::ReadBuf;

use super::conn::{End, EndId, EndState, Fin, Pipe, Stall, WINDOW_BYTES, WRITE_BYTES_MAX};
use super::digest::Noted;
use super::faults::{Fare, LinkKind};
use super::world::{Event, HostId, World};

/// What a retransmission timeout adds to the round trip: Linux' minimum of 200 ms plus slack.
const RTO_SLACK: Nanos = 204_000_000;
/// Longest wait between two retransmissions (Linux `TCP_RTO_MAX`).
const RTO_MAX: Nanos = 120_000_000_000;
/// After this long without an ack the connection fails with `TimedOut` (Linux `tcp_retries2` = 15).
const GIVE_UP: Nanos = 924_600_000_000;
const MS: Nanos = 1_000_000;

impl World {
    // Streams.

    pub fn poll_write(
        &mut self,
        end: EndId,
        cx: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(conn) = self.conns.get(end.conn) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let pipe = &mut conn.pipes[usize::from(end.side)];
        match conn.ends[usize::from(end.side)].state {
            EndState::Open if pipe.fin == Fin::No => {}
            EndState::Failed(kind) => return Poll::Ready(Err(kind.into())),
            _ => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
        let count = bytes.len().min(WINDOW_BYTES - pipe.ring.len()).min(WRITE_BYTES_MAX);
        if count == 0 && !bytes.is_empty() {
            keep_waker(&mut conn.ends[usize::from(end.side)].writer, cx);
            return Poll::Pending;
        }
        pipe.ring.extend(&bytes[..count]);
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += count as u64;
        self.digest.add_bytes(self.now, &bytes[..count]);
        self.charge_write(count);
        self.launch(end, count);
        Poll::Ready(Ok(count))
    }

    pub fn poll_read(
        &mut self,
        end: EndId,
        cx: &Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(conn) = self.conns.get(end.conn) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let pipe = &mut conn.pipes[usize::from(1 - end.side)];
        if pipe.available > 0 {
            let was_full = pipe.ring.len() == WINDOW_BYTES;
            let before = into.filled().len();
            pipe.take(into);
            self.charge_read(into.filled().len() - before);
            if was_full {
                self.announce_window(end);
            }
            return Poll::Ready(Ok(()));
        }
        match conn.ends[usize::from(end.side)].state {
            EndState::Failed(kind) => Poll::Ready(Err(kind.into())),
            EndState::Open if pipe.fin == Fin::Arrived => Poll::Ready(Ok(())),
            EndState::Open => {
                keep_waker(&mut conn.ends[usize::from(end.side)].reader, cx);
                Poll::Pending
            }
            EndState::Gone | EndState::Unborn => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }

    /// The writer of the pipe that `reader` reads learns of new room after the link's latency.
    fn announce_window(&mut self, reader: EndId) {
        let at = self.now + self.latency_of(reader);
        self.events.push(at, Event::WindowOpens(reader.peer()));
    }

    pub fn window_opens(&mut self, end: EndId) {
        self.note(Noted::WindowOpens, u64::from(end.conn.slot));
        if let Some(conn) = self.conns.get(end.conn) {
            wake(&mut conn.ends[usize::from(end.side)].writer);
        }
    }

    /// Sends FIN behind all bytes written.
    pub fn shut_down(&mut self, end: EndId) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let pipe = &mut conn.pipes[usize::from(end.side)];
        if pipe.fin != Fin::No || conn.ends[usize::from(end.side)].state != EndState::Open {
            return;
        }
        pipe.fin = Fin::Sent(None);
        self.launch(end, 0);
    }

    /// The process closed the socket: FIN, or RST when bytes were left unread.
    pub fn close(&mut self, end: EndId) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        if conn.ends[usize::from(end.side)].state == EndState::Gone {
            return;
        }
        let open = conn.ends[usize::from(end.side)].state == EndState::Open;
        let unread = conn.pipes[usize::from(1 - end.side)].available > 0;
        if open && unread {
            self.send_reset(end);
        } else if open {
            self.shut_down(end);
        }
        self.detach(end);
        self.bury(end);
    }

    /// The process behind this end died: the kernel sends RST while the machine has power.
    pub fn kill_end(&mut self, end: EndId, machine_up: bool) {
        if self.conns.get(end.conn).is_none() {
            return;
        }
        self.pipe(end).forget_held();
        if machine_up {
            self.send_reset(end);
        }
        self.bury(end);
    }

    fn bury(&mut self, end: EndId) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let buried = &mut conn.ends[usize::from(end.side)];
        buried.state = EndState::Gone;
        buried.reader = None;
        buried.writer = None;
        if conn.is_dead() {
            self.conns.remove(end.conn);
        }
    }

    // Packets.

    /// Sends the newest `bytes` of the pipe that `end` writes, or its FIN when there are none.
    fn launch(&mut self, end: EndId, bytes: usize) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let host = conn.ends[usize::from(end.side)].host;
        let now = self.departure(host);
        let pipe = self.pipe(end);
        if pipe.stall.is_some() {
            pipe.held += bytes;
            return self.hint_fast_retransmit(end);
        }
        match self.fare(end, bytes) {
            Fare::Arrives(latency) => self.put_under_way(end, now + latency, bytes),
            Fare::Lost | Fare::Swallowed => {
                self.pipe(end).held += bytes;
                self.stall(end, now);
            }
        }
    }

    fn put_under_way(&mut self, end: EndId, at: Nanos, bytes: usize) {
        let pipe = self.pipe(end);
        if bytes > 0 {
            pipe.put_under_way(at, bytes);
        }
        if matches!(pipe.fin, Fin::Sent(None)) {
            pipe.fin = Fin::Sent(Some(at.max(pipe.last_arrival)));
            pipe.last_arrival = pipe.last_arrival.max(at);
        }
        self.expect_delivery(end);
    }

    fn expect_delivery(&mut self, end: EndId) {
        let pipe = self.pipe(end);
        if pipe.delivery_pending {
            return;
        }
        if let Some(at) = pipe.next_arrival() {
            pipe.delivery_pending = true;
            self.events.push(at, Event::Deliver(end));
        }
    }

    pub fn deliver(&mut self, end: EndId) {
        let now = self.now;
        let Some(conn) = self.conns.get(end.conn) else { return };
        conn.pipes[usize::from(end.side)].delivery_pending = false;
        let target = &conn.ends[usize::from(1 - end.side)];
        let (state, host) = (target.state, target.host);
        if !self.host(host).powered {
            self.pipe(end).recall();
            return self.stall(end, now);
        }
        let Some(conn) = self.conns.get(end.conn) else { return };
        let pipe = &mut conn.pipes[usize::from(end.side)];
        match state {
            EndState::Open => {
                let arrived = pipe.arrive(now);
                wake(&mut conn.ends[usize::from(1 - end.side)].reader);
                self.note(Noted::BytesArrive, (arrived as u64) << 32 | u64::from(end.conn.slot));
                self.expect_delivery(end);
            }
            EndState::Gone => {
                self.note(Noted::BytesArriveNowhere, u64::from(end.conn.slot));
                let pipe = self.pipe(end);
                let carries_bytes = pipe.in_flight.front().is_some_and(|(at, _)| *at <= now);
                if !carries_bytes {
                    pipe.arrive(now);
                } else if self.send_reset(end.peer()) {
                    self.pipe(end).discard_unarrived();
                } else {
                    // The RST is lost, so nothing is acked: the bytes are sent again.
                    self.pipe(end).recall();
                    self.stall(end, now);
                }
            }
            EndState::Failed(_) | EndState::Unborn => pipe.discard_unarrived(),
        }
    }

    /// A RST leaves towards the peer of `from`; false when a partition or loss swallows it.
    fn send_reset(&mut self, from: EndId) -> bool {
        let fare = self.fare(from, 1);
        if let Fare::Arrives(latency) = fare {
            let at = (self.now + latency).max(self.pipe(from).last_arrival);
            self.events.push(at, Event::ResetArrives(from.peer()));
        }
        matches!(fare, Fare::Arrives(_))
    }

    pub fn reset_arrives(&mut self, end: EndId) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let host = conn.ends[usize::from(end.side)].host;
        if conn.ends[usize::from(end.side)].state == EndState::Open && self.host(host).powered {
            self.note(Noted::ResetArrives, u64::from(end.conn.slot));
            self.stats.resets += 1;
            self.fail(end, io::ErrorKind::ConnectionReset);
        }
    }

    /// The socket at `end` reports `kind` from now on.
    pub(super) fn fail(&mut self, end: EndId, kind: io::ErrorKind) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let failed = &mut conn.ends[usize::from(end.side)];
        if failed.state != EndState::Open {
            return;
        }
        failed.state = EndState::Failed(kind);
        wake(&mut failed.reader);
        wake(&mut failed.writer);
        conn.pipes[usize::from(end.side)].discard_unarrived();
    }

    // Retransmission.

    fn stall(&mut self, end: EndId, first_sent: Nanos) {
        let next = first_sent + self.rto(end);
        self.pipe(end).stall = Some(Stall { first_sent, next, tries: 0, fast_used: false });
        self.events.push(next, Event::Retransmit(end));
    }

    /// Something was written behind a lost packet: its ack will tell of the gap after one RTT.
    fn hint_fast_retransmit(&mut self, end: EndId) {
        let report = self.now + 2 * self.latency_of(end);
        let Some(stall) = self.pipe(end).stall.as_mut() else { return };
        if !stall.fast_used && report < stall.next {
            stall.fast_used = true;
            stall.next = report;
            self.events.push(report, Event::Retransmit(end));
        }
    }

    pub fn retransmit(&mut self, end: EndId) {
        let now = self.now;
        let Some(conn) = self.conns.get(end.conn) else { return };
        let pipe = &conn.pipes[usize::from(end.side)];
        let bytes = pipe.held;
        let Some(stall) = pipe.stall.filter(|stall| stall.next == now) else { return };
        self.note(Noted::Retransmission, u64::from(end.conn.slot));
        if now - stall.first_sent >= GIVE_UP {
            return self.fail(end, io::ErrorKind::TimedOut);
        }
        match self.fare(end, bytes.min(WRITE_BYTES_MAX)) {
            Fare::Arrives(latency) => {
                let pipe = self.pipe(end);
                pipe.stall = None;
                pipe.held = 0;
                self.put_under_way(end, now + latency, bytes);
            }
            Fare::Lost | Fare::Swallowed => {
                let rto = self.rto(end);
                let since_first = rto.saturating_mul(1 << (stall.tries + 1).min(30));
                let next = (stall.first_sent + since_first).clamp(now + rto.min(MS), now + RTO_MAX);
                let tries = stall.tries + 1;
                self.pipe(end).stall = Some(Stall { next, tries, ..stall });
                self.events.push(next, Event::Retransmit(end));
            }
        }
    }

    // Lookups.

    pub(super) fn kind_between(&self, a: HostId, b: HostId) -> LinkKind {
        let device = |host: HostId| self.hosts[host as usize].kind == LinkKind::Client;
        if device(a) || device(b) { LinkKind::Client } else { LinkKind::Backend }
    }

    /// How `bytes` written at `from` fare towards its peer.
    pub(super) fn fare(&mut self, from: EndId, bytes: usize) -> Fare {
        let conn = self.conns.get(from.conn).expect("the caller holds a live connection");
        let kind = if conn.link == 0 { LinkKind::Client } else { LinkKind::Backend };
        let hosts =
            (conn.ends[usize::from(from.side)].host, conn.ends[usize::from(1 - from.side)].host);
        let profile = &self.links[usize::from(conn.link)];
        let fare = self.conditions.fare(hosts, kind, profile, bytes, &mut conn.rng);
        let stats = match kind {
            LinkKind::Client => &mut self.stats.clients,
            LinkKind::Backend => &mut self.stats.backend,
        };
        stats.sent += 1;
        stats.lost += u64::from(fare == Fare::Lost);
        stats.swallowed += u64::from(fare == Fare::Swallowed);
        fare
    }

    fn latency_of(&mut self, end: EndId) -> Nanos {
        let link = self.conns.get(end.conn).map_or(0, |conn| conn.link);
        self.links[usize::from(link)].median
    }

    fn rto(&mut self, end: EndId) -> Nanos {
        2 * self.latency_of(end) + RTO_SLACK
    }

    fn pipe(&mut self, end: EndId) -> &mut Pipe {
        let conn = self.conns.get(end.conn).expect("the caller holds a live connection");
        &mut conn.pipes[usize::from(end.side)]
    }

    /// Enters the end into its host's list.
    pub(super) fn attach(&mut self, end: EndId) {
        let conn = self.conns.get(end.conn).expect("the caller holds a live connection");
        let entry: &mut End = &mut conn.ends[usize::from(end.side)];
        let list = &mut self.hosts[entry.host as usize].conns;
        entry.place = list.len() as u32;
        list.push(end.conn.slot << 1 | u32::from(end.side));
    }

    /// Takes the end out of its host's list.
    fn detach(&mut self, end: EndId) {
        let conn = self.conns.get(end.conn).expect("the caller holds a live connection");
        let entry = &mut conn.ends[usize::from(end.side)];
        let (host, place) = (entry.host, entry.place);
        entry.place = u32::MAX;
        let list = &mut self.hosts[host as usize].conns;
        if place == u32::MAX {
            return;
        }
        list.swap_remove(place as usize);
        if let Some(moved) = list.get(place as usize).copied() {
            let moved = self.end_at(moved);
            let conn = self.conns.get(moved.conn).expect("hosts list live connections");
            conn.ends[usize::from(moved.side)].place = place;
        }
    }

    /// Takes the host's whole list of ends out.
    pub fn take_ends(&mut self, host: HostId) -> Vec<EndId> {
        let list = std::mem::take(&mut self.host(host).conns);
        let ends: Vec<EndId> = list.into_iter().map(|entry| self.end_at(entry)).collect();
        for end in &ends {
            if let Some(conn) = self.conns.get(end.conn) {
                conn.ends[usize::from(end.side)].place = u32::MAX;
            }
        }
        ends
    }

    fn end_at(&self, entry: u32) -> EndId {
        EndId { conn: self.conns.id_at(entry >> 1), side: (entry & 1) as u8 }
    }
}

pub(super) fn keep_waker(place: &mut Option<Waker>, cx: &Context<'_>) {
    if !place.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
        *place = Some(cx.waker().clone());
    }
}

pub(super) fn wake(place: &mut Option<Waker>) {
    if let Some(waker) = place.take() {
        waker.wake();
    }
}
