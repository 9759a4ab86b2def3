//! `imsim check`: scenarios over many seeds, on all cores.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use im_reports::record::Record;
use imsim::campaign::{self, Outcome};
use imsim::effects::{self, Effects};
use imsim::engine::Kind;
use imsim::run::{self, Progress};
use imsim::scenario::Scenario;
use serde::Serialize;

use super::fingerprint::{self, Fingerprint};
use super::output::{self, Format};
use super::progress::{self, Bar};
use super::run::reproduce;
use super::seeds::Seeds;
use super::{Exit, Printed, list};

/// Failing seeds that are told of on a terminal.
const FAILURES_SHOWN: usize = 10;

/// Check scenarios over many seeds, on all cores.
///
/// Each seed is one run; nothing is written. Seeds that fail are listed with the command that
/// replays them. The digest stands for all runs: equal digests mean equal runs. For a scenario with
/// a swarm, a table says in how many seeds each family of faults was drawn and touched something.
#[derive(clap::Args)]
pub struct Args {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// Which seeds: A..B leaves B out, A..=B does not.
    #[arg(long, default_value = "1..=20")]
    seeds: Seeds,
    /// Runs at a time; as many as there are cores unless said otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
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
    #[command(flatten)]
    printed: Printed,
}

/// The results of one scenario.
#[derive(Serialize)]
struct Tally {
    scenario: String,
    /// Runs whose verdicts were the expected ones.
    held: u64,
    /// Seeds that did not hold, and why.
    failed: BTreeMap<u64, Failure>,
    /// One hash over the digests of all runs.
    digest: String,
    /// What the faults touched, by family.
    faults: BTreeMap<String, Effects>,
}

/// One run.
struct Ran {
    digest: String,
    effects: BTreeMap<String, Effects>,
    /// Why it does not count as held, if it does not.
    failure: Option<(Exit, String)>,
}

#[derive(Serialize)]
struct Failure {
    #[serde(skip)]
    exit: Option<Exit>,
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
    let stop = progress::interrupted();
    let mut worst = Exit::Held;
    for (path, scenario) in &scenarios {
        let tally = check(args, path, scenario, jobs, &stop);
        let exits = tally.failed.values().filter_map(|failure| failure.exit);
        worst = exits
            .max_by_key(|exit| severity(*exit))
            .map_or(worst, |exit| if severity(exit) > severity(worst) { exit } else { worst });
        output::print(&match args.printed.format {
            Format::Human => {
                let shown = args.effects || scenario.swarm.is_some();
                human(&tally, args.seeds)
                    + &if shown { table(&tally.faults) } else { String::new() }
            }
            Format::Json => serde_json::to_string(&tally).expect("valid JSON") + "\n",
        });
        if stop.load(Ordering::Relaxed) {
            return Exit::Interrupted;
        }
        if args.fail_fast && worst != Exit::Held {
            break;
        }
    }
    worst
}

