//! How one packet fares between two hosts: its latency, and whether it is lost.

use im::env::Nanos;
use rand::Rng as _;

use crate::engine::network::{Bursts, LinkProfile, Rate};
use crate::engine::rng::{self, Stream};

/// Payload bytes of one packet: an Ethernet MTU of 1500 less IP, TCP and timestamp headers.
pub const PACKET_BYTES: usize = 1448;
/// What a packet carries beside its payload: Ethernet, IP and TCP headers.
const HEADER_BYTES: usize = 66;

/// Steps of 1/256 in one sd of a normal deviate.
const STEPS_PER_SD: i64 = 1955 * 256 / 10;

impl LinkProfile {
    /// A path that always takes `latency` and loses nothing.
    pub const fn constant(latency: Nanos) -> Self {
        Self {
            median: latency,
            min: latency,
            max: latency,
            sd: 0,
            loss_ppm: 0,
            bursts: None,
            rate: None,
        }
    }

    /// One-way latency of the next packet.
    ///
    /// The normal deviate is a sum of seven uniform bytes (Irwin–Hall, tails to ± 4.6 sd); the
    /// eighth byte spreads the steps between sums. Integers only, so the same on every machine.
    pub fn latency(&self, rng: &mut Stream) -> Nanos {
        if self.sd == 0 {
            return self.median;
        }
        let draw = rng.next_u64().to_le_bytes();
        let sum: i64 = draw[..7].iter().map(|byte| i64::from(*byte)).sum();
        // Deviation in 1/256 of a step: the sum has mean 892.5 and sd 195.5.
        let deviation = (sum * 256 + i64::from(draw[7])) - (892 * 256 + 256);
        let offset = match i64::try_from(self.sd).ok().and_then(|sd| sd.checked_mul(deviation)) {
            Some(steps) => i128::from(steps / STEPS_PER_SD),
            None => i128::from(self.sd) * i128::from(deviation) / i128::from(STEPS_PER_SD),
        };
        let latency = i128::from(self.median) + offset;
        latency.clamp(i128::from(self.min), i128::from(self.max)) as Nanos
    }
}

impl LinkProfile {
    /// Whether a packet can neither be lost nor held up by others.
    pub fn is_clean(&self) -> bool {
        self.loss_ppm == 0 && self.bursts.is_none() && self.rate.is_none()
    }
}

impl Bursts {
    /// Steps the chain whose state is `bad`; whether this packet is lost.
    pub fn lose(&self, bad: &mut bool, rng: &mut Stream) -> bool {
        let turns = if *bad { self.leave_ppm } else { self.enter_ppm };
        *bad ^= rng::chance_ppm(rng, turns);
        *bad && rng::chance_ppm(rng, self.loss_ppm)
    }
}

/// Where the chains of one direction of a connection stand: whether each is in its bad state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Burstiness {
    /// That of the link profile.
    pub link: bool,
    /// That of a fault.
    pub fault: bool,
}

/// One direction of a host's own link: packets leave one after the other, in the order in which they
/// were sent.
///
/// How a packet fares is decided when it is sent, although it may come to a link later: the
/// processor still works on it, or another link holds it up. Others that are sent meanwhile come
/// first, so it must not keep the link until it is there: it counts as waiting from its sending on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Queue {
    /// The last bit of what waits leaves then.
    free_at: Nanos,
}

impl Queue {
    /// Whether a packet that is sent at `now` has to wait.
    pub fn is_busy(&self, now: Nanos) -> bool {
        self.free_at > now
    }

    /// When a packet of `bytes` that is sent at `now` and comes to this link at `comes_at` has
    /// left, or `None` when the queue is full.
    pub fn pass(&mut self, now: Nanos, comes_at: Nanos, bytes: usize, rate: Rate) -> Option<Nanos> {
        assert!(comes_at >= now, "a packet came before it was sent");
        let took = |bytes: u64| -> Nanos {
            let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.bytes_per_s.max(1));
            Nanos::try_from(nanos).unwrap_or(Nanos::MAX)
        };
        let waits = self.free_at.saturating_sub(now);
        if waits > 0 && waits.saturating_add(took(bytes as u64)) > took(rate.queue_bytes) {
            return None;
        }
        let passes = took((bytes + HEADER_BYTES) as u64);
        self.free_at = self.free_at.max(now).saturating_add(passes);
        Some(self.free_at.max(comes_at.saturating_add(passes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_has_the_asked_shape() {
        let profile = LinkProfile {
            median: 38_000_000,
            min: 23_000_000,
            max: 56_000_000,
            sd: 8_000_000,
            ..LinkProfile::constant(0)
        };
        let mut rng = rng::stream(1, "test");
        let mut samples: Vec<Nanos> = (0..100_000).map(|_| profile.latency(&mut rng)).collect();
        samples.sort_unstable();
        let at = |share: f64| samples[(share * samples.len() as f64) as usize] as f64 / 1e6;
        assert!((at(0.5) - 38.0).abs() < 0.2, "median {}", at(0.5));
        assert!((at(0.8413) - 46.0).abs() < 0.3, "one sd above {}", at(0.8413));
        assert!((at(0.1587) - 30.0).abs() < 0.3, "one sd below {}", at(0.1587));
        assert_eq!((samples[0], samples[99_999]), (23_000_000, 56_000_000));
    }

    #[test]
    fn bursts_lose_their_share_in_runs() {
        let bursts = Bursts { enter_ppm: 10_000, leave_ppm: 200_000, loss_ppm: 500_000 };
        let (mut rng, mut bad) = (rng::stream(1, "test"), false);
        let lost: Vec<bool> = (0..200_000).map(|_| bursts.lose(&mut bad, &mut rng)).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / 200_000.0;
        // In the bad state 1/21 of the time, half of the packets are lost there.
        assert!((share - 0.5 / 21.0).abs() < 0.002, "share {share}");
        let runs = lost.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64;
        let again = runs / (share * 200_000.0);
        assert!((again - 0.4).abs() < 0.03, "a loss follows a loss with {again}");
    }

    #[test]
    fn packets_leave_one_after_the_other_and_a_full_queue_drops() {
        let rate = Rate { bytes_per_s: 1_000_000, queue_bytes: 3_000 };
        let mut queue = Queue::default();
        let us = |us: u64| us * 1_000;
        let mut pass = |at| queue.pass(us(at), us(at), 934, rate);
        assert_eq!([pass(0), pass(0), pass(0)], [1_000, 2_000, 3_000].map(|at| Some(us(at))));
        assert_eq!(pass(0), None, "3,000 bytes wait already");
        assert_eq!(pass(1_500), Some(us(4_000)), "there is room again");
        assert_eq!(pass(9_000), Some(us(10_000)));
    }

    #[test]
    fn a_packet_that_comes_later_keeps_nobody_waiting() {
        let rate = Rate { bytes_per_s: 1_000_000, queue_bytes: 3_000 };
        let mut queue = Queue::default();
        let us = |us: u64| us * 1_000;
        assert_eq!(queue.pass(0, us(50_000), 934, rate), Some(us(51_000)));
        assert_eq!(queue.pass(us(5_000), us(5_000), 934, rate), Some(us(6_000)), "not dropped");
        assert_eq!(queue.pass(us(5_000), us(5_500), 934, rate), Some(us(7_000)), "one waits");
    }
}
