//! Variants of one scenario on the same seeds: which runs there are, what they are compared by, and
//! what follows.
//!
//! In reading order: [`grid`] (the variants), [`statistics`], [`study`] (runs over threads), `contrasts` (what follows from the figures), [`crossover`] (where two
//! variants change places). Reads records alone; must not know how the answer is drawn.

mod contrasts;
pub mod crossover;
pub mod grid;
pub mod push_or_pull;
pub mod statistics;
pub mod study;

use im_reports::comparison::{self, COMPARISON_VERSION, Comparison, Variant, Varied};

use crate::campaign;
use crate::metrics::Metric;
use crate::scenario::Scenario;
use grid::Choice;
use study::Ran;

/// What is compared.
pub struct Question {
    /// The scenario as its file has it.
    pub scenario: Scenario,
    /// The keys that differ.
    pub varied: Vec<Varied>,
    /// The variants, and the scenario of each.
    pub variants: Vec<(Choice, Scenario)>,
    /// Which of them the others are held against.
    pub reference: usize,
    /// The metrics of latency and of cost that are weighed against each other.
    pub pareto: [String; 2],
}

impl Question {
    /// Contrasts by metrics: what is asked together.
    pub fn questions(&self, metrics: usize) -> u64 {
        (self.variants.len().saturating_sub(1) * metrics) as u64
    }

    /// So many seeds can tell a difference from chance; fewer cannot.
    pub fn seeds_needed(&self, metrics: usize) -> u64 {
        statistics::pairs_needed(self.questions(metrics))
    }

    /// Two variants that are the same scenario, by their places: what sets them apart is overridden, or
    /// says the same in other words.
    pub fn alike(&self) -> Option<[usize; 2]> {
        let expanded: Vec<serde_json::Value> =
            self.variants.iter().map(|(_, scenario)| scenario.expanded()).collect();
        (1..expanded.len()).find_map(|later| {
            let earlier = expanded[..later].iter().position(|one| *one == expanded[later])?;
            Some([earlier, later])
        })
    }
}

/// The answer to a question from its runs, `runs[variant][seed]`, on these seeds. `seeds_asked` is more
/// when some seeds were given up.
pub fn answer(
    question: &Question,
    metrics: &[Metric],
    seeds: Vec<u64>,
    seeds_asked: u64,
    runs: &[Vec<Ran>],
) -> Comparison {
    let of_all: Vec<comparison::Metric> = metrics.iter().map(Metric::described).collect();
    let variants: Vec<Variant> = question
        .variants
        .iter()
        .zip(runs)
        .map(|((choice, _), runs)| variant(choice, &of_all, &seeds, runs))
        .collect();
    let contrasts = contrasts::contrasts(&of_all, &variants, question.reference);
    let [latency, cost] = &question.pareto;
    let seeds_needed = question.seeds_needed(metrics.len());
    let mut pareto = contrasts::pareto(&variants, latency, cost);
    if let Some(pareto) = &mut pareto
        && (seeds.len() as u64) < seeds_needed
    {
        pareto.front.clear();
    }
    Comparison {
        schema_version: COMPARISON_VERSION,
        imsim_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: question.scenario.name.clone(),
        about: question.scenario.about.clone(),
        seeds,
        seeds_asked,
        questions: question.questions(metrics.len()),
        seeds_needed,
        varied: question.varied.clone(),
        metrics: of_all,
        reference: question.variants[question.reference].0.name.clone(),
        contrasts,
        pareto,
        variants,
        crossover: None,
        // The command line knows how it was called and fills this in.
        reproduce: String::new(),
        expanded: question.scenario.expanded(),
    }
}

fn variant(
    choice: &Choice,
    metrics: &[comparison::Metric],
    seeds: &[u64],
    runs: &[Ran],
) -> Variant {
    let digests = seeds.iter().zip(runs).map(|(seed, run)| (*seed, run.digest.as_str()));
    let failed = seeds.iter().zip(runs).filter(|(_, run)| !run.held).map(|(seed, _)| *seed);
    let overloaded =
        seeds.iter().zip(runs).filter(|(_, run)| run.overloaded).map(|(seed, _)| *seed);
    let values = metrics.iter().enumerate().map(|(place, metric)| {
        (metric.name.clone(), runs.iter().map(|run| run.values[place]).collect::<Vec<_>>())
    });
    let values: std::collections::BTreeMap<String, Vec<Option<f64>>> = values.collect();
    let medians = values.iter().filter_map(|(metric, values)| {
        let values: Vec<f64> = values.iter().flatten().copied().collect();
        let name = format!("{metric} {}", choice.name);
        Some((metric.clone(), statistics::median(&values, &name)?))
    });
    Variant {
        name: choice.name.clone(),
        sets: choice.sets.clone(),
        digest: format!("{:016x}", campaign::digest_of(digests)),
        failed: failed.collect(),
        overloaded: overloaded.collect(),
        medians: medians.collect(),
        values,
    }
}
