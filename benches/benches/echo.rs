//! Echo work of 50 connection pairs at 2 ms round-trip time, on our engine and on turmoil.
//!
//! One iteration is [`SPAN_MS`] of virtual time in a world that is built and connected already:
//! every host exists, every pair echoes. Building, dialling and tearing down are not measured.
//! Both engines use one thread.
//!
//! The ratio belongs to this layout of 100 hosts. In every step turmoil has each host look at the
//! links between all pairs of hosts, so its cost per packet grows with the hosts, ours does not:
//! with the same connections between only two hosts the ratio is below ten.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "benchmarks measure wall time"
)]

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use im_benches::EchoWorld;
use im_benches::echo::{LATENCY_MS, PACKET_BYTES};
use im_benches::on_imsim::OnImsim;
use im_benches::on_turmoil::OnTurmoil;

/// Client hosts, server hosts and connections.
const PAIRS: u32 = 50;
/// Virtual milliseconds per iteration.
const SPAN_MS: u64 = 20;
/// Packets that either engine delivers per iteration; the worlds assert it.
const PACKETS: u64 = PAIRS as u64 * SPAN_MS / LATENCY_MS;
/// Measured calls per engine.
const SAMPLES: usize = 20;

fn echo_50_pairs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("echo-50-pairs");
    group
        .throughput(Throughput::Elements(PACKETS))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(10));
    let ours = bench::<OnImsim>(&mut group, "imsim");
    let turmoils = bench::<OnTurmoil>(&mut group, "turmoil");
    group.finish();
    if let (Some(ours), Some(turmoils)) = (ours, turmoils) {
        println!(
            "ratio: imsim delivers {:.0}× the packets per second of turmoil (imsim {ours:.0} \
             packets/s, turmoil {turmoils:.0} packets/s; {PAIRS} pairs, {} ms RTT, {PACKET_BYTES} B)",
            ours / turmoils,
            2 * LATENCY_MS,
        );
    }
}

/// Benches one engine; returns its median packets per second, or `None` when it was not measured.
fn bench<W: EchoWorld>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str) -> Option<f64> {
    let mut rates = Vec::new();
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let took = run::<W>(iterations);
            rates.push((iterations * PACKETS) as f64 / took.as_secs_f64());
            took
        });
    });
    median_of_last(rates)
}

fn run<W: EchoWorld>(iterations: u64) -> Duration {
    let mut world = W::connected(PAIRS);
    let start = Instant::now();
    for _ in 0..iterations {
        assert_eq!(world.echo_for(PAIRS, SPAN_MS), PACKETS);
    }
    start.elapsed()
}

/// The median of the last [`SAMPLES`] rates: criterion's warm-up comes before them. `None` when
/// there are fewer, as in criterion's test mode.
fn median_of_last(mut rates: Vec<f64>) -> Option<f64> {
    let warm_ups = rates.len().checked_sub(SAMPLES)?;
    let measured = &mut rates[warm_ups..];
    measured.sort_unstable_by(f64::total_cmp);
    Some(measured[SAMPLES / 2])
}

criterion_group!(benches, echo_50_pairs);
criterion_main!(benches);
