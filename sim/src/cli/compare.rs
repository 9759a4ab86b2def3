//! `imsim compare`: variants of a scenario on the same seeds, on all cores.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use im_reports::comparison::{self, Comparison, Crossover, CrossoverPoint, Varied};
use imsim::campaign;
use imsim::compare::crossover::{self, Search};
use imsim::compare::grid::{self, Choice};
use imsim::compare::study::{self, StudyError};
use imsim::compare::{self, Question};
use imsim::metrics::{self, Metric};
use imsim::scenario::Scenario;

use super::check::cores;
use super::output::{self, Format};
use super::paths::{from_here, set_of};
use super::progress::{self, Bar};
use super::run::{point_latest_at, quoted, try_folder};
use super::seeds::Seeds;
use super::size::Size;
use super::wall::Stopwatch;
use super::{Exit, JOBS_MAX, Printed};

/// Compare variants of a scenario on the same seeds, on all cores.
///
/// Each --vary names a key and its values; several of them form a grid. Every variant runs on every
/// seed, so that seeds give pairs, and the seed is the sample: medians with 95 % intervals, how many
/// times the reference a variant takes, and ~ where chance explains the difference (p values are
/// corrected for all variants and metrics by Holm's method). How many seeds can tell a difference at
/// all is said before the run. Writes runs/compare-<scenario>/<digest>/ with comparison.json,
/// comparison.csv, contrasts.csv, report.html and plots; the same command gives the same bytes with the
/// same build.
///
/// With --crossover, two variants are compared at more and more values of a key, to find where they
/// change places on a metric:
///
///   imsim compare scenarios/fanout/mixed-groups.toml --vary im.fanout=write,read
///     --crossover workload.groups.members=3..1000 --metric server_cpu
#[derive(clap::Args)]
pub struct Args {
    /// The scenario file.
    scenario: PathBuf,
    /// A key and the values it is given: im.fanout=write,read,hybrid. Repeatable.
    #[arg(long = "vary", value_name = "KEY=A,B,…", required = true)]
    vary: Vec<String>,
    /// Which seeds: A..B leaves B out, A..=B does not. 10 or more, to tell any difference.
    #[arg(long, default_value = "1..=20")]
    seeds: Seeds,
    /// The variant that the others are held against, by its name in the table; the first one unless
    /// said otherwise.
    #[arg(long, value_name = "NAME")]
    reference: Option<String>,
    /// Metrics of latency and of cost to weigh against each other.
    #[arg(
        long,
        value_name = "LATENCY,COST",
        value_delimiter = ',',
        num_args = 1..=2,
        default_value = "show_p99,server_cpu"
    )]
    pareto: Vec<String>,
    /// Search where the two variants change places as this key grows.
    #[arg(long, value_name = "KEY=LOW..HIGH", requires = "metric")]
    crossover: Option<String>,
    /// The metric of the crossover.
    #[arg(long, value_name = "METRIC", requires = "crossover")]
    metric: Option<String>,
    /// Runs at a time; as many as there are cores unless said otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=JOBS_MAX))]
    jobs: Option<u32>,
    /// Change a key of every variant, as in `imsim run`. Repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Write into this folder instead of runs/compare-<scenario>/<digest>.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    printed: Printed,
}

