//! The same runs on several engines, side by side: do their verdicts agree?
//!
//! What one of the engines cannot do of a scenario is left out on all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use im_reports::record::{Outcome, Record, Verdict};

use crate::campaign;
use crate::engine::Kind;
use crate::run::{self, Progress, left_out};
use crate::sabotages::Effect;
use crate::scenario::Scenario;

/// Verdicts by promise.
pub type Verdicts = BTreeMap<String, Verdict>;

/// What one engine says of one seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opinion {
    /// Verdicts by promise.
    pub verdicts: Verdicts,
    /// How the run ended beside what the scenario expects.
    pub outcome: Outcome,
}

/// What the engines say of one seed. An engine on which the run failed says why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Opinions(pub BTreeMap<Kind, Result<Opinion, String>>);

impl Opinions {
    /// Whether all engines came to the same verdicts.
    pub fn agree(&self) -> bool {
        let mut verdicts = self.0.values().map(|opinion| Some(&opinion.as_ref().ok()?.verdicts));
        let first = verdicts.next();
        first.is_none_or(|first| first.is_some() && verdicts.all(|one| one == first))
    }

    /// How the run ended on an engine; a run that failed has no verdict.
    pub fn outcome(&self, engine: Kind) -> Outcome {
        let opinion = self.0.get(&engine).and_then(|opinion| opinion.as_ref().ok());
        opinion.map_or(Outcome::Failed, |opinion| opinion.outcome)
    }

    /// Where they disagree, a sentence for each promise.
    pub fn disagreements(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut promises: BTreeSet<&String> = BTreeSet::new();
        for (engine, opinion) in &self.0 {
            match opinion {
                Ok(opinion) => promises.extend(opinion.verdicts.keys()),
                Err(why) => sentences.push(format!("no run on {engine}: {why}")),
            }
        }
        for promise in promises {
            let of = |opinion: &Result<Opinion, String>| {
                opinion.as_ref().ok()?.verdicts.get(promise).copied()
            };
            let said: BTreeMap<Kind, Verdict> =
                self.0.iter().filter_map(|(engine, it)| Some((*engine, of(it)?))).collect();
            let distinct: BTreeSet<Verdict> = said.values().copied().collect();
            if distinct.len() > 1 {
                let each: Vec<String> = said
                    .iter()
                    .map(|(engine, verdict)| format!("{} on {engine}", word(*verdict)))
                    .collect();
                sentences.push(format!("{promise} is {}", each.join(", ")));
            }
        }
        sentences
    }
}

/// A verdict in a word.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Unknown => "unknown",
        Verdict::Invalid => "invalid",
    }
}

/// What came of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Comparison {
    /// What the engines say, by seed.
    pub seeds: BTreeMap<u64, Opinions>,
    /// What was left out on all of them, with the reason; and how often, if it is a fault.
    pub left_out: BTreeMap<(String, String), u64>,
}

impl Comparison {
    /// In how many seeds an engine saw what a planted bug does.
    pub fn caught(&self, engine: Kind, effect: Effect) -> usize {
        let saw = |opinions: &&Opinions| {
            let opinion = opinions.0.get(&engine).and_then(|opinion| opinion.as_ref().ok());
            opinion.is_some_and(|one| match effect {
                Effect::Breaks(promise) => one.verdicts.get(promise) == Some(&Verdict::Invalid),
                Effect::Delays => one.outcome == Outcome::BoundMissed,
            })
        };
        self.seeds.values().filter(saw).count()
    }
}

/// Runs every seed on every engine. `each` hears of every seed as it comes.
pub fn compare(
    scenario: &Scenario,
    engines: &[Kind],
    seeds: impl IntoIterator<Item = u64>,
    jobs: usize,
    stop: &AtomicBool,
    mut each: impl FnMut(u64, &Opinions),
) -> Comparison {
    let common = left_out::common(scenario, engines);
    let mut comparison = Comparison::default();
    for part in engines.iter().flat_map(|engine| left_out::of_common(*engine, scenario)) {
        comparison.left_out.insert((part.what, part.why), 0);
    }
    // A live run needs the machine for itself.
    let jobs = if engines.contains(&Kind::Live) { 1 } else { jobs };
    let job = |seed, progress: &Progress| opinions(&common, engines, seed, progress);
    campaign::run_seeds(seeds, jobs, stop, job, |seed, result| {
        let (opinions, faults) = result.unwrap_or_else(|panic| {
            let said = Err(format!("a bug in imsim: {panic}"));
            (Opinions(engines.iter().map(|engine| (*engine, said.clone())).collect()), Vec::new())
        });
        each(seed, &opinions);
        comparison.seeds.insert(seed, opinions);
        for fault in faults {
            *comparison.left_out.entry(fault).or_default() += 1;
        }
        ControlFlow::Continue(())
    });
    comparison
}

/// The faults of a seed that were left out, each with the reason.
type FaultsLeftOut = Vec<(String, String)>;

fn opinions(
    scenario: &Scenario,
    engines: &[Kind],
    seed: u64,
    progress: &Progress,
) -> (Opinions, FaultsLeftOut) {
    let mut opinions = Opinions::default();
    let mut faults = Vec::new();
    for engine in engines {
        let observed = run::live_beside(scenario, seed, *engine, engines, progress);
        let opinion = observed.map(|observed| {
            let record = run::judge(scenario, seed, &observed);
            let left_out = record.faults.iter().filter_map(|fault| {
                fault.left_out.as_ref().map(|why| (format!("{} faults", fault.kind), why.clone()))
            });
            faults = left_out.collect();
            Opinion { verdicts: verdicts(&record), outcome: record.outcome }
        });
        opinions.0.insert(*engine, opinion.map_err(|error| error.to_string()));
    }
    (opinions, faults)
}

fn verdicts(record: &Record) -> Verdicts {
    record.promises.iter().map(|promise| (promise.id.clone(), promise.verdict)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinion(a1: Verdict, a2: Verdict) -> Result<Opinion, String> {
        let verdicts = [("A1".to_owned(), a1), ("A2".to_owned(), a2)].into();
        Ok(Opinion { verdicts, outcome: Outcome::Held })
    }

    #[test]
    fn engines_agree_when_every_verdict_is_the_same_and_each_came_to_one() {
        use Verdict::{Invalid, Valid};
        let two = |sim, turmoil| Opinions([(Kind::Sim, sim), (Kind::Turmoil, turmoil)].into());
        assert!(two(opinion(Valid, Valid), opinion(Valid, Valid)).agree());
        assert!(two(opinion(Invalid, Valid), opinion(Invalid, Valid)).agree());
        let apart = two(opinion(Valid, Valid), opinion(Valid, Invalid));
        assert!(!apart.agree());
        assert_eq!(apart.disagreements(), ["A2 is valid on sim, invalid on turmoil"]);
        let failed = two(Err("no".to_owned()), Err("no".to_owned()));
        assert!(!failed.agree(), "two runs that failed have no verdict to agree on");
        assert_eq!(failed.disagreements(), ["no run on sim: no", "no run on turmoil: no"]);
    }
}