/// A bug outweighs a broken promise, which outweighs an undecided one.
fn severity(exit: Exit) -> u8 {
    match exit {
        Exit::Bug => 5,
        Exit::NotDeterministic => 4,
        Exit::Broken => 3,
        Exit::Usage => 2,
        Exit::Undecided => 1,
        Exit::Held | Exit::NothingRan | Exit::Interrupted => 0,
    }
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

fn check(args: &Args, path: &Path, scenario: &Scenario, jobs: usize, stop: &AtomicBool) -> Tally {
    let title = format!("checking {} over {} seeds", scenario.name, args.seeds.count);
    let template = "{msg}  {bar:40} {pos}/{len}  {elapsed} wall, {eta} to go";
    let bar = Bar::new(&title, args.seeds.count, template);
    let mut digests: BTreeMap<u64, String> = BTreeMap::new();
    let mut failed = BTreeMap::new();
    let mut faults = BTreeMap::new();
    let mut held = 0;
    let job = |seed, progress: &Progress| run_once(args, path, scenario, seed, progress);
    campaign::run_seeds(args.seeds.iter(), jobs, stop, job, |seed, result| {
        let failure = match result {
            Ok(ran) => {
                digests.insert(seed, ran.digest);
                effects::add(&mut faults, ran.effects);
                ran.failure
            }
            Err(panic) => Some((Exit::Bug, format!("a bug in imsim: {panic}"))),
        };
        match failure {
            None => held += 1,
            Some((exit, why)) => {
                if failed.len() < FAILURES_SHOWN {
                    bar.line(&format!("seed {seed}: {why}"));
                }
                let replay = reproduce(path, seed, Kind::Sim, &args.sets);
                failed.insert(seed, Failure { exit: Some(exit), why, replay });
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
    let digest = campaign::digest_of(digests.iter().map(|(seed, text)| (*seed, text.as_str())));
    let digest = format!("{digest:016x}");
    Tally { scenario: path.display().to_string(), held, failed, digest, faults }
}

fn run_once(args: &Args, path: &Path, scenario: &Scenario, seed: u64, progress: &Progress) -> Ran {
    let observed = match run::live_through(scenario, seed, Kind::Sim, progress) {
        Ok(observed) => observed,
        Err(error) => {
            let failure = Some((Exit::Usage, error.to_string()));
            return Ran { digest: String::new(), effects: BTreeMap::new(), failure };
        }
    };
    let record = run::judge(scenario, seed, &observed);
    let mut failure = judge(scenario, &record);
    if args.determinism && !progress.stop.load(Ordering::Relaxed) {
        let first = Fingerprint::of(&observed, &record);
        match fingerprint::differs_elsewhere(&first, path, scenario, seed, &args.sets) {
            Ok(None) => {}
            Ok(Some(how)) => {
                failure = Some((Exit::NotDeterministic, format!("not deterministic: {how}")));
            }
            Err(error) => failure = Some((Exit::Bug, error)),
        }
    }
    Ran { effects: effects::by_family(&record.faults), digest: record.digest, failure }
}

/// Why the run does not count as held, if it does not.
fn judge(scenario: &Scenario, record: &Record) -> Option<(Exit, String)> {
    let exit = match campaign::outcome(scenario, record) {
        Outcome::Held => return None,
        Outcome::Undecided => Exit::Undecided,
        Outcome::Broken => Exit::Broken,
    };
    let unexpected: Vec<String> = record
        .promises
        .iter()
        .filter(|promise| promise.verdict != scenario.expect.of(&promise.id))
        .map(|promise| format!("{} ({}) is {:?}", promise.id, promise.name, promise.verdict))
        .collect();
    let example = record.findings.first().map(|finding| format!(": {}", finding.summary));
    let promises = unexpected.join(", ").to_lowercase() + &example.unwrap_or_default();
    let reasons = [promises].into_iter().filter(|reason| !reason.is_empty());
    Some((exit, reasons.chain(effects::missing(&record.faults)).collect::<Vec<_>>().join("; ")))
}

fn human(tally: &Tally, seeds: Seeds) -> String {
    let ran = tally.held + tally.failed.len() as u64;
    let verdict = if tally.failed.is_empty() { "held" } else { "NOT held" };
    let mut text =
        format!("{}: {verdict}; {} of {ran} seeds as expected", tally.scenario, tally.held);
    if ran < seeds.count {
        text += &format!(" ({} not run)", seeds.count - ran);
    }
    text += &format!("\n  digest {} over all runs\n", tally.digest);
    for (seed, failure) in tally.failed.iter().take(FAILURES_SHOWN) {
        text += &format!("  seed {seed}: {}\n    replay: {}\n", failure.why, failure.replay);
    }
    if let Some(more) = tally.failed.len().checked_sub(FAILURES_SHOWN).filter(|more| *more > 0) {
        text += &format!("  and {more} more; --format json lists them all\n");
    }
    text
}

/// In how many seeds each family of faults was drawn and touched something.
fn table(families: &BTreeMap<String, Effects>) -> String {
    let width = families.keys().map(String::len).max().unwrap_or(0).max("total".len());
    let mut total = Effects::default();
    let row = |name: &str, effects: &Effects, seeds: bool| {
        let Effects { seeds_drawn, seeds_effective, faults_drawn, faults_effective } = effects;
        let of_seeds = match seeds {
            true => format!("{seeds_drawn:>11}  {seeds_effective:>15}"),
            false => format!("{:>11}  {:>15}", "", ""),
        };
        format!("  {name:width$}  {of_seeds}  {faults_drawn:>12}  {faults_effective:>16}\n")
    };
    let mut text = format!(
        "  {:width$}  seeds drawn  seeds effective  faults drawn  faults effective\n",
        "faults"
    );
    for (family, effects) in families {
        total.faults_drawn += effects.faults_drawn;
        total.faults_effective += effects.faults_effective;
        text += &row(family, effects, true);
    }
    text + &row("total", &total, false)
}
