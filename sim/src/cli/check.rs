//! `imsim check`: scenarios over many seeds, on all cores.

mod folder;
mod results;
mod told;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use im_reports::campaign::{Checked, FaultKind, Outcome, RunFigures, RunSummary};
use im_reports::words;
use imsim::campaign::{self, summary};
use imsim::effects::{self, Effects};
use imsim::engine::Kind;
use imsim::run::{self, Progress};
use imsim::scenario::Scenario;

use super::fingerprint::{self, Fingerprint};
use super::output::{self, Format};
use super::progress::{self, Bar};
use super::run::reproduce;
use super::seeds::Seeds;
use super::size::Size;
use super::{Exit, JOBS_MAX, Printed, list};
use results::Results;

/// Check scenarios over many seeds, on all cores.
///
/// Each seed is one run. Seeds that fail are listed with the command that replays them. The digest
/// stands for all runs: equal digests mean equal runs. For a scenario with a swarm, a table says in
/// how many seeds each family of faults was drawn and touched something.
///
/// Writes runs/check-<what>/<digest>/ with campaign.json, campaign.csv, report.html and plots, and
/// points runs/check-<what>/latest at it: every run at a glance, the spread over seeds, and what the
/// faults touched. Of a run only its figures are kept. The same command gives the same bytes with the
/// same build, on any number of threads (but which runs --fail-fast still makes is up to them).
#[derive(clap::Args)]
pub struct Args {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// Which seeds: A..B leaves B out, A..=B does not.
    #[arg(long, default_value = "1..=20")]
    seeds: Seeds,
    /// Runs at a time; as many as there are cores unless said otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=JOBS_MAX))]
    jobs: Option<u32>,
    /// Change a key of every scenario, as in `imsim run`. Repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Run every seed again in a second process and compare: names the first event that differs.
    #[arg(long)]
    determinism: bool,
    /// Show the table of what the faults touched for every scenario, not only for swarms.
    #[arg(long)]
    effects: bool,
    /// Stop at the first seed that fails.
    #[arg(long)]
    fail_fast: bool,
    /// Write into this folder instead of runs/check-<what>/<digest>.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    printed: Printed,
}

/// The results of one scenario.
struct Tally {
    scenario: String,
    /// Runs whose verdicts were the expected ones.
    held: u64,
    /// Runs whose cluster was offered more than it could take.
    overloaded: u64,
    /// Runs in which nothing was owed to anybody.
    not_tested: u64,
    /// Seeds that did not hold, and why.
    failed: BTreeMap<u64, Failure>,
    /// One hash over the digests of all runs.
    digest: String,
    /// What the faults touched, by family.
    faults: BTreeMap<String, Effects>,
    /// The same and more, for the campaign.
    checked: Checked,
}

/// One run.
struct Ran {
    outcome: Outcome,
    overloaded: bool,
    /// Its digest and figures; absent when there was no set-up.
    ended: Option<(String, RunFigures)>,
    faults: BTreeMap<String, FaultKind>,
    /// Why it does not count as held, if it does not.
    failure: Option<(Exit, String)>,
}

struct Failure {
    exit: Exit,
    why: String,
    replay: String,
}

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    let scenarios = match load(&args.scenarios, &args.sets) {
        Ok(scenarios) => scenarios,
        Err(exit) => return exit,
    };
    if scenarios.is_empty() || args.seeds.count == 0 {
        output::complain("nothing to run: no scenario or no seed; try --seeds 1..=20");
        return Exit::NothingRan;
    }
    let jobs = args.jobs.map_or_else(cores, |jobs| jobs as usize);
    let sized = scenarios.iter().map(|(_, scenario)| scenario);
    if let Err(exit) = args.size.admit(sized, args.seeds.count, jobs) {
        return exit;
    }
    let mut results = match Results::begin(args) {
        Ok(results) => results,
        Err(error) => {
            output::complain(&error);
            return Exit::Unwritten;
        }
    };
    let stop = progress::interrupted();
    let mut tallies = Vec::new();
    for (path, scenario) in &scenarios {
        let tally = check(args, path, scenario, jobs, &stop, &mut results);
        if args.printed.format == Format::Human {
            let shown = args.effects || scenario.swarm.is_some();
            let table = if shown { told::table(&tally.faults) } else { String::new() };
            let compared = if args.determinism { told::compared(&tally) } else { String::new() };
            output::print(&(told::human(&tally, args.seeds) + &compared + &table));
        }
        tallies.push(tally);
        let failed = tallies.iter().any(|tally| !tally.failed.is_empty());
        if stop.load(Ordering::Relaxed) || (args.fail_fast && failed) {
            break;
        }
    }
    let failures = tallies.iter().flat_map(|tally| tally.failed.values());
    let exits: Vec<Exit> = failures.map(|failure| failure.exit).collect();
    let interrupted = stop.load(Ordering::Relaxed);
    let checked = tallies.into_iter().map(|tally| tally.checked).collect();
    let campaign = folder::campaign(args, scenarios.len(), checked);
    if args.printed.format == Format::Json {
        output::print_json(&campaign);
    }
    let written = folder::write(args, &campaign, interrupted);
    if written.is_ok() {
        results.remove();
    }
    let stopped = interrupted.then_some(Exit::Interrupted);
    Exit::worst(exits.into_iter().chain(written.err()).chain(stopped))
}

