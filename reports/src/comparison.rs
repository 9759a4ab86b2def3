//! Variants of one scenario side by side, on the same seeds: what was measured, how sure it is, and
//! which variant is better by how much.
//!
//! Must not know how the runs were made, nor how the figures are laid out.

mod csv;
mod page;
mod terminal;
mod told;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::{Error, Files, failed, json};
use crate::plots;

pub use terminal::summary;

/// Version of the shape of `comparison.json`; raised when a field changes its meaning or goes away.
pub const COMPARISON_VERSION: u32 = 2;

/// Below this p value a difference counts, if its interval leaves 1 out too.
pub const SIGNIFICANT_BELOW: f64 = 0.05;

/// Variants of one scenario side by side (`comparison.json`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// [`COMPARISON_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of the program.
    pub imsim_version: String,
    /// The scenario's name: its file name without extension.
    pub scenario: String,
    /// The scenario's own one-line description.
    pub about: String,
    /// The seeds on which every variant ran, in order.
    pub seeds: Vec<u64>,
    /// Seeds that were asked for; more than `seeds` when the comparison was interrupted.
    pub seeds_asked: u64,
    /// Questions that are asked together: every variant but the reference, by every metric.
    pub questions: u64,
    /// With fewer seeds no answer to so many questions can be told from chance.
    pub seeds_needed: u64,
    /// What differs between the variants.
    pub varied: Vec<Varied>,
    /// What was measured, in the order of tables.
    pub metrics: Vec<Metric>,
    /// The variants, in the order of the grid.
    pub variants: Vec<Variant>,
    /// The variant that the others are held against, by its name.
    pub reference: String,
    /// Every other variant against the reference, metric by metric.
    pub contrasts: Vec<Contrast>,
    /// Latency against cost.
    pub pareto: Option<Pareto>,
    /// Where two variants change places, if that was searched for.
    #[serde(default)]
    pub crossover: Option<Crossover>,
    /// The command that gives this comparison again.
    pub reproduce: String,
    /// The scenario without the varied keys' values, every default written out.
    pub expanded: serde_json::Value,
}

/// A key and the values it is given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Varied {
    /// The key, as `--set` takes it.
    pub key: String,
    /// Its values, as TOML or bare strings.
    pub values: Vec<String>,
}

/// A figure that variants are compared by.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// Its name, as `--metric` takes it.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Which way is better.
    pub better: Better,
    /// What it is, as a sentence without its full stop.
    pub about: String,
}

/// Which way a figure is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

/// A median over seeds and its 95 % interval.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The median.
    pub mid: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Estimate {
    /// How far the farther end of the interval is from the median.
    pub fn margin(&self) -> f64 {
        (self.high - self.mid).max(self.mid - self.low)
    }

    /// Whether a value lies within the interval.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A variant and what was measured of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// What it is called.
    pub name: String,
    /// What makes it, as arguments of `--set`.
    pub sets: Vec<String>,
    /// One hash over the digests of its runs.
    pub digest: String,
    /// Seeds on which a promise was not as the scenario expects.
    pub failed: Vec<u64>,
    /// Seeds on which the cluster was offered more than it could take: such a variant is never called better.
    #[serde(default)]
    pub overloaded: Vec<u64>,
    /// By metric, one value per seed; absent where the run has no sample.
    pub values: BTreeMap<String, Vec<Option<f64>>>,
    /// By metric, the median over seeds; absent where no run has a sample.
    pub medians: BTreeMap<String, Estimate>,
}

/// A variant against the reference, by one metric.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Contrast {
    /// The metric.
    pub metric: String,
    /// The variant.
    pub variant: String,
    /// Seeds on which both have a value above 0.
    pub pairs: u64,
    /// Median over seeds of the variant's value over the reference's; absent without pairs.
    pub ratio: Option<Estimate>,
    /// P value of Wilcoxon's signed-rank test over the logarithms of the ratios, corrected by Holm's
    /// method for all questions of the comparison: every variant by every metric.
    pub p: f64,
    /// The same uncorrected: as if nothing else had been asked.
    pub p_alone: f64,
}

impl Contrast {
    /// The ratio, if it is a difference that chance does not explain.
    pub fn significant(&self) -> Option<Estimate> {
        let sure = |ratio: &Estimate| self.p < SIGNIFICANT_BELOW && !ratio.holds(1.0);
        self.ratio.filter(sure)
    }
}

/// Which variants no other beats in both latency and cost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pareto {
    /// The metric of latency.
    pub latency: String,
    /// The metric of cost.
    pub cost: String,
    /// The variants on the front, by their medians, from the cheapest to the fastest; empty where there
    /// are too few seeds to tell a difference from chance.
    pub front: Vec<String>,
}

/// Where two variants change places, as a key grows.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Crossover {
    /// The key that was changed.
    pub key: String,
    /// Unit of its values, as the scenario writes it after the number.
    pub unit: String,
    /// The metric.
    pub metric: String,
    /// The variant whose value stands above the line of the ratio.
    pub variant: String,
    /// What was looked at, from the lowest value of the key to the highest.
    pub points: Vec<CrossoverPoint>,
    /// Where the ratio is 1, with the values between which the two cannot be told apart; absent when
    /// the same variant is ahead at both ends.
    pub at: Option<Estimate>,
}

