//! Whether a cluster was offered more than it could take: a state beside the verdicts.
//!
//! It was, if it was still at its work when the run ended, or if sends waited ever longer during the load and no
//! fault explains it. Sends that wait while nothing is accepted or shown any more are stuck, which is no overload.

use im::env::Nanos;
use im_reports::record::{FaultReport, Overload, Record};

use super::world::Observed;
use crate::history::What;

/// Waiting sends at the end of the load below this share of all need no explanation.
const SHARE_MIN: f64 = 0.05;
/// By which factor the queue must have grown in the second half of the load.
const GROWTH_MIN: f64 = 1.5;

/// How far the cluster fell short of its load; nothing if it took all that was offered.
pub fn overload(observed: &Observed, record: &Record) -> Option<Overload> {
    let totals = &record.totals;
    let behind = totals.sends_without_outcome > 0 || record.ledger.too_late > 0;
    let at_work = behind && !record.interrupted && is_moving(observed);
    let fell_behind = totals.accepted > 0 && queue_grew(record);
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

/// Whether more than a second's worth of sends waited when the load ended, clearly more than when half of it was
/// over, and no fault was at work since.
fn queue_grew(record: &Record) -> bool {
    let load = record.phases.duration_ns;
    let second = 1_000_000_000;
    let seconds = load / second;
    let calm = |fault: &FaultReport| {
        fault.left_out.is_some() || fault.kind == "membership-churn" || ends_before(fault, load / 2)
    };
    if seconds < 4 || !record.faults.iter().all(calm) {
        return false;
    }
    let waiting_after = |seconds: u64| -> f64 {
        let until = record.timeline.iter().take_while(|bucket| bucket.second < seconds);
        until.map(|bucket| bucket.offered as f64 - bucket.accepted as f64).sum()
    };
    let (half, end) = (waiting_after(seconds / 2), waiting_after(seconds));
    let offered = record.totals.offered_per_s * seconds as f64;
    end >= SHARE_MIN * offered
        && end >= record.totals.offered_per_s.max(2.0)
        && end >= GROWTH_MIN * half.max(1.0)
}

/// What a fault leaves behind is over, too, when its messages have been shown.
fn ends_before(fault: &FaultReport, at: Nanos) -> bool {
    fault.until_ns + fault.caught_up_ns.unwrap_or(0) <= at
}
