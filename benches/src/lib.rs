//! The work that the benchmarks measure, as small worlds on each engine.
//!
//! [`layout`] says which hosts exist and who talks to whom, [`echo`] and [`heartbeat`] are what the
//! nodes do, [`on_imsim`] and [`on_turmoil`] put both on an engine. What is measured of nodes, of the
//! simulated Redis and of checkers stands in `benches/hot_paths`. This package may read clocks of the
//! machine, in `benches/` only: the worlds themselves are deterministic.

pub mod echo;
pub mod heartbeat;
pub mod layout;
pub mod on_imsim;
pub mod on_turmoil;

/// The seed of every world.
pub const SEED: u64 = 1;
/// The port that servers listen on.
pub const PORT: u16 = 7;

/// A world on some engine.
pub trait World {
    /// Lets `ms` milliseconds of virtual time pass.
    fn advance(&mut self, ms: u64);

    /// Packets that the nodes have read so far, see [`echo`] and [`heartbeat`].
    fn packets_delivered(&self) -> u64;

    /// Lets `ms` milliseconds pass; returns the packets delivered in them.
    fn packets_in(&mut self, ms: u64) -> u64 {
        let before = self.packets_delivered();
        self.advance(ms);
        self.packets_delivered() - before
    }
}
