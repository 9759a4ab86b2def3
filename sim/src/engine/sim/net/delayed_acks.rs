//! When a receiver acks what arrived: at once, with what it sends itself, when its program has read it,
//! or when the ack was held back long enough. The rules are those of Linux 6.18 (`tcp_event_data_recv`,
//! `__tcp_ack_snd_check`, `tcp_cleanup_rbuf`, `tcp_send_delayed_ack`).
//!
//! Two things show at the level of messages: round trips as the sender measures them have the wait in
//! them, and so have its timeouts, seven times doubled by the end of a long cut; and a sender whose
//! window shrank to one packet waits for its ack. Must not know hosts, links or events.

use im::env::Nanos;

use super::link::PACKET_BYTES;
use super::sender::NEVER;

const MS: Nanos = 1_000_000;

/// Least and most that an ack is held back (Linux `TCP_DELACK_MIN`, `TCP_DELACK_MAX`).
const PATIENCE_MIN: Nanos = 40 * MS;
const PATIENCE_MAX: Nanos = 200 * MS;
/// So many acks leave at once when a stream begins or goes on after a pause (`TCP_MAX_QUICKACKS`).
const QUICK_ACKS: u32 = 16;
/// More unacked bytes than a packet of the peer has are acked at once. While only small ones were
/// seen, the kernel takes it to have so many (`TCP_MSS_DEFAULT`).
const SMALL_PACKET_BYTES: u32 = 536;

/// What the receiving half of a pipe knows of its unacked packets.
#[derive(Debug)]
pub struct DelayedAcks {
    /// Packets that have arrived since the last ack.
    packets: u32,
    /// Their bytes.
    bytes: u32,
    /// Bytes that are acked at once.
    bytes_max: u32,
    /// Acks that still leave at once, as long as the programs do not talk both ways.
    quick: u32,
    /// This side answered soon after it heard something: the next answer may take the ack along.
    talks: bool,
    /// How long acks are held back; 0 before the first packet.
    patience: Nanos,
    /// When something last arrived.
    heard_at: Nanos,
    /// When the ack that is held back must leave; [`NEVER`] when none is.
    pub due_at: Nanos,
    /// When the pending event for it is due, or [`NEVER`].
    pub pending_at: Nanos,
}

impl Default for DelayedAcks {
    fn default() -> Self {
        Self {
            packets: 0,
            bytes: 0,
            bytes_max: SMALL_PACKET_BYTES,
            quick: 0,
            talks: false,
            patience: 0,
            heard_at: 0,
            due_at: NEVER,
            pending_at: NEVER,
        }
    }
}

impl DelayedAcks {
    /// Packets arrive in their order. Returns how long their ack waits, if it does. `trip` and `rto` are
    /// what this side knows as a sender: its smoothed round trip, and its timeout.
    pub fn arrive(
        &mut self,
        now: Nanos,
        (packets, bytes): (u32, u32),
        trip: Nanos,
        rto: Nanos,
    ) -> Option<Nanos> {
        self.adapt(now, rto);
        self.packets += packets;
        self.bytes += bytes;
        if bytes >= PACKET_BYTES as u32 {
            self.bytes_max = PACKET_BYTES as u32;
        }
        let quick = self.quick > 0 && !self.talks;
        if quick || self.bytes > self.bytes_max {
            return None;
        }
        Some(self.patience.min(trip.max(PATIENCE_MIN)).min(PATIENCE_MAX))
    }

    /// Something arrives after a while.
    fn adapt(&mut self, now: Nanos, rto: Nanos) {
        let pause = now - std::mem::replace(&mut self.heard_at, now);
        if self.patience == 0 {
            (self.quick, self.patience) = (QUICK_ACKS, PATIENCE_MIN);
        } else if pause <= PATIENCE_MIN / 2 {
            self.patience = self.patience / 2 + PATIENCE_MIN / 2;
        } else if pause < self.patience {
            self.patience = (self.patience / 2 + pause).min(rto);
        } else if pause > rto {
            self.quick = QUICK_ACKS;
        }
    }

