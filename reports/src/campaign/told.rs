//! A campaign in words and rounded figures.
//!
//! Must not know how the words are laid out.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Campaign, Checked, FaultKind, Outcome, RunFigures, Spread};
use crate::figures;
use crate::record::Verdict;
use crate::words;

/// What stands where there is no figure.
const NONE: &str = "–";

/// Seeds that a sentence names at most.
const SEEDS_NAMED: usize = 8;

/// The verdict over all runs, and the answer in one line.
pub fn headline(campaign: &Campaign) -> (Verdict, String) {
    let ran = campaign.runs().count() as u64;
    let (off, runs) = (campaign.failing().len() as u64, figures::count(ran));
    let worst = campaign.runs().map(|(_, run)| run.outcome).max();
    match worst {
        None => (Verdict::Unknown, "Nothing ran".to_owned()),
        Some(Outcome::Held | Outcome::Expected) if ran == 1 => {
            (Verdict::Valid, "The run was as expected".to_owned())
        }
        Some(Outcome::Held | Outcome::Expected) => {
            (Verdict::Valid, format!("All {runs} runs were as expected"))
        }
        Some(Outcome::Undecided) => {
            (Verdict::Unknown, format!("{} of {runs} runs undecided", figures::count(off)))
        }
        Some(Outcome::NotTested) => {
            let off = figures::count(off);
            (Verdict::Unknown, format!("{off} of {runs} runs put nothing to the test"))
        }
        Some(Outcome::BoundMissed | Outcome::Broken | Outcome::Failed) => {
            (Verdict::Invalid, format!("{} of {runs} runs not as expected", figures::count(off)))
        }
    }
}

/// What the verdict rests on.
pub fn because(campaign: &Campaign) -> String {
    let scenarios = counted(campaign.scenarios.len() as u64, "scenario");
    let seeds = counted(campaign.seeds_asked, "seed");
    let by_outcome = Outcome::ALL.iter().filter_map(|outcome| {
        let count = campaign.count(*outcome);
        let meaning = match outcome {
            Outcome::Held => "held every promise",
            Outcome::Expected => "broke a promise, as expected",
            Outcome::Undecided => "undecided",
            Outcome::NotTested => "put nothing to the test",
            Outcome::BoundMissed => "missed a bound",
            Outcome::Broken => "not as expected",
            Outcome::Failed => "without a verdict",
        };
        (count > 0).then(|| format!("{} {meaning}", figures::count(count)))
    });
    let by_outcome: Vec<String> = by_outcome.collect();
    let mut text = format!("{scenarios}, {seeds} each: {}.", by_outcome.join("; "));
    let overloaded = campaign.runs().filter(|(_, run)| run.overloaded).count() as u64;
    if overloaded > 0 {
        text += &format!(" {} overloaded.", counted(overloaded, "run"));
    }
    let (ran, asked) = (campaign.runs().count() as u64, campaign.runs_asked());
    if ran < asked {
        let (ran, asked) = (figures::count(ran), figures::count(asked));
        text += &format!(" It ended early: {ran} of {asked} runs were made.");
    }
    text
}

/// The seeds, in words.
pub fn seeds(campaign: &Campaign) -> String {
    let first = campaign.seed_first;
    match campaign.seeds_asked {
        0 => "none".to_owned(),
        1 => first.to_string(),
        count => format!("{first} to {}", first + (count - 1)),
    }
}

/// An outcome in a word or two.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held => "held",
        Outcome::Expected => "broken, as expected",
        Outcome::Undecided => "undecided",
        Outcome::NotTested => "not put to the test",
        Outcome::BoundMissed => "bound missed",
        Outcome::Broken => "not as expected",
        Outcome::Failed => "no verdict",
    }
}

/// What the columns of the table are.
pub const COLUMNS: [&str; 10] = [
    "As expected",
    "ack p50",
    "ack p99",
    "show p50",
    "show p99",
    "Shown pairs",
    "Send retries",
    "Push retries",
    "Duplicates suppressed",
    "Settle",
];

/// A scenario of the table.
#[derive(Serialize)]
pub struct Row {
    name: String,
    about: String,
    /// Whether all its runs were as expected.
    clean: bool,
    cells: Vec<Cell>,
}

/// A figure and its range over seeds.
#[derive(Serialize)]
pub struct Cell {
    mid: String,
    range: String,
}

/// The rows of the table.
pub fn rows(campaign: &Campaign) -> Vec<Row> {
    campaign.scenarios.iter().map(row).collect()
}

fn row(scenario: &Checked) -> Row {
    let held = scenario.runs.iter().filter(|run| run.outcome.is_as_expected()).count();
    let runs = scenario.runs.len();
    let of_runs = Cell {
        mid: figures::count(held as u64),
        range: format!("of {}", figures::count(runs as u64)),
    };
    let latency = |of: fn(&RunFigures) -> Option<u64>| cell(scenario.spread(of), figures::duration);
    let count = |of: fn(&RunFigures) -> u64| {
        cell(scenario.spread(|figures| Some(of(figures))), figures::count)
    };
    let settle = cell(scenario.spread(|one| Some(one.settle_ns)), figures::duration);
    let cells = vec![
        of_runs,
        latency(|one| one.ack_p50_ns),
        latency(|one| one.ack_p99_ns),
        latency(|one| one.show_p50_ns),
        latency(|one| one.show_p99_ns),
        count(|one| one.shown),
        count(|one| one.send_retries),
        count(|one| one.push_retries),
        count(|one| one.duplicates_suppressed),
        settle,
    ];
    Row {
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        clean: held == runs && runs > 0,
        cells,
    }
}

