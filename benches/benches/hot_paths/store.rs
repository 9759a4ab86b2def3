//! The store: an append, a copy for each of 100 members, and the acks that remove the copies. The relay brings
//! what is appended into the log meanwhile.

use criterion::{BatchSize, Criterion, Throughput};
use im::call::Caller;
use im::model::Delivery;
use im::node::Node;
use im::proto::store::{Reply, Request, Store};
use imsim::engine::sim::SimEnv;

use crate::backend::{Backend, STORE};
use crate::rows::{self, CONVERSATION, MEMBERS};
use crate::slow;

/// Messages per pass.
const MESSAGES: u64 = 100;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    slow(&mut group);
    group.throughput(Throughput::Elements(MESSAGES * u64::from(MEMBERS)));
    group.bench_function("append, 100 copies, their acks; per copy", |bencher| {
        let world = || Backend::about_to(open, write);
        bencher.iter_batched_ref(world, Backend::run, BatchSize::PerIteration);
    });
    group.finish();
}

/// Opens the conversation; the epoch of its owner.
async fn open(node: &Node<SimEnv>) -> u64 {
    let store = node.caller(STORE);
    for device in rows::devices() {
        assert_eq!(ask(&store, Request::RegisterDevice(device)).await, Reply::Done);
    }
    let Reply::Owned { epoch, head: 0, .. } = ask(&store, Request::Acquire(CONVERSATION)).await
    else {
        panic!("nobody else is there");
    };
    let rows = vec![rows::created()];
    let append = Request::Append { conversation: CONVERSATION, epoch, rows };
    assert_eq!(ask(&store, append).await, Reply::Done);
    epoch
}

async fn write(node: &Node<SimEnv>, epoch: u64) {
    let store = node.caller(STORE);
    for seq in 2..2 + MESSAGES {
        let row = rows::message(seq, Delivery::Write);
        let rows = vec![row.clone()];
        let append = Request::Append { conversation: CONVERSATION, epoch, rows };
        assert_eq!(ask(&store, append).await, Reply::Done);
        let copies = vec![(row, rows::members())];
        assert_eq!(ask(&store, Request::FanOut { entries: vec![], copies }).await, Reply::Done);
        let acks = rows::devices().map(|device| (device, CONVERSATION, seq)).collect();
        assert_eq!(ask(&store, Request::Ack(acks)).await, Reply::Done);
    }
}

async fn ask(store: &Caller<SimEnv, Store>, request: Request) -> Reply {
    store.call(request).await.expect("the store is there")
}
