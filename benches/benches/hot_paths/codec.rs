//! Frames: a row on its way from a gateway to a device.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use im::model::Delivery;
use im::proto::device::ToDevice;
use im::wire;

use crate::rows;

pub fn bench(criterion: &mut Criterion) {
    let pushed = ToDevice::Push(rows::message(7, Delivery::Write));
    let frame = wire::encode(&pushed);
    assert_eq!(wire::decode::<ToDevice>(&frame).expect("it was encoded"), pushed);

    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode a pushed row", |bencher| {
        bencher.iter(|| wire::encode(black_box(&pushed)));
    });
    group.bench_function("decode a pushed row", |bencher| {
        bencher.iter(|| wire::decode::<ToDevice>(black_box(&frame)).expect("it was encoded"));
    });
    group.finish();
}
