//! `imsim calibrate`: what work costs on this machine.

use std::fs;
use std::path::PathBuf;
use std::thread;

use im::env::Work;
use imsim::calibrate::{self, Effort, Measured, Provenance};

use super::wall;
use super::{Exit, output};

/// Measure what work costs on this machine, and write it as a calibration file.
///
/// Runs nodes live (threads, loopback sockets, files in the temporary directory) for about a minute
/// and a half, and writes costs, spread, date, kind of machine and method. Scenarios use the file
/// with `cpu.calibration = "<file>"`. Nothing else should run on the machine meanwhile.
#[derive(clap::Args)]
pub struct Args {
    /// The file to write.
    #[arg(long, value_name = "FILE", default_value = "calibration.toml")]
    out: PathBuf,
    /// What the calibration is called in reports.
    #[arg(long, default_value = "this machine")]
    name: String,
    /// Measure a quarter as long: less to be trusted.
    #[arg(long)]
    quick: bool,
    /// Overwrite the file if it is there.
    #[arg(long)]
    force: bool,
}

const SECOND: u64 = 1_000_000_000;

/// Runs the command.
pub fn main(args: &Args) -> Exit {
    if args.out.exists() && !args.force {
        output::complain(&format!("{} is there; --force overwrites it", args.out.display()));
        return Exit::Usage;
    }
    let effort = match args.quick {
        true => Effort { batches: 3, runs: 1, run: 8 * SECOND },
        false => Effort { batches: 9, runs: 5, run: 12 * SECOND },
    };
    let measured = calibrate::measure(effort, |what| eprintln!("measuring {what}"));
    let measured = match measured {
        Ok(measured) => measured,
        Err(error) => {
            output::complain(&error);
            return Exit::Usage;
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let by = Provenance {
        name: args.name.clone(),
        date: wall::today(),
        machine: format!("{cores} cores, {}, {}", std::env::consts::ARCH, processor()),
        cores,
        effort: format!(
            "{} batches of each, {} runs of {} s",
            effort.batches,
            effort.runs,
            effort.run / SECOND
        ),
    };
    if let Err(error) = fs::write(&args.out, calibrate::write(&measured, &by)) {
        output::complain(&format!("cannot write {}: {error}", args.out.display()));
        return Exit::Usage;
    }
    output::print(&roles(&measured));
    output::print(&format!("\nCalibration: {}\n", args.out.display()));
    Exit::Held
}

/// The processor's model, where the system tells.
fn processor() -> String {
    let told = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("an unknown processor", |(_, name)| name.trim()).to_owned()
}

/// How much of the roles' time the small programs explain.
fn roles(measured: &Measured) -> String {
    let mut text = format!(
        "{:12}{:>14}{:>12}{:>10}{:>10}{:>10}{:>10}{:>8}  rest laid on\n",
        "role", "processor time", "explained", "rest", "wakes", "writes", "reads", "syncs"
    );
    for role in &measured.roles {
        let share = |part: f64| format!("{:.0} %", 100.0 * part / role.busy_ns.max(1.0));
        let (explained, rest) = (role.explained_ns, role.busy_ns - role.explained_ns);
        let unit = role
            .unit
            .map_or("nothing".to_owned(), |(unit, count)| format!("{count} × {}", word(unit)));
        text += &format!(
            "{:12}{:>12.2} s{:>12}{:>10}{:>10}{:>10}{:>10}{:>8}  {unit}\n",
            role.name,
            role.busy_ns / 1e9,
            share(explained),
            share(rest),
            role.done.wakes,
            role.done.packets_written,
            role.done.packets_read,
            role.done.work[Work::JournalSync as usize],
        );
    }
    text
}

fn word(unit: Work) -> &'static str {
    match unit {
        Work::Operation => "operation",
        Work::StoreRow => "store_row",
        Work::LogRecord => "log_record",
        Work::Recipient => "recipient",
        Work::Push => "push",
        Work::RedisCommand => "redis_command",
        _ => "another step",
    }
}
