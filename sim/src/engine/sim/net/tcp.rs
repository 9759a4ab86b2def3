//! Streams on their way: sending what the window lets through, delivering, acking, sending again,
//! giving up. Follows the Linux 6.18 behaviours that `sender.rs` decides on.
//!
//! On a link that loses nothing, with room in the window, a write costs one event: its delivery.
//! It must not know programs: reading, writing and closing stand in `streams.rs`.

use std::io;

use super::arrivals::Arrival;
use super::conn::{Conn, EndId, EndState, Fin};
use super::link::PACKET_BYTES;
use super::path::{Fare, Net};
use super::sender::{Expiry, NEVER};
use super::streams::wake;
use super::window::timer_fires;
use crate::engine::rng;
use crate::engine::sim::digest::Noted;
use crate::engine::sim::world::{Event, World};

/// The ticks of hosts stand anywhere within the coarsest timer's 2,048 ms.
const PHASES_NS: u64 = 2_048_000_000;

impl World {
    /// Packets written by `end` are due at its peer.
    pub fn deliver(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        conn.pipes[end.at()].delivery_pending = false;
        // Where a socket is open, its machine is up.
        if conn.ends[1 - end.at()].state == EndState::Open {
            net.receive(conn, end);
        } else {
            self.deliver_without_socket(end);
        }
    }

    fn deliver_without_socket(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        if !net.hosts[conn.ends[1 - end.at()].host as usize].powered {
            return net.arrive_in_vain(conn, end);
        }
        if conn.ends[1].state == EndState::Answered && end.side == 0 {
            self.complete_handshake(end.conn);
        }
        let Some((conn, mut net)) = self.split(end) else { return };
        match conn.ends[1 - end.at()].state {
            EndState::Open => net.receive(conn, end),
            // Nobody takes it yet, so nobody acks it either.
            EndState::Unborn | EndState::Answered => net.arrive_in_vain(conn, end),
            EndState::Gone | EndState::Failed(_) => net.arrive_nowhere(conn, end),
        }
    }

    /// Acks of what `end` has written come back.
    pub fn acks_arrive(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        let pipe = &mut conn.pipes[end.at()];
        if pipe.acks_pending_at != net.now || pipe.sender.silent {
            return;
        }
        pipe.acks_pending_at = NEVER;
        net.note(Noted::AcksArrive, u64::from(end.conn.slot));
        net.push_out(conn, end);
    }

    /// The ack of what `end` has written was held back, and may have to leave now.
    pub fn ack_is_due(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        let rto = conn.pipes[1 - end.at()].sender.trip.rto(0);
        let pipe = &mut conn.pipes[end.at()];
        let Some(acks) = pipe.delayed_acks.as_deref_mut() else { return };
        acks.pending_at = NEVER;
        if acks.due_at > net.now || !pipe.sender.unreported {
            return net.expect_ack_due(conn, end);
        }
        acks.run_out(rto);
        net.note(Noted::AckLeaves, u64::from(end.conn.slot));
        if net.hosts[conn.ends[1 - end.at()].host as usize].powered {
            net.ack_held(conn, end);
        } else {
            acks.note_ack();
            conn.pipes[end.at()].sender.lose_ack();
            net.look_after(conn, end);
        }
    }

    /// The retransmission timer of `end` may have run out.
    pub fn retransmit(&mut self, end: EndId) {
        let Some((conn, mut net)) = self.split(end) else { return };
        let pipe = &mut conn.pipes[end.at()];
        if pipe.timer_pending_at != net.now {
            return;
        }
        pipe.timer_pending_at = NEVER;
        if pipe.sender.silent {
            return;
        }
        if pipe.timer_at > net.now {
            return net.expect_timer(conn, end);
        }
        pipe.timer_at = NEVER;
        if pipe.sender.waits_for_order() {
            return net.push_out(conn, end);
        }
        pipe.sender.learn(net.now);
        match pipe.sender.expire(net.now) {
            Expiry::Nothing => net.push_out(conn, end),
            Expiry::GiveUp => self.fail(end, io::ErrorKind::TimedOut),
            Expiry::Send(place) => {
                net.note(Noted::Retransmission, u64::from(end.conn.slot));
                net.send_again(conn, end, place);
                net.push_out(conn, end);
            }
        }
    }
}

