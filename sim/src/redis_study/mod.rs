//! How Redis fails over, seen by clients that write to it all the time.
//!
//! A [`program`] asks for the master as any client would, writes, and notes at its own edge what
//! became of each write in a [`history`]; [`checkers`] say what was lost, given out twice or held
//! twice, and [`accounting`] where and in which window. The program knows only
//! [`Env`](im::env::Env), so that it runs unchanged against the real Redis on real sockets.
//! Nothing here knows the reference IM or scenarios.

pub mod accounting;
pub mod checkers;
pub mod experiment;
pub mod finder;
pub mod history;
pub mod lab;
pub mod locks;
pub mod program;
pub mod read_back;
pub mod resp;
pub mod truth;
