//! The reference IM: a cluster of small single-threaded nodes that talk over byte streams.
//!
//! It knows what a node may ask of the world ([`env::Env`]) and nothing about simulation,
//! scenarios or checking.

pub mod config;
pub mod env;
pub mod model;
pub mod units;