impl Net<'_> {
    /// Sends what the window lets through: first what is lost, then what is new.
    pub fn push_out(&mut self, conn: &mut Conn, end: EndId) {
        let now = self.now;
        let whole_trains = self.is_clean(conn);
        conn.pipes[end.at()].sender.learn(now);
        let mut has_sent = false;
        let limited = loop {
            let sender = &mut conn.pipes[end.at()].sender;
            let room = sender.room();
            let urgent = std::mem::take(&mut sender.urgent);
            if let Some(place) = sender.next_lost() {
                if room == 0 && !urgent {
                    break true;
                }
                self.send_again(conn, end, place);
                continue;
            }
            if !sender.has_unsent() {
                break false;
            }
            if room == 0 {
                break true;
            }
            has_sent = true;
            let packets = if whole_trains { room as usize } else { 1 };
            let bytes = sender.unsent.min((packets * PACKET_BYTES) as u32);
            sender.unsent -= bytes;
            sender.fin_unsent &= bytes > 0;
            let place = sender.add_packet(bytes, now);
            self.launch(conn, end, place);
        };
        conn.pipes[end.at()].sender.note_use(now, limited, has_sent);
        self.look_after(conn, end);
    }

    fn send_again(&mut self, conn: &mut Conn, end: EndId, place: usize) {
        conn.pipes[end.at()].sender.note_resending(place, self.now);
        self.stats.packets_resent += 1;
        self.launch(conn, end, place);
    }

    /// A packet leaves.
    fn launch(&mut self, conn: &mut Conn, end: EndId, place: usize) {
        let bytes = conn.pipes[end.at()].sender.packets[place].bytes as usize;
        let fare = self.send(conn, end, bytes);
        let [pipe, back] = pipes(conn, end);
        if let Some(acks) = back.delayed_acks.as_deref_mut() {
            acks.send(self.now);
            acks.note_ack();
        }
        match fare {
            Fare::Arrives(at) => {
                let at = at.max(pipe.last_arrival);
                pipe.last_arrival = at;
                pipe.sender.note_sending(place, self.now, at);
                if back.sender.unreported {
                    back.sender.ack_all(at);
                    self.expect_acks(conn, end.peer());
                }
                self.expect_delivery(conn, end);
            }
            Fare::Lost => {
                pipe.sender.note_sending(place, self.now, NEVER);
                // An ack that was held back is lost with it.
                if back.sender.unreported && !back.sender.ragged {
                    back.sender.lose_ack();
                    self.look_after(conn, end.peer());
                }
            }
        }
    }

    fn expect_delivery(&mut self, conn: &mut Conn, end: EndId) {
        let pipe = &mut conn.pipes[end.at()];
        if pipe.delivery_pending {
            return;
        }
        let at = pipe.sender.next_arrival();
        if at != NEVER {
            pipe.delivery_pending = true;
            // A second copy of what had arrived may have come unnoticed, while nothing was missing.
            self.events.push(self.events.due(at), Event::Deliver(end));
        }
    }

    /// What is due arrives at a socket.
    fn receive(&mut self, conn: &mut Conn, end: EndId) {
        let pipe = &mut conn.pipes[end.at()];
        let arrival = pipe.sender.arrive(self.now);
        pipe.heard_at = self.now;
        pipe.available += arrival.bytes as usize;
        if arrival.fin {
            pipe.fin = Fin::Arrived;
        }
        if arrival.bytes > 0 || arrival.fin {
            wake(&mut conn.ends[1 - end.at()].reader);
        }
        self.note(Noted::BytesArrive, u64::from(arrival.bytes) << 32 | u64::from(end.conn.slot));
        if !self.holds_ack_back(conn, end, arrival) {
            self.ack(conn, end, arrival.packets);
        }
        self.expect_delivery(conn, end);
    }

    /// Whether the ack of what arrived waits for something to go with.
    fn holds_ack_back(&mut self, conn: &mut Conn, end: EndId, arrival: Arrival) -> bool {
        let trip = conn.pipes[1 - end.at()].sender.trip;
        let pipe = &mut conn.pipes[end.at()];
        let Some(acks) = pipe.delayed_acks.as_deref_mut() else { return false };
        let in_order = arrival.bytes > 0 && !arrival.fin && !pipe.sender.has_gaps();
        let news = (arrival.packets, arrival.bytes);
        let waits = acks.arrive(self.now, news, trip.smoothed(), trip.rto(0));
        let Some(waits) = waits.filter(|_| in_order) else {
            acks.note_ack();
            return false;
        };
        if acks.due_at == NEVER {
            let phase = self.phase(conn.ends[1 - end.at()].host);
            acks.due_at = timer_fires(self.now, waits, phase);
        }
        pipe.sender.unreported = true;
        self.expect_ack_due(conn, end);
        true
    }

    fn expect_ack_due(&mut self, conn: &mut Conn, end: EndId) {
        let Some(acks) = conn.pipes[end.at()].delayed_acks.as_deref_mut() else { return };
        if acks.due_at < acks.pending_at {
            acks.pending_at = acks.due_at;
            self.events.push(acks.due_at, Event::AckDue(end));
        }
    }

    /// The program has read all that `end` has written and that has arrived.
    pub fn ack_what_was_read(&mut self, conn: &mut Conn, end: EndId) {
        let pipe = &mut conn.pipes[end.at()];
        let acks = pipe.delayed_acks.as_deref();
        if pipe.sender.unreported
            && acks.is_some_and(|acks| acks.due_at != NEVER && acks.read_all())
        {
            self.ack_held(conn, end);
        }
    }

    /// The ack that was held back leaves.
    fn ack_held(&mut self, conn: &mut Conn, end: EndId) {
        if let Some(acks) = conn.pipes[end.at()].delayed_acks.as_deref_mut() {
            acks.note_ack();
        }
        self.ack(conn, end, 1);
    }

    /// The receiver acks `packets` packets that `end` has written; each ack tells of all that has
    /// arrived so far.
    fn ack(&mut self, conn: &mut Conn, end: EndId, packets: u32) {
        // One that comes through tells of all: what it does not tell of is told by the next.
        let survives = (0..packets).find_map(|_| match self.send_ack(conn, end.peer()) {
            Fare::Arrives(at) => Some(at),
            Fare::Lost => None,
        });
        let pipe = &mut conn.pipes[end.at()];
        match survives {
            Some(at) => {
                let at = at.max(pipe.last_ack);
                pipe.last_ack = at;
                pipe.sender.ack_all(at);
                if pipe.sender.listens() {
                    self.expect_acks(conn, end);
                }
            }
            None if packets > 0 => {
                pipe.sender.lose_ack();
                self.look_after(conn, end);
            }
            None => {}
        }
    }

    /// Bytes reach a machine without a socket for them: it answers with a RST.
    fn arrive_nowhere(&mut self, conn: &mut Conn, end: EndId) {
        self.note(Noted::BytesArriveNowhere, u64::from(end.conn.slot));
        // A kernel that has closed its side itself still takes the other side's FIN.
        let back = &conn.pipes[1 - end.at()];
        let closing = back.fin != Fin::No && !back.sender.silent;
        if closing && !conn.pipes[end.at()].sender.is_data_due(self.now) {
            return self.receive(conn, end);
        }
        if self.send_reset(conn, end.peer()) {
            return conn.pipes[end.at()].discard_unarrived();
        }
        // The RST is lost, so nothing is acked: the bytes are sent again.
        self.arrive_in_vain(conn, end);
    }

    /// What is due is lost on arrival.
    fn arrive_in_vain(&mut self, conn: &mut Conn, end: EndId) {
        conn.pipes[end.at()].sender.lose_arrivals(self.now);
        self.expect_delivery(conn, end);
        self.look_after(conn, end);
    }

    /// A RST leaves towards the peer of `from`; false when it is lost.
    pub fn send_reset(&mut self, conn: &mut Conn, from: EndId) -> bool {
        let fare = self.send(conn, from, 0);
        if let Fare::Arrives(at) = fare {
            // Behind everything that was sent before.
            let at = at.max(conn.pipes[from.at()].last_arrival.saturating_add(1));
            self.events.push(at, Event::ResetArrives(from.peer()));
        }
        fare != Fare::Lost
    }

    // Events of a sender that lost something, or waits for its window.

    /// Sees to it that the sender hears of acks and timeouts, if it has to.
    pub fn look_after(&mut self, conn: &mut Conn, end: EndId) {
        if conn.pipes[end.at()].sender.silent {
            return;
        }
        if conn.pipes[end.at()].sender.listens() {
            self.expect_acks(conn, end);
        }
        let timer = conn.pipes[end.at()].sender.timer(self.now).map(|(from, wait)| {
            let phase = self.phase(conn.ends[end.at()].host);
            self.events.due(timer_fires(from, wait, phase))
        });
        conn.pipes[end.at()].timer_at = timer.unwrap_or(NEVER);
        self.expect_timer(conn, end);
    }

    fn expect_acks(&mut self, conn: &mut Conn, end: EndId) {
        let pipe = &mut conn.pipes[end.at()];
        let at = self.events.due(pipe.sender.next_ack());
        if at < pipe.acks_pending_at {
            pipe.acks_pending_at = at;
            self.events.push(at, Event::AcksArrive(end));
        }
    }

    fn expect_timer(&mut self, conn: &mut Conn, end: EndId) {
        let pipe = &mut conn.pipes[end.at()];
        if pipe.timer_at < pipe.timer_pending_at {
            pipe.timer_pending_at = pipe.timer_at;
            self.events.push(pipe.timer_at, Event::Retransmit(end));
        }
    }

    /// Where the timer ticks of a host stand to virtual time.
    fn phase(&self, host: u32) -> u64 {
        use rand::Rng as _;
        let host = if self.one_kernel { 0 } else { host };
        rng::indexed(self.seed, "ticks", u64::from(host)).next_u64() % PHASES_NS
    }
}

/// The pipe that `end` writes into, then the one that it reads from.
fn pipes(conn: &mut Conn, end: EndId) -> [&mut super::conn::Pipe; 2] {
    let [dialled, accepted] = &mut conn.pipes;
    if end.side == 0 { [dialled, accepted] } else { [accepted, dialled] }
}
