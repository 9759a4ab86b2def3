//! How a run ended beside what its scenario expects. All who speak of it rest on this: the terminal, the page,
//! the record, campaigns, comparisons, and the exit code.

use im_reports::record::{Outcome, Record, Verdict};

use crate::effects;

/// The outcome of a run whose record has everything else.
pub fn outcome(record: &Record) -> Outcome {
    if is_broken(record) {
        return Outcome::Broken;
    }
    // Without samples a bound says nothing when nothing was put to the test.
    let missed =
        |bound: &im_reports::record::Bound| !bound.met && (bound.value.is_some() || record.tested);
    if record.bounds.iter().any(missed) {
        return Outcome::BoundMissed;
    }
    if !record.tested && record.tested_expected {
        return Outcome::NotTested;
    }
    if record.promises.iter().any(|promise| promise.verdict != promise.expected) {
        return Outcome::Undecided;
    }
    let held = record.tested && record.verdict == Verdict::Valid;
    if held { Outcome::Held } else { Outcome::Expected }
}

/// Whether something definite is not as expected. A promise that was not put to the test is not said to have
/// held.
fn is_broken(record: &Record) -> bool {
    let contradicts = |verdict, expected| match verdict {
        Verdict::Invalid => expected != Verdict::Invalid,
        Verdict::Valid => expected != Verdict::Valid && record.tested,
        Verdict::Unknown => false,
    };
    record.promises.iter().any(|promise| contradicts(promise.verdict, promise.expected))
        || (record.tested && !record.tested_expected)
        || !effects::missing(&record.faults).is_empty()
}
