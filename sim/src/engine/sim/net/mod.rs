//! Streams: what programs see of them, and how their bytes travel.
//!
//! In reading order: `streams` (read, write, close), `dial` (how connections come about), `conn` (their
//! state), `tcp` (when packets leave, arrive and are acked), `path` (what a packet meets on its way: `link`
//! and `conditions`), then what a sender decides without a look at the world: `sender` (losses, timers),
//! `arrivals` (the receiving half), `delayed_acks`, `window`, `cubic`. `keepalive` finds peers that are gone.
//!
//! Must not know what runs on hosts.

pub mod arrivals;
pub mod conditions;
pub mod conn;
pub mod cubic;
pub mod delayed_acks;
pub mod dial;
pub mod keepalive;
pub mod link;
pub mod path;
pub mod sender;
pub mod streams;
pub mod tcp;
pub mod window;

#[cfg(test)]
mod tests;
