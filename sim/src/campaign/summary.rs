//! What a campaign keeps of a run: a few figures, and what its faults touched. The record itself goes
//! away with the run, so that a thousand runs take no more memory than the longest.
//!
//! Reads records alone.

use std::collections::BTreeMap;

use im_reports::campaign::{FaultKind, RunFigures};
use im_reports::record::Record;

use crate::effects;

/// The figures of a run.
pub fn figures(record: &Record) -> RunFigures {
    let percentile = |name: &str, percentile: f64| {
        let found = record.latencies.iter().find(|latency| latency.name == name);
        found.filter(|latency| latency.count > 0).map(|latency| latency.percentile_ns(percentile))
    };
    RunFigures {
        ack_p50_ns: percentile("send→ack", 50.0),
        ack_p99_ns: percentile("send→ack", 99.0),
        show_p50_ns: percentile("send→show", 50.0),
        show_p99_ns: percentile("send→show", 99.0),
        shown: record.totals.shown,
        send_retries: record.totals.send_retries,
        push_retries: record.totals.push_retries,
        duplicates_suppressed: record.totals.duplicates_suppressed,
        settle_ns: record.phases.settle_ns,
    }
}

/// What the faults of a run touched, by kind.
pub fn faults(record: &Record) -> BTreeMap<String, FaultKind> {
    let mut kinds: BTreeMap<String, FaultKind> = effects::by_family(&record.faults)
        .into_iter()
        .map(|(kind, effects)| {
            let idle = effects.seeds_effective == 0;
            let of_kind = FaultKind {
                seeds_drawn: effects.seeds_drawn,
                seeds_effective: effects.seeds_effective,
                faults_drawn: effects.faults_drawn,
                faults_effective: effects.faults_effective,
                touched: BTreeMap::new(),
                seeds_idle: idle.then_some(record.seed).into_iter().collect(),
            };
            (kind, of_kind)
        })
        .collect();
    for fault in &record.faults {
        // Parts of one fault count as its first part's kind, as effects do.
        let Some(kind) = kinds.get_mut(&fault.kind) else { continue };
        for (name, count) in fault.effect.iter().filter(|(_, count)| **count > 0) {
            *kind.touched.entry(name.clone()).or_default() += count;
        }
    }
    kinds
}

/// Adds what the faults of another run touched; the order of runs does not matter.
pub fn add(sum: &mut BTreeMap<String, FaultKind>, of_run: BTreeMap<String, FaultKind>) {
    for (kind, of_run) in of_run {
        let of_kind = sum.entry(kind).or_default();
        of_kind.seeds_drawn += of_run.seeds_drawn;
        of_kind.seeds_effective += of_run.seeds_effective;
        of_kind.faults_drawn += of_run.faults_drawn;
        of_kind.faults_effective += of_run.faults_effective;
        for (name, count) in of_run.touched {
            *of_kind.touched.entry(name).or_default() += count;
        }
        of_kind.seeds_idle.extend(of_run.seeds_idle);
        of_kind.seeds_idle.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, touched: u64) -> BTreeMap<String, FaultKind> {
        let kind = FaultKind {
            seeds_drawn: 1,
            seeds_effective: u64::from(touched > 0),
            faults_drawn: 2,
            faults_effective: u64::from(touched > 0),
            touched: BTreeMap::from([("packets_lost".to_owned(), touched)]),
            seeds_idle: if touched > 0 { Vec::new() } else { vec![seed] },
        };
        BTreeMap::from([("loss".to_owned(), kind)])
    }

    #[test]
    fn the_order_of_runs_does_not_matter() {
        let runs = [(1, 5), (2, 0), (3, 7), (4, 0)];
        let sum = |order: &[usize]| {
            let mut sum = BTreeMap::new();
            order.iter().for_each(|place| add(&mut sum, run(runs[*place].0, runs[*place].1)));
            sum
        };
        let forth = sum(&[0, 1, 2, 3]);
        assert_eq!(forth, sum(&[3, 2, 0, 1]));
        let loss = &forth["loss"];
        assert_eq!((loss.seeds_drawn, loss.seeds_effective, loss.faults_drawn), (4, 2, 8));
        assert_eq!((loss.touched["packets_lost"], &loss.seeds_idle[..]), (12, &[2, 4][..]));
    }
}
