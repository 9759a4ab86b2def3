//! When pushes were back after a fault of Redis, which knows where devices are: from what dispatchers have
//! counted by the second. It must not know faults beyond their times.
//!
//! Devices find what they were not pushed by comparing cursors, so the history cannot tell; dispatchers can:
//! how many pushes they handed to gateways per row that they worked on.

use im::env::Nanos;

use super::world::Sample;
use crate::scenario::Role;

/// Seconds before a fault that say how many pushes a row is worth.
const BEFORE: usize = 10;

/// From `from`, at which a fault begins that ends at `until`, to the end of the last second in which dispatchers
/// handed over less than half as many pushes per row as before it; 0 if there was none. Only seconds count that follow
/// on each other; those without rows say nothing. Nothing is known where no row was pushed before.
pub fn back(samples: &[Sample], from: Nanos, until: Nanos) -> Option<Nanos> {
    let seconds: Vec<Second> =
        samples.windows(2).map(|pair| Second::new(&pair[0], &pair[1])).collect();
    let begins = seconds.iter().position(|second| second.end > from)?;
    let before = &seconds[begins.saturating_sub(BEFORE)..begins];
    let rows: u64 = before.iter().map(|second| second.rows).sum();
    let pushes: u64 = before.iter().map(|second| second.pushes).sum();
    if pushes == 0 {
        return None;
    }
    let lacks = |second: &Second| second.pushes * rows * 2 < pushes * second.rows;
    let mut back = from;
    for second in seconds[begins..].iter().filter(|second| second.rows > 0) {
        if lacks(second) {
            back = second.end;
        } else if back > from || second.end > until {
            break;
        }
    }
    Some(back - from)
}

/// What dispatchers did in one second.
struct Second {
    end: Nanos,
    rows: u64,
    pushes: u64,
}

impl Second {
    fn new(first: &Sample, last: &Sample) -> Self {
        let count = |sample: &Sample, name| {
            let counted = sample.counters.get(&Role::Dispatcher.to_string());
            counted.and_then(|counters| counters.get(name)).copied().unwrap_or(0)
        };
        let of = |name| count(last, name) - count(first, name);
        Self { end: last.at, rows: of("rows_dispatched"), pushes: of("pushes") }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const S: Nanos = 1_000_000_000;

    /// Rows and pushes of each second.
    fn samples(seconds: &[(u64, u64)]) -> Vec<Sample> {
        let (mut rows, mut pushes) = (7, 3);
        let sample = |at, rows, pushes| Sample {
            at,
            busy_ns: BTreeMap::new(),
            queues: BTreeMap::new(),
            counters: BTreeMap::from([(
                Role::Dispatcher.to_string(),
                BTreeMap::from([
                    ("rows_dispatched".to_owned(), rows),
                    ("pushes".to_owned(), pushes),
                ]),
            )]),
        };
        let mut samples = vec![sample(0, rows, pushes)];
        for (second, (more_rows, more_pushes)) in (1..).zip(seconds) {
            (rows, pushes) = (rows + more_rows, pushes + more_pushes);
            samples.push(sample(second * S, rows, pushes));
        }
        samples
    }

    #[test]
    fn pushes_are_back_once_a_row_is_worth_half_as_many_again() {
        let run =
            samples(&[(10, 20), (10, 20), (10, 12), (10, 2), (0, 0), (10, 9), (10, 11), (10, 3)]);
        assert_eq!(back(&run, 2 * S + S / 2, 4 * S), Some(3 * S + S / 2), "up to the sixth second");
        assert_eq!(back(&run, 7 * S + S / 2, 8 * S), Some(S / 2), "up to the end");
    }

    #[test]
    fn a_fault_that_kept_no_push_away_is_told_from_one_of_which_nothing_is_known() {
        let steady = samples(&[(10, 20), (10, 20), (10, 18), (10, 20), (10, 0)]);
        assert_eq!(back(&steady, 2 * S, 3 * S), Some(0), "what comes later has another cause");
        assert_eq!(back(&samples(&[(10, 0), (10, 0)]), S, 2 * S), None);
        assert_eq!(back(&steady, 9 * S, 9 * S), None);
    }
}
