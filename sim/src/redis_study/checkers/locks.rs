//! The lock has one holder at a time, as far as holders can know.

use im::env::Nanos;

use super::{Answer, judged};
use crate::redis_study::history::{History, Hold};

/// Times in which two clients held the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Overlaps {
    /// Pairs of holds that overlap.
    pub pairs: usize,
    /// When the first one began.
    pub first: Option<Nanos>,
    /// How long two or more clients held it, all together.
    pub total: Nanos,
}

/// Finds them. A client that takes the lock again while it still counts on it is no overlap.
pub fn overlaps(holds: &[Hold]) -> Overlaps {
    let mut sorted: Vec<&Hold> = holds.iter().filter(|hold| hold.from < hold.until).collect();
    sorted.sort_by_key(|hold| (hold.from, hold.until, hold.client));
    let mut found = Overlaps::default();
    let mut counted_until = 0;
    for (place, hold) in sorted.iter().enumerate() {
        let earlier = sorted[..place].iter();
        let shared = earlier.filter(|one| one.client != hold.client && one.until > hold.from);
        let mut shared_until = None;
        for other in shared {
            found.pairs += 1;
            shared_until = shared_until.max(Some(other.until.min(hold.until)));
        }
        let Some(until) = shared_until else { continue };
        found.first = found.first.or(Some(hold.from));
        found.total += until.saturating_sub(hold.from.max(counted_until));
        counted_until = counted_until.max(until);
    }
    found
}

/// Judges whether two clients held the lock at once.
pub fn locks(history: &History) -> Answer {
    let found = overlaps(&history.holds);
    let seconds = found.total as f64 / 1e9;
    let evidence = format!(
        "{} holds, {} pairs of them at once, for {seconds:.1} s",
        history.holds.len(),
        found.pairs
    );
    judged(history.holds.len(), found.pairs, evidence)
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::*;

    fn hold(client: u32, from: Nanos, until: Nanos) -> Hold {
        Hold { client, node: 1, from, until }
    }

    fn judge(holds: Vec<Hold>) -> Verdict {
        locks(&History { holds, ..History::default() }).verdict
    }

    #[test]
    fn holds_that_touch_or_belong_to_one_client_do_not_overlap() {
        assert_eq!(judge(vec![hold(1, 0, 10), hold(2, 10, 20), hold(2, 15, 25)]), Verdict::Valid);
        assert_eq!(judge(vec![hold(1, 0, 10), hold(2, 9, 20)]), Verdict::Invalid);
        assert_eq!(judge(Vec::new()), Verdict::Unknown);
    }

    #[test]
    fn time_in_which_three_hold_is_counted_once() {
        let holds = [hold(1, 0, 10), hold(2, 4, 12), hold(3, 5, 20), hold(1, 18, 30)];
        let found = overlaps(&holds);
        assert_eq!(found, Overlaps { pairs: 4, first: Some(4), total: 8 + 2 });
        assert_eq!(overlaps(&[hold(1, 9, 9), hold(2, 0, 20)]), Overlaps::default());
    }
}
