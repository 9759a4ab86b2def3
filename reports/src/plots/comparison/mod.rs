//! The plots of a comparison: every seed of every variant, figures against a key that is a number, latency
//! against cost, and where two variants change places.
//!
//! Variants are named beside their marks, so that colour is not needed to tell them apart.

mod crossover;
mod curves;
mod pareto;
mod seeds;

use super::canvas::{Dash, Mark};
use super::ink::Ink;
use super::panel::Look;
use crate::comparison::{Comparison, Estimate};

pub use crossover::CrossoverChart;
pub use curves::CurvesChart;
pub use pareto::ParetoChart;
pub use seeds::SeedsChart;

/// The ink of a variant, by its place; they repeat when there are many.
fn ink(place: usize) -> Ink {
    const INKS: [Ink; 4] = [Ink::Ack, Ink::Show, Ink::Third, Ink::Second];
    INKS[place % INKS.len()]
}

/// What tells a variant apart without colour, by its place: with the inks, sixty in all.
fn look(place: usize) -> Look {
    const MARKS: [Mark; 5] = [Mark::Disc, Mark::Square, Mark::Triangle, Mark::Diamond, Mark::Cross];
    const DASHES: [Dash; 3] = [Dash::Solid, Dash::Dashed, Dash::Dotted];
    Look { dash: DASHES[place / 4 % DASHES.len()], mark: Some(MARKS[place % MARKS.len()]) }
}

/// What was measured of one variant by one metric.
struct Measured {
    name: String,
    ink: Ink,
    seeds: Vec<Option<f64>>,
    median: Option<Estimate>,
}

/// What was measured by one metric.
fn measured(comparison: &Comparison, metric: &str) -> Vec<Measured> {
    let variants = comparison.variants.iter().enumerate();
    let one = |(place, variant): (usize, &crate::comparison::Variant)| Measured {
        name: variant.name.clone(),
        ink: ink(place),
        seeds: variant.values.get(metric).cloned().unwrap_or_default(),
        median: variant.medians.get(metric).copied(),
    };
    variants.map(one).collect()
}

/// The least and the greatest value of a metric on any seed; absent without values.
fn range(measured: &[Measured]) -> Option<(f64, f64)> {
    let values = || measured.iter().flat_map(|one| one.seeds.iter().flatten()).copied();
    let (low, high) = (values().min_by(f64::total_cmp)?, values().max_by(f64::total_cmp)?);
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use crate::plots::{crossover, pareto, seeds};
    use crate::sample;

    #[test]
    fn twelve_variants_are_told_apart_without_colour() {
        let looks: Vec<_> = (0..12).map(super::look).collect();
        for (place, look) in looks.iter().enumerate() {
            assert!(!looks[..place].contains(look), "{place}: {look:?}");
        }
    }

    #[test]
    fn names_give_way_to_numbers_where_they_are_many() {
        let mut comparison = sample::comparison();
        let name = comparison.variants[0].name.clone();
        assert!(!pareto(&comparison).unwrap().unwrap().svg.contains(&format!(">1 {name}")));
        while comparison.variants.len() < 7 {
            let mut another = comparison.variants[0].clone();
            another.name = format!("another-{}", comparison.variants.len());
            comparison.variants.push(another);
        }
        let plot = pareto(&comparison).unwrap().unwrap();
        for svg in [&plot.svg, &plot.inline_narrow] {
            assert!(svg.contains(&format!(">1 {name}")) && svg.contains(">7 another-6"));
        }
    }

    #[test]
    fn every_seed_has_its_mark() {
        let comparison = sample::comparison();
        let plot = seeds(&comparison).unwrap();
        let dots = comparison.variants.len() * comparison.seeds.len();
        assert!(plot.svg.matches("<circle").count() >= 2 * dots);
        for variant in &comparison.variants {
            assert!(plot.svg.contains(&variant.name));
        }
    }

    #[test]
    fn nothing_measured_is_not_drawn() {
        let mut comparison = sample::comparison();
        for variant in &mut comparison.variants {
            variant.medians.clear();
            variant.values.clear();
        }
        comparison.crossover = None;
        assert!(seeds(&comparison).unwrap().svg.contains("no samples"));
        assert!(pareto(&comparison).unwrap().is_none());
        assert!(crossover(&comparison).unwrap().is_none());
    }

    #[test]
    fn inline_plots_leave_every_colour_to_the_page() {
        let comparison = sample::comparison();
        let plots = [
            Some(seeds(&comparison).unwrap()),
            pareto(&comparison).unwrap(),
            crossover(&comparison).unwrap(),
        ];
        for plot in plots.into_iter().flatten() {
            for svg in [&plot.inline_wide, &plot.inline_narrow] {
                assert!(!svg.contains("\"#"), "a colour is fixed in {}", plot.name);
            }
        }
    }
}
