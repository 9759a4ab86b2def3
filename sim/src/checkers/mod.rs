//! The checkers: each promise judged from the history alone.
//!
//! A checker reads an [`Index`](index::Index) of the history and answers; none of them knows the
//! cluster, the scenario or the faults. What is broken is turned into words by [`explain`](mod@explain).
//!
//! # What is owed
//!
//! A member is owed the rows between the acked join and the next acked leave; a change whose ack
//! never came makes the rows above it "maybe". A device is owed what was asked for after its first
//! login, is not owed what was acked or shown before it, and maybe what lies between. Rows exist once any
//! device saw their ack or showed them. Rows that tell of the own user's joining and leaving may
//! be shown but are not owed. What was accepted so late that its time was not over by the end is too late to
//! judge ([`lateness`]): counted, and neither shown nor lost. Unknown is the answer only where a maybe, or a history that was cut
//! short, decides.

pub mod causes;
mod delivery;
mod duplicates;
pub mod explain;
pub mod index;
pub mod lateness;
pub mod ledger;
pub mod membership;
mod order;
mod view;
pub mod violation;
mod wording;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod story;

use im_reports::record::{Ledger, Promise, Verdict};

use crate::history::History;

pub use delivery::Delivery;
pub use duplicates::Duplicates;
pub use explain::explain;
pub use ledger::Accounting;
pub use order::Order;
pub use violation::{Broken, Violation};

/// Judges one promise.
pub trait Checker {
    /// Id of the promise (`A1`) or of the lint (`ledger`).
    fn id(&self) -> &'static str;

    /// What is promised, in a few words.
    fn name(&self) -> &'static str;

    /// The answer.
    fn check(&self, index: &index::Index<'_>) -> Answer;
}

/// What a checker answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Whether the promise held.
    pub verdict: Verdict,
    /// What the answer rests on, as one sentence with numbers.
    pub evidence: String,
    /// How many violations were found in all.
    pub violations: u64,
    /// The earliest of them, at most [`violation::EXAMPLES_MAX`].
    pub examples: Vec<Violation>,
}

/// The answers of all checkers.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// One entry per checker, in the order of the promises.
    pub promises: Vec<Promise>,
    /// The violations of each broken promise, in the order of the promises, earliest first; of very many the
    /// earliest.
    pub violations: Vec<Violation>,
    /// Where every owed row went.
    pub ledger: Ledger,
}

impl Report {
    /// All promises together: the worst answer.
    pub fn verdict(&self) -> Verdict {
        self.promises.iter().map(|promise| promise.verdict).max().unwrap_or(Verdict::Unknown)
    }
}

/// Judges every promise.
pub fn check_all(history: &History) -> Report {
    let index = index::Index::new(history);
    let mut report =
        Report { promises: Vec::new(), violations: Vec::new(), ledger: Ledger::default() };
    let promises: [&dyn Checker; 3] = [&Delivery, &Duplicates, &Order];
    for checker in promises {
        report.take(checker, checker.check(&index));
    }
    let (books, answer) = ledger::account(&index);
    report.ledger = books;
    report.take(&Accounting, answer);
    report
}

impl Report {
    fn take(&mut self, checker: &dyn Checker, answer: Answer) {
        self.promises.push(Promise {
            id: checker.id().to_owned(),
            name: checker.name().to_owned(),
            verdict: answer.verdict,
            evidence: answer.evidence,
            violations: answer.violations,
            // What a scenario expects is not known here.
            expected: Verdict::Valid,
        });
        self.violations.extend(answer.examples);
    }
}

impl Answer {
    /// Invalid with violations; else unknown with undecided cases; else valid.
    fn new(violations: violation::Violations, undecided: u64, evidence: String) -> Self {
        let total = violations.total();
        let verdict = match (total, undecided) {
            (0, 0) => Verdict::Valid,
            (0, _) => Verdict::Unknown,
            _ => Verdict::Invalid,
        };
        Self { verdict, evidence, violations: total, examples: violations.examples() }
    }
}
