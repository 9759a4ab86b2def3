//! What the lock protects takes no effect of a holder behind that of a later one.

use super::{Answer, judged};
use crate::redis_study::history::History;

/// Judges whether an effect was accepted behind one with a newer token.
pub fn fencing(history: &History) -> Answer {
    let mut newest = i64::MIN;
    let (mut accepted, mut stale) = (0, 0);
    for effect in history.effects.iter().filter(|effect| effect.accepted) {
        accepted += 1;
        stale += usize::from(effect.token < newest);
        newest = newest.max(effect.token);
    }
    judged(accepted, stale, format!("{stale} of {accepted} accepted effects came too late"))
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::*;
    use crate::redis_study::history::Recorder;

    fn of(tokens: &[i64], fences: bool) -> Verdict {
        let recorder = Recorder::default();
        for (at, token) in tokens.iter().enumerate() {
            recorder.effect(0, *token, at as u64, fences);
        }
        let history = recorder.history().clone();
        fencing(&history).verdict
    }

    #[test]
    fn a_resource_that_fences_takes_nothing_stale() {
        assert_eq!(of(&[1, 1, 2, 2, 5], false), Verdict::Valid);
        assert_eq!(of(&[1, 2, 1], false), Verdict::Invalid);
        assert_eq!(of(&[1, 2, 1, 3], true), Verdict::Valid);
        assert_eq!(of(&[], true), Verdict::Unknown);
    }
}
