//! One drawn scenario, lived through and judged.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::Ordering;

use im_reports::record::{Record, Verdict};
use imsim::campaign::panic_text;
use imsim::engine::Kind;
use imsim::run::{self, Progress, SetupError};

use super::drawing::Drawn;

/// How a run ended.
pub enum Ended {
    /// It was judged.
    Judged(Judged),
    /// The cluster did not come up, and why.
    NotSetUp(String),
    /// It was asked to stop before the cluster was up.
    Stopped,
    /// It panicked: what was said, and where.
    Panicked(String),
}

/// What is kept of a run that was judged.
pub struct Judged {
    /// Rolling hash over its events.
    pub digest: String,
    /// Events that it took.
    pub events: u64,
    /// Sends that were intended, and of these those that were accepted within `duration`.
    pub sends: (u64, u64),
    /// Length of `duration`.
    pub seconds: f64,
    /// Promises that were broken, with one example of each.
    pub broken: Vec<(String, String)>,
    /// Promises that could not be decided.
    pub undecided: Vec<String>,
    /// (message, device) pairs that were owed.
    pub owed: u64,
}

impl Judged {
    fn of(record: &Record) -> Self {
        let with = |verdict| {
            let all = record.promises.iter();
            all.filter(move |one| one.verdict == verdict).map(|one| one.id.clone())
        };
        let example = |id: String| {
            let found = record.findings.iter().find(|finding| finding.promise == id);
            let summary = found.map_or_else(String::new, |finding| finding.summary.clone());
            (id, summary)
        };
        let seconds = record.phases.duration_ns.div_ceil(1_000_000_000);
        let within = record.timeline.iter().filter(|bucket| bucket.second < seconds);
        Self {
            digest: record.digest.clone(),
            events: record.events_total,
            seconds: record.phases.duration_ns as f64 / 1e9,
            sends: (record.totals.offered, within.map(|bucket| bucket.accepted).sum()),
            broken: with(Verdict::Invalid).map(example).collect(),
            undecided: with(Verdict::Unknown).collect(),
            owed: record.ledger.owed,
        }
    }

    /// Whether more was to be sent than was accepted: what is left at the end of the load would take
    /// another second or more, and is more than a tenth of all.
    pub fn was_overloaded(&self) -> bool {
        let (offered, accepted) = self.sends;
        let left = offered.saturating_sub(accepted);
        left * 10 > offered && left as f64 > accepted as f64 / self.seconds
    }
}

thread_local! {
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics are part of what is counted: instead of being printed, they are kept with their place.
pub fn keep_places_of_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        PLACE.set(place.unwrap_or_default());
    }));
}

/// Lives through a drawn scenario.
pub fn live(drawn: &Drawn, progress: &Progress) -> Ended {
    let (scenario, seed) = (&drawn.scenario, drawn.seed);
    let run = || {
        let observed = run::live_through(scenario, seed, Kind::Sim, progress)?;
        Ok(Judged::of(&run::judge(scenario, seed, &observed)))
    };
    match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(judged)) => Ended::Judged(judged),
        Ok(Err(SetupError::Interrupted)) if progress.stop.load(Ordering::Relaxed) => Ended::Stopped,
        Ok(Err(error)) => Ended::NotSetUp(error.to_string()),
        Err(payload) => {
            Ended::Panicked(format!("{} at {}", panic_text(payload.as_ref()), PLACE.take()))
        }
    }
}
