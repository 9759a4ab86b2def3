//! `imsim crosscheck --latency`: one scenario at several loads, simulated and live.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use im_reports::LoadCurve;
use imsim::engine::Kind;
use imsim::load_curve;
use imsim::scenario::{Calibration, Scenario, ScenarioError};

use super::Args;
use crate::cli::output::{self, Format};
use crate::cli::paths::{from_here, set_of};
use crate::cli::progress::{self, Bar};
use crate::cli::{Exit, check, run};

/// Simulated first, and then what it is held against.
const ENGINES: [Kind; 2] = [Kind::Sim, Kind::Live];
/// Where results go unless `--out` says otherwise.
const RUNS: &str = "runs";

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    let loaded = match check::load(&args.scenarios, &args.sets) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let calibration = match calibration(args.calibration.as_deref()) {
        Ok(calibration) => calibration,
        Err(error) => {
            output::complain(&error);
            return Exit::Usage;
        }
    };
    let stop = progress::interrupted();
    let mut worst = Exit::Held;
    for (path, scenario) in &loaded {
        let curve = match measure(args, path, scenario, &calibration, &stop) {
            Ok(curve) => curve,
            Err(error) => {
                output::complain(&format!("{}: {error}", path.display()));
                return Exit::Usage;
            }
        };
        if curve.points.iter().any(|point| point.by_engine.values().any(|it| !it.held)) {
            worst = Exit::Broken;
        }
        if let Err(error) = write(args, &curve) {
            output::complain(&error);
            return Exit::Usage;
        }
        if stop.load(Ordering::Relaxed) {
            return Exit::Interrupted;
        }
    }
    worst
}

fn calibration(file: Option<&Path>) -> Result<Calibration, String> {
    let Some(file) = file else {
        return Ok(Calibration::shipped());
    };
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!("cannot read {name}: {error}; `imsim calibrate --out {name}` writes one")
    })?;
    Calibration::parse(&name, &text)
        .map_err(|problems| ScenarioError::Refused(problems).to_string())
}

fn measure(
    args: &Args,
    path: &Path,
    scenario: &Scenario,
    calibration: &Calibration,
    stop: &AtomicBool,
) -> Result<LoadCurve, String> {
    let here = load_curve::on_machine(scenario, calibration)?;
    let seed = args.seeds.first;
    let mut points = Vec::new();
    for percent in &args.loads {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let title = format!("{} at {percent} % of its load, simulated and live", scenario.name);
        let template = "{msg}  {bar:40} {percent} %  {elapsed} wall";
        let bar = Bar::new(&title, here.duration.0 / 1_000_000, template);
        let point = progress::watched(&bar, stop, |progress| {
            load_curve::point(&here, *percent, seed, &ENGINES, progress)
        });
        bar.done();
        points.push(point.map_err(|panic| format!("a bug in imsim: {panic}"))??);
    }
    Ok(LoadCurve {
        schema_version: im_reports::LOAD_CURVE_VERSION,
        scenario: scenario.name.clone(),
        about: scenario.about.clone(),
        seed,
        calibration: format!("{}, {}", calibration.name, calibration.date),
        machine: calibration.machine.to_string(),
        engines: ENGINES.iter().map(ToString::to_string).collect(),
        saturation_per_s: load_curve::saturation(&points),
        points,
        reproduce: reproduce(args, path, seed),
    })
}

/// The command that measures this again.
fn reproduce(args: &Args, path: &Path, seed: u64) -> String {
    let loads: Vec<String> = args.loads.iter().map(ToString::to_string).collect();
    let mut command = format!(
        "imsim crosscheck --latency {} --seeds {seed} --loads {}",
        run::quoted(&from_here(path).display().to_string()),
        loads.join(",")
    );
    if let Some(file) = &args.calibration {
        command +=
            &format!(" --calibration {}", run::quoted(&from_here(file).display().to_string()));
    }
    for set in &args.sets {
        command += &format!(" --set {}", run::quoted(&set_of(path, set)));
    }
    command
}

fn write(args: &Args, curve: &LoadCurve) -> Result<(), String> {
    let files = im_reports::render_load_curve(curve).map_err(|error| error.to_string())?;
    let usual = || PathBuf::from(RUNS).join(format!("crosscheck-{}", curve.scenario));
    let out = args.out.clone().unwrap_or_else(usual);
    files.write_into(&out).map_err(|error| error.to_string())?;
    match args.printed.format {
        Format::Human => {
            let colour = output::colour(&std::io::stdout());
            let text = im_reports::load_curve_summary(curve, colour);
            output::print(&format!("{text}\nPage: {}/report.html\n", out.display()));
        }
        Format::Json => output::print_json(curve),
    }
    Ok(())
}
