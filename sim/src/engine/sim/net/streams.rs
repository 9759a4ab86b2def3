//! Streams as programs see them: reading, writing, closing, and what tears them. How their bytes
//! travel stands in `tcp.rs`, how streams come about in `dial.rs`.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;

use super::conn::{End, EndId, EndState, Fin, WINDOW_BYTES};
use crate::engine::HostId;
use crate::engine::sim::digest::Noted;
use crate::engine::sim::world::{Event, World};

/// Buffers that are kept for later writes, and how large one may be.
const SPARE_RINGS_MAX: usize = 1_024;
const SPARE_RING_BYTES_MAX: usize = 16 * 1024;

impl World {
    // Streams.

    pub fn poll_write(
        &mut self,
        end: EndId,
        cx: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some((conn, mut net)) = self.split(end) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let pipe = &mut conn.pipes[end.at()];
        match conn.ends[end.at()].state {
            EndState::Open if pipe.fin == Fin::No => {}
            EndState::Failed(kind) => return Poll::Ready(Err(kind.into())),
            _ => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
        let count = bytes.len().min(WINDOW_BYTES - pipe.ring.len());
        if count == 0 {
            if bytes.is_empty() {
                return Poll::Ready(Ok(0));
            }
            keep_waker(&mut conn.ends[end.at()].writer, cx);
            self.expect_persist(end);
            return Poll::Pending;
        }
        if pipe.ring.capacity() == 0 {
            pipe.ring = net.spare_rings.pop().unwrap_or_default();
        }
        pipe.ring.extend(&bytes[..count]);
        net.poll.charge_write(count);
        pipe.sender.learn(net.now);
        pipe.sender.note_writing(net.now);
        pipe.sender.unsent += count as u32;
        net.stats.packets_sent += 1;
        net.stats.bytes_sent += count as u64;
        let tier = |place: usize| net.hosts[conn.ends[place].host as usize].tier;
        let (from, to) = (tier(end.at()), tier(1 - end.at()));
        net.hops.add(from, to, count);
        net.digest.add_bytes(net.now, &bytes[..count]);
        net.push_out(conn, end);
        Poll::Ready(Ok(count))
    }

    pub fn poll_read(
        &mut self,
        end: EndId,
        cx: &Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some((conn, mut net)) = self.split(end) else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let pipe = &mut conn.pipes[1 - end.at()];
        if pipe.available > 0 {
            let was_full = pipe.ring.len() == WINDOW_BYTES;
            let count = pipe.take(into);
            net.poll.charge_read(count);
            let all = pipe.available == 0;
            if pipe.ring.is_empty() {
                lay_aside(net.spare_rings, &mut pipe.ring);
            }
            if all && pipe.delayed_acks.is_some() {
                net.ack_what_was_read(conn, end.peer());
            }
            if was_full {
                self.announce_window(end);
            }
            return Poll::Ready(Ok(()));
        }
        match conn.ends[end.at()].state {
            // What the peer has ended stays ended, whatever happened since.
            EndState::Open | EndState::Failed(_) if pipe.fin == Fin::Arrived => Poll::Ready(Ok(())),
            EndState::Failed(kind) => Poll::Ready(Err(kind.into())),
            EndState::Open => {
                keep_waker(&mut conn.ends[end.at()].reader, cx);
                Poll::Pending
            }
            EndState::Gone | EndState::Unborn | EndState::Answered => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
        }
    }

    /// The writer of the pipe that `reader` reads learns of new room after the link's latency.
    fn announce_window(&mut self, reader: EndId) {
        let Some((conn, net)) = self.split(reader) else { return };
        let at = net.now.saturating_add(net.links[usize::from(conn.link)].median);
        net.events.push(at, Event::WindowOpens(reader.peer()));
    }

    pub fn window_opens(&mut self, end: EndId) {
        self.note(Noted::WindowOpens, u64::from(end.conn.slot));
        if let Some(conn) = self.conns.get(end.conn) {
            wake(&mut conn.ends[end.at()].writer);
        }
    }

    /// Sends FIN behind all bytes written.
    pub fn shut_down(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        let pipe = &mut conn.pipes[end.at()];
        if pipe.fin != Fin::No || conn.ends[end.at()].state != EndState::Open {
            return;
        }
        pipe.fin = Fin::Sent;
        pipe.sender.fin_unsent = true;
        net.push_out(conn, end);
    }

    /// The socket is closed, by its program or because its process died: FIN behind what was
    /// written, or RST when bytes were left unread.
    pub fn close(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        if conn.ends[end.at()].state == EndState::Gone {
            return;
        }
        let open =
            conn.ends[end.at()].state == EndState::Open && (conn.established || end.side == 1);
        if open && conn.pipes[1 - end.at()].available > 0 {
            net.send_reset(conn, end);
            conn.pipes[end.at()].fall_silent();
        } else if open {
            self.shut_down(end);
        }
        self.detach(end);
        self.bury(end);
    }

    /// The socket goes with a RST, as one that was never accepted.
    pub fn abort(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        if conn.ends[end.at()].state == EndState::Open {
            net.send_reset(conn, end);
        }
        conn.pipes[end.at()].fall_silent();
        self.detach(end);
        self.bury(end);
    }

    /// The machine behind this end lost its power: nothing is sent, now or later.
    pub fn vanish(&mut self, end: EndId) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        conn.pipes[end.at()].fall_silent();
        self.detach(end);
        self.bury(end);
    }

