//! The sending half of a stream: packets that are not known to have arrived, what the acks tell of
//! them, and when to send again. The rules are those of Linux 6.18 as far as they show at the level
//! of messages; the numbers stand in `window.rs`.
//!
//! Each packet knows when it arrives and when its ack comes back as soon as that is decided, so a
//! sender that neither lost anything nor waits for its window needs no events of its own: it
//! catches up at its next write. It must not know hosts, links or events.

use std::collections::VecDeque;

use im::env::Nanos;

use super::link::PACKET_BYTES;
use super::window::{RoundTrip, Window};

/// Later than anything.
pub const NEVER: Nanos = Nanos::MAX;
/// After this long without an ack the connection fails (Linux `tcp_retries2` = 15: the sum of 200
/// ms doubled nine times and of six times 120 s).
const GIVE_UP: Nanos = 924_600_000_000;
/// So many packets that overtook another prove it lost (Linux `tcp_reordering`).
const OVERTAKERS_MAX: usize = 3;
/// What the kernel adds to its wait for fewer (two ticks).
const REORDERING_SLACK: Nanos = 8_000_000;

/// A packet that the sender does not know to have arrived, or, on a link that loses nothing, a
/// train of packets sent at the same instant.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Payload; 0 for a FIN.
    pub bytes: u32,
    /// How many sendings this pipe had seen before the last one of this packet.
    order: u32,
    /// Time of the last sending.
    pub sent_at: Nanos,
    /// When what is under way arrives; [`NEVER`] when nothing is.
    pub arrives_at: Nanos,
    /// When the sender learns that it arrived; [`NEVER`] while no ack is under way.
    pub acked_at: Nanos,
    /// It has arrived.
    pub received: bool,
    /// The sender knows that it has arrived.
    acked: bool,
    /// The sender takes it for lost and has not sent it again yet.
    lost: bool,
    /// It was sent more than once.
    resent: bool,
    /// It was sent again as a tail probe.
    probed: bool,
    /// It has arrived twice.
    pub repeated: bool,
}

impl Packet {
    pub fn count(&self) -> u32 {
        (self.bytes.div_ceil(PACKET_BYTES as u32)).max(1)
    }
}

/// What a retransmission timer asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// Send this packet.
    Send(usize),
    /// The peer is given up.
    GiveUp,
    /// Nothing is outstanding.
    Nothing,
}

pub struct Sender {
    /// In the order of their bytes.
    pub packets: VecDeque<Packet>,
    /// Of these, from the front, how many the receiver has released to its reader.
    pub released: usize,
    /// Bytes written that no packet carries yet.
    pub unsent: u32,
    /// The FIN is to follow them.
    pub fin_unsent: bool,
    /// Packets under way, as the sender sees it.
    in_flight: u32,
    pub window: Window,
    pub trip: RoundTrip,
    /// Sendings so far.
    sendings: u32,
    /// What is known of the use of the window holds until the packets before this one are acked.
    use_noted_until: u64,
    /// The window keeps something back, which leaves with the next acks.
    kept_back: bool,
    /// Latest sending known to have arrived, plus one.
    acked_before: u32,
    /// How long that one took to be acked.
    acked_trip: Nanos,
    /// Then those sent before it are lost, if they are not acked by then.
    reordering_until: Nanos,
    /// Number of the packet at the front, counted from the first one of the pipe.
    front: u64,
    /// The window has shrunk; it does not shrink again for packets before this one.
    recovering_until: u64,
    /// It shrank to one packet, at a timeout, and grows again while the losses are mended.
    collapsed: bool,
    /// Losses were just told of: the first is mended whatever the window says.
    pub urgent: bool,
    /// Timeouts in a row.
    backoff: u32,
    /// A tail probe was sent, and no ack has come since.
    probing: bool,
    /// Last sending of new bytes.
    pub last_sent_at: Nanos,
    /// Last time at which an ack, a probe or a timeout set the timer anew.
    timer_from: Nanos,
    /// Last time at which an ack came.
    last_acked_at: Nanos,
    /// First sending again since the last ack; [`NEVER`] when there was none.
    resent_since: Nanos,
    /// How long bytes may stay unacked after they were first sent again.
    pub give_up_after: Nanos,
    /// Packets may be missing, or acks: only then the sender needs a timer.
    pub ragged: bool,
    /// Packets that have arrived and whose acks were lost, or are held back.
    pub unreported: bool,
    /// An ack that tells of several packets measures one round trip, that of the first.
    pub trip_per_ack: bool,
    /// When the ack came that a round trip was last measured by.
    measured_at: Nanos,
    /// The machine that sends is gone: nothing is sent again.
    pub silent: bool,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            packets: VecDeque::new(),
            released: 0,
            unsent: 0,
            fin_unsent: false,
            in_flight: 0,
            window: Window::default(),
            trip: RoundTrip::default(),
            sendings: 0,
            use_noted_until: 0,
            kept_back: false,
            acked_before: 0,
            acked_trip: 0,
            reordering_until: NEVER,
            front: 0,
            recovering_until: 0,
            collapsed: false,
            urgent: false,
            backoff: 0,
            probing: false,
            last_sent_at: 0,
            timer_from: 0,
            last_acked_at: 0,
            resent_since: NEVER,
            give_up_after: GIVE_UP,
            ragged: false,
            unreported: false,
            trip_per_ack: false,
            measured_at: NEVER,
            silent: false,
        }
    }
}

