//! A campaign of short runs in which the settings are drawn too: sizes, variants, timeouts, windows,
//! queues, links, disks, rates from idle to ten times saturation, faults of every kind.
//!
//! Each run is one scenario, drawn from the campaign's seed and the run's number alone, and lived
//! through once. Sound scenarios must hold their promises; where a scenario has a variant that is
//! known to break one, that promise may break and the others must hold. No run may panic, and none
//! may stop making progress.
//!
//! ```text
//! cargo run --release --example odd_settings -- --runs 20000
//! cargo run --release --example odd_settings -- --only 17
//! cargo run --release --example odd_settings -- --print 17
//! cargo run --release --example odd_settings -- --sabotage all
//! ```
//!
//! What was drawn of scenarios that broke something is written into `--out`, each with the command
//! that replays it.

mod drawing;
mod live;
mod pool;
mod sabotage;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Parser;

use drawing::{Bias, draw};
use pool::Pool;
use tally::Tally;

/// A campaign of short runs with drawn settings.
#[derive(Parser)]
pub struct Asked {
    /// What the whole campaign is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first run.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many runs.
    #[arg(long, default_value_t = 20_000)]
    runs: u64,
    /// Runs at a time; as many as there are cores unless said otherwise.
    #[arg(long)]
    jobs: Option<usize>,
    /// Only the run of this number, told of in full.
    #[arg(long, value_name = "RUN")]
    only: Option<u64>,
    /// Print the scenario of the run of this number, and do not run it.
    #[arg(long, value_name = "RUN")]
    print: Option<u64>,
    /// Plant a bug (`all`: each in turn) into overloaded scenarios, and count the runs until it is
    /// caught.
    #[arg(long, value_name = "BUG")]
    sabotage: Option<String>,
    /// Runs after which a planted bug counts as missed.
    #[arg(long, default_value_t = 600)]
    most: u64,
    /// Seconds of wall time after which a run counts as hanging.
    #[arg(long, default_value_t = 120)]
    patience: u64,
    /// Draw also what leaves nobody the time that it takes: timeouts below round trips, standing loss, links
    /// and disks that hardly let anything through.
    #[arg(long)]
    wild: bool,
    /// So many times the time to settle, to tell what is late from what is lost.
    #[arg(long, default_value_t = 1)]
    settle_times: u64,
    /// Where scenarios are written that broke something.
    #[arg(long, default_value = "runs/odd-settings")]
    out: PathBuf,
    /// Print the table of drawn values too.
    #[arg(long)]
    values: bool,
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    live::keep_places_of_panics();
    let pool = Pool {
        jobs: asked.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)),
        patience_s: asked.patience,
    };
    let bias = Bias { settle_times: asked.settle_times, wild: asked.wild, ..Bias::none() };
    if let Some(number) = asked.print {
        print!("{}", draw(asked.seed, number, &bias).text);
        return ExitCode::SUCCESS;
    }
    if let Some(name) = &asked.sabotage {
        return sabotage::campaign(&asked, name, &pool);
    }
    let numbers = match asked.only {
        Some(number) => number..number.saturating_add(1),
        None => asked.from..asked.from.saturating_add(asked.runs),
    };
    let total = numbers.end - numbers.start;
    let seed = asked.seed;
    let job = move |number: u64, progress: &imsim::run::Progress| {
        let drawn = draw(seed, number, &bias);
        let ended = live::live(&drawn, progress);
        (drawn, ended)
    };
    let mut tally = Tally::new(&asked.out, asked.seed);
    let stuck = pool.each(numbers, job, |number, wall_s, result| {
        tally.add(number, wall_s, result);
        tally.tell_progress(total);
        std::ops::ControlFlow::Continue(())
    });
    print!("{}", tally.told(asked.values));
    if asked.only.is_some() {
        print!("{}", tally.findings());
    }
    let code = if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    // Threads that never came back would be waited for.
    if stuck > 0 {
        std::process::exit(1);
    }
    code
}
