//! How many packets a sender may have under way, and how long it waits for an ack: the congestion
//! window and the round-trip estimate of Linux TCP, as far as they show at the level of messages.
//!
//! Integers only, so the same on every machine. It must not know packets, hosts or events.

use im::env::Nanos;

use super::cubic::Cubic;

const MS: Nanos = 1_000_000;

/// First window, in packets (RFC 6928).
const WINDOW_FIRST: u32 = 10;
/// A loss takes the window to 717/1024 of what it was (RFC 9438; Linux `beta`), but not below two
/// packets.
const KEPT: u32 = 717;
const WINDOW_MIN: u32 = 2;

/// Least that is added to the round trip before a retransmission (Linux `TCP_RTO_MIN`).
const RTO_MIN: Nanos = 200 * MS;
/// Before any round trip was measured (RFC 6298).
const RTO_FIRST: Nanos = 1_000 * MS;
/// Longest wait between two retransmissions (Linux `TCP_RTO_MAX`).
const RTO_MAX: Nanos = 120_000 * MS;
/// What a tail probe adds to two round trips while several packets are out (two ticks).
const PROBE_SLACK: Nanos = 8 * MS;

/// A tick of the kernel's timers (`HZ` = 250).
const TICK: Nanos = 4 * MS;

/// The congestion window, in packets.
#[derive(Clone, Debug)]
pub struct Window {
    size: u32,
    /// Below this the window grows with every ack.
    slow_start_until: u32,
    /// How it grows from there on; most windows never get there.
    cubic: Option<Box<Cubic>>,
}

impl Default for Window {
    fn default() -> Self {
        Self { size: WINDOW_FIRST, slow_start_until: u32::MAX, cubic: None }
    }
}

impl Window {
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Packets were acked while the window was what limited the sender.
    pub fn grow(&mut self, now: Nanos, trip: RoundTrip, acked: u32) {
        if self.size < self.slow_start_until {
            self.size += acked;
        } else {
            let cubic = self.cubic.get_or_insert_default();
            self.size += cubic.grow(now, trip.least, self.size, acked);
        }
    }

    /// Packets were lost, for the first time in this window.
    pub fn shrink(&mut self) {
        self.cubic.get_or_insert_default().note_loss(self.size);
        self.size = (self.size * KEPT / 1024).max(WINDOW_MIN);
        self.slow_start_until = self.size;
    }

    /// Nothing came back for a whole timeout. `again` when this is not the first one in a row.
    pub fn collapse(&mut self, again: bool) {
        if !again {
            self.slow_start_until = (self.size * KEPT / 1024).max(WINDOW_MIN);
        }
        self.cubic = None;
        self.size = 1;
    }

    /// Sending begins after nothing was outstanding for `idle` (RFC 5681, 4.1; Linux halves once per
    /// timeout).
    pub fn restart(&mut self, idle: Nanos, rto: Nanos) {
        if let Some(cubic) = &mut self.cubic {
            cubic.pause(idle);
        }
        if self.size <= WINDOW_FIRST || idle <= rto {
            return;
        }
        self.slow_start_until = self.slow_start_until.max(self.size * 3 / 4);
        let halvings = (idle / rto).min(31) as u32;
        self.size = (self.size >> halvings).max(WINDOW_FIRST);
    }
}

/// The round trip as the sender knows it (RFC 6298, with Linux' bounds).
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundTrip {
    /// Smoothed round trip; 0 before the first measurement.
    smoothed: Nanos,
    deviation: Nanos,
    least: Nanos,
}

impl RoundTrip {
    /// As smoothed so far; 0 before the first measurement.
    pub fn smoothed(self) -> Nanos {
        self.smoothed
    }

    /// The shortest one so far.
    pub fn least(self) -> Nanos {
        self.least
    }

    pub fn measure(&mut self, sample: Nanos) {
        if self.smoothed == 0 {
            self.smoothed = sample.max(1);
            self.deviation = sample / 2;
            self.least = sample;
            return;
        }
        self.least = self.least.min(sample);
        let error = sample.abs_diff(self.smoothed);
        self.deviation = self.deviation - self.deviation / 4 + error / 4;
        self.smoothed = (self.smoothed - self.smoothed / 8 + sample / 8).max(1);
    }

