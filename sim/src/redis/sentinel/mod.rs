//! A Redis Sentinel on the simulated network, as redis-sentinel 7.0.15 behaves.
//!
//! `core` is the Sentinel itself without connections and clock: time and input go in, actions
//! come out. Around it lie the parts of its state machine: `timer` (what happens ten to twenty
//! times a second), `links` (connections to those it watches), `info` and `hello` (what it
//! learns), `votes` and `failover`, `memory` (what outlives a restart) and what it serves,
//! `clients`, `commands` and `administration`. `node` brings it to life over an [`Env`](im::env::Env). Nothing
//! here knows the simulated Redis beyond the protocol: it watches real servers just as well.
//!
//! Not there: scripts, passwords, renamed commands, host names, `SENTINEL CONFIG`, and one link for
//! a Sentinel that is known from several masters (it has one for each).

use std::sync::{Arc, Mutex};

use im::env::{Addr, Nanos};

mod administration;
mod clients;
mod commands;
mod core;
mod describe;
mod failover;
mod hello;
mod info;
mod instance;
mod links;
mod memory;
mod node;
mod timer;
mod votes;

pub use node::serve;

/// What a Sentinel says happened, as in its log: when, and the event with its text.
pub type Events = Arc<Mutex<Vec<(Nanos, String)>>>;

/// What a Sentinel is started with, as in its configuration file. What it has learned since then
/// lies on its disk and goes before.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens.
    pub port: u16,
    /// How the master is called.
    pub master: String,
    /// Where the master is at first.
    pub address: Addr,
    /// So many Sentinels must find the master down.
    pub quorum: u32,
    /// Silence of so many milliseconds makes somebody down.
    pub down_after_ms: u64,
    /// `failover-timeout`, in milliseconds.
    pub failover_timeout_ms: u64,
    /// So many replicas are made to follow the new master at a time.
    pub parallel_syncs: u32,
    /// Where its events go; they outlive it.
    pub events: Events,
}

#[cfg(test)]
mod tests;
