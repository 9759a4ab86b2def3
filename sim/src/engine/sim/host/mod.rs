//! What a host has beside its streams: a processor, perhaps a core to share with others, a supervisor,
//! and points at which its programs can be waited for.

pub mod cores;
pub mod points;
pub mod processor;
pub mod supervise;

#[cfg(test)]
mod tests;