impl Sender {
    /// Whether acks must be looked at as they come.
    pub fn listens(&self) -> bool {
        self.ragged || self.has_unsent()
    }

    /// Whether the window keeps something back.
    pub fn has_unsent(&self) -> bool {
        self.unsent > 0 || self.fin_unsent
    }

    /// Packets that fit into the window now.
    pub fn room(&self) -> u32 {
        self.window.size().saturating_sub(self.in_flight)
    }

    /// The sender has sent what the window let through, new bytes or not; `limited` when there was more.
    ///
    /// Acks come one by one, and with each leaves as much as it makes room for, so that the window is
    /// full again. Here those of one instant are taken in together: what was kept back until then is sent
    /// at the limit, even if it fits into what they have made of the window.
    pub fn note_use(&mut self, now: Nanos, limited: bool, has_sent: bool) {
        let limited = limited || self.kept_back && has_sent || self.in_flight >= self.window.size();
        self.kept_back = self.has_unsent();
        if !has_sent && !limited {
            return;
        }
        let out = self.packets_out();
        if self.window.note_use(out, limited, self.front >= self.use_noted_until) {
            self.use_noted_until = self.front + self.packets.len() as u64;
        }
        self.window.wear(now, self.trip, out, self.front >= self.recovering_until);
    }

    /// Packets sent and not known to have arrived together with all before them.
    fn packets_out(&self) -> u32 {
        if self.ragged { self.packets.iter().map(Packet::count).sum() } else { self.in_flight }
    }

    /// A new packet behind all others; [`Sender::note_sending`] follows.
    pub fn add_packet(&mut self, bytes: u32, now: Nanos) -> usize {
        self.last_sent_at = now;
        self.packets.push_back(Packet {
            bytes,
            order: 0,
            sent_at: 0,
            arrives_at: NEVER,
            acked_at: NEVER,
            received: false,
            acked: false,
            lost: false,
            resent: false,
            probed: false,
            repeated: false,
        });
        self.packets.len() - 1
    }

    /// The packet leaves, to arrive at that time if ever.
    pub fn note_sending(&mut self, place: usize, now: Nanos, arrives_at: Nanos) {
        let packet = &mut self.packets[place];
        packet.order = self.sendings;
        packet.sent_at = now;
        // An earlier copy may still arrive first.
        packet.arrives_at = packet.arrives_at.min(arrives_at);
        packet.lost = false;
        self.sendings += 1;
        self.in_flight += packet.count();
        self.ragged |= arrives_at == NEVER;
    }

