//! The hidden `imsim fingerprint`: what a run's digest rests on, for a comparison of processes; and
//! that comparison.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use im_reports::Record;
use imsim::engine::Kind;
use imsim::engine::sim::CHECKPOINT_WORDS;
use imsim::run::{self, Observed, Progress};
use imsim::scenario::Scenario;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Exit;
use super::output;

/// Print the digest of a run with its checkpoints, as JSON.
#[derive(clap::Args)]
pub struct Args {
    /// The scenario file.
    scenario: PathBuf,
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// As in `imsim run`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// First event to tell of.
    #[arg(long, default_value_t = 0)]
    trace_from: u64,
    /// Events to tell of.
    #[arg(long, default_value_t = 0)]
    trace_count: u64,
}

/// What the digest of a run rests on.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    digest: u64,
    checkpoints: Vec<u64>,
    trace: Vec<String>,
    /// Hash of the whole record.
    record: u64,
}

impl Fingerprint {
    /// The fingerprint of a run that has been lived through.
    pub fn of(observed: &Observed, record: &Record) -> Self {
        let record = serde_json::to_vec(record).expect("a record is valid JSON");
        Self {
            digest: observed.digest(),
            checkpoints: observed.trail.checkpoints.clone(),
            trace: observed.trail.trace.clone(),
            record: xxh3_64(&record),
        }
    }
}

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    let scenario = match super::load(&args.scenario, &args.sets) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    let traced = args.trace_from..args.trace_from + args.trace_count;
    match here(&scenario, args.seed, traced) {
        Ok(fingerprint) => {
            let json = serde_json::to_string(&fingerprint).expect("numbers and text are JSON");
            output::print(&format!("{json}\n"));
            Exit::Held
        }
        Err(error) => {
            output::complain(&error);
            Exit::Usage
        }
    }
}

fn here(scenario: &Scenario, seed: u64, traced: Range<u64>) -> Result<Fingerprint, String> {
    let progress = Progress { traced, ..Progress::default() };
    let observed = run::live_through(scenario, seed, Kind::Sim, &progress);
    let observed = observed.map_err(|error| error.to_string())?;
    Ok(Fingerprint::of(&observed, &run::judge(scenario, seed, &observed)))
}

/// Runs the same in a second process and compares. `None` when they agree; else the first event in
/// which they differ, as far as it can be found again.
pub fn differs_elsewhere(
    first: &Fingerprint,
    path: &Path,
    scenario: &Scenario,
    seed: u64,
    sets: &[String],
) -> Result<Option<String>, String> {
    let second = elsewhere(path, seed, sets, 0..0)?;
    if second == *first {
        return Ok(None);
    }
    if second.digest == first.digest {
        return Ok(Some("every event agrees, but the records differ".to_owned()));
    }
    let pairs = first.checkpoints.iter().zip(&second.checkpoints);
    let agreed = pairs.take_while(|(one, other)| one == other).count() as u64;
    let window = agreed * CHECKPOINT_WORDS..(agreed + 1) * CHECKPOINT_WORDS;
    let one = here(scenario, seed, window.clone())?.trace;
    let other = elsewhere(path, seed, sets, window.clone())?.trace;
    let parted = one.iter().zip(&other).find(|(one, other)| one != other);
    Ok(Some(match parted {
        Some((one, other)) => format!("the first difference: {one} here, {other} elsewhere"),
        None => format!(
            "they part between events {} and {}, but not again in a third run",
            window.start, window.end
        ),
    }))
}

fn elsewhere(
    path: &Path,
    seed: u64,
    sets: &[String],
    traced: Range<u64>,
) -> Result<Fingerprint, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("fingerprint").arg(path).args(["--seed", &seed.to_string()]);
    command.args(["--trace-from", &traced.start.to_string()]);
    command.args(["--trace-count", &(traced.end - traced.start).to_string()]);
    for set in sets {
        command.args(["--set", set]);
    }
    let output = command.output().map_err(|error| format!("no second process: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("the second process failed: {said}"));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
