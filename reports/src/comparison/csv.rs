//! `comparison.csv`: one row for each variant, seed and metric, unrounded.
//!
//! Must not round, group or translate anything.

use serde::Serialize;

use super::Comparison;

#[derive(Serialize)]
struct Row<'a> {
    variant: &'a str,
    seed: u64,
    metric: &'a str,
    unit: &'a str,
    /// Empty where the run has no sample.
    value: Option<f64>,
}

/// The measured figures as CSV.
pub fn table(comparison: &Comparison) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for variant in &comparison.variants {
        for metric in &comparison.metrics {
            let values = variant.values.get(&metric.name).into_iter().flatten();
            for (seed, value) in comparison.seeds.iter().zip(values) {
                let row = Row {
                    variant: &variant.name,
                    seed: *seed,
                    metric: &metric.name,
                    unit: &metric.unit,
                    value: *value,
                };
                writer.serialize(row).expect("memory takes every row");
            }
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
    fn a_comparison() {
        insta::assert_snapshot!(table(&sample::comparison()));
    }
}
