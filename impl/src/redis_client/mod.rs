//! The client's side of Redis: the master found, commands run, and of every command known whether
//! its outcome is definite.
//!
//! In reading order: [`RedisLink`], what it answers ([`Failure`]) and is told ([`Effect`]), how
//! replies are judged (`batch`), how the master is found (`finder`, [`Names`]).

mod batch;
mod finder;
mod link;
mod names;
mod outcome;

pub use link::RedisLink;
pub use names::Names;
pub use outcome::{Doubt, Effect, Failure, Refusal};