/// Loads scenarios, also those in folders, or says what is wrong with them.
pub fn load(paths: &[PathBuf], sets: &[String]) -> Result<Vec<(PathBuf, Scenario)>, Exit> {
    let mut scenarios = Vec::new();
    let mut wrong = false;
    for path in paths.iter().flat_map(|path| list::files(path)) {
        match Scenario::load(&path, sets) {
            Ok(scenario) => scenarios.push((path, scenario)),
            Err(error) => {
                output::complain(&error.to_string());
                wrong = true;
            }
        }
    }
    if wrong { Err(Exit::Usage) } else { Ok(scenarios) }
}

/// Processors of this machine.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn check(
    args: &Args,
    path: &Path,
    scenario: &Scenario,
    jobs: usize,
    stop: &AtomicBool,
    results: &mut Results,
) -> Tally {
    let title = format!("checking {} over {} seeds", scenario.name, args.seeds.count);
    let template = "{msg}  {bar:40} {pos}/{len}  {elapsed} wall, {eta} to go";
    let bar = Bar::new(&title, args.seeds.count, template);
    let mut runs: BTreeMap<u64, RunSummary> = BTreeMap::new();
    let mut failed = BTreeMap::new();
    let mut faults = BTreeMap::new();
    let mut held = 0;
    let job = |seed, progress: &Progress| run_once(args, path, scenario, seed, progress);
    campaign::run_seeds(args.seeds.iter(), jobs, stop, job, |seed, result| {
        let mut ran = result.unwrap_or_else(|panic| {
            Ran::without_verdict(Exit::Bug, format!("a bug in imsim: {panic}"))
        });
        summary::add(&mut faults, std::mem::take(&mut ran.faults));
        let replay = reproduce(path, seed, Kind::Sim, &args.sets);
        let run = ran.summary(seed, &replay);
        results.add(&path.display().to_string(), &run);
        runs.insert(seed, run);
        match ran.failure {
            None => held += 1,
            Some((exit, why)) => {
                if failed.len() < told::FAILURES_SHOWN {
                    bar.line(&format!("seed {seed}: {why}"));
                }
                failed.insert(seed, Failure { exit, why, replay });
            }
        }
        let done = held + failed.len() as u64;
        bar.reach(done);
        if bar.is_plain() && done.is_multiple_of((args.seeds.count / 10).max(10)) {
            bar.line(&format!("{done} of {} seeds done", args.seeds.count));
        }
        if args.fail_fast && !failed.is_empty() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    bar.done();
    let digests = runs.values().filter_map(|run| Some((run.seed, run.digest.as_deref()?)));
    let digest = format!("{:016x}", campaign::digest_of(digests));
    let effects = |(kind, one): (&String, &FaultKind)| (kind.clone(), Effects::from(one));
    let count = |of: fn(&RunSummary) -> bool| runs.values().filter(|run| of(run)).count() as u64;
    Tally {
        scenario: path.display().to_string(),
        held,
        overloaded: count(|run| run.overloaded),
        not_tested: count(|run| run.outcome == Outcome::NotTested),
        failed,
        faults: faults.iter().map(effects).collect(),
        checked: Checked {
            name: scenario.name.clone(),
            about: scenario.about.clone(),
            digest: digest.clone(),
            runs: runs.into_values().collect(),
            faults,
        },
        digest,
    }
}

impl Ran {
    /// A run that came to no verdict.
    fn without_verdict(exit: Exit, why: String) -> Self {
        Self {
            outcome: Outcome::Failed,
            overloaded: false,
            ended: None,
            faults: BTreeMap::new(),
            failure: Some((exit, why)),
        }
    }

    /// What is kept of the run.
    fn summary(&self, seed: u64, replay: &str) -> RunSummary {
        RunSummary {
            seed,
            digest: self.ended.as_ref().map(|(digest, _)| digest.clone()),
            outcome: self.outcome,
            overloaded: self.overloaded,
            why: self.failure.as_ref().map(|(_, why)| why.clone()),
            replay: self.failure.as_ref().map(|_| replay.to_owned()),
            figures: self.ended.as_ref().map(|(_, figures)| figures.clone()),
        }
    }
}

fn run_once(args: &Args, path: &Path, scenario: &Scenario, seed: u64, progress: &Progress) -> Ran {
    let observed = match run::live_through(scenario, seed, Kind::Sim, progress) {
        Ok(observed) => observed,
        Err(error) => return Ran::without_verdict(Exit::Usage, error.to_string()),
    };
    let record = run::judge(scenario, seed, &observed);
    let mut outcome = record.outcome;
    let mut failure = (!record.as_expected).then(|| {
        let missing = effects::missing(&record.faults).into_iter();
        let why: Vec<String> = [words::why(&record)].into_iter().chain(missing).collect();
        (outcome.into(), why.join("; "))
    });
    if args.determinism && !progress.stop.load(Ordering::Relaxed) {
        let first = Fingerprint::of(&observed, &record);
        let differs = match fingerprint::differs_elsewhere(&first, path, scenario, seed, &args.sets)
        {
            Ok(how) => how.map(|how| (Exit::NotDeterministic, format!("not deterministic: {how}"))),
            Err(error) => Some((Exit::Bug, error)),
        };
        if let Some(differs) = differs {
            outcome = Outcome::Failed;
            failure = Some(differs);
        }
    }
    let (figures, faults) = (summary::figures(&record), summary::faults(&record));
    let (overloaded, digest) = (record.overload.is_some(), record.digest);
    Ran { outcome, overloaded, ended: Some((digest, figures)), faults, failure }
}