fn cell(spread: Option<Spread>, tell: fn(u64) -> String) -> Cell {
    let Some(Spread { least, mid, greatest, .. }) = spread else {
        return Cell { mid: NONE.to_owned(), range: String::new() };
    };
    let range = match least == greatest {
        true => String::new(),
        false => between(&tell(least), &tell(greatest)),
    };
    Cell { mid: tell(mid), range }
}

/// From one figure to another; a unit that both have is written once.
fn between(from: &str, to: &str) -> String {
    match (from.rsplit_once(' '), to.rsplit_once(' ')) {
        (Some((value, unit)), Some((_, same))) if unit == same => format!("{value}–{to}"),
        (None, None) => format!("{from}–{to}"),
        _ => format!("{from} – {to}"),
    }
}

/// One kind of fault over the whole campaign.
#[derive(Serialize)]
pub struct Fault {
    kind: String,
    scenarios: String,
    runs: String,
    faults: String,
    touched: String,
    idle: bool,
}

/// Every kind of fault, over all scenarios together.
pub fn faults(campaign: &Campaign) -> Vec<Fault> {
    let mut kinds: BTreeMap<&str, (u64, FaultKind)> = BTreeMap::new();
    for (kind, one) in campaign.scenarios.iter().flat_map(|scenario| &scenario.faults) {
        let (scenarios, sum) = kinds.entry(kind).or_default();
        *scenarios += 1;
        sum.seeds_drawn += one.seeds_drawn;
        sum.seeds_effective += one.seeds_effective;
        sum.faults_drawn += one.faults_drawn;
        sum.faults_effective += one.faults_effective;
        for (name, count) in &one.touched {
            *sum.touched.entry(name.clone()).or_default() += count;
        }
    }
    let of = |part, whole| format!("{} of {}", figures::count(part), figures::count(whole));
    let fault = |(kind, (scenarios, sum)): (&str, (u64, FaultKind))| Fault {
        kind: kind.to_owned(),
        scenarios: figures::count(scenarios),
        runs: of(sum.seeds_effective, sum.seeds_drawn),
        faults: of(sum.faults_effective, sum.faults_drawn),
        touched: words::touched(&sum.touched).join(", "),
        idle: sum.faults_effective == 0,
    };
    kinds.into_iter().map(fault).collect()
}

/// Where faults of a kind touched nothing at all, a sentence for each scenario and kind.
pub fn idle(campaign: &Campaign) -> Vec<String> {
    let of = |scenario: &Checked| -> Vec<String> {
        let idle = scenario.faults.iter().filter(|(_, one)| !one.seeds_idle.is_empty());
        let sentence = |(kind, one): (&String, &FaultKind)| {
            let where_ = match one.seeds_effective {
                0 => "on every seed".to_owned(),
                _ => seeds_named(&one.seeds_idle),
            };
            let count = match one.seeds_idle.len() {
                many if many > SEEDS_NAMED && one.seeds_effective > 0 => {
                    format!(" ({} in all)", figures::count(many as u64))
                }
                _ => String::new(),
            };
            format!("{}: {kind} touched nothing {where_}{count}", scenario.name)
        };
        idle.map(sentence).collect()
    };
    campaign.scenarios.iter().flat_map(of).collect()
}

/// Seeds by their numbers, the first few if there are many.
pub fn seeds_named(seeds: &[u64]) -> String {
    let named: Vec<String> = seeds.iter().take(SEEDS_NAMED).map(u64::to_string).collect();
    let plural = if seeds.len() == 1 { "" } else { "s" };
    let more = if seeds.len() > SEEDS_NAMED { ", …" } else { "" };
    format!("on seed{plural} {}{more}", named.join(", "))
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", figures::count(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_worst_run_decides_the_headline() {
        let mut campaign = sample::campaign();
        assert_eq!(headline(&campaign).1, "3 of 24 runs not as expected");
        for scenario in &mut campaign.scenarios {
            scenario.runs.retain(|run| run.outcome <= Outcome::Undecided);
        }
        assert_eq!(headline(&campaign), (Verdict::Unknown, "1 of 22 runs undecided".to_owned()));
        for scenario in &mut campaign.scenarios {
            scenario.runs.retain(|run| run.outcome.is_as_expected());
        }
        assert_eq!(headline(&campaign).0, Verdict::Valid);
        assert!(because(&campaign).ends_with("It ended early: 21 of 24 runs were made."));
        campaign.scenarios.clear();
        assert_eq!(headline(&campaign), (Verdict::Unknown, "Nothing ran".to_owned()));
    }

    #[test]
    fn faults_that_touched_nothing_are_named() {
        assert_eq!(
            idle(&sample::campaign()),
            [
                "power-loss: clock-step touched nothing on every seed",
                "power-loss: power-loss touched nothing on seed 3",
            ]
        );
    }

    #[test]
    fn many_seeds_are_counted_not_listed() {
        let seeds: Vec<u64> = (1..=1_200).collect();
        assert_eq!(seeds_named(&seeds), "on seeds 1, 2, 3, 4, 5, 6, 7, 8, …");
        assert_eq!(seeds_named(&[7]), "on seed 7");
    }

    #[test]
    fn a_unit_is_written_once() {
        assert_eq!(between("83.2 ms", "85.8 ms"), "83.2–85.8 ms");
        assert_eq!(between("145 ms", "9.45 s"), "145 ms – 9.45 s");
        assert_eq!(between("3", "42"), "3–42");
    }
}
