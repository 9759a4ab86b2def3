//! How the congestion window grows after a loss: CUBIC (RFC 9438), in the integer arithmetic of
//! Linux' `tcp_cubic.c`. Its curve goes on while the sender is idle or starts again from a small
//! window, so that a stream soon has back what it had.

use im::env::Nanos;

/// The factor C = 0.4 of the cubic curve, in 1/1024 (Linux `bic_scale` = 41, times 10).
const SCALE: u64 = 410;
/// Time is counted in 1/1024 s.
const TIME_SHIFT: u32 = 10;
/// What plain congestion avoidance with the same losses would need for one more packet, in 1/8
/// windows of acks (Linux `beta_scale`).
const FRIENDLY: u32 = 15;
/// The curve is followed at most this often while the window stands (`HZ` / 32).
const FOLLOWED_EVERY: Nanos = 31_250_000;
/// Acks per packet of growth, at least and, before the first loss, at most.
const ACKS_MIN: u32 = 2;
const ACKS_BEFORE_LOSS_MAX: u32 = 20;

/// Where a window stands on its curve.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cubic {
    /// The window at the last loss; 0 when there was none.
    last_max: u32,
    /// When the curve began, less the idle time since; 0 after a loss.
    since: Nanos,
    /// Time from there to the plateau, in 1/1024 s.
    plateau_after: u64,
    /// The window at the plateau.
    plateau: u32,
    /// What plain congestion avoidance would have reached.
    friendly: u32,
    /// Acks that it has not used.
    friendly_acks: u32,
    /// Acks per packet of growth.
    acks_needed: u32,
    /// Acks that have not grown the window.
    acks: u32,
    /// When the curve was last looked at, and for which window.
    looked_at: Nanos,
    looked_for: u32,
}

impl Cubic {
    /// By how much a window of `size` grows with these acks.
    pub fn grow(&mut self, now: Nanos, trip: Nanos, size: u32, acked: u32) -> u32 {
        self.follow(now, trip, size, acked);
        let mut grown = 0;
        if self.acks >= self.acks_needed {
            self.acks = 0;
            grown += 1;
        }
        self.acks += acked;
        if self.acks >= self.acks_needed {
            grown += self.acks / self.acks_needed;
            self.acks %= self.acks_needed;
        }
        grown
    }

    /// A loss shrinks a window of `size`.
    pub fn note_loss(&mut self, size: u32) {
        self.since = 0;
        self.last_max = if size < self.last_max { size * (1024 + 717) / 2048 } else { size };
    }

    /// Nothing was sent for this long: the curve waits.
    pub fn pause(&mut self, idle: Nanos) {
        if self.since > 0 {
            self.since += idle;
        }
    }

    fn follow(&mut self, now: Nanos, trip: Nanos, size: u32, acked: u32) {
        self.friendly_acks += acked;
        if self.looked_for == size
            && now.saturating_sub(self.looked_at) <= FOLLOWED_EVERY
            && self.since > 0
        {
            return;
        }
        if self.looked_at != now || self.since == 0 {
            (self.looked_at, self.looked_for) = (now, size);
            self.begin(now, size, acked);
            let target = self.target(now, trip);
            self.acks_needed =
                if target > size { size / (target - size) } else { size.saturating_mul(100) };
            if self.last_max == 0 {
                self.acks_needed = self.acks_needed.min(ACKS_BEFORE_LOSS_MAX);
            }
        }
        let step = (size * FRIENDLY / 8).max(1);
        self.friendly += self.friendly_acks.saturating_sub(1) / step;
        self.friendly_acks -= (self.friendly_acks.saturating_sub(1) / step) * step;
        if self.friendly > size {
            self.acks_needed = self.acks_needed.min(size / (self.friendly - size));
        }
        self.acks_needed = self.acks_needed.max(ACKS_MIN);
    }

    /// Lays the curve, if a loss has ended the last one.
    fn begin(&mut self, now: Nanos, size: u32, acked: u32) {
        if self.since > 0 {
            self.since = self.since.min(now);
            return;
        }
        self.since = now.max(1);
        self.friendly_acks = acked;
        self.friendly = size;
        self.plateau = self.last_max.max(size);
        let missing = u64::from(self.plateau - size);
        // K = cbrt(missing / C), where time counts in 1/1024 s.
        self.plateau_after = cube_root((missing << (TIME_SHIFT * 4)) / SCALE);
    }

    fn target(&self, now: Nanos, trip: Nanos) -> u32 {
        let elapsed = ((now.saturating_sub(self.since) + trip) << TIME_SHIFT) / 1_000_000_000;
        let off = elapsed.abs_diff(self.plateau_after).min(1 << 16);
        let delta = ((SCALE * off * off * off) >> (TIME_SHIFT * 4)) as u32;
        if elapsed < self.plateau_after {
            self.plateau.saturating_sub(delta)
        } else {
            self.plateau + delta
        }
    }
}

/// The greatest number whose cube is not above `of`.
fn cube_root(of: u64) -> u64 {
    let (mut low, mut high) = (0_u64, 1 << 21);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if middle * middle * middle <= of {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    #[test]
    fn cube_roots_are_exact_below() {
        for root in [0, 1, 2, 10, 1_000, 100_000] {
            assert_eq!(cube_root(root * root * root), root);
            assert_eq!(cube_root(root * root * root + 1), root.max(u64::from(root == 0)));
        }
    }

    /// A window of 100 that shrinks to 70 reaches its plateau after K = cbrt(30 / 0.4) = 4.2 s; the
    /// flat end of the curve is within a packet of it well before.
    #[test]
    fn a_large_window_is_back_at_its_last_maximum_after_k() {
        let (mut cubic, mut size) = (Cubic::default(), 70);
        cubic.note_loss(100);
        let mut back_after = None;
        for round in 1..200_u64 {
            let acks = size;
            for _ in 0..acks {
                size += cubic.grow(round * 80 * MS, 80 * MS, size, 1);
            }
            if size >= 99 && back_after.is_none() {
                back_after = Some(round * 80);
            }
        }
        let back_after = back_after.expect("it grows back");
        assert!((2_000..4_300).contains(&back_after), "back after {back_after} ms");
    }

    #[test]
    fn a_small_window_grows_by_about_half_a_packet_per_round() {
        let (mut cubic, mut size) = (Cubic::default(), 7);
        cubic.note_loss(10);
        for round in 1..=10_u64 {
            let acks = size;
            for _ in 0..acks {
                size += cubic.grow(round * 20 * MS, 20 * MS, size, 1);
            }
        }
        assert!((10..=13).contains(&size), "{size} after ten rounds");
    }
}
