//! One connection: two ends, and for each direction a pipe of ordered bytes.
//!
//! Bytes go into the pipe's one ring when they are written; delivery only raises how many of them
//! the reader may take. Each pipe has at most one pending delivery event. This module holds state
//! and its bookkeeping; what the network does with it stands in `net.rs`.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;

use im::env::Nanos;

use super::rng::Stream;
use super::world::HostId;

/// Bytes a pipe holds before its writer must wait: sender's and receiver's buffers together.
pub const WINDOW_BYTES: usize = 256 * 1024;
/// Largest part of a write that travels as one packet-like unit.
pub const WRITE_BYTES_MAX: usize = 16 * 1024;

/// Names one use of one slot of the connection table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnId {
    pub slot: u32,
    pub generation: u32,
}

/// Names one end of a connection, and the pipe it writes into. Side 0 dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndId {
    pub conn: ConnId,
    pub side: u8,
}

impl EndId {
    pub fn peer(self) -> Self {
        Self { conn: self.conn, side: 1 - self.side }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndState {
    /// The other side has not accepted yet.
    Unborn,
    /// A socket with a process behind it.
    Open,
    /// A socket that reports this error.
    Failed(io::ErrorKind),
    /// No socket any more: closed, or its process died.
    Gone,
}

pub struct End {
    pub host: HostId,
    /// Where this end stands in its host's list of connections.
    pub place: u32,
    pub state: EndState,
    pub reader: Option<Waker>,
    pub writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fin {
    No,
    /// Written; arrives behind all bytes, at this time once it is under way.
    Sent(Option<Nanos>),
    Arrived,
}

/// A pipe whose oldest unacknowledged packet did not get through and is being sent again.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    pub first_sent: Nanos,
    /// Next try; an event for another time is stale.
    pub next: Nanos,
    /// Tries so far after the first.
    pub tries: u32,
    /// Whether later packets may have told the sender of the loss already.
    pub fast_used: bool,
}

pub struct Pipe {
    /// Written and not yet read: `available`, then in flight, then held.
    pub ring: VecDeque<u8>,
    pub available: usize,
    /// (arrival, bytes) of what is under way, in order.
    pub in_flight: VecDeque<(Nanos, u32)>,
    /// Bytes behind a stall.
    pub held: usize,
    pub stall: Option<Stall>,
    pub fin: Fin,
    pub last_arrival: Nanos,
    pub delivery_pending: bool,
}

impl Pipe {
    fn new() -> Self {
        Self {
            ring: VecDeque::new(),
            available: 0,
            in_flight: VecDeque::new(),
            held: 0,
            stall: None,
            fin: Fin::No,
            last_arrival: 0,
            delivery_pending: false,
        }
    }

    /// Puts the newest `bytes` under way; they arrive at `at` or behind what is under way already.
    pub fn put_under_way(&mut self, at: Nanos, bytes: usize) {
        let at = at.max(self.last_arrival);
        self.last_arrival = at;
        match self.in_flight.back_mut() {
            Some((last, size)) if *last == at => *size += bytes as u32,
            _ => self.in_flight.push_back((at, bytes as u32)),
        }
    }

    /// Makes what has arrived by `now` readable; returns the bytes that became readable.
    pub fn arrive(&mut self, now: Nanos) -> usize {
        let mut arrived = 0;
        while let Some((at, bytes)) = self.in_flight.front().copied() {
            if at > now {
                break;
            }
            self.in_flight.pop_front();
            arrived += bytes as usize;
        }
        self.available += arrived;
        if self.in_flight.is_empty() && matches!(self.fin, Fin::Sent(Some(at)) if at <= now) {
            self.fin = Fin::Arrived;
        }
        arrived
    }

    /// When the next delivery is due.
    pub fn next_arrival(&self) -> Option<Nanos> {
        match (self.in_flight.front(), self.fin) {
            (Some((at, _)), _) => Some(*at),
            (None, Fin::Sent(at)) => at,
            _ => None,
        }
    }

    /// Takes back everything that is under way: it must be sent again.
    pub fn recall(&mut self) {
        self.held += self.in_flight.drain(..).map(|(_, bytes)| bytes as usize).sum::<usize>();
        if let Fin::Sent(at) = &mut self.fin {
            *at = None;
        }
    }

    /// The sender is no more: what waits to be sent again is never sent.
    pub fn forget_held(&mut self) {
        self.ring.truncate(self.ring.len() - self.held);
        self.held = 0;
        self.stall = None;
        if self.fin == Fin::Sent(None) {
            self.fin = Fin::No;
        }
    }

    /// Forgets what has not arrived.
    pub fn discard_unarrived(&mut self) {
        self.ring.truncate(self.available);
        self.in_flight.clear();
        self.held = 0;
        self.stall = None;
    }

    /// Moves up to `into.remaining()` readable bytes out; returns how many.
    pub fn take(&mut self, into: &mut tokio::io::ReadBuf<'_>) -> usize {
        let count = self.available.min(into.remaining());
        let (front, back) = self.ring.as_slices();
        let from_front = count.min(front.len());
        into.put_slice(&front[..from_front]);
        into.put_slice(&back[..count - from_front]);
        if count == self.ring.len() {
            self.ring.clear();
        } else {
            self.ring.drain(..count);
        }
        self.available -= count;
        count
    }
}

pub struct Conn {
    pub generation: u32,
    /// The port that was dialled.
    pub port: u16,
    /// Which profile the packets of this connection fare by.
    pub link: u16,
    pub syn_tries: u8,
    pub established: bool,
    pub dialled_at: Nanos,
    pub rng: Stream,
    pub ends: [End; 2],
    pub pipes: [Pipe; 2],
}

impl Conn {
    pub fn new(dialler: HostId, target: HostId, port: u16, link: u16, rng: Stream) -> Self {
        let end = |host, state| End { host, place: u32::MAX, state, reader: None, writer: None };
        Self {
            generation: 0,
            port,
            link,
            syn_tries: 0,
            established: false,
            dialled_at: 0,
            rng,
            ends: [end(dialler, EndState::Open), end(target, EndState::Unborn)],
            pipes: [Pipe::new(), Pipe::new()],
        }
    }

    /// Whether nobody can use the connection any more.
    pub fn is_dead(&self) -> bool {
        self.ends.iter().all(|end| matches!(end.state, EndState::Gone | EndState::Unborn))
    }
}

/// The connection table: slots with generations, so that stale events and handles find nothing.
#[derive(Default)]
pub struct Conns {
    slots: Vec<Option<Box<Conn>>>,
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl Conns {
    pub fn insert(&mut self, mut conn: Conn) -> ConnId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.generations.push(0);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 connections")
        });
        let generation = self.generations[slot as usize];
        conn.generation = generation;
        self.slots[slot as usize] = Some(Box::new(conn));
        ConnId { slot, generation }
    }

    pub fn get(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.slots[id.slot as usize].as_deref_mut().filter(|conn| conn.generation == id.generation)
    }

    /// The id of the connection that now lives in `slot`.
    pub fn id_at(&self, slot: u32) -> ConnId {
        ConnId { slot, generation: self.generations[slot as usize] }
    }

    pub fn remove(&mut self, id: ConnId) {
        if self.get(id).is_some() {
            self.slots[id.slot as usize] = None;
            let generation = &mut self.generations[id.slot as usize];
            *generation = generation.wrapping_add(1);
            self.free.push(id.slot);
        }
    }
}
