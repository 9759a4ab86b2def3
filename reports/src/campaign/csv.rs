//! `campaign.csv`: one row for each scenario and seed, unrounded.
//!
//! Must not round, group or translate anything.

use serde::Serialize;

use super::{Campaign, Outcome, RunFigures};

/// Empty where the run has no sample, or did not come to its end.
#[derive(Serialize)]
struct Row<'a> {
    scenario: &'a str,
    seed: u64,
    outcome: Outcome,
    digest: Option<&'a str>,
    ack_p50_ns: Option<u64>,
    ack_p99_ns: Option<u64>,
    show_p50_ns: Option<u64>,
    show_p99_ns: Option<u64>,
    shown: Option<u64>,
    send_retries: Option<u64>,
    push_retries: Option<u64>,
    duplicates_suppressed: Option<u64>,
    settle_ns: Option<u64>,
    why: Option<&'a str>,
    replay: Option<&'a str>,
}

/// The runs as CSV.
pub fn table(campaign: &Campaign) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (scenario, run) in campaign.runs() {
        let figures = run.figures.as_ref();
        let count = |of: fn(&RunFigures) -> u64| figures.map(of);
        let latency = |of: fn(&RunFigures) -> Option<u64>| figures.and_then(of);
        let row = Row {
            scenario: &scenario.name,
            seed: run.seed,
            outcome: run.outcome,
            digest: run.digest.as_deref(),
            ack_p50_ns: latency(|one| one.ack_p50_ns),
            ack_p99_ns: latency(|one| one.ack_p99_ns),
            show_p50_ns: latency(|one| one.show_p50_ns),
            show_p99_ns: latency(|one| one.show_p99_ns),
            shown: count(|one| one.shown),
            send_retries: count(|one| one.send_retries),
            push_retries: count(|one| one.push_retries),
            duplicates_suppressed: count(|one| one.duplicates_suppressed),
            settle_ns: count(|one| one.settle_ns),
            why: run.why.as_deref(),
            replay: run.replay.as_deref(),
        };
        writer.serialize(row).expect("memory takes every row");
    }
    let bytes = writer.into_inner().expect("memory never fails to flush");
    String::from_utf8(bytes).expect("rows are made of strings")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_campaign() {
        insta::assert_snapshot!(table(&sample::campaign()));
    }
}
