//! What variants are compared by: figures that a record gives, one number per run.

use im_reports::comparison::{Better, Metric};
use im_reports::record::{HopTraffic, Record};

/// A figure of a run.
pub struct Measured {
    /// What it is called and what it means.
    pub metric: Metric,
    of: fn(&Record) -> Option<f64>,
}

impl Measured {
    /// The figure of a run; nothing where the run has no sample of it.
    pub fn of(&self, record: &Record) -> Option<f64> {
        (self.of)(record).filter(|value| value.is_finite())
    }
}

/// Every figure, in the order of tables.
pub fn all() -> Vec<Measured> {
    let figure = |name: &str, unit: &str, better, about: &str, of| Measured {
        metric: Metric { name: name.into(), unit: unit.into(), better, about: about.into() },
        of,
    };
    let lower = |name, unit, about, of: fn(&Record) -> Option<f64>| {
        figure(name, unit, Better::Lower, about, of)
    };
    vec![
        lower(
            "show_p50",
            "ms",
            "Median send→show, from the intended time of the send",
            |record| latency_ms(record, "send→show", 50.0),
        ),
        lower("show_p99", "ms", "99th percentile of send→show", |record| {
            latency_ms(record, "send→show", 99.0)
        }),
        lower(
            "last_show_p50",
            "ms",
            "Median time until the last device had shown a message",
            |record| latency_ms(record, "send→last show", 50.0),
        ),
        lower(
            "last_show_p99",
            "ms",
            "99th percentile of the time until the last device had shown a message",
            |record| latency_ms(record, "send→last show", 99.0),
        ),
        lower(
            "sync_p50",
            "ms",
            "Median time from a device's question for rows to the answer",
            |record| latency_ms(record, "sync", 50.0),
        ),
        lower(
            "open_p50",
            "ms",
            "Median time from opening a conversation to the answer",
            |record| latency_ms(record, "open", 50.0),
        ),
        lower("ack_p50", "ms", "Median send→ack, from the intended time of the send", |record| {
            latency_ms(record, "send→ack", 50.0)
        }),
        lower("ack_p99", "ms", "99th percentile of send→ack", |record| {
            latency_ms(record, "send→ack", 99.0)
        }),
        lower("settle", "s", "From the end of the load until nothing was owed", |record| {
            Some(record.phases.settle_ns as f64 / 1e9)
        }),
        lower(
            "recovery_max",
            "s",
            "The longest time from the end of a fault until all that was sent before was shown",
            |record| {
                let longest = record.faults.iter().filter_map(|fault| fault.recovery_ns).max();
                longest.map(|took| took as f64 / 1e9)
            },
        ),
        figure(
            "shown_per_s",
            "1/s",
            Better::Higher,
            "(message, device) pairs shown per second of the load",
            |record| Some(record.totals.shown_per_s),
        ),
        lower(
            "server_cpu",
            "µs/message",
            "Busy time of the servers' processors during the load, per accepted message",
            server_cpu_us,
        ),
        lower("rows_written", "rows/message", "Rows the store wrote", |record| {
            per_message(record, "store_rows_written")
        }),
        lower("rows_read", "rows/message", "Rows the store read", |record| {
            per_message(record, "store_rows_read")
        }),
        lower("wal_bytes", "B/message", "Bytes appended to write-ahead logs", |record| {
            per_message(record, "wal_bytes")
        }),
        lower("fsyncs", "1/message", "Disk syncs of servers", |record| {
            per_message(record, "fsyncs")
        }),
        lower("redis_commands", "1/message", "Commands sent to Redis", |record| {
            per_message(record, "redis_commands")
        }),
        lower("pushes", "1/message", "Pushes handed to gateways, one per device", |record| {
            per_message(record, "pushes")
        }),
        lower("copies", "1/message", "Copies written for members", |record| {
            per_message(record, "inbox_copies")
        }),
        lower(
            "client_bytes",
            "B/message",
            "Bytes between gateways and devices, both ways",
            |record| {
                let of_devices = |hop: &&HopTraffic| hop.from == "device" || hop.to == "device";
                let bytes: u64 = record.hops.iter().filter(of_devices).map(|hop| hop.bytes).sum();
                each((bytes > 0).then_some(bytes)? as f64, record)
            },
        ),
        lower(
            "push_frames",
            "1/message",
            "Frames with pushes that gateways sent to devices, tries after the first included",
            |record| {
                let sent = record.counters.get("gateway")?.get("push_frames")?;
                each(*sent as f64, record)
            },
        ),
        lower(
            "network_bytes",
            "B/message",
            "Bytes that programs wrote to streams, on all links",
            |record| {
                let written = record.counters.get("network")?.get("bytes_written")?;
                each(*written as f64, record)
            },
        ),
        lower("push_retries", "1/message", "Pushes tried again", |record| {
            each(record.totals.push_retries as f64, record)
        }),
    ]
}

fn latency_ms(record: &Record, name: &str, percentile: f64) -> Option<f64> {
    let found = record.latencies.iter().find(|latency| latency.name == name);
    let found = found.filter(|latency| latency.count > 0)?;
    Some(found.percentile_ns(percentile) as f64 / 1e6)
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
