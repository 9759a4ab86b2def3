//! The work that the benchmarks measure, as small worlds on each engine.
//!
//! [`echo`] is what every node does. [`on_imsim`] and [`on_turmoil`] put it on an engine. This
//! package may read the wall clock, in `benches/` only: the worlds themselves are deterministic.

pub mod echo;
pub mod on_imsim;
pub mod on_turmoil;

/// Virtual milliseconds from building a world until every pair has connected and echoes.
const CONNECT_MS: u64 = 10;

/// A world of pairs that echo without end: one client host and one server host per pair, and one
/// connection between them. Every link takes [`echo::LATENCY_MS`] one way and loses nothing.
///
/// Once connected, every pair has exactly one packet under way, so a world delivers one packet
/// per pair and virtual millisecond, on any engine.
pub trait EchoWorld: Sized {
    /// Builds the hosts; no time passes yet.
    fn new(pairs: u32) -> Self;

    /// Lets `ms` milliseconds of virtual time pass.
    fn advance(&mut self, ms: u64);

    /// Packets delivered so far, see [`echo`].
    fn packets_delivered(&self) -> u64;

    /// A world whose pairs all echo already.
    fn connected(pairs: u32) -> Self {
        let mut world = Self::new(pairs);
        world.advance(CONNECT_MS);
        world
    }

    /// Lets `ms` milliseconds pass in a connected world of `pairs`; returns the packets delivered
    /// in them.
    ///
    /// # Panics
    /// When the world did other work than it should: then its speed means nothing.
    fn echo_for(&mut self, pairs: u32, ms: u64) -> u64 {
        let before = self.packets_delivered();
        self.advance(ms);
        let packets = self.packets_delivered() - before;
        assert_eq!(packets, u64::from(pairs) * ms / echo::LATENCY_MS, "one per pair and latency");
        packets
    }
}
