//! `imsim crosscheck`: the same scenarios on several engines, whose verdicts must agree; or, with
//! `--latency`, whose latencies are held against each other (`latency`).

mod latency;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use im_reports::record as reports;
use imsim::crosscheck::{self, Comparison, Opinions};
use imsim::engine::Kind;
use imsim::run::left_out;
use imsim::sabotages::{self, Planted};
use imsim::scenario::Scenario;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{self, Format};
use super::progress::{self, Bar};
use super::run::reproduce;
use super::seeds::Seeds;
use super::size::Size;
use super::{Exit, JOBS_MAX, Printed, check};

/// Run scenarios on several engines and say where their verdicts disagree.
///
/// What one engine cannot do of a scenario is left out on all of them, and said on stderr, so that
/// all live through the same. Engines agree on a seed when each promise gets the same verdict; whether that is
/// what the scenario expects is said beside it. Of a planted bug (--sabotage) they agree when each calls the broken
/// promise invalid in one of the seeds, since chance decides in which of them a bug shows; or, of one that only
/// delays, when each finds a bound missed.
///
/// With --latency, each scenario runs at several loads on sim, with the cores, costs, loopback and
/// disk of a calibration, and live on this machine, and a table and a page say how far the
/// simulation is off. It asks for a calibration of this machine (`imsim calibrate`) and for nothing
/// else to run on it.
#[derive(clap::Args)]
pub struct Args {
    /// Scenario files, or folders of them. With --sabotage: each bug's own scenario unless given.
    #[arg(required_unless_present = "sabotage")]
    scenarios: Vec<PathBuf>,
    /// Which engines, by name.
    #[arg(long, value_delimiter = ',', default_value = "sim,turmoil")]
    engines: Vec<Kind>,
    /// Which seeds: A..B leaves B out, A..=B does not.
    #[arg(long, default_value = "1..=5")]
    seeds: Seeds,
    /// Plant this bug, or every one in turn (`all`).
    #[arg(long, value_name = "NAME")]
    sabotage: Option<String>,
    /// Refuse scenarios of which an engine must leave out a fault.
    #[arg(long)]
    strict: bool,
    /// Runs at a time; as many as there are cores unless said otherwise. Live runs go one by one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=JOBS_MAX))]
    jobs: Option<u32>,
    /// Compare latency and throughput of sim and live at several loads, instead of verdicts.
    #[arg(long, conflicts_with_all = ["engines", "sabotage", "strict", "jobs"])]
    latency: bool,
    /// With --latency: hundredths of the scenario's rates.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "25,50,100,200,400,800,1600,3200,6400",
        value_name = "PERCENT",
        requires = "latency",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    loads: Vec<u32>,
    /// With --latency: what the simulation takes over of this machine.
    #[arg(long, value_name = "FILE", requires = "latency")]
    calibration: Option<PathBuf>,
    /// With --latency: write into this folder instead of runs/crosscheck-<scenario>.
    #[arg(long, value_name = "DIR", requires = "latency")]
    out: Option<PathBuf>,
    /// Change a key of every scenario, as in `imsim run`. Repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    printed: Printed,
}

/// What is printed for programs.
#[derive(Serialize, JsonSchema)]
pub struct Crosschecked {
    /// Version of this shape.
    schema_version: u32,
    /// In the order in which they ran.
    scenarios: Vec<Outcome>,
}