/// Both variants at one value of the key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CrossoverPoint {
    /// The value of the key.
    pub value: f64,
    /// The variant's figure over the reference's: median over seeds.
    pub ratio: Estimate,
    /// P value of the signed-rank test, uncorrected: one metric was named before.
    pub p: f64,
}

impl CrossoverPoint {
    /// Whether chance explains the difference.
    pub fn undecided(&self) -> bool {
        self.p >= SIGNIFICANT_BELOW || self.ratio.holds(1.0)
    }
}

/// What a contrast says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Answer {
    /// Chance explains the difference.
    Chance,
    /// Chance does not explain it, and nobody would notice it.
    Hardly,
    /// The variant's figure is better, and it could not take its load; with the ratio.
    Overloaded(Estimate),
    /// The variant is better; with the ratio.
    Better(Estimate),
    /// The variant is worse; with the ratio.
    Worse(Estimate),
}

/// How far a ratio is from 1 that would be rounded to it.
const HARDLY_FROM_ONE: f64 = 0.000_5;

impl Answer {
    /// In one word, for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Chance => "chance",
            Self::Hardly => "hardly",
            Self::Overloaded(_) => "overloaded",
            Self::Better(_) => "better",
            Self::Worse(_) => "worse",
        }
    }
}

impl Comparison {
    /// Whether there are too few seeds to tell any difference from chance.
    pub fn too_few_seeds(&self) -> bool {
        (self.seeds.len() as u64) < self.seeds_needed
    }

    /// What a contrast says of its variant; absent where there is nothing to compare.
    pub fn answer(&self, contrast: &Contrast) -> Option<Answer> {
        contrast.ratio?;
        let better = self.metric(&contrast.metric)?.better;
        let Some(ratio) = contrast.significant().filter(|_| !self.too_few_seeds()) else {
            return Some(Answer::Chance);
        };
        let hardly = (ratio.mid - 1.0).abs() < HARDLY_FROM_ONE;
        Some(match (ratio.mid < 1.0) == (better == Better::Lower) {
            _ if hardly => Answer::Hardly,
            true if self.is_overloaded(&contrast.variant) => Answer::Overloaded(ratio),
            true => Answer::Better(ratio),
            false => Answer::Worse(ratio),
        })
    }

    /// Whether the variant could not take its load on some seed.
    pub fn is_overloaded(&self, variant: &str) -> bool {
        self.variant(variant).is_some_and(|variant| !variant.overloaded.is_empty())
    }

    /// The metric of that name.
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The variant of that name.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// A variant against the reference; absent for the reference itself.
    pub fn contrast(&self, metric: &str, variant: &str) -> Option<&Contrast> {
        let fits = |one: &&Contrast| one.metric == metric && one.variant == variant;
        self.contrasts.iter().find(fits)
    }
}

/// Everything that is drawn from a comparison; the same bytes for the same comparison.
pub fn render(comparison: &Comparison) -> Result<Files, Error> {
    let mut files = Files::default();
    files.add("comparison.json", json("comparison.json", comparison)?);
    files.add_table("comparison", csv::table(comparison))?;
    files.add_table("contrasts", csv::contrasts(comparison))?;
    let plots = [
        plots::seeds(comparison).map(Some),
        plots::curves(comparison),
        plots::pareto(comparison),
        plots::crossover(comparison),
    ];
    let mut drawn = Vec::new();
    for plot in plots {
        drawn.extend(plot.map_err(|error| failed("plots", error))?);
    }
    let page = page::html(comparison, &drawn);
    files.add("report.html", page.map_err(|error| failed("report.html", error))?.into_bytes());
    for plot in drawn {
        files.add_plot(plot);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_comparison_leaves_all_its_files() {
        let comparison = sample::comparison();
        let files = render(&comparison).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name).collect();
        let expected = [
            "comparison.csv",
            "comparison.json",
            "contrasts.csv",
            "plots/crossover.png",
            "plots/crossover.svg",
            "plots/pareto.png",
            "plots/pareto.svg",
            "plots/seeds.png",
            "plots/seeds.svg",
            "report.html",
        ];
        // The tables as Parquet stand beside them where this build can write them.
        let names: Vec<&str> = names.into_iter().filter(|n| !n.ends_with(".parquet")).collect();
        assert_eq!(names, expected);
        let read: Comparison =
            serde_json::from_slice(files.get("comparison.json").unwrap()).unwrap();
        assert_eq!(read, comparison);
        assert_eq!(render(&comparison).unwrap(), files);
    }

    #[test]
    fn a_difference_counts_only_if_test_and_interval_agree() {
        let mut contrast = sample::comparison().contrasts[0].clone();
        contrast.ratio = Some(Estimate { mid: 2.0, low: 1.5, high: 2.5 });
        contrast.p = 0.01;
        assert!(contrast.significant().is_some());
        contrast.p = 0.05;
        assert!(contrast.significant().is_none());
        contrast.p = 0.01;
        contrast.ratio = Some(Estimate { mid: 2.0, low: 1.0, high: 2.5 });
        assert!(contrast.significant().is_none());
    }
}
