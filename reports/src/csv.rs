//! `measures.csv`: every figure of a record as one long table, for spreadsheets and scripts.
//!
//! Columns: `measure,unit,key,value`. One row is one figure, unrounded, or a
//! word without which the figures cannot be read.
//!
//! | measure | key | unit |
//! |---|---|---|
//! | `run` | `seed`, `engine`, `events_total` | |
//! | `phase` | `setup`, `duration`, `settle` | `ns` |
//! | `latency <name>` | `count`, `min`, `mean`, `p50` … `p99.99`, `max` | `samples` or `ns` |
//! | `processor <role>` | `hosts`, `busy_share_max`, `busy_share_mean`, `longest_wait` | `hosts`, `share` or `ns` |
//! | `processors` | `source` (`calibration` or `measured`), and of a calibration `name`, `date`, `shipped_default` | |
//! | `totals` | field of the record | what is counted, or `1/s` |
//! | `amplification` | name of the cost | `per accepted message` |
//! | `ledger` | field of the record, `dropped <reason>` | `rows` or `pairs` |
//! | `fault <number> <kind>` | `from`, `until`, `recovery`, or what it touched | `ns` or `count` |
//! | `fault <number> <kind>` | `left_out`, `uncounted`: 1 where the engine did not do it, or cannot tell what it touched | |
//! | `left out` | what of the scenario the engine could not do; the value says why | |
//! | `timeline <series>` | second from the start of `duration` | `1/s` or `ns` |
//! | `timeline busy <role>` | second | `share` |
//! | `timeline queue <queue>` | second, at whose end so much waits | `count` |
//! | `hop <role> → <role>` | `writes`, `bytes` | `count` or `bytes` |
//! | `counter <role>` | name of the counter | `count` |
//!
//! Rows without samples are left out. Must not round, group or translate anything.

use std::fmt::Display;

use crate::figures;
use crate::record::{Bucket, Latency, Record};

/// The percentiles written for each latency, in percent; the whole curve is in `record.json`.
const PERCENTILES: [f64; 6] = [50.0, 90.0, 95.0, 99.0, 99.9, 99.99];

/// The figures of a record as CSV.
pub fn measures(record: &Record) -> String {
    let mut table = Table::new();
    run(&mut table, record);
    for latency in &record.latencies {
        distribution(&mut table, latency);
    }
    processors(&mut table, record);
    totals(&mut table, record);
    ledger(&mut table, record);
    faults(&mut table, record);
    timeline(&mut table, &record.timeline);
    for hop in &record.hops {
        let measure = format!("hop {} → {}", hop.from, hop.to);
        table.row(&measure, "count", "writes", hop.writes);
        table.row(&measure, "bytes", "bytes", hop.bytes);
    }
    for (role, counters) in &record.counters {
        for (name, value) in counters {
            table.row(&format!("counter {role}"), "count", name, value);
        }
    }
    table.finish()
}

fn run(table: &mut Table, record: &Record) {
    table.row("run", "", "seed", record.seed);
    table.row("run", "", "engine", &record.engine);
    table.row("run", "", "events_total", record.events_total);
    table.row("phase", "ns", "setup", record.phases.setup_ns);
    table.row("phase", "ns", "duration", record.phases.duration_ns);
    table.row("phase", "ns", "settle", record.phases.settle_ns);
    for left_out in &record.left_out {
        table.row("left out", "", &left_out.what, &left_out.why);
    }
}

fn distribution(table: &mut Table, latency: &Latency) {
    let measure = format!("latency {}", latency.name);
    table.row(&measure, "samples", "count", latency.count);
    if latency.count == 0 {
        return;
    }
    table.row(&measure, "ns", "min", latency.min_ns);
    table.row(&measure, "ns", "mean", latency.mean_ns);
    for percentile in PERCENTILES {
        let ns = latency.percentile_ns(percentile);
        table.row(&measure, "ns", &figures::percentile(percentile), ns);
    }
    table.row(&measure, "ns", "max", latency.max_ns);
}

fn processors(table: &mut Table, record: &Record) {
    let Some(processors) = &record.processors else { return };
    match &processors.calibration {
        None => table.row("processors", "", "source", "measured"),
        Some(calibration) => {
            table.row("processors", "", "source", "calibration");
            table.row("processors", "", "name", &calibration.name);
            table.row("processors", "", "date", &calibration.date);
            table.row("processors", "", "shipped_default", calibration.shipped_default);
        }
    }
    for load in &processors.roles {
        let measure = format!("processor {}", load.role);
        table.row(&measure, "hosts", "hosts", load.hosts);
        table.row(&measure, "share", "busy_share_max", load.busy_share_max);
        table.row(&measure, "share", "busy_share_mean", load.busy_share_mean);
        table.row(&measure, "ns", "longest_wait", load.longest_wait_ns);
    }
}

fn totals(table: &mut Table, record: &Record) {
    let totals = &record.totals;
    for (key, unit, value) in [
        ("users", "users", totals.users),
        ("devices", "devices", totals.devices),
        ("conversations", "conversations", totals.conversations),
        ("offered", "messages", totals.offered),
        ("accepted", "messages", totals.accepted),
        ("shown", "pairs", totals.shown),
        ("refused", "messages", totals.refused),
        ("send_retries", "tries", totals.send_retries),
        ("push_retries", "tries", totals.push_retries),
        ("duplicates_suppressed", "repeats", totals.duplicates_suppressed),
        ("not_asked", "operations", totals.not_asked),
        ("client_packets_sent", "packets", totals.client_packets_sent),
        ("client_packets_lost", "packets", totals.client_packets_lost),
        ("backend_packets_sent", "packets", totals.backend_packets_sent),
        ("backend_packets_lost", "packets", totals.backend_packets_lost),
    ] {
        table.row("totals", unit, key, value);
    }
    table.row("totals", "1/s", "offered_per_s", totals.offered_per_s);
    table.row("totals", "1/s", "accepted_per_s", totals.accepted_per_s);
    table.row("totals", "1/s", "shown_per_s", totals.shown_per_s);
    for (name, value) in &record.amplification {
        table.row("amplification", "per accepted message", name, value);
    }
}

