//! A small run with a crash, front to back: living through it, and judging it.

use criterion::{Criterion, Throughput};
use im_benches::SEED;
use imsim::engine::Kind;
use imsim::history::What;
use imsim::run::{self, Observed, Progress};
use imsim::scenario::Scenario;

use crate::slow;

const SCENARIO: &str = r#"
about = "A small run"
duration = "5s"
settle = "60s"

[im]
heartbeat = "2s"
idle_timeout = "6s"

[population]
users = 30
second_device = "30%"

[[workload]]
name = "groups"
kind = "group"
groups = 6
members = 12
rate = "20/s"

[[faults]]
kind = "crash"
node = "chat-0"
at = "2s"
lasts = "1s"
"#;

pub fn bench(criterion: &mut Criterion) {
    let scenario = Scenario::from_str("small", SCENARIO, &[]).expect("the scenario is sound");
    let live = || {
        run::live_through(&scenario, SEED, Kind::Sim, &Progress::default()).expect("it comes up")
    };
    let observed = live();
    let shown = shown(&observed);
    assert!(shown > 1_000, "{shown} rows were shown");

    let mut group = criterion.benchmark_group("run");
    slow(&mut group);
    group.throughput(Throughput::Elements(shown));
    group.bench_function("live through; per shown (row, device) pair", |bencher| {
        bencher.iter(live);
    });
    group.bench_function("judge; per shown (row, device) pair", |bencher| {
        bencher.iter(|| run::judge(&scenario, SEED, &observed));
    });
    group.finish();
}

fn shown(observed: &Observed) -> u64 {
    let events = observed.history.events.iter();
    events.filter(|event| matches!(event.what, What::Shown { .. })).count() as u64
}