    /// Nothing was outstanding for a while: the window may have to start again.
    pub fn note_writing(&mut self, now: Nanos) {
        if self.packets.is_empty() {
            self.window.restart(now, now.saturating_sub(self.last_sent_at), self.trip.rto(0));
        }
    }

    /// When the newest of the acks came that have been taken in.
    pub fn last_acked_at(&self) -> Nanos {
        self.last_acked_at
    }

    /// When the next ack comes, of those under way.
    pub fn next_ack(&self) -> Nanos {
        if !self.ragged {
            return self.packets.front().map_or(NEVER, |packet| packet.acked_at);
        }
        let unknown = self.packets.iter().filter(|packet| !packet.acked);
        unknown.map(|packet| packet.acked_at).min().unwrap_or(NEVER)
    }

    /// Takes in the acks that have come by `now`.
    pub fn learn(&mut self, now: Nanos) {
        if self.ragged {
            self.learn_of_gaps(now);
        }
        let before = self.front;
        while let Some(packet) = self.packets.front() {
            if packet.acked_at > now {
                break;
            }
            let packet = *packet;
            if !packet.acked {
                self.count_ack(&packet);
            }
            self.timer_from = self.timer_from.max(packet.acked_at);
            self.packets.pop_front();
            self.released -= 1;
            self.front += 1;
        }
        if self.front != before {
            self.backoff = 0;
            self.probing = false;
            self.resent_since = NEVER;
        }
        if self.front >= self.recovering_until {
            self.collapsed = false;
        }
        if self.ragged && self.is_smooth() {
            self.ragged = false;
            self.reordering_until = NEVER;
        }
    }

    /// Whether everything has arrived or will, in order, and every ack will come.
    fn is_smooth(&self) -> bool {
        let (mut last_ack, mut last_arrival) = (0, 0);
        self.packets.iter().all(|packet| {
            let (last, next) = if packet.received {
                (&mut last_ack, packet.acked_at)
            } else {
                (&mut last_arrival, packet.arrives_at)
            };
            let follows = next != NEVER && next >= std::mem::replace(last, next);
            let on_its_way_again = packet.received && packet.arrives_at != NEVER;
            let overtook = packet.received && last_arrival > 0;
            follows && !packet.lost && !overtook && !on_its_way_again
        })
    }

    /// As [`Sender::learn`], where packets may be acked out of order. Those sent before one that is
    /// acked, and not acked themselves, are lost.
    fn learn_of_gaps(&mut self, now: Nanos) {
        for place in 0..self.packets.len() {
            let packet = self.packets[place];
            if packet.acked || packet.acked_at > now {
                continue;
            }
            self.packets[place].acked = true;
            self.packets[place].lost = false;
            self.count_ack(&packet);
            if packet.probed && !packet.repeated {
                // The probe was what arrived: its loss costs the window like any other.
                self.shrink_window();
            }
        }
        if self.find_lost(now) {
            self.urgent = true;
            self.shrink_window();
        }
    }

    /// Packets sent before one that is acked are lost, once there was time for them to overtake
    /// (RACK, RFC 8985): none once three later ones are acked or others are lost already.
    fn find_lost(&mut self, now: Nanos) -> bool {
        let overtakers = self.packets.iter().filter(|packet| packet.acked).count();
        let certain = overtakers >= OVERTAKERS_MAX || self.front < self.recovering_until;
        let patience = if certain { 0 } else { self.trip.least() / 4 };
        let mut any = false;
        self.reordering_until = NEVER;
        for packet in &mut self.packets {
            if packet.acked || packet.lost || packet.order >= self.acked_before {
                continue;
            }
            let due = packet.sent_at + self.acked_trip + patience;
            if due <= now {
                packet.lost = true;
                any = true;
                self.in_flight -= packet.count();
            } else {
                self.reordering_until = due + REORDERING_SLACK;
            }
        }
        any
    }

