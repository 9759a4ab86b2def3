//! Prints how our Redis fails over beside the real one: every row of the measurements of
//! redis-server 7.0.15 with three Sentinels, or one of them in other conditions.
//!
//! ```text
//! cargo run --release --example redis_failover
//! cargo run --release --example redis_failover -- cut --cut 5 --down-after 2 --seeds 20
//! cargo run --release --example redis_failover -- lock-cut --hold-ms 500
//! cargo run --release --example redis_failover -- kill-1s --real --seeds 10
//! ```
//!
//! Cuts of real processes need root, for network namespaces.

mod namespaces;
mod processes;
mod real;

use imsim::redis_study::checkers::overlaps;
use imsim::redis_study::experiment::{Experiment, Figures, MS, SECOND, Strike, Use};
use imsim::redis_study::lab::{self, Mishap};
use imsim::redis_study::truth::{Range, Row, rows};

/// Seeds of each row, unless told otherwise.
const SEEDS: u64 = 100;
const USAGE: &str = "arguments: [ROW]… [--seeds N] [--cut S] [--pause S] [--down-after S] \
                     [--rate OPS_PER_S] [--hold-ms MS] [--fences] [--causes] [--real]";

/// What the command line asks for.
struct Asked {
    rows: Vec<Row>,
    seeds: u64,
    causes: bool,
    /// Real processes instead of the simulator.
    real: bool,
}

fn main() {
    let asked = parse(std::env::args().skip(1)).unwrap_or_else(|what| {
        eprintln!("{what}\n{USAGE}");
        std::process::exit(2);
    });
    let ours = if asked.real { "real min/median/max" } else { "simulated min/median/max" };
    println!("{:17} {:32} {ours:>28}   {:>28}", "row", "", "measured");
    for row in &asked.rows {
        match lab::missing(&row.experiment).filter(|_| !asked.real) {
            Some(what) => println!("{:17} {what}", row.name),
            None => print_row(row, &asked),
        }
    }
    if asked.real {
        return;
    }
    for (name, mishap, measured) in REDLOCK {
        let histories = (0..asked.seeds).map(|seed| lab::redlock(seed, 10_000, mishap));
        let twice = histories.filter(|history| overlaps(&history.holds).pairs > 0).count();
        println!("{name:17} held twice in {twice} of {} seeds; {measured}", asked.seeds);
    }
}

/// Redlock, by what happens to the third master.
const REDLOCK: [(&str, Mishap, &str); 4] = [
    ("redlock-restart", Mishap::Restarts { after: 100 * MS }, "measured: 10 of 10"),
    ("redlock-delayed", Mishap::Restarts { after: 11 * SECOND }, "not measured"),
    ("redlock-clock", Mishap::ClockJumps { by_ms: 11_000 }, "not measured"),
    ("redlock-calm", Mishap::None, "not measured"),
];

fn print_row(row: &Row, asked: &Asked) {
    let run = |seed| match asked.real {
        true => real::run(&row.experiment, seed).map(|study| study.figures()),
        false => Ok(lab::run(&row.experiment, seed).figures()),
    };
    let figures: Vec<Figures> = match (0..asked.seeds).map(run).collect::<std::io::Result<_>>() {
        Ok(figures) => figures,
        Err(error) => return println!("{:17} {error}", row.name),
    };
    for range in &row.ranges {
        let mut values: Vec<f64> = figures.iter().filter_map(|one| range.measure.of(one)).collect();
        values.sort_unstable_by(f64::total_cmp);
        let ours = match values.as_slice() {
            [] => "never".to_owned(),
            sorted => {
                let median = sorted[sorted.len() / 2];
                let mark = if range.holds(median) { ' ' } else { '!' };
                let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
                format!("{min:.2} / {median:.2} / {max:.2} {mark}")
            }
        };
        println!("{:17} {:32} {ours:>28}   {:>28}", row.name, range.measure.words(), told(range));
    }
    print_findings(row.name, &figures);
    if asked.causes {
        for (seed, one) in figures.iter().enumerate() {
            println!("  seed {seed}: {:?}", one.account);
        }
    }
}

/// What was seen in the measurements besides their figures.
fn print_findings(name: &str, figures: &[Figures]) {
    let seeds = figures.len();
    let second = figures.iter().filter(|one| one.promotions > 1).count();
    if second > 0 {
        println!("{name:17} a second failover in {second} of {seeds} seeds");
    }
    let mut demoted: Vec<f64> = figures.iter().filter_map(|one| one.demoted_s).collect();
    demoted.sort_unstable_by(f64::total_cmp);
    if let (Some(min), Some(max)) = (demoted.first(), demoted.last()) {
        let reopened = figures.iter().filter(|one| one.acked_until_demotion > 0).count();
        println!(
            "{name:17} old master a replica {min:.1} to {max:.1} s after the cut; acks writes \
             meanwhile in {reopened} of {seeds} seeds"
        );
    }
}

fn told(range: &Range) -> String {
    let median = range.median.map_or_else(|| "–".to_owned(), |median| median.to_string());
    match range.bounds {
        Some((min, max)) => format!("{min} / {median} / {max}"),
        None => format!("– / {median} / –"),
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { rows: Vec::new(), seeds: SEEDS, causes: false, real: false };
    let mut changes: Vec<(String, f64)> = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--causes" => asked.causes = true,
            "--real" => asked.real = true,
            "--fences" => changes.push((word.clone(), 0.0)),
            option if option.starts_with("--") => {
                let value = words.next().and_then(|value| value.parse::<f64>().ok());
                changes.push((word.clone(), value.ok_or(format!("{word} wants a number"))?));
            }
            name => {
                let row = rows().into_iter().find(|row| row.name == name);
                asked.rows.push(row.ok_or(format!("there is no row {name:?}"))?);
            }
        }
    }
    if asked.rows.is_empty() {
        asked.rows = rows();
    }
    for (option, value) in changes {
        if option == "--seeds" {
            asked.seeds = value as u64;
            continue;
        }
        for row in &mut asked.rows {
            change(&mut row.experiment, &option, value)?;
        }
    }
    Ok(asked)
}

fn change(experiment: &mut Experiment, option: &str, value: f64) -> Result<(), String> {
    let span = (value * SECOND as f64) as u64;
    match (option, &mut experiment.strike, &mut experiment.does) {
        ("--cut", strike, _) => *strike = Strike::Cut { lasts: span },
        ("--pause", strike, _) => *strike = Strike::Pause { lasts: span },
        ("--down-after", ..) => experiment.down_after = span,
        ("--rate", _, Use::Writes { pace, .. }) => {
            *pace = (f64::from(experiment.clients) * SECOND as f64 / value) as u64;
        }
        ("--hold-ms", _, Use::Lock { hold, .. }) => *hold = (value * MS as f64) as u64,
        ("--fences", _, Use::Lock { fences, .. }) => *fences = true,
        ("--rate" | "--hold-ms" | "--fences", ..) => {}
        _ => return Err(format!("there is no option {option}")),
    }
    Ok(())
}
