//! The counter gives out no value twice.

use std::collections::BTreeMap;

use super::{Answer, judged};
use crate::redis_study::history::{History, Kind, Operation, Outcome};

/// Acknowledged increments by the value that they were given.
fn by_value(history: &History) -> BTreeMap<i64, Vec<&Operation>> {
    let mut given: BTreeMap<i64, Vec<&Operation>> = BTreeMap::new();
    for operation in history.operations.iter().filter(|one| one.kind == Kind::Incr) {
        if let Outcome::Done(value) = operation.outcome {
            given.entry(value).or_default().push(operation);
        }
    }
    given
}

/// Values that were given out more than once, with the operations that got them.
pub fn values_repeated(history: &History) -> BTreeMap<i64, Vec<&Operation>> {
    let mut given = by_value(history);
    given.retain(|_, operations| operations.len() > 1);
    given
}

/// Judges whether values were repeated.
pub fn repeats(history: &History) -> Answer {
    let (given, repeated) = (by_value(history).len(), values_repeated(history).len());
    judged(given, repeated, format!("{repeated} of {given} values were given out again"))
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::super::samples::{history, operation};
    use super::*;

    #[test]
    fn a_value_is_repeated_when_two_clients_know_that_they_have_it() {
        let got = |id, value| operation(id, Kind::Incr, Outcome::Done(value));
        let maybe = operation(9, Kind::Incr, Outcome::Maybe("no answer in time".to_owned()));
        let good = history(vec![got(1, 1), maybe, got(2, 3)], &[]);
        assert_eq!(repeats(&good).verdict, Verdict::Valid);
        let bad = repeats(&history(vec![got(1, 1), got(2, 2), got(3, 1)], &[]));
        assert_eq!(bad.verdict, Verdict::Invalid);
        assert_eq!(bad.evidence, "1 of 2 values were given out again");
        assert_eq!(repeats(&history(Vec::new(), &[])).verdict, Verdict::Unknown);
    }
}
