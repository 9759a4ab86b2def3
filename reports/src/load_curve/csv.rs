//! `load-curve.csv`: one row for each load and engine, unrounded.
//!
//! `below_saturation` says whether that engine accepted nearly all that was offered. Must not round,
//! group or translate anything.

use serde::Serialize;

use super::LoadCurve;

#[derive(Serialize)]
struct Row<'a> {
    load: f64,
    offered_per_s: f64,
    engine: &'a str,
    accepted_per_s: f64,
    shown_per_s: f64,
    ack_p50_ns: u64,
    show_p50_ns: u64,
    show_p90_ns: u64,
    show_p99_ns: u64,
    samples: u64,
    processor_share: f64,
    held: bool,
    below_saturation: bool,
}

/// The measured figures as CSV.
pub fn table(curve: &LoadCurve) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for point in &curve.points {
        for (engine, measured) in &point.by_engine {
            let row = Row {
                load: point.load,
                offered_per_s: point.offered_per_s,
                engine,
                accepted_per_s: measured.accepted_per_s,
                shown_per_s: measured.shown_per_s,
                ack_p50_ns: measured.ack_p50_ns,
                show_p50_ns: measured.show_p50_ns,
                show_p90_ns: measured.show_p90_ns,
                show_p99_ns: measured.show_p99_ns,
                samples: measured.samples,
                processor_share: measured.processor_share,
                held: measured.held,
                below_saturation: curve.below_saturation(point, engine),
            };
            writer.serialize(row).expect("memory takes every row");
        }
    }
    let bytes = writer.into_inner().expect("memory never fails to flush");
    String::from_utf8(bytes).expect("rows are made of strings")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_load_curve() {
        insta::assert_snapshot!(table(&sample::load_curve()));
    }
}
