//! The figures of the page: ledger, latencies, rates and costs, as words.
//!
//! Must not know HTML.

use serde::Serialize;

use super::{Fact, fact};
use crate::figures;
use crate::record::{HopTraffic, Latency, Record};
use crate::words::{self, HEADLINE_PERCENTILES, NO_SAMPLES};

/// The ledger: its equation, whether that holds, and its lines.
#[derive(Serialize)]
pub struct LedgerView {
    equation: String,
    balanced: bool,
    rows: Vec<Fact>,
}

/// One row of the table of percentiles.
#[derive(Serialize)]
pub struct LatencyRow {
    name: String,
    about: String,
    samples: String,
    /// One per percentile name; nothing without samples.
    values: Vec<String>,
}

/// How busy the processors were.
#[derive(Serialize)]
pub struct ProcessorsView {
    /// On which machine, where all hosts share one.
    shared: Option<String>,
    /// Where the figures come from.
    source: String,
    roles: Vec<ProcessorRow>,
}

/// What went from one tier to another.
#[derive(Serialize)]
pub struct HopRow {
    hop: String,
    /// Writes and bytes for each accepted message, and bytes in all.
    values: [String; 3],
}

#[derive(Serialize)]
struct ProcessorRow {
    role: String,
    /// Hosts, busiest, mean, longest wait.
    values: [String; 4],
}

/// Where every owed pair went.
pub fn ledger(record: &Record) -> LedgerView {
    let ledger = &record.ledger;
    let (equation, balanced) = words::balance(ledger);
    let count = figures::count;
    let mut rows = vec![
        fact(
            "Rows sequenced",
            count(ledger.sequenced),
            "messages that got their place in a conversation",
        ),
        fact("… acked", count(ledger.acked), "the sending device saw the ack"),
        fact(
            "… unacked",
            count(ledger.unacked),
            "no ack was seen; known because a device showed the row",
        ),
        fact(
            "Owed",
            count(ledger.owed),
            "(message, device) pairs that the device must come to show",
        ),
        fact("Shown", count(ledger.shown), "of these, synced into the device's own database"),
        fact(
            "Pending",
            count(ledger.pending),
            "of these, still to come: above the device's durable cursor",
        ),
    ];
    if ledger.too_late > 0 {
        rows.push(fact(
            "Too late to judge",
            count(ledger.too_late),
            "of these, accepted so late that the time in which they are promised was not over at the end",
        ));
    }
    if ledger.dropped.is_empty() {
        rows.push(fact(
            "Dropped",
            "0",
            "of these, skipped: at or below the cursor and never shown",
        ));
    }
    for (reason, dropped) in &ledger.dropped {
        rows.push(fact("Dropped", count(*dropped), &words::plain(reason)));
    }
    rows.push(fact(
        "Maybe owed",
        count(ledger.maybe_shown),
        "shown, but an ack is missing, so nobody can say whether it was owed",
    ));
    rows.push(fact(
        "Leaked",
        count(ledger.leaked),
        "shown to a device that was certainly not owed it",
    ));
    LedgerView { equation, balanced, rows }
}

/// The heads of the percentile columns.
pub fn percentile_names() -> Vec<String> {
    let names = HEADLINE_PERCENTILES.iter().map(|percentile| figures::percentile(*percentile));
    names.chain(["max".to_owned()]).collect()
}

/// The percentiles of one distribution.
pub fn latency(latency: &Latency) -> LatencyRow {
    let percentiles = HEADLINE_PERCENTILES.iter().map(|p| latency.percentile_ns(*p));
    let values = percentiles.chain([latency.max_ns]).map(figures::duration);
    LatencyRow {
        name: latency.name.clone(),
        about: latency.about.clone(),
        samples: if latency.count == 0 {
            NO_SAMPLES.to_owned()
        } else {
            figures::count(latency.count)
        },
        values: if latency.count == 0 { Vec::new() } else { values.collect() },
    }
}

/// Throughput, retries and what was lost on the way.
pub fn rates(record: &Record) -> Vec<Fact> {
    let totals = &record.totals;
    let (rate, count) = (figures::rate, figures::count);
    let on_clients = (totals.client_packets_lost, totals.client_packets_sent);
    let on_backend = (totals.backend_packets_lost, totals.backend_packets_sent);
    let packets = match words::packets_counted(totals) {
        false => "no packets were counted".to_owned(),
        true => format!(
            "{} of {} packets; {} of {} between servers. What cuts swallow is with the faults",
            count(on_clients.0),
            count(on_clients.1),
            count(on_backend.0),
            count(on_backend.1)
        ),
    };
    let total = |what: u64, meaning: &str| format!("{} in all: {meaning}", figures::count(what));
    vec![
        fact(
            "Offered",
            format!("{} /s", rate(totals.offered_per_s)),
            &total(totals.offered, "messages the workload wanted to send"),
        ),
        fact(
            "Accepted",
            format!("{} /s", rate(totals.accepted_per_s)),
            &total(totals.accepted, "sends whose ack reached the sending device"),
        ),
        fact(
            "Shown",
            format!("{} /s", rate(totals.shown_per_s)),
            &total(totals.shown, "(message, device) pairs that arrived in a device's own database"),
        ),
        fact("Refused", count(totals.refused), "sends turned down for good"),
        fact(
            "Never asked",
            count(totals.not_asked),
            "planned operations whose device was down or crashed first",
        ),
        fact(
            "Send retries",
            count(totals.send_retries),
            "tries of a send after its first, by devices",
        ),
        fact(
            "Push retries",
            count(totals.push_retries),
            "tries of a push after its first, by gateways",
        ),
        fact(
            "Duplicates suppressed",
            count(totals.duplicates_suppressed),
            "repeats that servers and devices recognised",
        ),
        fact("Random loss on devices' links", figures::share(on_clients.0, on_clients.1), &packets),
    ]
}

/// How busy the processors were, by role.
pub fn processors(record: &Record) -> Option<ProcessorsView> {
    let processors = record.processors.as_ref()?;
    let rows = processors.roles.iter().map(|load| ProcessorRow {
        role: load.role.clone(),
        values: [
            figures::count(load.hosts),
            figures::percentage(load.busy_share_max),
            figures::percentage(load.busy_share_mean),
            words::longest_wait(processors, load),
        ],
    });
    Some(ProcessorsView {
        shared: words::shared_cores(record),
        source: words::processors(processors),
        roles: rows.collect(),
    })
}

/// What went between tiers, the most first.
pub fn hops(record: &Record) -> Vec<HopRow> {
    let messages = record.totals.accepted.max(1) as f64;
    let row = |hop: &HopTraffic| HopRow {
        hop: format!("{} → {}", hop.from, hop.to),
        values: [
            figures::rate(hop.writes as f64 / messages),
            figures::rate(hop.bytes as f64 / messages),
            figures::count(hop.bytes),
        ],
    };
    let mut hops: Vec<&HopTraffic> = record.hops.iter().collect();
    hops.sort_by_key(|hop| std::cmp::Reverse(hop.bytes));
    hops.into_iter().map(row).collect()
}

/// Costs per accepted message.
pub fn amplification(record: &Record) -> Vec<Fact> {
    let costs = record.amplification.iter();
    costs.map(|(name, value)| fact(&words::plain(name), figures::rate(*value), "")).collect()
}
