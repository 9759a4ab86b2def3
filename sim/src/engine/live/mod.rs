//! The `live` engine: the same nodes in real time, on the kernel's sockets and files.
//!
//! It must not know the IM, scenarios or checkers. In reading order: `relay` (what stands between
//! nodes when the network is to misbehave) and `files` (a host's disk).

mod files;
mod relay;

pub use files::FileDisk;
pub use relay::{Dialler, Relays};