    fn count_ack(&mut self, packet: &Packet) {
        self.last_acked_at = self.last_acked_at.max(packet.acked_at);
        if !packet.lost {
            self.in_flight -= packet.count();
        }
        let trip = packet.acked_at - packet.sent_at;
        // Of a packet sent twice, a very early ack is about the first copy.
        let ambiguous = packet.resent && trip < self.trip.least();
        if packet.order >= self.acked_before && !ambiguous {
            (self.acked_before, self.acked_trip) = (packet.order + 1, trip);
        }
        let measured = self.trip_per_ack && self.measured_at == packet.acked_at;
        if !packet.resent && !measured {
            self.measured_at = packet.acked_at;
            self.trip.measure(trip);
        }
        let mending = self.front < self.recovering_until && !self.collapsed;
        if !mending {
            self.window.grow(packet.acked_at, self.trip, packet.count());
        }
    }

    fn shrink_window(&mut self) {
        if self.front >= self.recovering_until {
            self.window.shrink();
            self.recovering_until = self.front + self.packets.len() as u64;
        }
    }

    /// The first packet that is taken for lost; it is about to be sent again.
    pub fn next_lost(&self) -> Option<usize> {
        if !self.ragged {
            return None;
        }
        self.packets.iter().position(|packet| packet.lost)
    }

    /// A packet is about to be sent again.
    pub fn note_resending(&mut self, place: usize, now: Nanos) {
        self.packets[place].resent = true;
        if self.resent_since == NEVER {
            self.resent_since = now;
        }
    }

    /// What the retransmission timer waits for: from when, and how long. `None` when all is known.
    pub fn timer(&self, now: Nanos) -> Option<(Nanos, Nanos)> {
        if !self.ragged || self.silent {
            return None;
        }
        let first = self.packets.iter().find(|packet| !packet.acked)?;
        if self.reordering_until != NEVER {
            return Some((now, self.reordering_until.saturating_sub(now)));
        }
        let recovering = self.front < self.recovering_until;
        if self.probing || recovering || self.backoff > 0 {
            let (from, wait) = (self.timer_from.max(first.sent_at), self.trip.rto(self.backoff));
            if self.give_up_after == GIVE_UP {
                return Some((from, wait));
            }
            // With a limit of the program's own, no wait goes beyond it.
            let gives_up_at = self.resent_since.saturating_add(self.give_up_after);
            return Some((from, wait.min(gives_up_at.saturating_sub(from))));
        }
        let from = self.timer_from.max(self.last_sent_at);
        let rto_ends = self.timer_from.max(first.sent_at) + self.trip.rto(0);
        let outstanding = self.packets.iter().filter(|packet| !packet.acked).count() as u32;
        Some((from, self.trip.probe(outstanding).min(rto_ends.saturating_sub(from))))
    }

    /// Whether the timer only waits for packets to overtake each other.
    pub fn waits_for_order(&self) -> bool {
        self.reordering_until != NEVER
    }

    /// The timer has fired.
    pub fn expire(&mut self, now: Nanos) -> Expiry {
        let recovering = self.front < self.recovering_until;
        self.timer_from = now;
        let Some(first) = self.packets.iter().position(|packet| !packet.acked) else {
            return Expiry::Nothing;
        };
        if !self.probing && !recovering && self.backoff == 0 {
            self.probing = true;
            let last = self.packets.iter().rposition(|packet| !packet.acked).unwrap_or(first);
            self.packets[last].probed = true;
            self.forget_flight(last);
            return Expiry::Send(last);
        }
        if self.resent_since != NEVER && now - self.resent_since >= self.give_up_after {
            return Expiry::GiveUp;
        }
        self.window.collapse(self.backoff > 0 || recovering);
        self.backoff += 1;
        self.collapsed = true;
        self.recovering_until = self.front + self.packets.len() as u64;
        for packet in &mut self.packets {
            packet.lost = !packet.acked;
        }
        self.in_flight = 0;
        Expiry::Send(first)
    }

    /// The packet is about to leave again, so its last sending does not count as under way.
    fn forget_flight(&mut self, place: usize) {
        let packet = &self.packets[place];
        if !packet.lost {
            self.in_flight -= packet.count();
        }
    }
}

#[cfg(test)]
mod tests;
