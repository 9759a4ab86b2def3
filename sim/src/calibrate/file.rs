//! What was measured as a calibration file.

use std::fmt::Write as _;

use super::{Figure, Measured};

/// Where and when it was measured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provenance {
    /// What the calibration is called.
    pub name: String,
    /// The day, as in `2026-11-23`.
    pub date: String,
    /// What kind of machine it was.
    pub machine: String,
    /// Its processors.
    pub cores: usize,
    /// Batches, runs and the length of a run, in words.
    pub effort: String,
}

/// The text of the file.
pub fn write(measured: &Measured, by: &Provenance) -> String {
    let Provenance { name, date, machine, cores, effort } = by;
    let mut text = format!(
        "# What work costs on one node, measured by `imsim calibrate`. Use it with\n\
         # `cpu.calibration = \"<this file>\"`.\n\n\
         name = {}\ndate = {}\nmachine = {}\nmethod = \"\"\"\n\
         Processor time of the threads of nodes that run live, as the kernel counts it; {effort}. \
         First small programs that do one thing over and over, then a whole cluster under load: \
         what its threads take beyond the sum of the parts is waking them for reads and for the ends of \
         syncs, and then what their role does. The \
         median counts, and the spread is from the least to the most of the batches.\"\"\"\n\n",
        quoted(name),
        quoted(date),
        quoted(machine),
    );
    text += "[device_factor]\ntimes = 4\nsource = \"assumed: a phone's core under power saving \
             takes four times as long as a server's\"\n";
    let _ = write!(
        text,
        "\n[live]\ncores = {cores}\n\n[live.loopback]\n{}\n[live.fsync]\n{}",
        timed(
            measured.loopback,
            "measured: half a round trip of 256 B over an idle loopback, less the work"
        ),
        timed(
            measured.fsync,
            "measured: fdatasync of 256 new bytes, from the call to its completion"
        ),
    );
    for (key, cost, source) in costs(measured) {
        let _ = write!(
            text,
            "\n[costs.{key}]\ncost = \"{}\"\nspread = \"{} to {}\"\nsource = {}\n",
            nanos(cost.median),
            nanos(cost.least),
            nanos(cost.most),
            quoted(source),
        );
    }
    text
}

fn costs(measured: &Measured) -> [(&'static str, Figure, &'static str); 18] {
    let m = measured;
    [
        ("poll", m.poll, "measured: a value handed from task to task, a poll each"),
        (
            "wake",
            m.wake,
            "measured: the rest of gateways', dispatchers' and Redis' time, by how often they slept",
        ),
        ("packet_written", m.packet_written, "measured: a write of 256 B to a loopback socket"),
        (
            "packet_read",
            m.packet_read,
            "measured: a round trip of 256 B less the write and a poll: the read, and waiting for it",
        ),
        ("byte_written", m.byte_written, "measured: the slope of writes from 256 B to 64 KiB"),
        ("byte_read", m.byte_read, "measured: the slope of round trips less that of writes"),
        ("encode", m.encode, "measured: a frame with 256 B of payload, less its bytes"),
        ("decode", m.decode, "measured: the same frame, less its bytes"),
        ("coded_byte", m.coded_byte, "measured: the slope of both from 256 B to 4 KiB, their mean"),
        ("journal_record", m.journal_record, "measured: a record without payload"),
        ("journal_byte", m.journal_byte, "measured: the slope up to 4 KiB of payload"),
        (
            "journal_sync",
            m.journal_sync,
            "measured: what a sync takes on other threads, and waking for its end: the rest of \
             stores, logs and devices, by sync",
        ),
        ("operation", m.operation, "measured: the rest of the chat nodes' time, by operation"),
        ("store_row", m.store_row, "measured: the rest of the store's time, by row"),
        ("log_record", m.log_record, "measured: the rest of the log's time, by record in or out"),
        ("recipient", m.recipient, "measured: the rest of the dispatchers' time, by recipient"),
        ("push", m.push, "measured: the rest of the gateways' time, by push"),
        (
            "redis_command",
            m.redis_command,
            "measured: the rest of this project's Redis' time, by command",
        ),
    ]
}

fn timed(figure: Figure, source: &str) -> String {
    let us = |ns: f64| format!("{}us", (ns / 1_000.0).round() as u64);
    format!(
        "median = \"{}\"\nspread = \"{} to {}\"\nsource = {}\n",
        us(figure.median),
        us(figure.least),
        us(figure.most),
        quoted(source)
    )
}

/// A length of time with three digits and its unit, in whole picoseconds.
fn nanos(ns: f64) -> String {
    let picoseconds = (ns * 1_000.0).round() as u64;
    match picoseconds {
        0 => "0ns".to_owned(),
        1..1_000 => format!("{picoseconds}ps"),
        1_000..10_000 => format!("{:.2}ns", ns),
        10_000..100_000 => format!("{:.1}ns", ns),
        100_000..1_000_000 => format!("{:.0}ns", ns),
        _ => format!("{:.2}us", ns / 1_000.0),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Calibration;

    #[test]
    fn what_is_written_reads_back() {
        let figure = |median: f64| Figure { median, least: median * 0.9, most: median * 1.2 };
        let measured = Measured {
            poll: figure(312.4),
            packet_written: figure(4_600.0),
            byte_read: figure(0.04),
            loopback: figure(21_400.0),
            fsync: figure(1_234_567.0),
            ..Measured::default()
        };
        let by = Provenance {
            name: "this \"machine\"".to_owned(),
            date: "2026-11-23".to_owned(),
            machine: "2 cores".to_owned(),
            cores: 2,
            effort: "9 batches".to_owned(),
        };
        let text = write(&measured, &by);
        let read = Calibration::parse("c.toml", &text)
            .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
        assert_eq!(read.costs.poll.cost.picoseconds(), 312_000);
        assert_eq!(read.costs.packet_written.cost.picoseconds(), 4_600_000);
        assert_eq!(read.costs.byte_read.cost.picoseconds(), 40);
        let spread = read.costs.poll.spread.expect("written").to_string();
        assert_eq!(spread, "281ns to 375ns");
        let live = read.live.expect("written");
        assert_eq!((live.loopback.median.0, live.fsync.median.0), (21_000, 1_235_000));
    }
}
