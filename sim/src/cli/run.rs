//! `imsim run`: one run, its summary, its folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use im_reports::record::{Manifest, Record};
use imsim::campaign::{self, Outcome};
use imsim::effects;
use imsim::engine::Kind;
use imsim::run::{self, Progress, SetupError};
use imsim::scenario::Scenario;

use super::output::{self, Format};
use super::progress::{self, Bar};
use super::wall::{self, Stopwatch};
use super::{Exit, Printed, left_out};

/// Where runs go unless `--out` says otherwise.
const RUNS: &str = "runs";

/// Run a scenario once and write its record, page and plots.
///
/// Writes runs/<scenario>/<seed>-<digest>/ with record.json, report.html, plots, measures.csv and
/// manifest.json, and points runs/<scenario>/latest at it. The same scenario, seed and build give
/// the same bytes in all of them but the manifest, unless the engine is `live`.
#[derive(clap::Args)]
pub struct Args {
    /// The scenario file.
    scenario: PathBuf,
    /// Decides everything that the scenario leaves open.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The world under the nodes: `sim` (this project's simulator), `turmoil` (a second opinion, in
    /// virtual time too) or `live` (kernel sockets and files, in real time). What an engine cannot
    /// do of a scenario is left out and told.
    #[arg(long, default_value_t, value_name = "ENGINE")]
    engine: Kind,
    /// Refuse to run when the engine would have to leave out a fault.
    #[arg(long)]
    strict: bool,
    /// Change a key of the scenario: a TOML value, or else a bare string. Repeatable. Workloads
    /// are addressed by name, faults by number from 0 (workload.groups.rate=50/s,
    /// faults.0.lasts=5s).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Write into this folder instead of runs/<scenario>/<seed>-<digest>.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    printed: Printed,
}

/// A run and how long its parts took on the wall, in seconds.
struct Timed {
    record: Record,
    run_wall_s: f64,
    check_wall_s: f64,
}

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    let scenario = match super::load(&args.scenario, &args.sets) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    let left_out = left_out::lines(args.engine, &scenario, args.seed);
    if let Some(refusal) = left_out.refusal().filter(|_| args.strict) {
        output::complain(&refusal);
        return Exit::Usage;
    }
    left_out.tell();
    let stop = progress::interrupted();
    let started_unix_ms = wall::unix_ms();
    let mut timed = match run_watched(&scenario, args, &stop) {
        Ok(timed) => timed,
        Err(exit) => return exit,
    };
    timed.record.reproduce = reproduce(&args.scenario, args.seed, args.engine, &args.sets);
    let (record, manifest) = match write(args, timed, started_unix_ms) {
        Ok(written) => written,
        Err(error) => {
            output::complain(&error);
            return Exit::Usage;
        }
    };
    match args.printed.format {
        Format::Human => {
            let colour = output::colour(&io::stdout());
            output::print(&im_reports::summary(&record, Some(&manifest), colour));
            output::print(&format!("\nPage: {}/report.html\n", manifest.out));
        }
        Format::Json => {
            let json = serde_json::to_string_pretty(&record).expect("a record is valid JSON");
            output::print(&format!("{json}\n"));
        }
    }
    for fault in effects::missing(&record.faults) {
        output::complain(&format!("{fault}, and its require_effect is true"));
    }
    match campaign::outcome(&scenario, &record) {
        _ if stop.load(Ordering::Relaxed) => Exit::Interrupted,
        Outcome::Held => Exit::Held,
        Outcome::Broken => Exit::Broken,
        Outcome::Undecided => Exit::Undecided,
    }
}

/// Runs the world on a thread of its own and shows its progress meanwhile.
fn run_watched(scenario: &Scenario, args: &Args, stop: &AtomicBool) -> Result<Timed, Exit> {
    let total_ms = scenario.duration.0 / 1_000_000;
    let title = match args.engine {
        Kind::Sim => format!("running {} with seed {}", scenario.name, args.seed),
        other => format!("running {} with seed {} on {other}", scenario.name, args.seed),
    };
    let bar = Bar::new(&title, total_ms, "{msg}  {bar:40} {percent} %  {elapsed} wall");
    let joined = progress::watched(&bar, stop, |progress| run_timed(scenario, args, progress));
    bar.done();
    match joined {
        Ok(Ok(timed)) => Ok(timed),
        Ok(Err(error)) => {
            output::complain(&format!("{}: {error}", scenario.name));
            Err(match error {
                SetupError::Interrupted => Exit::Interrupted,
                SetupError::NotDone { .. } | SetupError::NoMachine(_) => Exit::Usage,
            })
        }
        Err(panic) => {
            output::complain(&format!("a bug in imsim: {panic}; please report it"));
            Err(Exit::Bug)
        }
    }
}

fn run_timed(scenario: &Scenario, args: &Args, progress: &Progress) -> Result<Timed, SetupError> {
    let mut watch = Stopwatch::start();
    let observed = run::live_through(scenario, args.seed, args.engine, progress)?;
    let run_wall_s = watch.lap_s();
    let record = run::judge(scenario, args.seed, &observed);
    Ok(Timed { record, run_wall_s, check_wall_s: watch.lap_s() })
}

/// Renders and writes the run's folder.
fn write(args: &Args, timed: Timed, started_unix_ms: u64) -> Result<(Record, Manifest), String> {
    let Timed { record, run_wall_s, check_wall_s } = timed;
    let mut watch = Stopwatch::start();
    let files = im_reports::render(&record).map_err(|error| error.to_string())?;
    let folder = PathBuf::from(RUNS).join(&record.scenario);
    let name = format!("{}-{}", record.seed, record.digest);
    let out = args.out.clone().unwrap_or_else(|| folder.join(&name));
    let phases = &record.phases;
    let virtual_s = (phases.setup_ns + phases.duration_ns + phases.settle_ns) as f64 / 1e9;
    let manifest = Manifest {
        started_unix_ms,
        run_wall_s,
        check_wall_s,
        render_wall_s: watch.lap_s(),
        simulated_per_wall: virtual_s / run_wall_s,
        shown_per_wall_s: record.totals.shown as f64 / run_wall_s,
        threads: 1,
        machine: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        out: out.display().to_string(),
        command: std::env::args().collect(),
    };
    files.write(&manifest, &out).map_err(|error| error.to_string())?;
    if args.out.is_none() {
        point_latest_at(&folder, &name).map_err(|error| {
            format!("cannot point {} at the run: {error}", folder.join("latest").display())
        })?;
    }
    Ok((record, manifest))
}

/// Points the link `latest` in a folder at the newest of its runs.
pub fn point_latest_at(folder: &Path, name: &str) -> io::Result<()> {
    let link = folder.join("latest");
    if link.is_symlink() {
        std::fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(name, &link)
}

/// The command that runs this again.
pub fn reproduce(scenario: &Path, seed: u64, engine: Kind, sets: &[String]) -> String {
    let engine = match engine {
        Kind::Sim => String::new(),
        other => format!(" --engine {other}"),
    };
    let sets: String = sets.iter().map(|set| format!(" --set {}", quoted(set))).collect();
    format!("imsim run {} --seed {seed}{engine}{sets}", quoted(&scenario.display().to_string()))
}

/// The text as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
