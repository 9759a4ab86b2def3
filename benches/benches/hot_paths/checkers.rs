//! The checkers: the history of a run, about 100,000 events, and where all that is owed went.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use im_benches::SEED;
use imsim::checkers;
use imsim::engine::Kind;
use imsim::run::{self, Progress};
use imsim::scenario::Scenario;

use crate::slow;

const SCENARIO: &str = r#"
about = "A history for the checkers"
duration = "20s"
settle = "60s"

[population]
users = 100
second_device = "0%"

[[workload]]
name = "groups"
kind = "group"
groups = 20
members = 40
rate = "120/s"

[[faults]]
kind = "membership-churn"
workload = "groups"
rate = "2/s"
at = "2s"
lasts = "15s"
"#;

pub fn bench(criterion: &mut Criterion) {
    let scenario = Scenario::from_str("checkers", SCENARIO, &[]).expect("the scenario is sound");
    let progress = Progress::default();
    let observed = run::live_through(&scenario, SEED, Kind::Sim, &progress).expect("it comes up");
    let history = &observed.history;
    let report = checkers::check_all(history);
    assert!(report.violations.is_empty(), "{:?}", report.promises);
    let events = history.events.len() as u64;
    assert!((80_000..130_000).contains(&events), "{events} events");

    let mut group = criterion.benchmark_group("checkers");
    slow(&mut group);
    group.throughput(Throughput::Elements(events));
    group.bench_function("all promises; per event", |bencher| {
        bencher.iter(|| checkers::check_all(black_box(history)));
    });
    group.finish();
}
