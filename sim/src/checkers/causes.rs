//! Violations by cause: those of the same kind, on the same hop, under the same fault are one finding.
//!
//! A row that a device is owed and never showed breaks two promises (A1, and the ledger), and is one
//! violation of a cause. Sees the history and the faults' reports.

use std::collections::{BTreeMap, BTreeSet};

use im::env::Nanos;
use im::model::{ConversationId, DeviceId, Seq};
use im_reports::record::FaultReport;

use super::violation::{Broken, Violation};
use crate::history::{History, What};

/// A fault that ended this long ago, or begins this soon, may have to do with a violation.
const NEAR: Nanos = 10_000_000_000;

/// Violations of one cause.
pub struct Group<'v> {
    /// The first of them.
    pub first: &'v Violation,
    /// Other promises that they break.
    pub also: BTreeSet<&'static str>,
    /// How many there are.
    pub count: u64,
    /// What they have in common, in words.
    pub cause: String,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cause {
    kind: &'static str,
    hop: &'static str,
    fault: Option<u32>,
}

/// A row as it is missing, or not, on a device.
type Missing = (ConversationId, Seq, DeviceId);

/// The violations by cause, those of the first promise first, then in the order of time. `origin` is the
/// start of `duration`, from which the faults' times count.
pub fn group<'v>(
    history: &History,
    violations: &'v [Violation],
    faults: &[FaultReport],
    origin: Nanos,
) -> Vec<Group<'v>> {
    let hops = Hops::of(history, violations);
    let mut groups: Vec<Group<'v>> = Vec::new();
    let mut of_cause: BTreeMap<Cause, usize> = BTreeMap::new();
    let mut of_missing: BTreeMap<Missing, usize> = BTreeMap::new();
    for violation in violations {
        let missing = missing(&violation.broken);
        if let Some(group) = missing.and_then(|missing| of_missing.get(&missing)) {
            groups[*group].also.insert(violation.promise);
            continue;
        }
        let fault = fault_near(faults, violation.at.saturating_sub(origin));
        let cause = Cause {
            kind: kind(&violation.broken),
            hop: missing.map_or("", |missing| hops.of_missing(missing)),
            fault: fault.map(|fault| fault.number),
        };
        let place = *of_cause.entry(cause.clone()).or_insert_with(|| {
            let cause = words(&cause, fault);
            groups.push(Group { first: violation, also: BTreeSet::new(), count: 0, cause });
            groups.len() - 1
        });
        groups[place].count += 1;
        of_missing.extend(missing.map(|missing| (missing, place)));
    }
    for group in &mut groups {
        group.also.remove(group.first.promise);
    }
    groups
}

fn missing(broken: &Broken) -> Option<Missing> {
    match broken {
        Broken::Lost { row, device }
        | Broken::Pending { row, device, .. }
        | Broken::Dropped { row, device, .. } => Some((row.conversation, row.seq, *device)),
        _ => None,
    }
}

fn kind(broken: &Broken) -> &'static str {
    match broken {
        Broken::Lost { .. } | Broken::Pending { .. } => "never shown",
        Broken::Dropped { .. } => "passed by the cursor",
        Broken::ShownAgain { .. } => "shown twice",
        Broken::SameIdTwice { .. } => "two messages under one id",
        Broken::TwoCopies { .. } => "one send, two messages",
        Broken::RefusedYetThere { .. } => "refused, and yet a message",
        Broken::NobodySent { .. } => "sent by nobody",
        Broken::Skipped { .. } => "shown before an earlier row",
        Broken::Late { .. } => "shown after a later row",
        Broken::Disagree { .. } => "two rows at one seq",
        Broken::SendsReordered { .. } => "one device's sends in another order",
        Broken::Leaked { .. } => "shown to somebody who was no member",
        Broken::Hole { .. } => "a seq that nobody saw",
    }
}

/// Which devices showed the rows that others miss.
struct Hops(BTreeMap<(ConversationId, Seq), Vec<DeviceId>>);

impl Hops {
    fn of(history: &History, violations: &[Violation]) -> Self {
        let rows = violations.iter().filter_map(|violation| missing(&violation.broken));
        let mut shown_on: BTreeMap<_, Vec<DeviceId>> =
            rows.map(|(conversation, seq, _)| ((conversation, seq), Vec::new())).collect();
        if !shown_on.is_empty() {
            for event in &history.events {
                if let What::Shown { conversation, seq, .. } = &event.what
                    && let Some(devices) = shown_on.get_mut(&(*conversation, *seq))
                {
                    devices.push(event.device);
                }
            }
        }
        Self(shown_on)
    }

