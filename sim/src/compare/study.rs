//! The runs of a comparison, over threads: seed after seed, each on every variant.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use crate::campaign;
use crate::engine::Kind;
use crate::metrics::Metric;
use crate::run;
use crate::scenario::Scenario;

/// What is kept of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct Ran {
    /// Its digest.
    pub digest: String,
    /// Whether every promise was as the scenario expects.
    pub held: bool,
    /// Whether the cluster was offered more than it could take.
    pub overloaded: bool,
    /// One value for each metric; nothing where the run has no sample.
    pub values: Vec<Option<f64>>,
}

/// Why there is nothing to compare.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StudyError {
    /// The set-up of a run did not get done: the scenario asks for too much.
    #[error("seed {seed}: {why}")]
    SetUp {
        /// The seed.
        seed: u64,
        /// What was not done.
        why: String,
    },
    /// A run panicked.
    #[error("seed {seed}: a bug in imsim: {panic}")]
    Bug {
        /// The seed.
        seed: u64,
        /// What the panic said.
        panic: String,
    },
}

/// Runs every variant on every seed, `jobs` at a time. `each` hears how many runs are done. What comes
/// back is `[variant][seed]`, over as many of the first seeds as ran on every variant: all, unless
/// `stop` was raised.
pub fn run(
    variants: &[&Scenario],
    seeds: &[u64],
    metrics: &[Metric],
    jobs: usize,
    stop: &AtomicBool,
    mut each: impl FnMut(u64),
) -> Result<Vec<Vec<Ran>>, StudyError> {
    let mut done: Vec<Vec<Option<Ran>>> = vec![vec![None; seeds.len()]; variants.len()];
    let places = |number: u64| {
        let number = number as usize;
        (number % variants.len(), number / variants.len())
    };
    let mut failed = None;
    let mut count = 0;
    let numbers = 0..(seeds.len() * variants.len()) as u64;
    let job = |number, progress: &run::Progress| {
        let (variant, place) = places(number);
        let (scenario, seed) = (variants[variant], seeds[place]);
        let observed = run::live_through(scenario, seed, Kind::Sim, progress)?;
        let record = run::judge(scenario, seed, &observed);
        let held = record.as_expected;
        let values = metrics.iter().map(|metric| metric.of(&record)).collect();
        let overloaded = record.overload.is_some();
        Ok::<Ran, run::SetupError>(Ran { digest: record.digest, held, overloaded, values })
    };
    campaign::run_seeds(numbers, jobs, stop, job, |number, result| {
        let (variant, place) = places(number);
        let seed = seeds[place];
        match result {
            Ok(Ok(ran)) => done[variant][place] = Some(ran),
            Ok(Err(error)) => failed = Some(StudyError::SetUp { seed, why: error.to_string() }),
            Err(panic) => failed = Some(StudyError::Bug { seed, panic }),
        }
        count += 1;
        each(count);
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let whole = (0..seeds.len()).take_while(|place| done.iter().all(|of| of[*place].is_some()));
    let whole = whole.count();
    let kept = |of: Vec<Option<Ran>>| of.into_iter().take(whole).flatten().collect();
    Ok(done.into_iter().map(kept).collect())
}
