//! What the page and the terminal say in the same words: verdicts, the ledger's balance, effects.
//!
//! Must not know how the words are laid out.

use crate::figures;
use crate::record::{FaultReport, Ledger, Processors, Record, Verdict};

/// The percentiles that head every report, in percent; the largest sample follows them.
pub const HEADLINE_PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// What is said when a distribution or a timeline is empty.
pub const NO_SAMPLES: &str = "no samples";

/// The verdict over the whole run.
pub fn headline(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "All promises held",
        Verdict::Invalid => "A promise was broken",
        Verdict::Unknown => "Undecided",
    }
}

/// The verdict over one promise.
pub fn answer(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "held",
        Verdict::Invalid => "broken",
        Verdict::Unknown => "undecided",
    }
}

/// Which promises made the verdict what it is, in one sentence.
pub fn because(record: &Record) -> String {
    let decisive = record.promises.iter().filter(|promise| promise.verdict == record.verdict);
    let decisive: Vec<String> =
        decisive.map(|promise| format!("{} ({})", promise.id, promise.name)).collect();
    let all = record.promises.len();
    match record.verdict {
        _ if all == 0 => "No promise was checked.".to_owned(),
        Verdict::Valid => format!("{} of {all} checks found no violation.", decisive.len()),
        Verdict::Invalid => format!("Broken: {}.", decisive.join(", ")),
        Verdict::Unknown => {
            format!(
                "The history does not decide: {}. Nothing was found broken.",
                decisive.join(", ")
            )
        }
    }
}

/// The ledger's equation, and whether it balances.
pub fn balance(ledger: &Ledger) -> (String, bool) {
    let dropped: u64 = ledger.dropped.values().sum();
    let sum = ledger.shown + ledger.pending + dropped;
    let equation = format!(
        "owed {} = shown {} + pending {} + dropped {}",
        figures::count(ledger.owed),
        figures::count(ledger.shown),
        figures::count(ledger.pending),
        figures::count(dropped),
    );
    if sum == ledger.owed {
        (equation, true)
    } else {
        let off = figures::count(sum.abs_diff(ledger.owed));
        (format!("{equation} does not balance: off by {off}"), false)
    }
}

/// What a fault touched, or that it touched nothing.
pub fn effect(fault: &FaultReport) -> String {
    if !fault.effective() {
        return "touched nothing".to_owned();
    }
    let parts: Vec<String> = fault
        .effect
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| counted(*count, name))
        .collect();
    parts.join(", ")
}

/// So many of what a name of the record stands for: `1 connection torn`, `2 connections torn`.
fn counted(count: u64, name: &str) -> String {
    let mut words: Vec<&str> = name.split('_').collect();
    if count == 1 {
        // The first word with an s is the noun; what follows says what became of it.
        let noun = words.iter_mut().find_map(|word| word.strip_suffix('s').map(|one| (word, one)));
        if let Some((word, one)) = noun {
            *word = one;
        }
    }
    format!("{} {}", figures::count(count), words.join(" "))
}

/// Which calibration the costs of work come from.
pub fn calibration(processors: &Processors) -> String {
    let Processors { calibration, date, shipped_default, .. } = processors;
    match shipped_default {
        true => format!(
            "Costs of work: {calibration}, {date}; they were not measured on your machines."
        ),
        false => format!("Costs of work: {calibration}, {date}."),
    }
}

/// A name of the record as words: `packets_lost` becomes `packets lost`.
pub fn plain(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_said_in_the_singular() {
        assert_eq!(counted(1, "connections_torn"), "1 connection torn");
        assert_eq!(counted(1, "wrong_clock_reads"), "1 wrong clock read");
        assert_eq!(counted(2_000, "unsynced_bytes_lost"), "2,000 unsynced bytes lost");
        assert_eq!(counted(1, "data"), "1 data");
    }
}
