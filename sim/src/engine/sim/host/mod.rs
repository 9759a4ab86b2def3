//! What a host has beside its streams: a processor, a supervisor, and points at which
//! its programs can be waited for.

pub mod points;
pub mod processor;
pub mod supervise;

#[cfg(test)]
mod tests;
