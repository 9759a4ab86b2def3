//! The simulated Redis, its replication and its Sentinels, held against the real ones and against measurements of
//! them; and the client that nodes use, on the real ones.
//!
//! Needs `redis-server` 7.0 (Debian's package `redis-server`).

mod client;
mod differential;
mod failover;
mod machine;
mod replication;
mod sentinel;
mod truth;
