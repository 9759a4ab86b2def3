//! Whether a cluster was offered more than it could take: a state beside the verdicts.
//!
//! It was, if it was still at its work when the run ended, or if sends waited ever longer during the load and no
//! fault explains it. Sends that wait while nothing is accepted or shown any more are stuck, which is no overload.

use im::env::Nanos;
use im_reports::record::{Bucket, FaultReport, Overload, Record};

use super::world::Observed;
use crate::history::What;

/// Waiting sends at the end of the load below this share of all need no explanation.
const SHARE_MIN: f64 = 0.05;
/// By which factor the queue must have grown in the second half of the load.
const GROWTH_MIN: f64 = 1.5;
/// A shorter load has no two halves that could be told apart.
const SECONDS_MIN: u64 = 4;

/// How far the cluster fell short of its load; nothing if it took all that was offered.
pub fn overload(observed: &Observed, record: &Record) -> Option<Overload> {
    let totals = &record.totals;
    let behind = totals.sends_without_outcome > 0 || record.ledger.too_late > 0;
    let at_work = behind && !record.interrupted && is_moving(observed);
    let queue = Queue {
        load: record.phases.duration_ns,
        offered_per_s: totals.offered_per_s,
        timeline: &record.timeline,
    };
    let fell_behind = totals.accepted > 0 && queue.grew(&record.faults);
    if !(at_work || fell_behind) {
        return None;
    }
    let roles = record.processors.iter().flat_map(|processors| &processors.roles);
    let servers = roles.filter(|load| load.role != "device");
    let busiest = servers.max_by(|a, b| a.busy_share_max.total_cmp(&b.busy_share_max));
    Some(Overload {
        waiting: totals.sends_without_outcome,
        offered: totals.offered,
        offered_per_s: totals.offered_per_s,
        accepted_per_s: totals.accepted_per_s,
        busiest: busiest.map(|load| (load.role.clone(), load.busy_share_max)),
    })
}

/// Whether something was accepted or shown within the promised time before the end.
fn is_moving(observed: &Observed) -> bool {
    let Some(promised) = observed.history.promised else { return false };
    let since = promised.end.saturating_sub(promised.within);
    let latest = observed.history.events.iter().rev().take_while(|event| event.at > since);
    latest.into_iter().any(|event| matches!(event.what, What::Acked { .. } | What::Shown { .. }))
}

/// The sends that wait for their acceptance, over the load.
struct Queue<'r> {
    /// How long the load lasts.
    load: Nanos,
    offered_per_s: f64,
    timeline: &'r [Bucket],
}

impl Queue<'_> {
    /// Whether more than a second's worth of sends waited when the load ended, clearly more than when half of it
    /// was over, and no fault was at work since.
    fn grew(&self, faults: &[FaultReport]) -> bool {
        let seconds = self.load / 1_000_000_000;
        let calm = |fault: &FaultReport| {
            let harmless = fault.left_out.is_some() || fault.kind == "membership-churn";
            harmless || ends_before(fault, self.load / 2)
        };
        if seconds < SECONDS_MIN || !faults.iter().all(calm) {
            return false;
        }
        let (half, end) = (self.after(seconds / 2), self.after(seconds));
        end >= SHARE_MIN * self.offered_per_s * seconds as f64
            && end >= self.offered_per_s.max(2.0)
            && end >= GROWTH_MIN * half.max(1.0)
    }

    /// How many wait after so many seconds of the load.
    fn after(&self, seconds: u64) -> f64 {
        let until = self.timeline.iter().take_while(|bucket| bucket.second < seconds);
        until.map(|bucket| bucket.offered as f64 - bucket.accepted as f64).sum()
    }
}

/// What a fault leaves behind is over, too, when its messages have been shown.
fn ends_before(fault: &FaultReport, at: Nanos) -> bool {
    fault.until_ns + fault.caught_up_ns.unwrap_or(0) <= at
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = 1_000_000_000;

    /// Whether the queue grew, where so many sends a second are offered and these are accepted.
    fn grew(offered: u64, accepted: &[u64], faults: &[FaultReport]) -> bool {
        let bucket = |(second, accepted): (u64, &u64)| Bucket {
            second,
            offered,
            accepted: *accepted,
            ..Bucket::default()
        };
        let timeline: Vec<Bucket> = (0..).zip(accepted).map(bucket).collect();
        let load = accepted.len() as u64 * S;
        Queue { load, offered_per_s: offered as f64, timeline: &timeline }.grew(faults)
    }

    fn fault(kind: &str, from: u64, until: u64, caught_up: u64) -> FaultReport {
        FaultReport {
            kind: kind.to_owned(),
            from_ns: from * S,
            until_ns: until * S,
            caught_up_ns: Some(caught_up * S),
            ..FaultReport::default()
        }
    }

    #[test]
    fn what_waits_ever_longer_is_overload() {
        assert!(grew(100, &[80; 10], &[]));
        assert!(!grew(100, &[100; 10], &[]));
        assert!(!grew(100, &[99; 10], &[]), "less than a second's worth waits");
    }

    #[test]
    fn what_waits_for_a_while_and_is_caught_up_with_is_none() {
        assert!(!grew(100, &[0, 0, 200, 200, 100, 100, 100, 100], &[]));
        let one_second_behind = [0, 100, 100, 100, 100, 100, 100, 100];
        assert!(!grew(100, &one_second_behind, &[]), "it does not grow");
    }

    #[test]
    fn a_fault_explains_what_waits_since() {
        let behind = [100, 100, 100, 100, 50, 50, 50, 50];
        assert!(grew(100, &behind, &[]));
        assert!(!grew(100, &behind, &[fault("crash", 3, 6, 0)]));
        assert!(!grew(100, &behind, &[fault("crash", 1, 2, 5)]), "what it left behind lasted");
        assert!(grew(100, &behind, &[fault("crash", 1, 2, 1)]), "over and caught up with");
        assert!(grew(100, &behind, &[fault("membership-churn", 0, 8, 0)]), "which delays nothing");
        let left_out = FaultReport { left_out: Some("why".to_owned()), ..fault("crash", 3, 6, 0) };
        assert!(grew(100, &behind, &[left_out]));
    }

    #[test]
    fn a_short_load_does_not_tell() {
        assert!(!grew(100, &[0; 3], &[]));
        assert!(grew(100, &[0; 4], &[]));
    }
}
