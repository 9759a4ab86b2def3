//! Engines: the worlds that stand behind [`im::env::Env`].
//!
//! An engine knows hosts, streams, disks and time. It must not know the IM, scenarios or checkers.

pub mod sim;
