//! What the page and the terminal say in the same words: verdicts, the ledger's balance, effects,
//! processors.
//!
//! Must not know how the words are laid out.

use std::collections::BTreeMap;

use crate::record::{
    CalibrationUsed, FaultReport, Ledger, ProcessorLoad, Processors, Record, Totals, Verdict,
};
use crate::{engine, figures};

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

/// Which promises made the verdict what it is, and what it does not speak of.
pub fn because(record: &Record) -> String {
    let mut text = decided_by(record);
    if record.ledger.sequenced == 0 && !record.promises.is_empty() {
        text += " No message was written, so the promises were not put to the test.";
    }
    if let Some((redis, lost @ 1..)) =
        record.redis.as_ref().and_then(|redis| Some((redis, redis.lost?)))
    {
        let (lost, acked) = (figures::count(lost), figures::count(redis.acked));
        text +=
            &format!(" Redis lost {lost} of {acked} writes that other clients saw acknowledged.");
    }
    text
}

fn decided_by(record: &Record) -> String {
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

/// What a fault touched; or that it touched nothing, was left out, or that nobody counted.
pub fn effect(fault: &FaultReport, engine: &str) -> String {
    if let Some(why) = &fault.left_out {
        return format!("left out: {why}");
    }
    if fault.idle() {
        return "touched nothing".to_owned();
    }
    let mut said = touched(&fault.effect);
    if fault.uncounted {
        said.push(format!("in force; {engine} does not count what it touches"));
    }
    if let Some(took) = fault.recovery_ns.filter(|took| *took > 0) {
        said.push(format!("all shown {} after it", figures::duration(took)));
    }
    said.join(", ")
}

/// What was touched, by name: `3 packets lost`.
pub fn touched(effect: &BTreeMap<String, u64>) -> Vec<String> {
    let touched = effect.iter().filter(|(_, count)| **count > 0);
    touched.map(|(name, count)| counted(*count, name)).collect()
}

/// That faults touched nothing, if some did.
pub fn idle(record: &Record) -> Option<String> {
    let idle = record.faults.iter().filter(|fault| fault.idle()).count();
    let done = engine::faults_done(record);
    let of = match done == record.faults.len() {
        true => format!("{done} faults"),
        false => format!("the {done} faults that were done"),
    };
    (idle > 0).then(|| format!("{idle} of {of} touched nothing and so tested nothing"))
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

/// Where the figures of the processors come from.
pub fn processors(processors: &Processors) -> String {
    let Some(CalibrationUsed { name, date, shipped_default }) = &processors.calibration else {
        return "Measured on the machine itself, by the processor time of the nodes' threads."
            .to_owned();
    };
    match shipped_default {
        true => format!("Costs of work: {name}, {date}; they were not measured on your machines."),
        false => format!("Costs of work: {name}, {date}."),
    }
}

/// On which processors the figures were reckoned, where the hosts have none of their own.
pub fn shared_cores(record: &Record) -> Option<String> {
    record.processors.as_ref()?.calibration.as_ref()?;
    match record.expanded.pointer("/cpu/cores")?.as_u64()? {
        1 => Some("on one machine with 1 core".to_owned()),
        cores => Some(format!("on one machine with {} cores", figures::count(cores))),
    }
}

/// The longest wait for a processor; threads of a real machine do not tell.
pub fn longest_wait(processors: &Processors, load: &ProcessorLoad) -> String {
    match (&processors.calibration, load.longest_wait_ns) {
        (None, 0) => "–".to_owned(),
        (_, ns) => figures::duration(ns),
    }
}

/// Whether any packet was counted: not every engine sees them.
pub fn packets_counted(totals: &Totals) -> bool {
    totals.client_packets_sent + totals.backend_packets_sent > 0
}

/// A name of the record as words: `packets_lost` becomes `packets lost`.
pub fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// On which hop an effect was lost; what is not known stays as it is.
pub fn hop(hop: &str) -> &str {
    match hop {
        "master-to-replica" => "master → replica",
        "diverged-master" => "replaced master",
        "restart" => "memory → disk",
        other => other,
    }
}

/// When an effect was acknowledged.
pub fn window(window: &str) -> &str {
    match window {
        "before-fault" => "before the fault",
        "cut-before-promotion" => "in the cut, before promotion",
        "cut-after-promotion" => "in the cut, beside a new master",
        "until-demotion" => "after the cut, before demotion",
        "two-masters" => "beside a new master",
        other => other,
    }
}

/// What would have prevented a loss.
pub fn guard(guard: &str) -> &str {
    match guard {
        "wait" => "WAIT for a replica",
        "min-replicas" => "min-replicas-to-write",
        "aof-always" => "appendfsync always",
        "epoch-or-floor" => "epoch or floor",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn one_is_said_in_the_singular() {
        assert_eq!(counted(1, "connections_torn"), "1 connection torn");
        assert_eq!(counted(1, "wrong_clock_reads"), "1 wrong clock read");
        assert_eq!(counted(2_000, "unsynced_bytes_lost"), "2,000 unsynced bytes lost");
        assert_eq!(counted(1, "data"), "1 data");
    }

    #[test]
    fn promises_over_no_message_are_not_praised() {
        let untested = "No message was written, so the promises were not put to the test.";
        let mut record = sample::valid();
        assert!(!because(&record).contains(untested));
        record.ledger.sequenced = 0;
        assert!(because(&record).contains(untested));
        record.promises.clear();
        assert!(
            because(&record).starts_with("No promise was checked.")
                && !because(&record).contains(untested)
        );
    }

    #[test]
    fn an_effect_that_nobody_counted_is_not_called_none() {
        let mut fault = FaultReport { uncounted: true, ..FaultReport::default() };
        assert_eq!(effect(&fault, "turmoil"), "in force; turmoil does not count what it touches");
        fault.effect.insert("connections_reset".to_owned(), 2);
        assert!(effect(&fault, "turmoil").starts_with("2 connections reset, in force"));
        fault.left_out = Some("cannot".to_owned());
        assert_eq!(effect(&fault, "turmoil"), "left out: cannot");
    }

    #[test]
    fn only_faults_that_were_done_can_be_idle() {
        let mut record = sample::turmoil();
        assert_eq!(
            idle(&record).as_deref(),
            Some("1 of the 3 faults that were done touched nothing and so tested nothing")
        );
        record.faults.retain(|fault| !fault.idle());
        assert_eq!(idle(&record), None);
    }

    #[test]
    fn cores_are_named_where_they_were_reckoned_with() {
        let mut record = sample::valid();
        assert_eq!(shared_cores(&record), None);
        record.expanded["cpu"] = serde_json::json!({ "cores": 4 });
        assert_eq!(shared_cores(&record).as_deref(), Some("on one machine with 4 cores"));
        record.processors.as_mut().unwrap().calibration = None;
        assert_eq!(shared_cores(&record), None);
    }
}
