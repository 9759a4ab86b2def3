//! Prints when read fan-out is cheaper than write fan-out, as the rule of "Feeding Frenzy" (Silberstein et al.,
//! SIGMOD 2010) has it and as it is found, in several settings; and what hybrid fan-out costs that goes by the
//! rule.
//!
//! ```text
//! cargo run --release --example feeding_frenzy
//! cargo run --release --example feeding_frenzy -- --seeds 20 "groups of 60"
//! ```

use std::process::ExitCode;
use std::thread;

use im_reports::comparison::Estimate;
use imsim::compare::push_or_pull::{Cost, Finding, Lab, Setting};

const SCENARIO: &str = include_str!("../../scenarios/fanout/consume-rate.toml");
/// Seeds of each run, unless told otherwise.
const SEEDS: u64 = 8;
const USAGE: &str = "arguments: [SETTING]… [--seeds N]";

/// Name, what differs from the scenario, and how often each group is written to.
const SETTINGS: [(&str, &[&str], f64); 4] = [
    ("groups of 20", &[], 2.0),
    ("groups of 60", &["population.users=180", "workload.groups.members=60"], 2.0),
    ("large messages", &["workload.groups.payload={ bytes = 8192 }"], 2.0),
    ("no cache of recent rows", &["im.recent_cache=none"], 2.0),
];

fn main() -> ExitCode {
    let (seeds, names) = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(what) => {
            eprintln!("{what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let seeds: Vec<u64> = (1..=seeds).collect();
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{:30} {:15} {:>8} {:>8}   {:22} {:28} hybrid by the rule, at ¼ ½ 1 2 4 times its rate",
        "setting", "cost", "push H", "pull L", "rule H/L, 1/s", "crossover found, 1/s"
    );
    let mut all_agree = true;
    for (name, sets, produce_per_s) in SETTINGS {
        if !names.is_empty() && !names.iter().any(|asked| asked == name) {
            continue;
        }
        let setting = Setting {
            name: name.to_owned(),
            text: SCENARIO.to_owned(),
            sets: sets.iter().map(|set| (*set).to_owned()).collect(),
            produce_per_s,
        };
        let mut lab = Lab::new(&setting, &seeds, jobs);
        for cost in Cost::ALL {
            match lab.examine(cost) {
                Ok(finding) => {
                    all_agree &= finding.agrees();
                    println!("{name:30} {}", row(&finding));
                }
                Err(why) => {
                    eprintln!("{name}: {why}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    println!(
        "\nSeeds: {}. In brackets: the interval over seeds of the rule, and between which rates read and\n         write cannot be told apart.",
        seeds.len()
    );
    if all_agree { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(finding: &Finding) -> String {
    let prices = &finding.prices;
    let found = match finding.crossover.at {
        Some(at) => bracketed(at),
        None => "none".to_owned(),
    };
    let agrees = if finding.agrees() { "agrees" } else { "differs" };
    let hybrid = finding
        .hybrid
        .iter()
        .map(|(_, ratio)| format!("{:.3} ({:.3}–{:.3})", ratio.mid, ratio.low, ratio.high));
    format!(
        "{:15} {:8.2} {:8.2}   {:22} {found:20} {agrees:7} {}",
        finding.cost.name(),
        prices.push,
        prices.pull,
        bracketed(finding.rule),
        hybrid.collect::<Vec<_>>().join("  ")
    )
}

fn bracketed(estimate: Estimate) -> String {
    format!("{:.3} [{:.3}, {:.3}]", estimate.mid, estimate.low, estimate.high)
}

/// How many seeds, and which settings: all if none is named.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<(u64, Vec<String>), String> {
    let (mut seeds, mut names) = (SEEDS, Vec::new());
    while let Some(argument) = arguments.next() {
        if argument == "--seeds" {
            let number = arguments.next().and_then(|number| number.parse().ok());
            seeds = number.filter(|seeds| *seeds > 0).ok_or("--seeds takes a number above 0")?;
        } else if SETTINGS.iter().any(|(name, ..)| *name == argument) {
            names.push(argument);
        } else {
            let known = SETTINGS.map(|(name, ..)| format!("\"{name}\"")).join(", ");
            return Err(format!("there is no setting `{argument}`; there are {known}"));
        }
    }
    Ok((seeds, names))
}
