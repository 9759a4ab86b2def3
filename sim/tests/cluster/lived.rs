//! Shipped scenarios, lived through once in virtual time.

use std::path::Path;

use im_reports::record::{Outcome, Record};
use imsim::effects;
use imsim::engine::Kind;
use imsim::run::{self, Observed, Progress, SetupError};
use imsim::scenario::Scenario;

/// The scenario of this name, a path below `scenarios/` without extension, with other values.
#[track_caller]
pub fn shipped(name: &str, sets: &[&str]) -> Scenario {
    let file = format!("../scenarios/{name}.toml");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Scenario::load(&file, &sets).unwrap_or_else(|error| panic!("{error}"))
}

/// Lives through the scenario, if the cluster comes up.
pub fn live_through(scenario: &Scenario, seed: u64) -> Result<Observed, SetupError> {
    run::live_through(scenario, seed, Kind::Sim, &Progress::default())
}

/// What is judged of it.
#[track_caller]
pub fn record(scenario: &Scenario, seed: u64) -> Record {
    let observed = live_through(scenario, seed).unwrap_or_else(|error| panic!("{error}"));
    run::judge(scenario, seed, &observed)
}

/// Lives through it: every promise must hold and every fault have its effect. Returns its record.
#[track_caller]
pub fn holds(scenario: &Scenario, seed: u64) -> Record {
    let record = record(scenario, seed);
    assert_eq!(effects::missing(&record.faults), Vec::<String>::new());
    assert_eq!(record.outcome, Outcome::Held, "{:#?}", record.findings);
    record
}

/// A counter of a role; 0 if nothing was counted.
pub fn counter(record: &Record, role: &str, name: &str) -> u64 {
    record.counters[role].get(name).copied().unwrap_or(0)
}
