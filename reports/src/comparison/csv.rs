//! `comparison.csv`: one row for each variant, seed and metric, unrounded; `contrasts.csv`: one row for
//! each variant against the reference by each metric, and what it says.
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

#[derive(Serialize)]
struct ContrastRow<'a> {
    metric: &'a str,
    variant: &'a str,
    reference: &'a str,
    pairs: u64,
    /// Empty without pairs, as are the ends of its interval and the answer.
    ratio: Option<f64>,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    /// Corrected for all questions of the comparison.
    p: f64,
    p_alone: f64,
    /// `better`, `worse`, `hardly` (surely different, by less than anybody would notice) or `chance`.
    answer: Option<&'static str>,
}

/// What follows from the figures, as CSV.
pub fn contrasts(comparison: &Comparison) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for contrast in &comparison.contrasts {
        let row = ContrastRow {
            metric: &contrast.metric,
            variant: &contrast.variant,
            reference: &comparison.reference,
            pairs: contrast.pairs,
            ratio: contrast.ratio.map(|ratio| ratio.mid),
            ratio_low: contrast.ratio.map(|ratio| ratio.low),
            ratio_high: contrast.ratio.map(|ratio| ratio.high),
            p: contrast.p,
            p_alone: contrast.p_alone,
            answer: comparison.answer(contrast).map(|answer| answer.word()),
        };
        writer.serialize(row).expect("memory takes every row");
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

    #[test]
    fn what_follows_stands_beside_the_figures() {
        let mut comparison = sample::comparison();
        let words = |comparison: &Comparison| -> Vec<String> {
            let text = contrasts(comparison);
            let last = |line: &str| line.rsplit(',').next().map(str::to_owned);
            text.lines().skip(1).filter_map(last).collect()
        };
        assert_eq!(words(&comparison), ["worse", "chance", "worse", "chance", "better", "chance"]);
        comparison.seeds_needed = 7;
        assert_eq!(words(&comparison), ["chance"; 6]);
    }
}