    /// How long the sender waits for an ack before it sends again, after `backoff` waits in vain.
    pub fn rto(self, backoff: u32) -> Nanos {
        let once = if self.smoothed == 0 {
            RTO_FIRST
        } else {
            self.smoothed + RTO_MIN.max(4 * self.deviation)
        };
        // The kernel counts it in ticks, rounded up, and doubles that.
        let ticks = once / TICK + 1;
        ((ticks * TICK) << backoff.min(10)).min(RTO_MAX)
    }

    /// How long the sender waits for an ack of the last of `outstanding` packets before it sends
    /// that one again as a probe (Linux `tcp_schedule_loss_probe`). A lone packet may be waiting
    /// for a delayed ack.
    pub fn probe(self, outstanding: u32) -> Nanos {
        let slack = if outstanding == 1 { RTO_MIN } else { PROBE_SLACK };
        if self.smoothed == 0 { RTO_FIRST } else { 2 * self.smoothed + slack }
    }
}

/// When a kernel timer set at `now` for `wait` fires: never early, at a tick, and the later the
/// coarser: within 252 ms to 4 ms, within 2 s to 32 ms, within 16 s to 256 ms, beyond to 2,048 ms
/// (Linux timer wheel, `calc_index`). `phase` is where the host's ticks stand to virtual time.
pub fn timer_fires(now: Nanos, wait: Nanos, phase: Nanos) -> Nanos {
    let current = (now + phase) / TICK;
    let expires = current + wait.div_ceil(TICK);
    let shift = match expires - current {
        0..63 => 0,
        63..504 => 3,
        504..4_032 => 6,
        4_032..32_256 => 9,
        _ => 12,
    };
    (((expires >> shift) + 1) << shift) * TICK - phase
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip() -> RoundTrip {
        let mut trip = RoundTrip::default();
        trip.measure(80 * MS);
        trip
    }

    #[test]
    fn a_window_doubles_in_slow_start_and_shrinks_by_a_third() {
        let mut window = Window::default();
        window.grow(MS, trip(), 10);
        assert_eq!(window.size(), 20);
        window.shrink();
        assert_eq!(window.size(), 14);
        window.grow(MS, trip(), 14);
        assert!((14..=15).contains(&window.size()), "{}", window.size());
        window.collapse(false);
        assert_eq!(window.size(), 1);
        window.grow(MS, trip(), 9);
        assert_eq!(window.size(), 10, "slow start up to 7/10 of what it was");
    }

    #[test]
    fn an_idle_sender_starts_again_from_ten() {
        let mut window = Window::default();
        window.grow(MS, trip(), 70);
        window.restart(250 * MS, 220 * MS);
        assert_eq!(window.size(), 40);
        window.restart(10_000 * MS, 220 * MS);
        assert_eq!(window.size(), 10);
        window.collapse(false);
        window.restart(10_000 * MS, 220 * MS);
        assert_eq!(window.size(), 1, "a small window does not grow by being idle");
    }

    #[test]
    fn timeouts_follow_the_round_trip_double_and_have_bounds() {
        let mut trip = RoundTrip::default();
        assert_eq!(trip.rto(0), 1_004 * MS, "1 s and the next tick");
        trip.measure(80 * MS);
        (0..50).for_each(|_| trip.measure(80 * MS));
        assert_eq!(trip.rto(0), 284 * MS, "280 ms and the next tick");
        assert_eq!(trip.rto(3), trip.rto(0) * 8);
        assert_eq!(trip.rto(20), RTO_MAX);
        assert!((360 * MS..361 * MS).contains(&trip.probe(1)));
        assert!((168 * MS..169 * MS).contains(&trip.probe(2)));
    }

    #[test]
    fn timers_fire_late_by_up_to_their_granularity_and_never_early() {
        for (wait, granularity) in [(100, 4), (600, 32), (5_000, 256), (60_000, 2_048)] {
            for phase in [0, 3 * MS, 777 * MS] {
                let fires = timer_fires(1_234_567_890, wait * MS, phase) - 1_234_567_890;
                assert!(fires >= wait * MS, "{wait} ms fires after {fires} ns");
                assert!(fires <= (wait + granularity + 8) * MS, "{wait} ms fires after {fires} ns");
            }
        }
    }
}
