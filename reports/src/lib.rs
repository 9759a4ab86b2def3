//! The versioned record of a run, and everything that is drawn from it.
//!
//! Knows neither the IM nor the simulator: a record is all it sees.

pub mod record;
