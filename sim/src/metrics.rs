//! The figures of a run: one number each, with a name, a unit, and which way is better. Variants are compared
//! by them, and the bounds of a scenario's `[expect]` are set on them.
//!
//! Reads records alone. A figure of the messages of a run can be had of one workload's messages, too.

use std::sync::LazyLock;

use im_reports::comparison::{self, Better};
use im_reports::record::{Bucket, HopTraffic, Latency, Record};

/// A figure of a run.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Its name in `[expect]` and on the command line.
    pub name: &'static str,
    /// The unit of its values.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
    /// What it is, as a sentence without its full stop.
    pub about: &'static str,
    of: Of,
    /// How time tells when it was beyond a bound.
    pub when: When,
}

/// What a figure is read from.
#[derive(Clone, Copy)]
enum Of {
    /// Messages: of the run, or of one workload.
    Messages(fn(&Messages<'_>) -> Option<f64>),
    /// The run as a whole.
    Run(fn(&Record) -> Option<f64>),
}

/// How time tells when a figure was beyond a bound.
#[derive(Clone, Copy)]
pub enum When {
    /// It does not: the figure is of the whole run.
    Whole,
    /// Each second has the figure, too.
    Second(fn(&Bucket) -> Option<f64>),
    /// In the span without an acceptance.
    UnacceptedGap,
    /// After each fault that took longer.
    Faults,
}

/// What became of the messages of a run, or of one workload.
#[derive(Clone, Copy)]
pub struct Messages<'a> {
    /// Distributions of latency.
    pub latencies: &'a [Latency],
    /// Sends that reached a device's database.
    pub offered: u64,
    /// Of these, acked.
    pub accepted: u64,
    /// Of these, neither acked nor refused.
    pub without_outcome: u64,
    /// The longest span in which sends waited and none was accepted, in nanoseconds from the start of
    /// `duration`.
    pub unaccepted_gap_ns: (u64, u64),
    /// (message, device) pairs shown per second of the load.
    pub shown_per_s: f64,
}

impl<'a> Messages<'a> {
    /// All messages of a run.
    pub fn of(record: &'a Record) -> Self {
        let totals = &record.totals;
        Self {
            latencies: &record.latencies,
            offered: totals.offered,
            accepted: totals.accepted,
            without_outcome: totals.sends_without_outcome,
            unaccepted_gap_ns: totals.unaccepted_gap_ns,
            shown_per_s: totals.shown_per_s,
        }
    }

    fn latency_ms(&self, name: &str, percentile: f64) -> Option<f64> {
        let found = self.latencies.iter().find(|latency| latency.name == name);
        let found = found.filter(|latency| latency.count > 0)?;
        Some(found.percentile_ns(percentile) as f64 / 1e6)
    }
}

impl Metric {
    /// The metric of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|metric| metric.name == name)
    }

    /// The figure of a run; nothing where the run has no sample of it.
    pub fn of(&self, record: &Record) -> Option<f64> {
        let value = match self.of {
            Of::Messages(of) => of(&Messages::of(record)),
            Of::Run(of) => of(record),
        };
        value.filter(|value| value.is_finite())
    }

    /// The figure of some messages; nothing where there is no sample.
    pub fn of_messages(&self, messages: &Messages<'_>) -> Option<f64> {
        match self.of {
            Of::Messages(of) => of(messages).filter(|value| value.is_finite()),
            Of::Run(_) => None,
        }
    }

    /// Whether one workload has the figure, too.
    pub fn by_workload(&self) -> bool {
        matches!(self.of, Of::Messages(_))
    }

    /// The same as reports have it.
    pub fn described(&self) -> comparison::Metric {
        comparison::Metric {
            name: self.name.to_owned(),
            unit: self.unit.to_owned(),
            better: self.better,
            about: self.about.to_owned(),
        }
    }
}

/// The names of all metrics.
pub static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| ALL.iter().map(|metric| metric.name).collect());

