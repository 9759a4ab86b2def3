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
mod progress;
mod redis;
mod run;
mod seeds;
mod wall;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    /// Nothing ran.
    NothingRan,
    /// A promise could not be decided.
    Undecided,
    /// The same seed gave two different runs.
    NotDeterministic,
    /// A bug in this program.
    Bug,
    /// Interrupted; partial results are kept.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Held => 0,
            Exit::Broken => 1,
            Exit::Usage => 2,
            Exit::NothingRan => 4,
            Exit::Undecided => 5,
            Exit::NotDeterministic => 6,
            Exit::Bug => 70,
            Exit::Interrupted => 130,
        })
    }
}

const AFTER_HELP: &str = "\
Exit codes:
  0    every promise held (or broke as the scenario expects)
  1    a promise was broken, a fault with require_effect touched nothing, or engines disagree
  2    the command line or a scenario is wrong, or --strict would leave out a fault
  4    nothing ran
  5    a promise could not be decided
  6    the same seed gave two different runs (--determinism)
  70   a bug in imsim
  130  interrupted; partial results are kept

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
    /// Print the JSON Schema of scenario files, for editors.
    Schema,
    /// Print the completion script of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

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

/// Reads the command line and runs the command.
pub fn main() -> Exit {
    match Cli::parse().command {
        Command::Run(args) => run::main(&args),
        Command::Check(args) => check::main(&args),
        Command::Compare(args) => compare::main(&args),
        Command::Crosscheck(args) => crosscheck::main(&args),
        Command::Calibrate(args) => calibrate::main(&args),
        Command::List(args) => list::main(&args),
        Command::Redis(args) => redis::main(&args),
        Command::Fingerprint(args) => fingerprint::main(&args),
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&imsim::scenario::json_schema())
                .expect("a schema is valid JSON");
            output::print(&format!("{schema}\n"));
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
