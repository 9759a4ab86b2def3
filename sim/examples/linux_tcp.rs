//! Prints how our streams fare beside the kernel's: every cell of the measurements of Linux 6.18,
//! or one path of your choice.
//!
//! ```text
//! cargo run --release --example linux_tcp
//! cargo run --release --example linux_tcp -- RTT_MS LOSS TRAFFIC      # 50 0.02 busy
//! cargo run --release --example linux_tcp -- partition RTT_MS SECONDS # 50 4
//! ```

#[path = "../tests/engine/linux_tcp/linux.rs"]
mod linux;
#[path = "../tests/engine/linux_tcp/measure.rs"]
mod measure;

use measure::{TRAFFIC, percentile};

const SECOND_NS: f64 = 1e9;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => grid(),
        ["partition", rtt, seconds] => after_partition(number(rtt), number(seconds)),
        [rtt, loss, traffic] => one_path(number(rtt), number(loss), traffic),
        _ => {
            eprintln!("arguments: none, or RTT_MS LOSS TRAFFIC, or partition RTT_MS SECONDS");
            std::process::exit(2);
        }
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| {
        eprintln!("{text:?} is not a number");
        std::process::exit(2)
    })
}

fn one_path(rtt_ms: f64, loss: f64, name: &str) {
    let Some(traffic) = TRAFFIC.into_iter().find(|traffic| traffic.name == name) else {
        eprintln!("traffic is one of sparse, busy, bursts, bulk");
        std::process::exit(2)
    };
    let sorted = measure::latencies(rtt_ms, loss, traffic);
    for percent in [1.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9] {
        println!("p{percent:<5} {:9.3} ms", percentile(&sorted, percent));
    }
    println!("mean   {:9.3} ms", sorted.iter().sum::<f64>() / sorted.len() as f64);
}

fn after_partition(rtt_ms: f64, seconds: f64) {
    let partition = (seconds * SECOND_NS) as u64;
    let first = spread(|seed| measure::first_after_partition(seed, rtt_ms, partition, 100));
    let connects = spread(|seed| measure::connects_after_partition(seed, rtt_ms, partition, 100));
    for (name, sorted) in [("first delivery", first), ("dial succeeds", connects)] {
        print!("{name:<15}");
        for percent in [0.0, 10.0, 50.0, 90.0, 100.0] {
            print!("  p{percent} {:.3} s", percentile(&sorted, percent));
        }
        println!();
    }
}

/// Over ten worlds, whose timers tick at other times.
fn spread(measure: impl Fn(u64) -> Vec<f64>) -> Vec<f64> {
    let mut all: Vec<f64> = (0..10).flat_map(measure).collect();
    all.sort_unstable_by(f64::total_cmp);
    all
}

fn grid() {
    println!("one-way latency of a message in ms: Linux 6.18, ours, error\n");
    println!(
        "{:>4} {:>5}  {:<7} {:>28} {:>28} {:>28}",
        "RTT", "loss", "traffic", "p50", "p90", "p99"
    );
    let truth = linux::latencies();
    let mut cells: Vec<(f64, f64, &str)> = Vec::new();
    for row in &truth {
        let cell = (row.rtt_ms, row.loss, row.traffic.as_str());
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    let mut errors = [Vec::new(), Vec::new(), Vec::new()];
    for (rtt_ms, loss, name) in cells {
        let traffic = TRAFFIC.into_iter().find(|traffic| traffic.name == name).expect("known");
        let sorted = measure::latencies(rtt_ms, loss, traffic);
        print!("{rtt_ms:>4} {:>4}%  {name:<7}", loss * 100.0);
        for (place, percent) in [50.0, 90.0, 99.0].into_iter().enumerate() {
            let real = truth
                .iter()
                .find(|row| {
                    (row.rtt_ms, row.loss, row.traffic.as_str()) == (rtt_ms, loss, name)
                        && row.percentile == format!("p{percent}")
                })
                .expect("measured")
                .ms;
            let ours = percentile(&sorted, percent);
            let error = ours / real - 1.0;
            errors[place].push(error.abs());
            print!(" {real:>9.1} {ours:>9.1} {:>+7.1}%", error * 100.0);
        }
        println!();
    }
    for (name, errors) in ["p50", "p90", "p99"].iter().zip(&mut errors) {
        errors.sort_unstable_by(f64::total_cmp);
        println!(
            "{name}: median error {:.1} %, worst {:.1} % over {} cells",
            errors[errors.len() / 2] * 100.0,
            errors[errors.len() - 1] * 100.0,
            errors.len()
        );
    }
    println!();
    let mut shown: Vec<(f64, f64)> = Vec::new();
    for row in linux::after_partition() {
        if !shown.contains(&(row.rtt_ms, row.partition_s)) {
            shown.push((row.rtt_ms, row.partition_s));
        }
    }
    for (rtt_ms, partition_s) in shown {
        println!("after a partition of {partition_s} s, RTT {rtt_ms} ms; Linux:");
        for metric in ["first_delivery_after_heal", "connect_done_after_heal"] {
            let of = |percentile: &str| {
                let all = linux::after_partition();
                let found = all.into_iter().find(|row| {
                    (row.rtt_ms, row.partition_s) == (rtt_ms, partition_s)
                        && row.metric == metric
                        && row.percentile == percentile
                });
                found.map_or(f64::NAN, |row| row.seconds)
            };
            if of("p0").is_nan() {
                continue;
            }
            println!(
                "  {metric}: {:.3} / {:.3} / {:.3} s (min, median, max)",
                of("p0"),
                of("p50"),
                of("p100")
            );
        }
        println!(" ours, over ten worlds:");
        after_partition(rtt_ms, partition_s);
    }
}