const fn messages(
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    of: fn(&Messages<'_>) -> Option<f64>,
) -> Metric {
    Metric { name, unit, better: Better::Lower, about, of: Of::Messages(of), when: When::Whole }
}

const fn run(
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    of: fn(&Record) -> Option<f64>,
) -> Metric {
    Metric { name, unit, better: Better::Lower, about, of: Of::Run(of), when: When::Whole }
}

impl Metric {
    const fn higher(self) -> Self {
        Self { better: Better::Higher, ..self }
    }

    const fn when(self, when: When) -> Self {
        Self { when, ..self }
    }
}

/// Every figure, in the order of tables.
pub static ALL: &[Metric] = &[
    messages("show_p50", "ms", "Median send→show, from the intended time of the send", |of| {
        of.latency_ms("send→show", 50.0)
    })
    .when(When::Second(|bucket| ms(bucket.show_p50_ns))),
    messages("show_p99", "ms", "99th percentile of send→show", |of| {
        of.latency_ms("send→show", 99.0)
    })
    .when(When::Second(|bucket| ms(bucket.show_p99_ns))),
    messages(
        "last_show_p50",
        "ms",
        "Median time until the last device had shown a message",
        |of| of.latency_ms("send→last show", 50.0),
    ),
    messages(
        "last_show_p99",
        "ms",
        "99th percentile of the time until the last device had shown a message",
        |of| of.latency_ms("send→last show", 99.0),
    ),
    messages(
        "absence_to_shown_p99",
        "ms",
        "99th percentile of the time from a device's login to the show of what was accepted while it was away",
        |of| of.latency_ms("absence→shown", 99.0),
    ),
    run("sync_p50", "ms", "Median time from a device's question for rows to the answer", |of| {
        Messages::of(of).latency_ms("sync", 50.0)
    }),
    run("open_p50", "ms", "Median time from opening a conversation to the answer", |of| {
        Messages::of(of).latency_ms("open", 50.0)
    }),
    messages("ack_p50", "ms", "Median send→ack, from the intended time of the send", |of| {
        of.latency_ms("send→ack", 50.0)
    })
    .when(When::Second(|bucket| ms(bucket.ack_p50_ns))),
    messages("ack_p99", "ms", "99th percentile of send→ack", |of| of.latency_ms("send→ack", 99.0))
        .when(When::Second(|bucket| ms(bucket.ack_p99_ns))),
    messages(
        "accepted",
        "%",
        "Sends that were accepted by the end of the run, of those that reached a device's database",
        |of| (of.offered > 0).then(|| of.accepted as f64 * 100.0 / of.offered as f64),
    )
    .higher(),
    messages(
        "sends_without_outcome",
        "",
        "Sends that got neither an ack nor a refusal by the end of the run",
        |of| Some(of.without_outcome as f64),
    ),
    messages(
        "unaccepted_gap",
        "s",
        "The longest span in which sends waited and none was accepted",
        |of| (of.offered > 0).then(|| span_s(of.unaccepted_gap_ns)),
    )
    .when(When::UnacceptedGap),
    run(
        "connections_lost",
        "",
        "Logins of devices that had lost their connection while their programs ran on",
        |record| Some(record.totals.connections_lost as f64),
    ),
    run("settle", "s", "From the end of the load until nothing was owed", |record| {
        Some(record.phases.settle_ns as f64 / 1e9)
    }),
    run(
        "recovery",
        "s",
        "The longest time from the begin of a fault to the first second after which rates and latencies stay in \
         their former band",
        |record| longest_s(record.faults.iter().map(|fault| fault.recovery_ns)),
    )
    .when(When::Faults),
    run(
        "catch_up",
        "s",
        "The longest time from the end of a fault until all that was sent before was shown",
        |record| longest_s(record.faults.iter().map(|fault| fault.caught_up_ns)),
    ),
    messages("shown_per_s", "1/s", "(message, device) pairs shown per second of the load", |of| {
        Some(of.shown_per_s)
    })
    .higher(),
    run(
        "server_cpu",
        "µs/message",
        "Busy time of the servers' processors during the load, per accepted message",
        server_cpu_us,
    ),
    run("rows_written", "rows/message", "Rows the store wrote", |record| {
        per_message(record, "store_rows_written")
    }),
    run("rows_read", "rows/message", "Rows the store read", |record| {
        per_message(record, "store_rows_read")
    }),
    run("wal_bytes", "B/message", "Bytes appended to write-ahead logs", |record| {
        per_message(record, "wal_bytes")
    }),
    run("fsyncs", "1/message", "Disk syncs of servers", |record| per_message(record, "fsyncs")),
    run("redis_commands", "1/message", "Commands sent to Redis", |record| {
        per_message(record, "redis_commands")
    }),
    run("pushes", "1/message", "Pushes handed to gateways, one per device", |record| {
        per_message(record, "pushes")
    }),
    run("copies", "1/message", "Copies written for members", |record| {
        per_message(record, "inbox_copies")
    }),
    run("client_bytes", "B/message", "Bytes between gateways and devices, both ways", |record| {
        let of_devices = |hop: &&HopTraffic| hop.from == "device" || hop.to == "device";
        let bytes: u64 = record.hops.iter().filter(of_devices).map(|hop| hop.bytes).sum();
        each((bytes > 0).then_some(bytes)? as f64, record)
    }),
    run(
        "push_frames",
        "1/message",
        "Frames with pushes that gateways sent to devices, tries after the first included",
        |record| each(*record.counters.get("gateway")?.get("push_frames")? as f64, record),
    ),
    run(
        "network_bytes",
        "B/message",
        "Bytes that programs wrote to streams, on all links",
        |record| each(*record.counters.get("network")?.get("bytes_written")? as f64, record),
    ),
    run("push_retries", "1/message", "Pushes tried again", |record| {
        each(record.totals.push_retries as f64, record)
    }),
];

fn ms(ns: Option<u64>) -> Option<f64> {
    ns.map(|ns| ns as f64 / 1e6)
}

fn span_s((from, until): (u64, u64)) -> f64 {
    (until - from) as f64 / 1e9
}

fn longest_s(spans_ns: impl Iterator<Item = Option<u64>>) -> Option<f64> {
    spans_ns.flatten().max().map(|took| took as f64 / 1e9)
}

fn per_message(record: &Record, name: &str) -> Option<f64> {
    record.amplification.get(name).copied()
}

/// So much per accepted message.
fn each(total: f64, record: &Record) -> Option<f64> {
    (record.totals.accepted > 0).then(|| total / record.totals.accepted as f64)
}

/// Processors are measured during the load, and so are the messages that they are divided by.
fn server_cpu_us(record: &Record) -> Option<f64> {
    let roles = &record.processors.as_ref()?.roles;
    let servers = roles.iter().filter(|role| role.role != "device");
    let busy: f64 = servers.map(|role| role.busy_share_mean * role.hosts as f64).sum();
    let per_s = record.totals.accepted_per_s;
    (per_s > 0.0).then(|| busy * 1e6 / per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names = NAMES.clone();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
