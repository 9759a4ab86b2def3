//! One run: a scenario with one seed, from the first login to the record.
//!
//! In reading order: [`world`] (the cluster lives through workload and faults and leaves a
//! history), `engines` (what
//! it lives on), `faults` (what is done to it), `measures` (figures of the history), `pushes` (when they were back after a fault), `record` (all of
//! it as the record that pages are drawn from) with `overload`, `bounds` and `outcome` (what follows from it),
//! `lints` (figures that cannot be true together).

mod bounds;
mod engines;
mod faults;
pub mod left_out;
mod lints;
mod measures;
mod outcome;
mod overload;
mod pushes;
mod record;
mod redis;
pub mod world;

use im_reports::record::Record;

use crate::checkers;
use crate::scenario::Scenario;

pub use world::{Observed, Progress, SetupError, live_beside, live_through};

/// Judges what a world left behind, and writes its record.
pub fn judge(scenario: &Scenario, seed: u64, observed: &Observed) -> Record {
    let report = checkers::check_all(&observed.history);
    let mut record = record::write(scenario, seed, observed, report);
    record.overload = overload::overload(observed, &record);
    record.bounds = bounds::check(scenario, observed, &record);
    record.outcome = outcome::outcome(&record);
    record.as_expected = record.outcome.is_as_expected();
    lints::hold(scenario, &record);
    record
}
