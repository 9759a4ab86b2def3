//! What the page and the terminal say in the same words: verdicts, the ledger's balance, effects,
//! processors.
//!
//! Must not know how the words are laid out.

use std::collections::BTreeMap;

use crate::record::{
    Bound, CalibrationUsed, FaultReport, Finding, Ledger, Outcome, ProcessorLoad, Processors,
    Promise, Record, Totals, Verdict,
};
use crate::{engine, figures};

/// The percentiles that head every report, in percent; the largest sample follows them.
pub const HEADLINE_PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// What is said when a distribution or a timeline is empty.
pub const NO_SAMPLES: &str = "no samples";

/// How the run ended beside what the scenario expects, in a line.
pub fn headline(record: &Record) -> String {
    let invalid = ids(record, |promise| promise.verdict == Verdict::Invalid);
    match record.outcome {
        Outcome::Held => "All promises held".to_owned(),
        Outcome::Expected if !record.tested => {
            "As expected: no promise was put to the test".to_owned()
        }
        Outcome::Expected if invalid.is_empty() => "As expected: undecided".to_owned(),
        Outcome::Expected => format!("As expected: {} violated", invalid.join(", ")),
        Outcome::Undecided => "Undecided".to_owned(),
        Outcome::NotTested => "Not put to the test".to_owned(),
        Outcome::BoundMissed => match record.bounds.iter().filter(|bound| !bound.met).count() {
            1 => "A bound was missed".to_owned(),
            some => format!("{some} bounds were missed"),
        },
        Outcome::Broken => broken(record),
        Outcome::Failed => "There is no verdict".to_owned(),
    }
}

fn broken(record: &Record) -> String {
    let violated = ids(record, |promise| {
        promise.verdict == Verdict::Invalid && promise.expected != Verdict::Invalid
    });
    let absent = ids(record, |promise| {
        promise.verdict == Verdict::Valid && promise.expected == Verdict::Invalid
    });
    let decided = ids(record, |promise| {
        promise.verdict == Verdict::Valid && promise.expected == Verdict::Unknown
    });
    match (&violated[..], &absent[..], &decided[..]) {
        ([_], ..) => "A promise was broken".to_owned(),
        ([_, _, ..], ..) => "Promises were broken".to_owned(),
        ([], [_, ..], _) => {
            format!("Expected a violation of {}, found none", absent.join(", "))
        }
        ([], [], [_, ..]) => format!("Expected {} to be undecided; it held", decided.join(", ")),
        _ if record.tested && !record.tested_expected => {
            "Expected that nothing is put to the test, but messages were owed".to_owned()
        }
        _ => "A fault that must touch something touched nothing".to_owned(),
    }
}

fn ids(record: &Record, of: impl Fn(&Promise) -> bool) -> Vec<&str> {
    let some = record.promises.iter().filter(|promise| of(promise));
    some.map(|promise| promise.id.as_str()).collect()
}

