//! Fan-out: how a row is delivered, and what online devices are sent of it.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use criterion::{Criterion, Throughput};
use im::config::{Config, Fanout};
use im::fanout::{self, Consumption};
use im::model::{Delivery, Row};

use crate::rows;

/// Rows per pass.
const ROWS: u64 = 1_000;
/// Opens per member and 100 messages from which hybrid fan-out writes.
const OPENS_PERCENT: u32 = 18;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fanout");
    group.throughput(Throughput::Elements(ROWS));
    for (name, by_opens) in [("hybrid by members", None), ("hybrid by opens", Some(OPENS_PERCENT))]
    {
        let config =
            Config { fanout: Fanout::Hybrid, hybrid_opens_percent: by_opens, ..Config::default() };
        let threshold = Arc::new(AtomicU32::new(config.hybrid_threshold));
        let strategy = fanout::strategy(&config, threshold);
        let consumption = opened_often();
        group.bench_function(format!("decide, {name}"), |bencher| {
            bencher.iter(|| {
                for members in 0..ROWS as u32 {
                    black_box(strategy.delivery(black_box(members), &consumption));
                }
            });
        });
    }
    let config = Config::default();
    for (name, delivery) in [("written", Delivery::Write), ("read", Delivery::Read)] {
        let rows: Vec<Row> = (1..=ROWS).map(|seq| rows::message(seq, delivery)).collect();
        group.bench_function(format!("what is pushed of {name} rows"), |bencher| {
            bencher.iter(|| {
                for row in &rows {
                    black_box(fanout::push(black_box(row), &config));
                }
            });
        });
    }
    group.finish();
}

/// Of a conversation that each of the members opens once per message.
fn opened_often() -> Consumption {
    let mut consumption = Consumption::default();
    consumption.opened(1);
    for _ in 0..100 {
        consumption.committed();
        consumption.opened(rows::MEMBERS);
    }
    consumption
}
