//! The command line: one command per file, and what they share.
//!
//! Results go to stdout, progress and errors to stderr. The exit code says how it ended ([`Exit`]).

mod calibrate;
mod check;
mod compare;
mod crosscheck;
mod fingerprint;
mod left_out;
mod list;
mod output;
mod paths;
mod progress;
mod redis;
mod run;
mod seeds;
mod size;
mod wall;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use im_reports::record::Outcome;
use imsim::scenario::Scenario;
use output::Format;

/// How a command ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Exit {
    /// Everything held.
    Held,
    /// A promise was broken.
    Broken,
    /// The command line or a scenario is wrong.
    Usage,
    /// A figure lay beyond a bound.
    BoundMissed,
    /// Nothing ran, or nothing was put to the test.
    NothingRan,
    /// A promise could not be decided.
    Undecided,
    /// The same seed gave two different runs.
    NotDeterministic,
    /// A bug in this program.
    Bug,
    /// A result could not be written.
    Unwritten,
    /// Interrupted; partial results are kept.
    Interrupted,
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Held | Outcome::Expected => Self::Held,
            Outcome::Undecided => Self::Undecided,
            Outcome::NotTested => Self::NothingRan,
            Outcome::BoundMissed => Self::BoundMissed,
            Outcome::Broken => Self::Broken,
            Outcome::Failed => Self::Bug,
        }
    }
}

impl Exit {
    /// Of how several runs or steps ended, the one that the program ends with.
    pub fn worst(of: impl IntoIterator<Item = Self>) -> Self {
        of.into_iter().max_by_key(|exit| exit.severity()).unwrap_or(Self::Held)
    }

    /// A bug outweighs a broken promise, which outweighs a missed bound, and so on.
    fn severity(self) -> u8 {
        match self {
            Self::Interrupted => 9,
            Self::Bug => 8,
            Self::NotDeterministic => 7,
            Self::Broken => 6,
            Self::Usage => 5,
            Self::Unwritten => 4,
            Self::BoundMissed => 3,
            Self::NothingRan => 2,
            Self::Undecided => 1,
            Self::Held => 0,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Held => 0,
            Exit::Broken => 1,
            Exit::Usage => 2,
            Exit::BoundMissed => 3,
            Exit::NothingRan => 4,
            Exit::Undecided => 5,
            Exit::NotDeterministic => 6,
            Exit::Bug => 70,
            Exit::Unwritten => 74,
            Exit::Interrupted => 130,
        })
    }
}

const AFTER_HELP: &str = "\
Exit codes:
  0    as the scenario expects: every promise held, or broke where that is expected
  1    a promise was broken, an expected violation did not come, a fault with require_effect
       touched nothing, or engines disagree
  2    the command line or a scenario is wrong, or --strict would leave out a fault
  3    a bound of [expect] was missed
  4    nothing ran, or nothing was put to the test: no message was owed to anybody
  5    a promise could not be decided
  6    the same seed gave two different runs (--determinism)
  70   a bug in imsim
  74   a result could not be written
  130  interrupted (Ctrl-C, SIGTERM); partial results are kept

Examples:
  imsim run scenarios/quickstart.toml
  imsim run scenarios/quickstart.toml --seed 7 --set im.fanout=read
  imsim run scenarios/quickstart.toml --set im.sabotage=push-once
  imsim check scenarios/quickstart.toml --seeds 1..200
  imsim check scenarios/faults --seeds 1..=20 --determinism
  imsim compare scenarios/fanout/mixed-groups.toml --vary im.fanout=write,read,hybrid
  imsim run scenarios/quickstart.toml --engine live
  imsim crosscheck scenarios/quickstart.toml --engines sim,turmoil --seeds 1..=5";

/// A deterministic simulator and benchmarking harness for instant-messaging clusters.
///
/// A scenario file and a seed decide everything: imsim runs a whole IM cluster in virtual time,
/// injects the scenario's faults, checks that every message is delivered, once, in order, and
/// reports latency and throughput.
#[derive(Parser)]
#[command(name = "imsim", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Compare(compare::Args),
    Crosscheck(crosscheck::Args),
    Calibrate(calibrate::Args),
    List(list::Args),
    Redis(redis::Args),
    #[command(hide = true)]
    Fingerprint(fingerprint::Args),
    /// Print the JSON Schema of scenario files, for editors, or of what a command prints with --format json
    /// and writes into its folder.
    Schema {
        /// Of what.
        #[arg(value_enum, default_value_t = Shape::Scenario)]
        of: Shape,
    },
    /// Print the completion script of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What there is a JSON Schema of.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Shape {
    /// A scenario file.
    Scenario,
    /// `imsim run`: record.json.
    Run,
    /// `imsim check`: campaign.json.
    Campaign,
    /// `imsim compare`: comparison.json.
    Comparison,
    /// `imsim crosscheck`: what it prints with `--format json`.
    Crosscheck,
    /// `imsim crosscheck --latency`: load-curve.json.
    LoadCurve,
    /// `imsim list`: what it prints with `--format json`.
    List,
}

/// The most runs at a time: a thread each.
const JOBS_MAX: i64 = 1_024;

/// How results are printed.
#[derive(clap::Args, Clone, Copy)]
struct Printed {
    /// How results are printed on stdout.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Loads a scenario, or says what is wrong with it.
fn load(path: &Path, sets: &[String]) -> Result<Scenario, Exit> {
    Scenario::load(path, sets).map_err(|error| {
        output::complain(&error.to_string());
        Exit::Usage
    })
}

/// Reads the command line and runs the command. Half a result on stdout is never called a success.
pub fn main() -> Exit {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.into_iter().for_each(im_reports::fit_into);
    let command = Cli::parse().command;
    // The hook has told what the panic said, and where.
    let exit = std::panic::catch_unwind(|| run_command(command)).unwrap_or_else(|_| {
        output::complain("this is a bug in imsim; please report it with the lines above");
        Exit::Bug
    });
    let cut_short = output::is_cut_short().then_some(Exit::Unwritten);
    Exit::worst([exit].into_iter().chain(cut_short))
}

fn run_command(command: Command) -> Exit {
    match command {
        Command::Run(args) => run::main(&args),
        Command::Check(args) => check::main(&args),
        Command::Compare(args) => compare::main(&args),
        Command::Crosscheck(args) => crosscheck::main(&args),
        Command::Calibrate(args) => calibrate::main(&args),
        Command::List(args) => list::main(&args),
        Command::Redis(args) => redis::main(&args),
        Command::Fingerprint(args) => fingerprint::main(&args),
        Command::Schema { of } => {
            let schema = match of {
                Shape::Scenario => imsim::scenario::json_schema(),
                Shape::Run => schemars::schema_for!(im_reports::Record).to_value(),
                Shape::Campaign => schemars::schema_for!(im_reports::campaign::Campaign).to_value(),
                Shape::Comparison => {
                    schemars::schema_for!(im_reports::comparison::Comparison).to_value()
                }
                Shape::Crosscheck => schemars::schema_for!(crosscheck::Crosschecked).to_value(),
                Shape::LoadCurve => {
                    schemars::schema_for!(im_reports::load_curve::LoadCurve).to_value()
                }
                Shape::List => schemars::schema_for!(list::Listed).to_value(),
            };
            output::print_json(&schema);
            Exit::Held
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "imsim", &mut script);
            output::print(&String::from_utf8_lossy(&script));
            Exit::Held
        }
    }
}