fn ledger(table: &mut Table, record: &Record) {
    let ledger = &record.ledger;
    for (key, unit, value) in [
        ("sequenced", "rows", ledger.sequenced),
        ("acked", "rows", ledger.acked),
        ("unacked", "rows", ledger.unacked),
        ("owed", "pairs", ledger.owed),
        ("shown", "pairs", ledger.shown),
        ("pending", "pairs", ledger.pending),
        ("too_late", "pairs", ledger.too_late),
        ("maybe_shown", "pairs", ledger.maybe_shown),
        ("leaked", "pairs", ledger.leaked),
    ] {
        table.row("ledger", unit, key, value);
    }
    for (reason, value) in &ledger.dropped {
        table.row("ledger", "pairs", &format!("dropped {reason}"), value);
    }
}

fn faults(table: &mut Table, record: &Record) {
    for fault in &record.faults {
        let measure = format!("fault {} {}", fault.number, fault.kind);
        table.row(&measure, "ns", "from", fault.from_ns);
        table.row(&measure, "ns", "until", fault.until_ns);
        if let Some(took) = fault.caught_up_ns {
            table.row(&measure, "ns", "caught_up", took);
        }
        if let Some(took) = fault.recovery_ns {
            let name = if fault.recovery_open { "recovery_at_least" } else { "recovery" };
            table.row(&measure, "ns", name, took);
        }
        if let Some(took) = fault.pushes_back_ns {
            table.row(&measure, "ns", "pushes_back", took);
        }
        if fault.left_out.is_some() {
            table.row(&measure, "", "left_out", 1);
        }
        if fault.uncounted {
            table.row(&measure, "", "uncounted", 1);
        }
        for (name, count) in &fault.effect {
            table.row(&measure, "count", name, count);
        }
    }
}

fn timeline(table: &mut Table, buckets: &[Bucket]) {
    type Series = (&'static str, &'static str, fn(&Bucket) -> Option<u64>);
    const SERIES: [Series; 6] = [
        ("timeline offered", "1/s", |bucket| Some(bucket.offered)),
        ("timeline accepted", "1/s", |bucket| Some(bucket.accepted)),
        ("timeline shown", "1/s", |bucket| Some(bucket.shown)),
        ("timeline retries", "1/s", |bucket| Some(bucket.retries)),
        ("timeline show_p50", "ns", |bucket| bucket.show_p50_ns),
        ("timeline show_p99", "ns", |bucket| bucket.show_p99_ns),
    ];
    for (measure, unit, value) in SERIES {
        for bucket in buckets {
            if let Some(value) = value(bucket) {
                table.row(measure, unit, &bucket.second.to_string(), value);
            }
        }
    }
    for bucket in buckets {
        let second = bucket.second.to_string();
        for (role, share) in &bucket.busy_share {
            table.row(&format!("timeline busy {role}"), "share", &second, share);
        }
        for (queue, depth) in &bucket.queues {
            table.row(&format!("timeline queue {queue}"), "count", &second, depth);
        }
    }
}

/// Rows written so far.
struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    fn new() -> Self {
        let mut table = Table { writer: csv::Writer::from_writer(Vec::new()) };
        table.write(["measure", "unit", "key", "value"]);
        table
    }

    fn row(&mut self, measure: &str, unit: &str, key: &str, value: impl Display) {
        self.write([measure, unit, key, &value.to_string()]);
    }

    fn write(&mut self, fields: [&str; 4]) {
        self.writer.write_record(fields).expect("memory takes every row of four fields");
    }

    fn finish(self) -> String {
        let bytes = self.writer.into_inner().expect("memory never fails to flush");
        String::from_utf8(bytes).expect("rows are made of strings")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_valid_run() {
        insta::assert_snapshot!(measures(&sample::brief()));
    }

    #[test]
    fn a_run_without_samples() {
        insta::assert_snapshot!(measures(&sample::empty()));
    }

    #[test]
    fn a_fault_left_out_is_not_one_that_touched_nothing() {
        let table = measures(&sample::turmoil());
        for row in ["run,,engine,turmoil", "fault 2 loss,,left_out,1"] {
            assert!(table.contains(row), "{row}");
        }
        assert!(table.contains("left out,,cpu.calibration,nodes compute in no time"));
        assert!(table.contains("fault 1 redis-master-crash,,uncounted,1"));
    }

    #[test]
    fn processors_say_where_their_figures_come_from() {
        assert!(measures(&sample::valid()).contains("processors,,name,shipped default\n"));
        assert!(measures(&sample::live()).contains("processors,,source,measured\n"));
    }

    #[test]
    fn names_with_commas_are_quoted() {
        let mut record = sample::empty();
        record.amplification.insert("a,b".to_owned(), 1.0);
        assert!(measures(&record).contains("amplification,per accepted message,\"a,b\",1\n"));
    }
}
