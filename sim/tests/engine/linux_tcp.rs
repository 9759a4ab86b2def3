//! Our streams against measurements of Linux 6.18 TCP. The bounds are a little above what two
//! repetitions on the real kernel differ by; `cargo run --release --example linux_tcp` prints all
//! cells.

mod linux;
mod measure;

use measure::{TRAFFIC, percentile};

/// The error of every cell at this percentile, ascending, with what it is about.
fn errors(percent: f64) -> Vec<(f64, f64, String)> {
    let name = format!("p{percent}");
    let mut errors: Vec<(f64, f64, String)> = linux::latencies()
        .into_iter()
        .filter(|row| row.percentile == name)
        .map(|row| {
            let traffic = TRAFFIC.into_iter().find(|traffic| traffic.name == row.traffic);
            let sorted = measure::latencies(row.rtt_ms, row.loss, traffic.expect("known"));
            let ours = percentile(&sorted, percent);
            let what = format!("{} ms, {}, {}: {ours} ms", row.rtt_ms, row.loss, row.traffic);
            ((ours / row.ms - 1.0).abs(), row.loss, what)
        })
        .collect();
    errors.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(errors.len(), 43, "every cell that was measured");
    errors
}

#[test]
fn medians_under_loss_are_the_kernels() {
    let errors = errors(50.0);
    assert!(errors[21].0 <= 0.03, "median error {:.3}", errors[21].0);
    for (error, loss, what) in &errors {
        let bound = if *loss <= 0.03 { 0.30 } else { 0.45 };
        assert!(*error <= bound, "off by {error:.2}: {what}");
    }
}

#[test]
fn tails_under_loss_are_the_kernels() {
    for (percent, bound) in [(90.0, 0.08), (99.0, 0.20)] {
        let errors = errors(percent);
        assert!(errors[21].0 <= bound, "p{percent}: median error {:.3}", errors[21].0);
    }
}

/// What the window of ten keeps back is sent at its limit, so a burst takes it to 28. That is halved while
/// the stream idles for longer than a timeout, so that the next burst finds 14, and so on, until a single
/// message of twenty comes late. Measured on Linux 6.18: the same in each of 20 streams.
#[test]
fn windows_grow_from_burst_to_burst_as_the_kernels_do() {
    let bursts = TRAFFIC.into_iter().find(|traffic| traffic.name == "bursts").expect("known");
    let latencies = measure::one_stream(1, 200.0, 0.0, bursts);
    let in_time = |burst: &[f64]| burst.iter().filter(|ms| **ms < 150.0).count();
    let of_each: Vec<usize> = latencies.chunks(20).map(in_time).collect();
    assert_eq!(of_each[..8], [10, 14, 16, 17, 18, 19, 19, 19]);
}

/// After a long cut the tries of all streams of a machine fall on the same ticks of its coarsest timers.
/// The eighth comes 29.3 to 29.5 s after a packet first left, and so for some streams just after a cut of
/// 29.9 s, as the measurements have it; the ninth at one or two ticks of 2,048 ms.
#[test]
fn after_a_long_cut_streams_come_back_at_the_ticks_of_their_machine() {
    let (mut early, mut late) = (0, Vec::new());
    for seed in 0..10 {
        let all = measure::first_after_partition(seed, 20.0, 29_900_000_000, 40);
        let (soon, rest): (Vec<f64>, Vec<f64>) = all.into_iter().partition(|s| *s < 0.3);
        early += soon.len();
        let far = rest.iter().filter(|seconds| **seconds > rest[0] + 0.1);
        let spread = far.map(|seconds| (seconds - rest[0] - 2.048).abs()).fold(0.0, f64::max);
        assert!(spread < 0.1, "seed {seed}: not at ticks of 2,048 ms: {rest:?}");
        late.extend(rest);
    }
    // Of 800 on the kernel, on two phases of the ticks of 256 ms: none, and 14 to 18 %.
    assert!((1..80).contains(&early), "{early} of 400");
    late.sort_unstable_by(f64::total_cmp);
    let truth = linux::after_partition();
    let of = |name: &str| {
        let found = truth.iter().find(|row| row.partition_s == 29.9 && row.percentile == name);
        found.expect("measured").seconds
    };
    let median = percentile(&late, 50.0);
    assert!((median - of("p50")).abs() < 0.5, "median {median}");
    assert!(late[0] > 28.2 && late[late.len() - 1] < of("p100") + 0.3, "{late:?}");
}

#[test]
fn streams_and_dials_come_back_after_a_partition_when_the_kernels_do() {
    let truth = linux::after_partition();
    let of = |metric: &str, percentile: &str, rtt_ms: f64, partition_s: f64| {
        let found = truth.iter().find(|row| {
            row.metric == metric
                && row.percentile == percentile
                && (row.rtt_ms, row.partition_s) == (rtt_ms, partition_s)
        });
        found.expect("measured").seconds
    };
    for (rtt_ms, partition_s) in [(20.0, 1.0), (20.0, 10.0), (80.0, 1.0), (80.0, 10.0)] {
        let partition = (partition_s * 1e9) as u64;
        let ours = [
            ("first_delivery_after_heal", measure::first_after_partition as fn(_, _, _, _) -> _),
            ("connect_done_after_heal", measure::connects_after_partition),
        ];
        for (metric, measure) in ours {
            let mut all: Vec<f64> =
                (0..10).flat_map(|s| measure(s, rtt_ms, partition, 50)).collect();
            all.sort_unstable_by(f64::total_cmp);
            let [least, most] = ["p0", "p100"].map(|name| of(metric, name, rtt_ms, partition_s));
            let median = percentile(&all, 50.0);
            let about = format!("{metric}, {rtt_ms} ms, {partition_s} s");
            assert!((least..=most).contains(&median), "{about}: median {median}");
            // Ten hosts, whose timers tick at other times than those of the one that was measured.
            let slack = 0.1 + 0.03 * partition_s;
            assert!(all[0] >= least - slack, "{about}: earliest {}", all[0]);
            assert!(all[all.len() - 1] <= most + slack, "{about}: latest {}", all[all.len() - 1]);
        }
    }
}
