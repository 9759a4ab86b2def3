//! A cluster that is asked for more than its processors can do: latency rises with the load, nothing
//! is lost, and afterwards everything that was accepted is worked off.

use std::path::Path;

use im_reports::record::{Record, Verdict};
use imsim::engine::Kind;
use imsim::run::{self, Progress};
use imsim::scenario::Scenario;

/// The record of the shipped scenario at another rate.
fn at_rate(rate: &str) -> Record {
    let file = "../scenarios/capacity/one-slow-chat.toml";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let set = format!("workload.pairs.rate={rate}");
    let scenario = Scenario::load(&path, &[set]).unwrap_or_else(|error| panic!("{error}"));
    let observed = run::live_through(&scenario, 1, Kind::Sim, &Progress::default());
    run::judge(&scenario, 1, &observed.unwrap_or_else(|error| panic!("{error}")))
}

fn show_p50_ms(record: &Record) -> f64 {
    let shown = record.latencies.iter().find(|latency| latency.name == "send→show");
    shown.expect("rows were shown").percentile_ns(50.0) as f64 / 1e6
}

fn chat_busy(record: &Record) -> f64 {
    let processors = record.processors.as_ref().expect("work costs time here");
    let chat = processors.roles.iter().find(|load| load.role == "chat");
    chat.expect("there is one").busy_share_max
}

#[test]
fn latency_rises_with_the_load_and_nothing_is_lost() {
    let [easy, busy, overloaded] = ["20/s", "500/s", "1500/s"].map(at_rate);
    for record in [&easy, &busy, &overloaded] {
        assert_eq!(record.verdict, Verdict::Valid, "{:?}", record.promises);
        assert_eq!(record.ledger.pending, 0, "all of it is worked off");
    }
    let shown_ms = [&easy, &busy, &overloaded].map(show_p50_ms);
    assert!(shown_ms[1] > 1.2 * shown_ms[0], "queues at a busy chat node: {shown_ms:?}");
    assert!(shown_ms[2] > 3.0 * shown_ms[1], "queues that never end: {shown_ms:?}");
    assert!(chat_busy(&easy) < 0.1 && chat_busy(&overloaded) > 0.95, "the chat node is the reason");
    let settled_s = [&easy, &overloaded].map(|record| record.phases.settle_ns / 1_000_000_000);
    assert!(settled_s[0] == 0 && (1..30).contains(&settled_s[1]), "{settled_s:?} s to work it off");
    let totals = &overloaded.totals;
    assert!(totals.accepted_per_s < 0.95 * totals.offered_per_s, "more was asked than was done");
}
