//! Which hosts a world has, who talks to whom, and when. Plain numbers: it must not know how an
//! engine makes hosts of them.

use imsim::engine::rng;

use crate::SEED;

/// Clients that each have a host and a connection of their own, and echo over it without end.
/// Client `i` talks to server `i % servers`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Echoes {
    /// Server hosts.
    pub servers: u32,
    /// Client hosts, and connections.
    pub connections: u32,
    /// Median one-way latency of every link.
    pub latency_ms: u64,
    /// From one packet of a client to its next, on links without loss: a round trip and a pause.
    pub period_ms: u64,
    /// The clients dial at random times within so long, and keep that phase.
    pub dial_ms: u64,
}

impl Echoes {
    /// Pairs of hosts that echo back to back at a round trip of 2 ms. No engine rounds these
    /// times, so that every engine must do exactly the same.
    pub const fn pairs(pairs: u32) -> Self {
        Self { servers: pairs, connections: pairs, latency_ms: 1, period_ms: 2, dial_ms: 0 }
    }

    /// Devices on 10 servers, 50 ms away, that send the next packet as soon as the echo is there.
    pub const fn busy(connections: u32) -> Self {
        Self { servers: 10, connections, latency_ms: 50, period_ms: 100, dial_ms: 200 }
    }

    /// The same devices, but each sends one packet a second. A timer ends each pause.
    pub const fn calm(connections: u32) -> Self {
        Self { period_ms: 1_000, dial_ms: 1_000, ..Self::busy(connections) }
    }

    /// The server of a client.
    pub fn server_of(&self, client: u32) -> u32 {
        client % self.servers
    }

    /// Virtual nanoseconds after which a client dials.
    pub fn dial_at_ns(&self, client: u32) -> u64 {
        let mut rng = rng::indexed(SEED, "dial", u64::from(client));
        rng::below(&mut rng, (self.dial_ms * 1_000_000).max(1))
    }

    /// What a client waits between an echo and its next packet.
    pub fn pause_ms(&self) -> u64 {
        self.period_ms - 2 * self.latency_ms
    }

    /// Virtual milliseconds until every client has connected and echoed, and what is slow to come
    /// about under loss (connections that wait for a retransmission) has its usual share.
    pub fn warm_up_ms(&self) -> u64 {
        (self.dial_ms + 2_000).next_multiple_of(self.period_ms)
    }

    /// Packets that are delivered in `ms`, a multiple of the period, when nothing is lost.
    pub fn packets_in(&self, ms: u64) -> u64 {
        assert!(ms.is_multiple_of(self.period_ms), "whole periods only");
        2 * u64::from(self.connections) * (ms / self.period_ms)
    }
}

/// A cluster with nothing to do: every host has a connection with every other, and over each of
/// them both hosts send a heartbeat a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mesh {
    /// Hosts.
    pub hosts: u32,
}

impl Mesh {
    /// One-way latency of every link.
    pub const LATENCY_MS: u64 = 1;
    /// From one heartbeat to the next.
    pub const PERIOD_MS: u64 = 1_000;

    /// Virtual nanoseconds from a host's last connection to its first heartbeat.
    pub fn phase_ns(host: u32) -> u64 {
        let mut rng = rng::indexed(SEED, "heartbeat", u64::from(host));
        rng::below(&mut rng, Self::PERIOD_MS * 1_000_000)
    }

    /// Heartbeats that are delivered in `seconds`.
    pub fn heartbeats_in(&self, seconds: u64) -> u64 {
        u64::from(self.hosts) * u64::from(self.hosts - 1) * seconds
    }
}
