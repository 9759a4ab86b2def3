//! Where a message is committed, end to end: in the store, in the log, or in both without anybody who
//! puts the two together.

use im_reports::record::{Record, Verdict};
use imsim::effects;

use crate::lived::{self, counter};

/// Runs a scenario of `scenarios/incidents` once: every promise must get the verdict that the scenario
/// expects, and every fault have its effect. Returns its record.
#[track_caller]
fn as_expected(name: &str, sets: &[&str]) -> Record {
    let record = lived::record(&lived::shipped(&format!("incidents/{name}"), sets), 1);
    assert_eq!(effects::missing(&record.faults), Vec::<String>::new());
    assert!(record.as_expected, "{:#?}", record.findings);
    record
}

/// The median of send→ack in milliseconds.
fn ack_p50_ms(record: &Record) -> f64 {
    let to_ack = record.latencies.iter().find(|latency| latency.name == "send→ack");
    to_ack.expect("it is measured").percentile_ns(50.0) as f64 / 1e6
}

#[test]
fn dual_writes_lose_what_stands_between_the_two() {
    let record = as_expected("dual-writes", &[]);
    let broken = record.promises.iter().filter(|promise| promise.verdict == Verdict::Invalid);
    assert_eq!(broken.map(|promise| promise.id.as_str()).collect::<Vec<_>>(), ["A1", "ledger"]);
}

#[test]
fn dual_writes_lose_what_the_log_refuses_too() {
    let gone = r#"faults=[{kind="crash",node="log-0",at="15s",lasts="5s",require_effect=true}]"#;
    let record = as_expected("dual-writes", &[gone]);
    assert!(counter(&record, "chat", "rows_unpublished") > 0);
}

#[test]
fn one_write_and_whoever_follows_it_lose_nothing() {
    let outbox = as_expected("store-then-outbox", &[]);
    assert_eq!(counter(&outbox, "dispatcher", "rows_written_behind"), 0);
    let log = as_expected("log-then-store", &[]);
    let behind = counter(&log, "dispatcher", "rows_written_behind");
    let accepted = log.totals.accepted;
    assert!(behind >= accepted && accepted > 0, "{behind} rows stored of {accepted}");
}

#[test]
fn acks_wait_for_the_disk_of_whoever_commits() {
    let measured = |commit: &str, sync: &str| {
        let sets = [format!("im.commit={commit}"), format!("disk.store_fsync={sync}")];
        ack_p50_ms(&as_expected("store-before-ack", &[&sets[0], &sets[1]]))
    };
    let store = measured("store", "50ms") - measured("store", "1ms");
    assert!(store > 49.0, "an ack takes {store} ms longer where a sync takes 49 ms longer");
    let log = measured("log", "50ms") - measured("log", "1ms");
    assert!(log.abs() < 5.0, "{log} ms, though the log's disk is the same");
}
