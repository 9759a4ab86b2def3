//! A Redis on the simulated network: masters, replicas and Sentinels.
//!
//! It answers as redis-server 7.0.15 does, byte for byte, for the commands it knows; a differential
//! test holds it against the real one. It knows [`Env`](im::env::Env) and nothing of the reference
//! IM, of engines or of scenarios. Layers, from the wire inwards: [`server`] (connections),
//! [`request`], [`reply`] and [`parse`] (the protocol), [`instance`] (how a command runs),
//! [`commands`] (what each does), `scripting`, [`db`] (keys and expiry), [`values`]; beside them
//! [`replication`] and [`persistence`]. A [`sentinel`] watches such servers as anybody would, over
//! connections.

pub mod commands;
mod configuration;
pub mod db;
mod durable;
pub mod instance;
mod long_double;
mod number;
pub mod parse;
pub mod persistence;
pub(crate) mod pubsub;
mod rdb;
pub mod replication;
pub mod reply;
pub mod request;
mod scripting;
pub mod sentinel;
pub mod server;
pub mod values;

pub use instance::Instance;
pub use server::{Counters, Options, RoleChange, serve, serve_as};

/// The version it passes for.
pub const VERSION: &str = "7.0.15";