    fn bury(&mut self, end: EndId) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let buried = &mut conn.ends[end.at()];
        buried.state = EndState::Gone;
        buried.reader = None;
        buried.writer = None;
        if conn.is_dead() {
            self.remove_connection(end.conn);
        }
    }

    /// The machine of a host has lost its power: nothing that its kernel still had to send is sent,
    /// and of half-made connections it knows nothing any more.
    pub fn forget_unsent(&mut self, host: HostId) {
        for id in self.conns.ids() {
            let Some(conn) = self.conns.get(id) else { continue };
            for (end, pipe) in conn.ends.iter_mut().zip(&mut conn.pipes) {
                if end.host != host {
                    continue;
                }
                pipe.fall_silent();
                if end.state == EndState::Answered {
                    end.state = EndState::Gone;
                }
            }
            if conn.is_dead() {
                self.remove_connection(id);
            }
        }
    }

    pub fn reset_arrives(&mut self, end: EndId) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let host = conn.ends[end.at()].host;
        // To a program that has read the peer's FIN, it looks as if it wrote to a broken pipe.
        let kind = match conn.pipes[1 - end.at()].fin {
            Fin::Arrived => io::ErrorKind::BrokenPipe,
            _ => io::ErrorKind::ConnectionReset,
        };
        if conn.ends[end.at()].state == EndState::Open && self.host(host).powered {
            self.note(Noted::ResetArrives, u64::from(end.conn.slot));
            self.stats.resets += 1;
            self.fail(end, kind);
        }
    }

    /// The socket at `end` reports `kind` from now on.
    pub(super) fn fail(&mut self, end: EndId, kind: io::ErrorKind) {
        let Some(conn) = self.conns.get(end.conn) else { return };
        let failed = &mut conn.ends[end.at()];
        if failed.state != EndState::Open {
            return;
        }
        failed.state = EndState::Failed(kind);
        wake(&mut failed.reader);
        wake(&mut failed.writer);
        conn.pipes[end.at()].discard_unarrived();
    }

    /// Resets the connections between `host` and the hosts that `with` names, at both ends and at
    /// once. Returns how many.
    pub fn reset_connections(&mut self, host: HostId, with: impl Fn(HostId) -> bool) -> u64 {
        let ends: Vec<EndId> =
            self.hosts[host as usize].conns.iter().map(|entry| self.end_at(*entry)).collect();
        let mut reset = 0;
        for end in ends {
            let Some(conn) = self.conns.get(end.conn) else { continue };
            let made = conn.ends[1].state != EndState::Answered;
            if conn.ends[end.at()].state != EndState::Open
                || !made
                || !with(conn.ends[1 - end.at()].host)
            {
                continue;
            }
            reset += 1;
            for end in [end, end.peer()] {
                self.note(Noted::ResetArrives, u64::from(end.conn.slot));
                self.fail(end, io::ErrorKind::ConnectionReset);
            }
        }
        self.stats.resets += reset;
        reset
    }

    // Which ends a host has.

    /// Enters the end into its host's list.
    pub(super) fn attach(&mut self, end: EndId) {
        let conn = self.conns.get(end.conn).expect("the caller holds a live connection");
        let entry: &mut End = &mut conn.ends[end.at()];
        let list = &mut self.hosts[entry.host as usize].conns;
        entry.place = list.len() as u32;
        list.push(end.conn.slot << 1 | u32::from(end.side));
    }

    /// Takes the end out of its host's list.
    fn detach(&mut self, end: EndId) {
        let conn = self.conns.get(end.conn).expect("the caller holds a live connection");
        let entry = &mut conn.ends[end.at()];
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
            conn.ends[moved.at()].place = place;
        }
    }

    /// Takes the host's whole list of ends out.
    pub fn take_ends(&mut self, host: HostId) -> Vec<EndId> {
        let list = std::mem::take(&mut self.host(host).conns);
        let ends: Vec<EndId> = list.into_iter().map(|entry| self.end_at(entry)).collect();
        for end in &ends {
            if let Some(conn) = self.conns.get(end.conn) {
                conn.ends[end.at()].place = u32::MAX;
            }
        }
        ends
    }

    fn end_at(&self, entry: u32) -> EndId {
        EndId { conn: self.conns.id_at(entry >> 1), side: (entry & 1) as u8 }
    }
}

/// Most connections are idle at any instant: an empty ring's buffer serves the next write of any.
fn lay_aside(spares: &mut Vec<VecDeque<u8>>, ring: &mut VecDeque<u8>) {
    let ring = std::mem::take(ring);
    if spares.len() < SPARE_RINGS_MAX && ring.capacity() <= SPARE_RING_BYTES_MAX {
        spares.push(ring);
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
