//! The log: records are produced, fetched, and committed as done.

use criterion::{BatchSize, Criterion, Throughput};
use im::call::Caller;
use im::model::{Delivery, Row};
use im::node::Node;
use im::proto::log::{Log, Reply, Request};
use imsim::engine::sim::SimEnv;

use crate::backend::{Backend, CALLER, LOG};
use crate::{rows, slow};

/// Records that are produced and fetched together.
const BATCH: u64 = 64;
const BATCHES: u64 = 32;
/// The only log partition.
const PARTITION: u32 = 0;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log");
    slow(&mut group);
    group.throughput(Throughput::Elements(BATCH * BATCHES));
    group.bench_function("produce, fetch, commit; per record", |bencher| {
        let world = || Backend::about_to(async |_| batches(), carry);
        bencher.iter_batched_ref(world, Backend::run, BatchSize::PerIteration);
    });
    group.finish();
}

/// Numbered records.
fn batches() -> Vec<Vec<(u64, Row)>> {
    let record = |number| (number, rows::message(number + 1, Delivery::Write));
    (0..BATCHES).map(|batch| (batch * BATCH..(batch + 1) * BATCH).map(record).collect()).collect()
}

async fn carry(node: &Node<SimEnv>, batches: Vec<Vec<(u64, Row)>>) {
    let log = node.caller(LOG);
    let partition = PARTITION;
    let beat = Request::Beat { member: CALLER };
    let Reply::Assigned { generation, .. } = ask(&log, beat).await else {
        panic!("everybody may consume");
    };
    let mut offset = 0;
    for records in batches {
        let produce = Request::Produce { producer: CALLER, partition, records };
        assert_eq!(ask(&log, produce).await, Reply::Done);
        let fetch = Request::Fetch { partition, offset, limit: BATCH as usize };
        let Reply::Records(rows) = ask(&log, fetch).await else { panic!("they are durable") };
        assert_eq!(rows.len() as u64, BATCH);
        offset += BATCH;
        let commit = Request::Commit { partition, offset, generation };
        assert_eq!(ask(&log, commit).await, Reply::Done);
    }
}

async fn ask(log: &Caller<SimEnv, Log>, request: Request) -> Reply {
    log.call(request).await.expect("the log is there")
}
