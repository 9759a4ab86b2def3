//! The bounds of `[expect]`, held against what was measured: of the run, or of one workload's messages.

use std::collections::BTreeSet;

use im::model::ConversationId;
use im_reports::record::{Bound, Bucket, Record};

use super::measures::{self, Measures};
use super::world::Observed;
use crate::metrics::{Messages, Metric, When};
use crate::scenario::{Limit, Limits, Scenario};

const SECOND: u64 = 1_000_000_000;

/// Every bound of the scenario, in the order of metrics, the whole run's first.
pub fn check(scenario: &Scenario, observed: &Observed, record: &Record) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for (metric, limit) in in_order(&scenario.expect.bounds) {
        let mut bound = bound(metric, limit, metric.of(record));
        if metric.name == "recovery" {
            bound.at_least = record.faults.iter().any(|fault| fault.recovery_open);
            // What is not over yet is longer than any bound that it has not passed.
            bound.met &= !(bound.at_least && limit.is_upper());
        }
        bound.missed = missed(metric, limit, &bound, record, &record.timeline);
        bounds.push(bound);
    }
    for (name, limits) in &scenario.expect.workload {
        let measures = of_workload(scenario, observed, name);
        let messages = measures.messages(scenario.duration.as_secs_f64());
        for (metric, limit) in in_order(limits) {
            let mut bound = bound(metric, limit, metric.of_messages(&messages));
            bound.workload = Some(name.clone());
            bound.missed = missed_by(metric, limit, &bound, &messages, &measures.timeline);
            bounds.push(bound);
        }
    }
    bounds
}

fn in_order(limits: &Limits) -> impl Iterator<Item = (&'static Metric, &Limit)> {
    crate::metrics::ALL.iter().filter_map(|metric| Some((metric, limits.get(metric.name)?)))
}

/// A figure of which there is no sample is within no bound.
fn bound(metric: &Metric, limit: &Limit, value: Option<f64>) -> Bound {
    Bound {
        metric: metric.name.to_owned(),
        workload: None,
        limit: limit.to_string(),
        value,
        unit: metric.unit.to_owned(),
        at_least: false,
        met: value.is_some_and(|value| limit.holds(value)),
        missed: Vec::new(),
    }
}

fn of_workload(scenario: &Scenario, observed: &Observed, name: &str) -> Measures {
    let place = scenario.workload.iter().position(|workload| workload.name() == name);
    let of_it = observed.plan.conversations.iter().filter(|one| Some(one.workload) == place);
    let ids: BTreeSet<ConversationId> = of_it.map(|one| one.id).collect();
    let load = observed.origin..observed.origin + scenario.duration.0;
    measures::measure(&observed.history, load, observed.end, Some(&ids))
}

fn missed(
    metric: &Metric,
    limit: &Limit,
    bound: &Bound,
    record: &Record,
    timeline: &[Bucket],
) -> Vec<(u64, u64)> {
    if bound.met || !matches!(metric.when, When::Faults) {
        return missed_by(metric, limit, bound, &Messages::of(record), timeline);
    }
    let slow = record.faults.iter().filter_map(|fault| {
        let took = fault.recovery_ns?;
        let within = limit.holds(took as f64 / 1e9) && !fault.recovery_open;
        (!within).then_some((fault.from_ns, fault.from_ns + took))
    });
    slow.collect()
}

fn missed_by(
    metric: &Metric,
    limit: &Limit,
    bound: &Bound,
    messages: &Messages<'_>,
    timeline: &[Bucket],
) -> Vec<(u64, u64)> {
    if bound.met {
        return Vec::new();
    }
    match metric.when {
        When::Whole | When::Faults => Vec::new(),
        When::UnacceptedGap => {
            bound.value.map(|_| messages.unaccepted_gap_ns).into_iter().collect()
        }
        When::Second(of) => {
            let beyond = |bucket: &&Bucket| of(bucket).is_some_and(|value| !limit.holds(value));
            let seconds = timeline.iter().filter(beyond).map(|bucket| bucket.second * SECOND);
            joined(seconds)
        }
    }
}

/// Seconds that follow on each other, as one span.
fn joined(seconds: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for from in seconds {
        match spans.last_mut() {
            Some(last) if last.1 == from => last.1 = from + SECOND,
            _ => spans.push((from, from + SECOND)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show_p99() -> &'static Metric {
        crate::metrics::ALL.iter().find(|metric| metric.name == "show_p99").expect("it is one")
    }

    #[test]
    fn a_bound_is_met_by_a_figure_within_it_and_by_no_other() {
        let metric = show_p99();
        let limit = Limit::parse(metric, "< 800ms").expect("it is one");
        assert!(bound(metric, &limit, Some(799.9)).met);
        assert!(!bound(metric, &limit, Some(800.0)).met);
        assert!(!bound(metric, &limit, None).met, "nothing was measured");
    }

    #[test]
    fn seconds_in_a_row_are_one_span() {
        let spans = joined([1, 2, 3, 7].into_iter().map(|second| second * SECOND));
        assert_eq!(spans, [(SECOND, 4 * SECOND), (7 * SECOND, 8 * SECOND)]);
        assert_eq!(joined(std::iter::empty()), []);
    }
}