    /// Between which ends a row was lost, as far as devices can tell.
    fn of_missing(&self, (conversation, seq, device): Missing) -> &'static str {
        let shown_on = &self.0[&(conversation, seq)];
        if shown_on.is_empty() {
            "on no device: between its ack and the fan-out"
        } else if shown_on.iter().any(|other| other.user == device.user) {
            "on another device of the user: between gateway and device"
        } else {
            "on other users' devices alone: between fan-out and user"
        }
    }
}

/// The last fault that had begun by then, if it is not long over; or else the first that begins soon.
fn fault_near(faults: &[FaultReport], at: Nanos) -> Option<&FaultReport> {
    let done = || faults.iter().filter(|fault| fault.left_out.is_none());
    let begun = done().filter(|fault| fault.from_ns <= at && at <= fault.until_ns + NEAR);
    let soon = done().filter(|fault| (at..=at + NEAR).contains(&fault.from_ns));
    begun
        .max_by_key(|fault| (fault.from_ns, fault.number))
        .or_else(|| soon.min_by_key(|fault| (fault.from_ns, fault.number)))
}

fn words(cause: &Cause, fault: Option<&FaultReport>) -> String {
    let shown = (!cause.hop.is_empty()).then(|| format!("shown {}", cause.hop));
    let fault = match fault {
        Some(fault) => format!("near fault {} ({} of {})", fault.number, fault.kind, fault.target),
        None => "no fault near".to_owned(),
    };
    let parts = [Some(cause.kind.to_owned()), shown, Some(fault)].into_iter().flatten();
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::check_all;
    use super::super::story::{ANN, ANN_TABLET, BOB, CY, MS, Story};
    use super::*;

    fn fault(number: u32, from_ms: u64, until_ms: u64) -> FaultReport {
        FaultReport {
            number,
            kind: "crash".to_owned(),
            target: "gateway-0".to_owned(),
            from_ns: from_ms * MS,
            until_ns: until_ms * MS,
            ..FaultReport::default()
        }
    }

    fn causes(story: Story, faults: &[FaultReport]) -> Vec<(String, u64, Vec<&'static str>)> {
        let history = story.end();
        let report = check_all(&history);
        let groups = group(&history, &report.violations, faults, 0);
        let told = |group: Group<'_>| (group.cause, group.count, group.also.into_iter().collect());
        groups.into_iter().map(told).collect()
    }

    #[test]
    fn a_loss_that_two_checkers_see_is_one_and_those_of_one_cause_are_counted() {
        let mut story = Story::with(&[ANN, ANN_TABLET, BOB, CY]);
        for seq in 2..=8 {
            story.said(BOB, seq, &[ANN, BOB]);
        }
        let found = causes(story, &[fault(1, 10, 20)]);
        let words =
            |hop: &str| format!("never shown; shown {hop}; near fault 1 (crash of gateway-0)");
        let ledger = vec!["ledger"];
        let tablet = "on another device of the user: between gateway and device";
        let cy = "on other users' devices alone: between fan-out and user";
        assert_eq!(found, [(words(tablet), 7, ledger.clone()), (words(cy), 7, ledger)]);
    }

    #[test]
    fn another_fault_or_none_is_another_cause() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN]);
        let found = causes(story.clone(), &[]);
        assert_eq!(found.len(), 1);
        assert!(found[0].0.ends_with("; no fault near"), "{}", found[0].0);
        let late = fault(2, 60_000, 61_000);
        assert!(causes(story.clone(), &[late])[0].0.ends_with("no fault near"));
        let soon = causes(story, &[fault(3, 2_000, 61_000)]);
        assert!(soon[0].0.ends_with("near fault 3 (crash of gateway-0)"), "{}", soon[0].0);
    }

    #[test]
    fn what_nobody_shows_was_lost_before_the_fan_out() {
        let mut story = Story::with(&[ANN, BOB]);
        let nobody = story.send(ANN);
        story.ack(nobody, 2);
        let found = causes(story, &[]);
        assert!(found[0].0.contains("on no device: between its ack and the fan-out"), "{found:?}");
        assert_eq!((found.len(), found[0].1), (1, 2));
    }
}
