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
    /// It kept the sender from sending more.
    limited: bool,
    /// While it did not: the most packets that were out.
    most_out: u32,
    /// The same since `filled_at`.
    used: u32,
    /// When the sender last used as much of the window as lets it grow.
    filled_at: Nanos,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            size: WINDOW_FIRST,
            slow_start_until: u32::MAX,
            cubic: None,
            limited: false,
            most_out: 0,
            used: 0,
            filled_at: 0,
        }
    }
}

impl Window {
    pub fn size(&self) -> u32 {
        self.size
    }

    /// With this many packets out the sender has sent what it could; `limited` when the window kept it
    /// from sending more. `fresh` when everything has been acked that was out when this was last noted
    /// (Linux `tcp_cwnd_validate`). Whether what is known from then on replaces what was.
    pub fn note_use(&mut self, out: u32, limited: bool, fresh: bool) -> bool {
        let news = fresh || limited || (!self.limited && out > self.most_out);
        if news {
            (self.limited, self.most_out) = (limited, out);
        }
        news
    }

    /// Whether acks make it grow: it limits the sender, or, in slow start, is less than twice what was
    /// out at most (Linux `tcp_is_cwnd_limited`).
    fn is_used(&self) -> bool {
        self.limited || self.size < self.slow_start_until.min(2 * self.most_out)
    }

    /// A window that stays wide without use tells nothing about the path any more: after each timeout
    /// without, half of what was not used is taken back (RFC 2861; Linux `tcp_cwnd_application_limited`).
    /// `calm` when no losses are being mended.
    pub fn wear(&mut self, now: Nanos, trip: RoundTrip, out: u32, calm: bool) {
        if self.is_used() {
            (self.used, self.filled_at) = (0, now);
            return;
        }
        self.used = self.used.max(out);
        if self.size <= WINDOW_FIRST || now - self.filled_at < trip.rto(0) {
            return;
        }
        let used = self.used.max(WINDOW_FIRST);
        if calm && used < self.size {
            self.slow_start_until = self.slow_start_until.max(self.size * 3 / 4);
            self.size = self.size.midpoint(used);
        }
        (self.used, self.filled_at) = (0, now);
    }

    /// Packets were acked.
    pub fn grow(&mut self, now: Nanos, trip: RoundTrip, acked: u32) {
        if !self.is_used() {
            return;
        }
        if self.size < self.slow_start_until {
            let most = if self.limited { acked } else { 2 * self.most_out - self.size };
            self.size += acked.min(most);
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
    pub fn restart(&mut self, now: Nanos, idle: Nanos, rto: Nanos) {
        if let Some(cubic) = &mut self.cubic {
            cubic.pause(idle);
        }
        if self.size <= WINDOW_FIRST || idle <= rto {
            return;
        }
        self.slow_start_until = self.slow_start_until.max(self.size * 3 / 4);
        let halvings = (idle / rto).min(31) as u32;
        self.size = (self.size >> halvings).max(WINDOW_FIRST);
        (self.used, self.filled_at) = (0, now);
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

    const S: Nanos = 1_000 * MS;

    fn trip() -> RoundTrip {
        let mut trip = RoundTrip::default();
        trip.measure(80 * MS);
        trip
    }

    /// A window of which everything is used.
    fn full() -> Window {
        let mut window = Window::default();
        window.note_use(10, true, true);
        window
    }

    #[test]
    fn a_window_doubles_in_slow_start_and_shrinks_by_a_third() {
        let mut window = full();
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
        let mut window = full();
        window.grow(MS, trip(), 70);
        window.restart(S, 250 * MS, 220 * MS);
        assert_eq!(window.size(), 40);
        window.restart(20 * S, 10 * S, 220 * MS);
        assert_eq!(window.size(), 10);
        window.collapse(false);
        window.restart(30 * S, 10 * S, 220 * MS);
        assert_eq!(window.size(), 1, "a small window does not grow by being idle");
    }

    #[test]
    fn in_slow_start_a_window_grows_to_twice_what_is_out_even_if_it_limits_nothing() {
        let mut window = Window::default();
        assert!(window.note_use(7, false, true));
        (0..20).for_each(|_| window.grow(MS, trip(), 1));
        assert_eq!(window.size(), 14);
        assert!(!window.note_use(6, false, false), "seven were out since");
        assert!(window.note_use(4, false, true));
        window.grow(MS, trip(), 1);
        assert_eq!(window.size(), 14);
        window.shrink();
        window.note_use(8, false, true);
        (0..20).for_each(|_| window.grow(MS, trip(), 1));
        assert_eq!(window.size(), 9, "not after a loss");
    }

    #[test]
    fn what_is_not_used_of_a_window_is_taken_back_by_half_after_each_timeout() {
        let mut window = full();
        window.grow(MS, trip(), 70);
        window.wear(S, trip(), 80, true);
        window.note_use(20, false, true);
        let rto = trip().rto(0);
        window.wear(S + rto - 1, trip(), 20, true);
        assert_eq!(window.size(), 80, "not at once");
        window.wear(S + rto, trip(), 10, true);
        assert_eq!(window.size(), 50);
        window.wear(S + 2 * rto, trip(), 1, true);
        assert_eq!(window.size(), 30, "never less than the first window");
        window.grow(MS, trip(), 1);
        assert_eq!(window.size(), 31, "less than twice what was out");
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

    /// Measured on Linux 6.18 at a round trip of 20 ms: a packet is sent again for the eighth time 29.289
    /// to 29.545 s after it was first sent, 29.411 s in the median of 800.
    #[test]
    fn the_tries_through_a_long_cut_come_when_the_kernels_do() {
        let mut trip = RoundTrip::default();
        (0..50).for_each(|_| trip.measure(20 * MS));
        let eighth = |number: u64| {
            let (sent_at, phase) = (number * 7_919_000, number * 1_234_567 % (2_048 * MS));
            let probed_at = timer_fires(sent_at, trip.probe(1).min(trip.rto(0)), phase);
            (0..7).fold(probed_at, |at, backoff| timer_fires(at, trip.rto(backoff), phase))
                - sent_at
        };
        let mut all: Vec<Nanos> = (0..10_000).map(eighth).collect();
        all.sort_unstable();
        for (ours, measured_ms) in [(all[0], 29_289), (all[5_000], 29_411), (all[9_999], 29_545)] {
            assert!(ours.abs_diff(measured_ms * MS) < 12 * MS, "{ours} for {measured_ms} ms");
        }
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
