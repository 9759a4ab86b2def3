//! One connection: two ends, and for each direction a pipe of ordered bytes.
//!
//! Bytes go into the pipe's one ring when they are written; delivery only raises how many of them
//! the reader may take. This module holds state and its bookkeeping; how packets travel stands in
//! `sender.rs` and `tcp.rs`.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;

use im::env::Nanos;

use super::delayed_acks::DelayedAcks;
use super::keepalive::{Persist, Probing};
use super::link::Burstiness;
use super::sender::{NEVER, Sender};
use crate::engine::HostId;
use crate::engine::rng::Stream;

/// Bytes a pipe holds before its writer must wait: sender's and receiver's buffers together.
pub const WINDOW_BYTES: usize = 256 * 1024;

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

    /// Place of the end, and of the pipe it writes into.
    pub fn at(self) -> usize {
        usize::from(self.side)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndState {
    /// Nobody there knows of the connection yet.
    Unborn,
    /// The listening kernel has answered the SYN and waits for the dialler's ack.
    Answered,
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
    /// Set when the program asked for keepalive.
    pub probing: Option<Box<Probing>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fin {
    No,
    /// Written, behind all bytes.
    Sent,
    /// The reader may see it.
    Arrived,
}

pub struct Pipe {
    /// Written and not yet read: `available`, then under way, then unsent.
    pub ring: VecDeque<u8>,
    pub available: usize,
    pub sender: Sender,
    pub fin: Fin,
    /// What is sent later does not arrive before this.
    pub last_arrival: Nanos,
    /// Acks of this pipe's packets arrive no earlier.
    pub last_ack: Nanos,
    pub delivery_pending: bool,
    /// When the pending event for acks is due, or [`NEVER`].
    pub acks_pending_at: Nanos,
    /// When the retransmission timer fires, or [`NEVER`].
    pub timer_at: Nanos,
    /// When its pending event is due, or [`NEVER`].
    pub timer_pending_at: Nanos,
    pub burstiness: Burstiness,
    /// The writer waits for room. `None` while no event is pending.
    pub persist: Option<Persist>,
    /// When a packet of this pipe last reached its reader's machine.
    pub heard_at: Nanos,
    /// Its receiver may hold acks back. `None` where each packet is acked at once.
    pub delayed_acks: Option<Box<DelayedAcks>>,
}

impl Pipe {
    fn new() -> Self {
        Self {
            ring: VecDeque::new(),
            available: 0,
            sender: Sender::default(),
            fin: Fin::No,
            last_arrival: 0,
            last_ack: 0,
            delivery_pending: false,
            acks_pending_at: NEVER,
            timer_at: NEVER,
            timer_pending_at: NEVER,
            burstiness: Burstiness::default(),
            persist: None,
            heard_at: 0,
            delayed_acks: None,
        }
    }

    /// The machine that writes has lost its memory, and begins anew.
    pub fn begin_again(&mut self) {
        let trip_per_ack = self.sender.trip_per_ack;
        self.sender = Sender::default();
        self.sender.trip_per_ack = trip_per_ack;
    }

    /// Its receiver holds acks back, from now on.
    pub fn delay_acks(&mut self) {
        self.delayed_acks = Some(Box::default());
        self.sender.trip_per_ack = true;
    }

    /// The machine that writes is gone: what waits to be sent, or to be sent again, never is.
    pub fn fall_silent(&mut self) {
        self.ring.truncate(self.ring.len() - self.sender.unsent as usize);
        self.sender.unsent = 0;
        self.sender.fin_unsent = false;
        self.sender.silent = true;
    }

    /// Forgets what has not arrived: nobody waits for it any more.
    pub fn discard_unarrived(&mut self) {
        self.ring.truncate(self.available);
        self.sender = Sender::default();
        self.sender.silent = true;
        // So nobody waits for the ack of what has arrived, either.
        if let Some(acks) = self.delayed_acks.as_deref_mut() {
            acks.due_at = NEVER;
        }
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
    pub link: u8,
    pub syn_tries: u8,
    /// It leaves again at the next of its times: an event is pending.
    pub syn_due: bool,
    /// Times the listening side has answered the SYN.
    pub answers: u8,
    /// The listening side keeps no place for this half-made connection.
    pub has_cookie: bool,
    /// Number of the listener that keeps the place.
    pub listener: u64,
    /// It is about to answer the SYN again.
    pub waits_to_answer: bool,
    pub established: bool,
    pub dialled_at: Nanos,
    /// When the SYN, or its answer, left last: the first round trip is measured from there.
    pub handshake_sent_at: [Nanos; 2],
    pub rng: Stream,
    pub ends: [End; 2],
    pub pipes: [Pipe; 2],
}

impl Conn {
    pub fn new(dialler: HostId, target: HostId, port: u16, link: u8, rng: Stream) -> Self {
        let end = |host, state| End {
            host,
            place: u32::MAX,
            state,
            reader: None,
            writer: None,
            probing: None,
        };
        Self {
            generation: 0,
            port,
            link,
            syn_tries: 0,
            syn_due: false,
            answers: 0,
            has_cookie: false,
            listener: 0,
            waits_to_answer: false,
            established: false,
            dialled_at: 0,
            handshake_sent_at: [0; 2],
            rng,
            ends: [end(dialler, EndState::Open), end(target, EndState::Unborn)],
            pipes: [Pipe::new(), Pipe::new()],
        }
    }

    /// Whether nobody can use the connection any more. One that the dialler has made and closed
    /// again may still be accepted.
    pub fn is_dead(&self) -> bool {
        !self.ends.iter().any(|end| match end.state {
            EndState::Open | EndState::Failed(_) => true,
            EndState::Answered => self.established && !self.pipes[0].sender.silent,
            EndState::Unborn | EndState::Gone => false,
        })
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

    /// Every connection, in the order of slots.
    pub fn ids(&self) -> Vec<ConnId> {
        let taken = (0..).zip(&self.slots).filter(|(_, conn)| conn.is_some());
        taken.map(|(slot, _)| self.id_at(slot)).collect()
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
