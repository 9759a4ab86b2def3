//! The receiving half of a stream: which packets have arrived, in which order the reader gets them, and
//! what the acks tell of.

use im::env::Nanos;

use super::sender::{NEVER, Sender};

/// What arrived together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    /// Packets, also those that came before their turn.
    pub packets: u32,
    /// Bytes that the reader may take now.
    pub bytes: u32,
    /// The FIN is among what the reader may take.
    pub fin: bool,
}

impl Sender {
    /// Takes in the packets that are due.
    pub fn arrive(&mut self, now: Nanos) -> Arrival {
        let mut arrival = Arrival::default();
        if self.ragged {
            for packet in self.packets.iter_mut().filter(|packet| packet.arrives_at <= now) {
                packet.arrives_at = NEVER;
                packet.repeated |= packet.received;
                packet.received = true;
                arrival.packets += 1;
            }
        }
        while let Some(packet) = self.packets.get_mut(self.released) {
            if packet.arrives_at <= now {
                packet.arrives_at = NEVER;
                packet.received = true;
                arrival.packets += packet.count();
            }
            if !packet.received {
                break;
            }
            arrival.bytes += packet.bytes;
            arrival.fin |= packet.bytes == 0;
            self.released += 1;
        }
        arrival
    }

    /// What would arrive now finds no machine there.
    pub fn lose_arrivals(&mut self, now: Nanos) {
        for packet in self.packets.iter_mut().filter(|packet| packet.arrives_at <= now) {
            packet.arrives_at = NEVER;
            self.ragged |= !packet.received;
        }
    }

    /// Whether anything but a FIN is due.
    pub fn is_data_due(&self, now: Nanos) -> bool {
        self.packets.iter().any(|packet| packet.arrives_at <= now && packet.bytes > 0)
    }

    /// Whether something is missing before what has arrived.
    pub fn has_gaps(&self) -> bool {
        self.packets.range(self.released..).any(|packet| packet.received)
    }

    /// When the next packet arrives.
    pub fn next_arrival(&self) -> Nanos {
        if self.ragged {
            self.packets.iter().map(|packet| packet.arrives_at).min().unwrap_or(NEVER)
        } else {
            self.packets.get(self.released).map_or(NEVER, |packet| packet.arrives_at)
        }
    }

    /// Everything that has arrived so far is acked by something that reaches the sender at `at`, or
    /// before, where something else does.
    pub fn ack_all(&mut self, at: Nanos) {
        self.unreported = false;
        if self.ragged {
            let received = self.packets.iter_mut().filter(|packet| packet.received);
            received.for_each(|packet| packet.acked_at = packet.acked_at.min(at));
            return;
        }
        for packet in self.packets.range_mut(..self.released).rev() {
            if packet.acked_at <= at {
                break;
            }
            packet.acked_at = at;
        }
    }

    /// An ack was lost.
    pub fn lose_ack(&mut self) {
        let mut arrived = self.packets.iter().filter(|packet| packet.received);
        if arrived.any(|packet| packet.acked_at == NEVER) {
            self.unreported = true;
            self.ragged = true;
        }
    }
}