/// Good, bad, or neither: how an outcome is to be taken.
pub fn mood(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Held | Outcome::Expected => Verdict::Valid,
        Outcome::Undecided | Outcome::NotTested => Verdict::Unknown,
        Outcome::BoundMissed | Outcome::Broken | Outcome::Failed => Verdict::Invalid,
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

/// The answer, and whether the scenario expects another one.
pub fn answer_beside(promise: &Promise) -> String {
    let said = answer(promise.verdict);
    match (promise.verdict == promise.expected, promise.verdict) {
        (true, Verdict::Valid) | (false, Verdict::Invalid | Verdict::Unknown) => said.to_owned(),
        (true, _) => format!("{said}, as expected"),
        (false, Verdict::Valid) => format!("{said}, unexpected"),
    }
}

/// What the headline rests on, and what it does not speak of.
pub fn because(record: &Record) -> String {
    let mut text = decided_by(record);
    if !record.tested && !record.promises.is_empty() {
        text += &format!(" {}", untested(record));
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

/// Why nothing was put to the test.
fn untested(record: &Record) -> String {
    let totals = &record.totals;
    let (offered, not_asked) = (figures::count(totals.offered), figures::count(totals.not_asked));
    match (totals.offered, totals.accepted) {
        (0, _) if totals.not_asked > 0 => format!(
            "No promise was put to the test: none of {not_asked} operations could be asked for, since \
             their devices were down."
        ),
        (0, _) => "No promise was put to the test: nobody sent a message.".to_owned(),
        (_, 0) => {
            format!("No promise was put to the test: none of {offered} sends was accepted.")
        }
        _ => "No promise was put to the test: no message was owed to anybody.".to_owned(),
    }
}

/// That the run was interrupted, if it was.
pub fn interrupted(record: &Record) -> Option<String> {
    record.interrupted.then(|| {
        let ran = figures::clock(record.phases.duration_ns + record.phases.settle_ns);
        format!("Interrupted after {ran}: what is missing proves nothing.")
    })
}

/// That the cluster was offered more than it could take, and how far it fell short.
pub fn overload(record: &Record) -> Option<String> {
    let overload = record.overload.as_ref()?;
    let (accepted, offered) =
        (figures::rate(overload.accepted_per_s), figures::rate(overload.offered_per_s));
    let mut text = format!("Overloaded: {accepted} of {offered}/s accepted");
    if overload.waiting > 0 {
        let share = figures::share(overload.waiting, overload.offered);
        text += &format!(", {share} of sends still queued on their devices at the end");
    }
    if record.ledger.too_late > 0 {
        let late = figures::count(record.ledger.too_late);
        text += &format!(", {late} owed pairs too late to judge");
    }
    if let Some((role, share)) = &overload.busiest {
        text += &format!("; busiest: {role} {}", figures::percentage(*share));
    }
    Some(text + ".")
}

/// Sends that got no outcome although the cluster was not overloaded, if there are any.
pub fn stuck(record: &Record) -> Option<String> {
    let stuck = record.totals.sends_without_outcome;
    (stuck > 0 && record.overload.is_none() && !record.interrupted).then(|| {
        let (stuck, offered) = (figures::count(stuck), figures::count(record.totals.offered));
        format!("{stuck} of {offered} sends never got an outcome, and nothing moved at the end.")
    })
}

/// What a bound is on: the metric, and the workload if it is of one.
pub fn bounded(bound: &Bound) -> String {
    match &bound.workload {
        Some(workload) => format!("{} of {workload}", bound.metric),
        None => bound.metric.clone(),
    }
}

/// What was measured of a bounded figure.
pub fn measured(bound: &Bound) -> String {
    let Some(value) = bound.value else { return "no sample".to_owned() };
    let least = if bound.at_least { "at least " } else { "" };
    let value = match bound.unit.as_str() {
        "ms" => figures::duration((value * 1e6) as u64),
        "s" => figures::duration((value * 1e9) as u64),
        "" => figures::rate(value),
        unit => format!("{} {unit}", figures::rate(value)),
    };
    format!("{least}{value}")
}

/// When a bound was missed, as far as time tells.
pub fn missed_when(bound: &Bound) -> String {
    /// Spans that are named.
    const SPANS: usize = 3;
    let spans: Vec<String> = bound
        .missed
        .iter()
        .take(SPANS)
        .map(|(from, until)| figures::window(*from, *until))
        .collect();
    match (bound.met, bound.missed.len()) {
        (true, _) => String::new(),
        (false, 0) => "over the whole run".to_owned(),
        (false, some) if some > SPANS => {
            format!("at {} and {} more times", spans.join(", "), some - SPANS)
        }
        (false, _) => format!("at {}", spans.join(", ")),
    }
}

/// Why a run was not as its scenario expects, in a line; empty if it was.
pub fn why(record: &Record) -> String {
    let example = record.findings.first().map(|finding| format!(": {}", finding.summary));
    let example = example.unwrap_or_default();
    match record.outcome {
        Outcome::Held | Outcome::Expected => String::new(),
        Outcome::NotTested => untested(record),
        Outcome::BoundMissed => {
            let missed = record.bounds.iter().filter(|bound| !bound.met);
            let each = missed.map(|bound| {
                let (what, value) = (bounded(bound), measured(bound));
                format!("{what} is {value}, bound {}, {}", bound.limit, missed_when(bound))
            });
            each.collect::<Vec<_>>().join("; ")
        }
        Outcome::Broken | Outcome::Undecided | Outcome::Failed => {
            let unexpected = record.promises.iter().filter(|one| one.verdict != one.expected);
            let each =
                unexpected.map(|one| format!("{} ({}) {}", one.id, one.name, answer(one.verdict)));
            let each: Vec<String> = each.collect();
            match each.is_empty() {
                true => headline(record),
                false => format!("{}; {}{example}", headline(record), each.join(", ")),
            }
        }
    }
}

/// The promises that a finding's violations break: `A1, ledger`.
pub fn promises(finding: &Finding) -> String {
    let also = finding.also.iter().map(String::as_str);
    std::iter::once(finding.promise.as_str()).chain(also).collect::<Vec<_>>().join(", ")
}

/// How many violations a finding stands for, and what they have in common.
pub fn cause(finding: &Finding) -> Option<String> {
    let count = figures::count(finding.count);
    (!finding.cause.is_empty()).then(|| match finding.count {
        1 => format!("1 of this cause: {}", finding.cause),
        _ => format!("{count} of this cause, the first is told here: {}", finding.cause),
    })
}

/// The ledger's equation, and whether it balances.
pub fn balance(ledger: &Ledger) -> (String, bool) {
    let dropped: u64 = ledger.dropped.values().sum();
    let sum = ledger.shown + ledger.pending + ledger.too_late + dropped;
    let too_late = match ledger.too_late {
        0 => String::new(),
        late => format!(" + too late to judge {}", figures::count(late)),
    };
    let equation = format!(
        "owed {} = shown {} + pending {} + dropped {}{too_late}",
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
    if let Some(took) = fault.caught_up_ns.filter(|took| *took > 0) {
        said.push(format!("all shown {} after it", figures::duration(took)));
    }
    match fault.recovery_ns {
        Some(took) if fault.recovery_open => {
            said.push(format!("not recovered {} after its begin", figures::duration(took)));
        }
        Some(took @ 1..) => {
            said.push(format!("recovered {} after its begin", figures::duration(took)));
        }
        _ => {}
    }
    if let Some(took) = fault.pushes_back_ns.filter(|took| *took > 0) {
        said.push(format!("pushes back {} after its begin", figures::duration(took)));
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
        let untested = "No promise was put to the test";
        let mut record = sample::valid();
        assert!(!because(&record).contains(untested));
        record.tested = false;
        record.outcome = Outcome::NotTested;
        assert!(because(&record).contains("no message was owed to anybody"));
        record.totals.accepted = 0;
        assert!(why(&record).contains("sends was accepted"));
        record.totals.offered = 0;
        record.totals.not_asked = 3;
        assert!(because(&record).contains("none of 3 operations could be asked for"));
        record.totals.not_asked = 0;
        assert!(because(&record).contains("nobody sent a message"));
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
