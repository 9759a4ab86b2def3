//! The client's side of Redis.

mod names;

pub use names::Names;
