//! The reference IM: a cluster of small single-threaded nodes that talk over byte streams.
//!
//! It knows what a node may ask of the world ([`env::Env`]) and nothing about simulation,
//! scenarios or checking.
//!
//! The path of a message: [`client`] → [`gateway`] → [`chat`] (sequence, commit in the [`store`],
//! ack) → relay into the [`log`] → [`dispatcher`] → [`gateway`] → [`client`].

pub mod env;
pub mod points;
pub mod units;

pub mod config;
pub mod members;
pub mod model;
pub mod topology;

pub mod admission;
pub mod call;
pub mod conversation_list;
pub mod journal;
pub mod node;
pub mod presence;
pub mod proto;
pub mod redis_client;
pub mod stats;
pub mod wire;

pub mod chat;
pub mod client;
pub mod dispatcher;
pub mod fanout;
pub mod gateway;
pub mod ids;
pub mod inbox;
pub mod limit;
pub mod log;
pub mod ownership;
pub mod registry;
pub mod store;
