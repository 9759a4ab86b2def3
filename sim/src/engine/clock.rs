//! A host's wall clock: true time, shifted by its steps and by its drift since they were set.
//!
//! It lies in the machine: neither a crash nor a loss of power touches it.

use im::env::Nanos;

/// What a right wall clock shows when virtual time is 0: 2026-01-01T00:00:00Z.
const EPOCH_MS: i128 = 1_767_225_600_000;
const NANOS_PER_MS: i128 = 1_000_000;

/// The wall clock of one host.
#[derive(Default)]
pub struct Clock {
    /// How far it was ahead of true time at `since`, in nanoseconds.
    ahead: i128,
    /// Since when it has drifted at its present rate.
    since: Nanos,
    /// Microseconds that it gains in each second.
    drift_ppm: i64,
    reads: u64,
}

impl Clock {
    /// What the clock shows, in milliseconds since the Unix epoch; never less than 0.
    pub fn read(&mut self, now: Nanos) -> u64 {
        self.reads += 1;
        let shown = EPOCH_MS + (i128::from(now) + self.ahead(now)).div_euclid(NANOS_PER_MS);
        u64::try_from(shown.max(0)).unwrap_or(u64::MAX)
    }

    /// Puts the clock forward, or back.
    pub fn step(&mut self, by_ms: i64) {
        self.ahead += i128::from(by_ms) * NANOS_PER_MS;
    }

    /// From now on the clock gains so many microseconds a second; what it has gained stays.
    pub fn drift(&mut self, now: Nanos, ppm: i64) {
        self.ahead = self.ahead(now);
        (self.since, self.drift_ppm) = (now, ppm);
    }

    /// How often programs have looked at it.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    fn ahead(&self, now: Nanos) -> i128 {
        let drifting = i128::from(now - self.since);
        self.ahead + (drifting * i128::from(self.drift_ppm)).div_euclid(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = 1_000_000_000;

    fn ahead_ms(clock: &mut Clock, now: Nanos) -> i128 {
        i128::from(clock.read(now)) - EPOCH_MS - i128::from(now) / NANOS_PER_MS
    }

    #[test]
    fn steps_and_drift_add_up_and_what_was_gained_stays() {
        let mut clock = Clock::default();
        assert_eq!(ahead_ms(&mut clock, 5 * S), 0);
        clock.drift(10 * S, 500);
        assert_eq!(ahead_ms(&mut clock, 10 * S), 0);
        assert_eq!(ahead_ms(&mut clock, 110 * S), 50);
        clock.step(-1_000);
        clock.drift(110 * S, -10_000);
        assert_eq!(ahead_ms(&mut clock, 120 * S), 50 - 1_000 - 100);
        clock.drift(120 * S, 0);
        clock.step(1_050);
        assert_eq!(ahead_ms(&mut clock, 500 * S), 0);
        assert_eq!(clock.reads(), 5);
    }

    #[test]
    fn a_clock_set_before_the_epoch_stands_at_it() {
        let mut clock = Clock::default();
        clock.step(-2_000_000_000_000);
        assert_eq!(clock.read(S), 0);
    }
}