/// What goes on while a comparison runs.
struct Work<'a> {
    args: &'a Args,
    seeds: Vec<u64>,
    metrics: &'static [Metric],
    jobs: usize,
    stop: &'a AtomicBool,
}

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    match compared(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn compared(args: &Args) -> Result<Exit, Exit> {
    let metrics = metrics::ALL;
    let question = question(args, metrics)?;
    let search = match &args.crossover {
        Some(argument) => Some(search(args, &question, argument)?),
        None => None,
    };
    if args.seeds.count == 0 {
        output::complain("nothing to run: no seed; try --seeds 1..=20");
        return Err(Exit::NothingRan);
    }
    tell_seeds_needed(args, &question, metrics.len());
    let jobs = args.jobs.map_or_else(cores, |jobs| jobs as usize);
    let sized = question.variants.iter().map(|(_, scenario)| scenario);
    args.size.admit(sized, args.seeds.count, jobs)?;
    let tried = args.out.clone().unwrap_or_else(|| folder(&question.scenario.name));
    try_folder(&tried).map_err(|error| unwritten(&error))?;
    let stop = progress::interrupted();
    let work = Work { args, seeds: args.seeds.iter().collect(), metrics, jobs, stop: &stop };
    let mut comparison = work.grid(&question)?;
    comparison.reproduce = reproduce(args);
    if let Some(search) = search.filter(|_| !work.stopped()) {
        comparison.crossover = work.crossover(&question, &search)?;
    }
    let written = write(args, &comparison).err();
    let exit = match comparison.variants.iter().all(|variant| variant.failed.is_empty()) {
        _ if work.stopped() => Exit::Interrupted,
        true => Exit::Held,
        false => Exit::Broken,
    };
    Ok(Exit::worst([exit].into_iter().chain(written)))
}

/// The folder of all comparisons of a scenario, unless `--out` names another one.
fn folder(scenario: &str) -> PathBuf {
    Path::new("runs").join(format!("compare-{scenario}"))
}

/// Says whether so many seeds can tell any difference, before any of them has run.
fn tell_seeds_needed(args: &Args, question: &Question, metrics: usize) {
    let (questions, needed) = (question.questions(metrics), question.seeds_needed(metrics));
    let asked = args.seeds.count;
    let contrasts = question.variants.len() - 1;
    let reckoned = format!(
        "{contrasts} contrast{} by {metrics} metrics are {questions} questions (Holm's method, p < 0.05)",
        if contrasts == 1 { "" } else { "s" }
    );
    match asked < needed {
        true => eprintln!(
            "note: {asked} seeds cannot tell any difference from chance: {reckoned}, for which it takes \
             {needed} seeds or more"
        ),
        false => {
            eprintln!("{reckoned}: {needed} seeds or more can tell a difference; {asked} will run")
        }
    }
}

fn usage(what: &str) -> Exit {
    output::complain(what);
    Exit::Usage
}

/// What the command line asks, every variant checked.
fn question(args: &Args, metrics: &[Metric]) -> Result<Question, Exit> {
    let varied: Result<Vec<Varied>, String> =
        args.vary.iter().map(|one| grid::parse(one)).collect();
    let varied = varied.map_err(|why| usage(&why))?;
    grid::demand_apart(&varied).map_err(|why| usage(&why))?;
    let mut variants = Vec::new();
    for choice in grid::choices(&varied) {
        let scenario = load(args, &choice, None)?;
        variants.push((choice, scenario));
    }
    if variants.len() < 2 {
        return Err(usage("there is nothing to compare; give --vary at least two values"));
    }
    let names: Vec<&str> = variants.iter().map(|(choice, _)| choice.name.as_str()).collect();
    let reference = match &args.reference {
        None => 0,
        Some(name) => names.iter().position(|one| one == name).ok_or_else(|| {
            usage(&format!(
                "--reference: there is no variant `{name}`; there are {}",
                names.join(", ")
            ))
        })?,
    };
    let known: Vec<&str> = metrics.iter().map(|metric| metric.name).collect();
    for name in args.pareto.iter().chain(&args.metric) {
        if !known.contains(&name.as_str()) {
            let known = known.join(", ");
            return Err(usage(&format!("there is no metric `{name}`; there are {known}")));
        }
    }
    let [latency, cost] = &args.pareto[..] else {
        return Err(usage("--pareto takes two metrics, as in --pareto show_p99,server_cpu"));
    };
    let question = Question {
        scenario: super::load(&args.scenario, &args.sets)?,
        varied,
        variants,
        reference,
        pareto: [latency.clone(), cost.clone()],
    };
    demand_apart(&question)?;
    Ok(question)
}

/// Variants that are the same scenario are nothing to compare.
fn demand_apart(question: &Question) -> Result<(), Exit> {
    let Some(alike) = question.alike() else { return Ok(()) };
    let [one, other] = alike.map(|place| &question.variants[place].0.name);
    Err(usage(&format!(
        "`{one}` and `{other}` are the same scenario, so that there is nothing to compare; leave one of \
         them out, or vary something else"
    )))
}

/// The scenario of a variant, with one key more set if asked for.
fn load(args: &Args, choice: &Choice, more: Option<String>) -> Result<Scenario, Exit> {
    let sets = args.sets.iter().chain(&choice.sets).cloned().chain(more);
    super::load(&args.scenario, &sets.collect::<Vec<String>>())
}

/// The search for a crossover, both of its ends checked.
fn search(args: &Args, question: &Question, argument: &str) -> Result<Search, Exit> {
    let search = Search::parse(argument).map_err(|why| usage(&why))?;
    let [_, _] = &question.variants[..] else {
        return Err(usage("--crossover takes two variants: one --vary with two values"));
    };
    for value in [search.low, search.high] {
        let mut at = Vec::new();
        for (choice, _) in &question.variants {
            at.push((choice.clone(), load(args, choice, Some(search.set(value)))?));
        }
        let [one, other] = [0, 1].map(|place| &at[place].0.name);
        if at[0].1 == at[1].1 {
            return Err(usage(&format!(
                "--crossover: with {} the variants `{one}` and `{other}` are the same scenario; search \
                 along a key that is not varied",
                search.set(value)
            )));
        }
    }
    Ok(search)
}

impl Work<'_> {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn run(&self, title: &str, variants: &[&Scenario]) -> Result<Vec<Vec<study::Ran>>, Exit> {
        let runs = (variants.len() * self.seeds.len()) as u64;
        let template = "{msg}  {bar:40} {pos}/{len} runs  {elapsed} wall, {eta} to go";
        let bar = Bar::new(title, runs, template);
        let mut watch = Stopwatch::start();
        let each = |done: u64| {
            bar.reach(done);
            if bar.is_plain() && done < runs && done.is_multiple_of((runs / 5).max(10)) {
                bar.line(&format!("{done} of {runs} runs done"));
            }
        };
        let ran = study::run(variants, &self.seeds, self.metrics, self.jobs, self.stop, each);
        bar.line(&format!("{title}: {:.1} s wall on {} threads", watch.lap_s(), self.jobs));
        bar.done();
        ran.map_err(|error| {
            output::complain(&format!("{}: {error}", self.args.scenario.display()));
            match error {
                StudyError::SetUp { .. } if self.stopped() => Exit::Interrupted,
                StudyError::SetUp { .. } => Exit::Usage,
                StudyError::Bug { .. } => Exit::Bug,
            }
        })
    }

    fn answer(&self, question: &Question, runs: &[Vec<study::Ran>]) -> Comparison {
        let ran = runs.first().map_or(0, Vec::len);
        let seeds = self.seeds[..ran].to_vec();
        compare::answer(question, self.metrics, seeds, self.args.seeds.count, runs)
    }

    fn grid(&self, question: &Question) -> Result<Comparison, Exit> {
        let variants: Vec<&Scenario> = question.variants.iter().map(|(_, one)| one).collect();
        let title = format!(
            "comparing {} variants of {} on {} seeds",
            variants.len(),
            question.scenario.name,
            self.seeds.len()
        );
        let runs = self.run(&title, &variants)?;
        if runs.iter().all(Vec::is_empty) {
            output::complain("interrupted before a seed had run on every variant");
            return Err(Exit::Interrupted);
        }
        Ok(self.answer(question, &runs))
    }

    /// Where the two variants change places; nothing when interrupted on the way.
    fn crossover(&self, question: &Question, search: &Search) -> Result<Option<Crossover>, Exit> {
        let metric = self.args.metric.as_deref().expect("required with --crossover");
        let other = &question.variants[1 - question.reference].0.name;
        let look = |value| self.look(question, search, metric, value);
        match crossover::search(search, metric, other, look) {
            Ok(crossover) => Ok(Some(crossover)),
            Err(Exit::Interrupted) => Ok(None),
            Err(exit) => Err(exit),
        }
    }

    fn look(
        &self,
        question: &Question,
        search: &Search,
        metric: &str,
        value: f64,
    ) -> Result<CrossoverPoint, Exit> {
        let mut at = Vec::new();
        for (choice, _) in &question.variants {
            at.push(load(self.args, choice, Some(search.set(value)))?);
        }
        let title = search.set(value);
        let runs = self.run(&title, &at.iter().collect::<Vec<_>>())?;
        if runs[0].len() < self.seeds.len() {
            return Err(Exit::Interrupted);
        }
        let comparison = self.answer(question, &runs);
        let other = &question.variants[1 - question.reference].0.name;
        let contrast = comparison.contrast(metric, other);
        match contrast.and_then(|found| Some((found.ratio?, found.p_alone))) {
            Some((ratio, p)) => Ok(CrossoverPoint { value, ratio, p }),
            None => Err(usage(&format!("{title}: no run has a value of {metric} above 0"))),
        }
    }
}

