//! What `imsim check` prints of a scenario for people.
//!
//! Must not know how the runs were made.

use std::collections::BTreeMap;

use imsim::effects::Effects;

use super::Tally;
use crate::cli::Exit;
use crate::cli::seeds::Seeds;

/// Failing seeds that are told of on a terminal.
pub const FAILURES_SHOWN: usize = 10;

/// The verdict over the scenario's runs, and how to replay those that failed.
pub fn human(tally: &Tally, seeds: Seeds) -> String {
    let ran = tally.held + tally.failed.len() as u64;
    let verdict = if tally.failed.is_empty() { "held" } else { "NOT held" };
    let mut text =
        format!("{}: {verdict}; {} of {ran} seeds as expected", tally.scenario, tally.held);
    if ran < seeds.count {
        text += &format!(" ({} not run)", seeds.count - ran);
    }
    for (count, what) in
        [(tally.overloaded, "overloaded"), (tally.not_tested, "not put to the test")]
    {
        if count > 0 {
            text += &format!("; {count} {what}");
        }
    }
    text += &format!("\n  digest {} over all runs\n", tally.digest);
    for (seed, failure) in tally.failed.iter().take(FAILURES_SHOWN) {
        text += &format!("  seed {seed}: {}\n    replay: {}\n", failure.why, failure.replay);
    }
    if let Some(more) = tally.failed.len().checked_sub(FAILURES_SHOWN).filter(|more| *more > 0) {
        text += &format!("  and {more} more; --format json lists them all\n");
    }
    text
}

/// What `--determinism` compared.
pub fn compared(tally: &Tally) -> String {
    let ended = || tally.checked.runs.iter().filter(|run| run.digest.is_some());
    let same = ended().filter(|run| {
        let failure = tally.failed.get(&run.seed).map(|failure| failure.exit);
        !matches!(failure, Some(Exit::NotDeterministic | Exit::Bug))
    });
    format!(
        "  determinism: {} of {} seeds gave the same again in a second process (the digest over \
         every event and every byte written, its checkpoints, and the whole record)\n",
        same.count(),
        ended().count()
    )
}

/// In how many seeds each family of faults was drawn and touched something.
pub fn table(families: &BTreeMap<String, Effects>) -> String {
    let width = families.keys().map(String::len).max().unwrap_or(0).max("total".len());
    let mut total = Effects::default();
    let row = |name: &str, effects: &Effects, seeds: bool| {
        let Effects { seeds_drawn, seeds_effective, faults_drawn, faults_effective } = effects;
        let of_seeds = match seeds {
            true => format!("{seeds_drawn:>11}  {seeds_effective:>15}"),
            false => format!("{:>11}  {:>15}", "", ""),
        };
        format!("  {name:width$}  {of_seeds}  {faults_drawn:>12}  {faults_effective:>16}\n")
    };
    let mut text = format!(
        "  {:width$}  seeds drawn  seeds effective  faults drawn  faults effective\n",
        "faults"
    );
    for (family, effects) in families {
        total.faults_drawn += effects.faults_drawn;
        total.faults_effective += effects.faults_effective;
        text += &row(family, effects, true);
    }
    text + &row("total", &total, false)
}
