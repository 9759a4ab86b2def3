//! `imsim run`: one run, its summary, its folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use im_reports::record::{Manifest, Record};
use imsim::effects;
use imsim::engine::Kind;
use imsim::run::{self, Progress, SetupError};
use imsim::scenario::Scenario;

use super::output::{self, Format};
use super::paths::{from_here, set_of};
use super::progress::{self, Bar};
use super::size::Size;
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
    size: Size,
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
    if let Err(exit) = args.size.admit([&scenario], 1, 1) {
        return exit;
    }
    let folder = Folder::of(args, &scenario.name);
    if let Err(error) = folder.try_out() {
        output::complain(&error);
        return Exit::Unwritten;
    }
    let stop = progress::interrupted();
    let started_unix_ms = wall::unix_ms();
    let mut timed = match run_watched(&scenario, args, &stop) {
        Ok(timed) => timed,
        Err(exit) => return exit,
    };
    timed.record.reproduce = reproduce(&args.scenario, args.seed, args.engine, &args.sets);
    let exit = timed.record.outcome.into();
    let interrupted = timed.record.interrupted.then_some(Exit::Interrupted);
    let unwritten = finish(args, &folder, timed, started_unix_ms).err();
    Exit::worst([exit].into_iter().chain(interrupted).chain(unwritten))
}

/// Writes the run's folder and prints the result: the verdict also where the folder cannot be written.
fn finish(args: &Args, folder: &Folder, timed: Timed, started_unix_ms: u64) -> Result<(), Exit> {
    let (record, manifest, written) = write(folder, timed, started_unix_ms);
    match args.printed.format {
        Format::Human => {
            let colour = output::colour(&io::stdout());
            output::print(&im_reports::summary(&record, Some(&manifest), colour));
            if written.is_ok() {
                output::print(&format!("\nPage: {}/report.html\n", manifest.out));
            }
        }
        Format::Json => output::print_json(&record),
    }
    for fault in effects::missing(&record.faults) {
        output::complain(&format!("{fault}, and its require_effect is true"));
    }
    written.map_err(|error| {
        output::complain(&error);
        Exit::Unwritten
    })
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

/// Where a run's files go.
struct Folder {
    /// The folder of the scenario's runs, with its link to the latest; none where `--out` names a folder.
    of_scenario: Option<PathBuf>,
    out: Option<PathBuf>,
}

impl Folder {
    fn of(args: &Args, scenario: &str) -> Self {
        match &args.out {
            Some(out) => Self { of_scenario: None, out: Some(out.clone()) },
            None => Self { of_scenario: Some(PathBuf::from(RUNS).join(scenario)), out: None },
        }
    }

    /// Tries to write before there is anything to lose.
    fn try_out(&self) -> Result<(), String> {
        let folder = self.out.as_ref().or(self.of_scenario.as_ref()).expect("one of the two");
        try_folder(folder)
    }

    fn of_run(&self, name: &str) -> PathBuf {
        match (&self.out, &self.of_scenario) {
            (Some(out), _) => out.clone(),
            (None, of_scenario) => of_scenario.as_ref().expect("one of the two").join(name),
        }
    }
}

/// Makes a folder and writes a file into it, which goes again.
pub fn try_folder(folder: &Path) -> Result<(), String> {
    let probe = folder.join(format!(".imsim-{}", std::process::id()));
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"imsim"))
        .and_then(|()| std::fs::remove_file(&probe));
    tried.map_err(|error| {
        let _ = std::fs::remove_file(&probe);
        format!(
            "cannot write into {}: {error}; name another folder with --out DIR",
            folder.display()
        )
    })
}

/// Renders and writes the run's folder; what is wrong if it cannot be written.
fn write(
    folder: &Folder,
    timed: Timed,
    started_unix_ms: u64,
) -> (Record, Manifest, Result<(), String>) {
    let Timed { record, run_wall_s, check_wall_s } = timed;
    let mut watch = Stopwatch::start();
    let files = im_reports::render(&record);
    let name = format!("{}-{}", record.seed, record.digest);
    let out = folder.of_run(&name);
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
    let written = files.and_then(|files| files.write(&manifest, &out));
    let written = written.map_err(|error| error.to_string()).and_then(|()| {
        let Some(of_scenario) = folder.of_scenario.as_ref().filter(|_| !record.interrupted) else {
            return Ok(());
        };
        point_latest_at(of_scenario, &name).map_err(|error| {
            format!("cannot point {} at the run: {error}", of_scenario.join("latest").display())
        })
    });
    (record, manifest, written)
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
    let sets: String =
        sets.iter().map(|set| format!(" --set {}", quoted(&set_of(scenario, set)))).collect();
    format!(
        "imsim run {} --seed {seed}{engine}{sets}",
        quoted(&from_here(scenario).display().to_string())
    )
}

/// The text as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