/// Renders, writes and prints.
fn write(args: &Args, comparison: &Comparison) -> Result<(), Exit> {
    let digests = comparison.variants.iter().enumerate();
    let digests = digests.map(|(place, variant)| (place as u64, variant.digest.as_str()));
    let name = format!("{:016x}", campaign::digest_of(digests));
    let folder = folder(&comparison.scenario);
    let out = args.out.clone().unwrap_or_else(|| folder.join(&name));
    let written = comparison::render(comparison).and_then(|files| files.write_into(&out));
    match args.printed.format {
        Format::Human => {
            let colour = output::colour(&std::io::stdout());
            output::print(&comparison::summary(comparison, colour));
            if written.is_ok() {
                output::print(&format!("\nPage: {}/report.html\n", out.display()));
            }
        }
        Format::Json => output::print_json(comparison),
    }
    written.map_err(|error| unwritten(&error.to_string()))?;
    let whole = comparison.seeds_asked == comparison.seeds.len() as u64;
    if args.out.is_none() && whole {
        point_latest_at(&folder, &name).map_err(|error| {
            unwritten(&format!("cannot point {} at it: {error}", folder.join("latest").display()))
        })?;
    }
    Ok(())
}

fn unwritten(what: &str) -> Exit {
    output::complain(what);
    Exit::Unwritten
}

/// The command that gives this comparison again.
fn reproduce(args: &Args) -> String {
    let mut words =
        vec![format!("imsim compare {}", quoted(&from_here(&args.scenario).display().to_string()))];
    let mut option = |name: &str, value: &str| words.push(format!("--{name} {}", quoted(value)));
    args.vary.iter().for_each(|vary| option("vary", vary));
    option("seeds", &args.seeds.to_string());
    args.reference.iter().for_each(|name| option("reference", name));
    let pareto = args.pareto.join(",");
    if pareto != "show_p99,server_cpu" {
        option("pareto", &pareto);
    }
    args.crossover.iter().for_each(|key| option("crossover", key));
    args.metric.iter().for_each(|metric| option("metric", metric));
    args.sets.iter().for_each(|set| option("set", &set_of(&args.scenario, set)));
    words.join(" ")
}