/// What came of one scenario, with or without a bug.
#[derive(Serialize, JsonSchema)]
struct Outcome {
    /// The file.
    scenario: String,
    /// The planted bug, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    sabotage: Option<String>,
    /// Whether the engines came to the same verdicts with every seed; with a bug, whether every engine caught it.
    agree: bool,
    /// Whether every run was as the scenario expects; with a bug, the same as `agree`.
    as_expected: bool,
    /// The worst way in which a run ended.
    worst: reports::Outcome,
    /// On how many seeds they agree.
    seeds_agreed: usize,
    /// How many seeds ran.
    seeds: usize,
    /// On how many seeds each engine came to what the scenario expects; with a bug, on how many it called the
    /// broken promise invalid, or found a bound missed where the bug only delays.
    by_engine: BTreeMap<String, usize>,
    /// Seeds on which the engines came to different verdicts.
    disagreements: Vec<Disagreement>,
    /// Parts of the scenario that not every engine has, which none of them ran.
    left_out: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Disagreement {
    /// The seed.
    seed: u64,
    /// What each engine says, where they differ.
    what: Vec<String>,
    /// The command that repeats the run on each engine.
    replay: Vec<String>,
}

/// One thing to compare the engines on.
struct Case {
    path: PathBuf,
    scenario: Scenario,
    /// The bug that is planted, if one is.
    bug: Option<Planted>,
}

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    if args.latency {
        return latency::main(args);
    }
    let engines: BTreeSet<Kind> = args.engines.iter().copied().collect();
    if engines.len() < 2 {
        output::complain("there is nothing to compare with one engine; try --engines sim,turmoil");
        return Exit::Usage;
    }
    let engines: Vec<Kind> = engines.into_iter().collect();
    let cases = match cases(args) {
        Ok(cases) => cases,
        Err(exit) => return exit,
    };
    if cases.is_empty() || args.seeds.count == 0 {
        output::complain("nothing to run: no scenario or no seed; try --seeds 1..=5");
        return Exit::NothingRan;
    }
    let jobs = args.jobs.map_or_else(check::cores, |jobs| jobs as usize);
    let runs = args.seeds.count.saturating_mul(engines.len() as u64);
    if let Err(exit) = args.size.admit(cases.iter().map(|case| &case.scenario), runs, jobs) {
        return exit;
    }
    let stop = progress::interrupted();
    let mut worst = Exit::Held;
    let mut outcomes = Vec::new();
    for case in &cases {
        if args.strict && refuses(case, &engines, args.seeds) {
            return Exit::Usage;
        }
        let outcome = compare(args, case, &engines, &stop);
        worst = Exit::worst([worst, exit(&outcome)]);
        if args.printed.format == Format::Human {
            output::print(&human(&outcome));
        }
        outcomes.push(outcome);
        if stop.load(Ordering::Relaxed) {
            worst = Exit::Interrupted;
            break;
        }
    }
    if args.printed.format == Format::Json {
        output::print_json(&Crosschecked { schema_version: 2, scenarios: outcomes });
    }
    worst
}

fn cases(args: &Args) -> Result<Vec<Case>, Exit> {
    let Some(name) = &args.sabotage else {
        let scenarios = check::load(&args.scenarios, &args.sets)?;
        let case = |(path, scenario)| Case { path, scenario, bug: None };
        return Ok(scenarios.into_iter().map(case).collect());
    };
    let mut cases = Vec::new();
    for bug in sabotages::ALL.iter().filter(|bug| name == "all" || bug.bug.name() == name) {
        let own = [Path::new("scenarios").join(bug.scenario)];
        let files = if args.scenarios.is_empty() { &own[..] } else { &args.scenarios };
        for (path, sound) in check::load(files, &args.sets)? {
            cases.push(Case { path, scenario: bug.plant_into(&sound), bug: Some(*bug) });
        }
    }
    if cases.is_empty() {
        let names: Vec<&str> = sabotages::ALL.iter().map(|bug| bug.bug.name()).collect();
        let names = names.join(", ");
        output::complain(&format!("`{name}` is no planted bug; write `all` or one of {names}"));
        return Err(Exit::Usage);
    }
    Ok(cases)
}

/// Says what would be left out; whether that is a fault.
fn refuses(case: &Case, engines: &[Kind], seeds: Seeds) -> bool {
    let mut reasons = BTreeSet::new();
    for seed in seeds.iter() {
        for drawn in imsim::faults::draw(&case.scenario, seed) {
            let why = engines.iter().find_map(|engine| left_out::fault(*engine, &drawn.act));
            reasons.extend(why.map(|why| format!("{} faults: {why}", drawn.family.name())));
        }
    }
    for reason in &reasons {
        output::complain(&format!("{}: {reason}", case.path.display()));
    }
    !reasons.is_empty()
}

fn compare(args: &Args, case: &Case, engines: &[Kind], stop: &AtomicBool) -> Outcome {
    let names: Vec<&str> = engines.iter().map(|engine| engine.name()).collect();
    let planted = case.bug.map_or(String::new(), |planted| format!(" with {}", planted.bug.name()));
    let title = format!("comparing {}{planted} on {}", case.scenario.name, names.join(", "));
    let bar = Bar::new(
        &title,
        args.seeds.count,
        "{msg}  {bar:40} {pos}/{len}  {elapsed} wall, {eta} to go",
    );
    let jobs = args.jobs.map_or_else(check::cores, |jobs| jobs as usize);
    let mut done = 0;
    let comparison =
        crosscheck::compare(&case.scenario, engines, args.seeds.iter(), jobs, stop, |_, _| {
            done += 1;
            bar.reach(done);
        });
    bar.done();
    let left_out = comparison.left_out.iter().map(|((what, why), count)| match count {
        0 => format!("{what} ({why})"),
        count => format!("{count} {what} ({why})"),
    });
    let left_out: Vec<String> = left_out.collect();
    for part in &left_out {
        bar.line(&format!("left out on all engines: {part}"));
    }
    outcome(args, case, engines, &comparison, left_out)
}

