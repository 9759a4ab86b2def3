//! Our streams against measurements of Linux 6.18 TCP. The bounds are a little above what two
//! repetitions on the real kernel differ by; `cargo run --release --example linux_tcp` prints all
//! cells.

mod linux_tcp {
    pub mod linux;
    pub mod measure;
}

use linux_tcp::linux;
use linux_tcp::measure::{self, TRAFFIC, percentile};

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
    assert_eq!(errors.len(), 42, "every cell that was measured");
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