    /// The program has read everything. Whether the ack leaves now.
    pub fn read_all(&self) -> bool {
        self.packets >= 2 || (self.packets == 1 && !self.talks)
    }

    /// This side sends something itself, which takes the ack along.
    pub fn send(&mut self, now: Nanos) {
        if self.patience > 0 && now - self.heard_at < self.patience {
            self.talks = true;
        }
    }

    /// An ack has left.
    pub fn note_ack(&mut self) {
        (self.packets, self.bytes, self.due_at) = (0, 0, NEVER);
        self.quick = self.quick.saturating_sub(1);
    }

    /// The ack waited in vain for something to go with.
    pub fn run_out(&mut self, rto: Nanos) {
        if self.talks {
            (self.talks, self.patience) = (false, PATIENCE_MIN);
        } else {
            self.patience = (self.patience * 2).min(rto);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTO: Nanos = 204 * MS;

    /// Acks of one that has heard 16 packets, each of which it acked at once.
    fn settled() -> DelayedAcks {
        let mut acks = DelayedAcks::default();
        for number in 0..u64::from(QUICK_ACKS) {
            assert_eq!(acks.arrive(number * MS, (1, 100), MS, RTO), None, "quick at first");
            acks.note_ack();
        }
        acks
    }

    #[test]
    fn one_that_only_listens_acks_what_it_has_read() {
        let mut acks = settled();
        assert_eq!(acks.arrive(20 * MS, (1, 100), MS, RTO), Some(PATIENCE_MIN), "until it is read");
        assert!(acks.read_all());
    }

    #[test]
    fn one_that_answers_waits_for_its_answer_or_a_second_packet() {
        let mut acks = settled();
        acks.send(16 * MS);
        assert_eq!(acks.arrive(20 * MS, (1, 100), MS, RTO), Some(PATIENCE_MIN));
        assert!(!acks.read_all(), "an answer may follow");
        assert_eq!(acks.arrive(21 * MS, (1, 100), MS, RTO), Some(PATIENCE_MIN));
        assert!(acks.read_all(), "two are enough");
    }

    #[test]
    fn much_is_acked_at_once() {
        let mut acks = settled();
        acks.send(16 * MS);
        assert_eq!(acks.arrive(20 * MS, (1, SMALL_PACKET_BYTES + 1), MS, RTO), None);
        acks.note_ack();
        assert!(acks.arrive(21 * MS, (1, PACKET_BYTES as u32), MS, RTO).is_some(), "a full packet");
        assert_eq!(acks.arrive(22 * MS, (1, 1), MS, RTO), None, "more than one");
    }

    #[test]
    fn a_wait_in_vain_ends_the_talk() {
        let mut acks = settled();
        acks.send(16 * MS);
        assert!(acks.arrive(20 * MS, (1, 100), MS, RTO).is_some());
        acks.run_out(RTO);
        acks.note_ack();
        acks.arrive(30 * MS, (1, 100), MS, RTO);
        assert!(acks.read_all());
    }

    #[test]
    fn after_a_pause_acks_are_quick_again_unless_both_talk() {
        let mut acks = settled();
        assert_eq!(acks.arrive(20 * S, (1, 100), MS, RTO), None);
        acks.note_ack();
        acks.send(20 * S + MS);
        assert_eq!(acks.arrive(40 * S, (1, 100), MS, RTO), Some(PATIENCE_MIN));
    }

    #[test]
    fn on_a_long_path_it_waits_longer() {
        let mut acks = settled();
        acks.run_out(RTO);
        assert_eq!(acks.arrive(20 * MS, (1, 100), 70 * MS, RTO), Some(60 * MS));
        acks.run_out(RTO);
        assert_eq!(acks.arrive(70 * MS, (1, 100), 70 * MS, RTO), Some(70 * MS), "a round trip");
    }

    const S: Nanos = 1_000 * MS;
}