fn outcome(
    args: &Args,
    case: &Case,
    engines: &[Kind],
    comparison: &Comparison,
    left_out: Vec<String>,
) -> Outcome {
    let as_expected = |engine: Kind| {
        let of = |opinions: &&Opinions| opinions.outcome(engine).is_as_expected();
        comparison.seeds.values().filter(of).count()
    };
    let mut disagreements = Vec::new();
    for (seed, opinions) in comparison.seeds.iter().filter(|(_, opinions)| !opinions.agree()) {
        disagreements.push(Disagreement {
            seed: *seed,
            what: opinions.disagreements(),
            replay: engines.iter().map(|engine| replay(args, case, *seed, *engine)).collect(),
        });
    }
    let count = |engine: &Kind| match case.bug {
        Some(planted) => comparison.caught(*engine, planted.effect),
        None => as_expected(*engine),
    };
    let by_engine: Vec<(Kind, usize)> =
        engines.iter().map(|engine| (*engine, count(engine))).collect();
    let seeds = comparison.seeds.len();
    // With a bug, chance decides in which seeds it shows.
    let caught = by_engine.iter().all(|(_, invalid)| *invalid > 0);
    let outcomes = comparison.seeds.values();
    let outcomes = outcomes.flat_map(|of| engines.iter().map(|engine| of.outcome(*engine)));
    let (agree, as_expected) = match case.bug {
        Some(_) => (caught, caught),
        None => {
            (disagreements.is_empty(), by_engine.iter().all(|(_, expected)| *expected == seeds))
        }
    };
    Outcome {
        scenario: case.path.display().to_string(),
        sabotage: case
            .bug
            .map(|planted| format!("{} ({})", planted.bug.name(), planted.effect.told_by())),
        agree,
        as_expected,
        worst: outcomes.max().unwrap_or(reports::Outcome::Failed),
        seeds_agreed: seeds - disagreements.len(),
        seeds,
        by_engine: by_engine.iter().map(|(engine, held)| (engine.to_string(), *held)).collect(),
        disagreements,
        left_out,
    }
}

/// Engines that disagree outweigh what they agree on.
fn exit(outcome: &Outcome) -> Exit {
    match (outcome.agree, outcome.as_expected) {
        (true, true) => Exit::Held,
        (true, false) => outcome.worst.into(),
        (false, _) => Exit::Broken,
    }
}

/// The command that runs one of the runs again, without what was left out.
fn replay(args: &Args, case: &Case, seed: u64, engine: Kind) -> String {
    let mut sets = args.sets.clone();
    sets.extend(case.bug.map(|planted| format!("im.sabotage={}", planted.bug.name())));
    reproduce(&case.path, seed, engine, &sets)
}

fn human(outcome: &Outcome) -> String {
    let Outcome { scenario, seeds, seeds_agreed, .. } = outcome;
    let verdict = match (outcome.agree, outcome.as_expected) {
        (true, true) => "agree, as expected",
        (true, false) => "agree, NOT as expected",
        (false, _) => "DISAGREE",
    };
    let mut text = match &outcome.sabotage {
        Some(bug) => {
            let verdict = if outcome.agree { "agree" } else { "DISAGREE" };
            format!("{bug}: {verdict}; caught on {scenario}, of {seeds} seeds:")
        }
        None => format!(
            "{scenario}: {verdict}; same verdicts on {seeds_agreed} of {seeds} seeds, as expected on:"
        ),
    };
    let each: Vec<String> =
        outcome.by_engine.iter().map(|(engine, count)| format!(" {engine} {count}")).collect();
    text += &(each.join(",") + "\n");
    if outcome.sabotage.is_some() && outcome.agree {
        return text;
    }
    for Disagreement { seed, what, replay } in &outcome.disagreements {
        text += &format!("  seed {seed}: {}\n", what.join("; "));
        for command in replay {
            text += &format!("    {command}\n");
        }
    }
    text
}
