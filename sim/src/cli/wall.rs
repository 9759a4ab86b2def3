//! Wall time: the only place where the program reads it. Its readings go into the manifest and
//! onto the terminal, never into a record.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this module is the one door to the wall clock"
)]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Measures wall time.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start or the last lap.
    pub fn lap_s(&mut self) -> f64 {
        let now = Instant::now();
        let lap = now.duration_since(self.0).as_secs_f64();
        self.0 = now;
        lap
    }
}

/// Milliseconds since the Unix epoch.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64
}
