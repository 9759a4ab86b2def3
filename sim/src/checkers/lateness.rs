//! What is too late to judge: rows whose time to be shown was not over when the run ended.
//!
//! A row is promised within a span ([`Promised::within`]) that begins when it and all before it were
//! accepted, at the earliest when everything had healed. A cluster that is offered more than it can take
//! falls behind, and then keeps its promise later: while rows arrive late, the span has not begun. So a row is due
//! one span after the last of
//!
//! - its acceptance,
//! - the healing,
//! - the last *late* show, which is one that took more than half of the span, of any row that was accepted no
//!   later than it; or the last late show of any row at all, or ack that took as long from the first try of its
//!   send, as long as the device that lacks the row has shown nothing that was accepted more than a span after it.
//!
//! This hides no loss. Acks and shows at devices decide alone, which no server writes. A lost row is not
//! shown and so excuses nothing, and nothing behind it in its conversation can be shown either. What is excused is
//! younger than the span, or rows arrived late less than a span before the end; when these stop, or the device
//! is served what is younger by a span, it becomes due. And it is counted: a run with such rows is called
//! overloaded, never simply held.

use std::collections::BTreeMap;

use im::env::Nanos;
use im::model::SendKey;

use super::index::{Show, Timeline};
use crate::history::{Event, History, Promised, What};

/// When rows are due.
#[derive(Debug, Default)]
pub struct Lateness {
    promised: Option<Promised>,
    /// Of rows that took long: when each was accepted, and the last long show of it or of any accepted
    /// before it. Both rise.
    behind: Vec<(Nanos, Nanos)>,
    /// The last late show or ack of all.
    last_late: Nanos,
    /// When the youngest row was accepted of those that each device has shown.
    reached: BTreeMap<u32, Nanos>,
}

impl Lateness {
    /// Looks at every show once.
    pub(super) fn new<'t>(
        history: &History,
        shows: &[Show],
        conversations: impl Iterator<Item = &'t Timeline>,
    ) -> Self {
        let Some(promised) = history.promised else { return Self::default() };
        let timelines: Vec<&Timeline> = conversations.collect();
        let at = |event: usize| -> Nanos {
            let event: &Event = &history.events[event];
            event.at
        };
        let mut reached: BTreeMap<u32, Nanos> = BTreeMap::new();
        let mut behind: Vec<(Nanos, Nanos)> = shows
            .iter()
            .filter_map(|show| {
                let shown = at(show.event);
                let row = timelines[show.conversation as usize].row(show.seq)?;
                let youngest = reached.entry(show.device).or_default();
                *youngest = row.accepted.max(*youngest);
                let took = shown.saturating_sub(row.accepted.max(promised.healed));
                (took > promised.within / 2).then_some((row.accepted, shown))
            })
            .collect();
        behind.sort_unstable();
        let mut last = 0;
        for (_, shown) in &mut behind {
            last = last.max(*shown);
            *shown = last;
        }
        behind.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 = if same { next.1 } else { kept.1 };
            same
        });
        let late_show = behind.last().map_or(0, |(_, shown)| *shown);
        let last_late = late_show.max(last_late_ack(history, promised));
        Self { promised: Some(promised), behind, last_late, reached }
    }

    /// Whether what was accepted then need not have been shown on a device by the end.
    pub fn excuses_on(&self, device: usize, accepted: Nanos) -> bool {
        let Some(Promised { within, end, .. }) = self.promised else { return false };
        let reached = self.reached.get(&(device as u32)).copied().unwrap_or(0);
        let all_late = reached <= accepted + within && self.last_late + within > end;
        all_late || self.excuses(accepted)
    }

    /// Whether what was accepted then need not have been shown by the end, on whichever device.
    pub fn excuses(&self, accepted: Nanos) -> bool {
        let Some(Promised { healed, within, end }) = self.promised else { return false };
        let older = self.behind.partition_point(|(of, _)| *of <= accepted);
        let behind = older.checked_sub(1).map_or(0, |place| self.behind[place].1);
        accepted.max(healed).max(behind) + within > end
    }
}

/// When the last ack came that took more than half of the span from the first try of its send; 0 if none did.
fn last_late_ack(history: &History, promised: Promised) -> Nanos {
    let mut tried: BTreeMap<SendKey, Nanos> = BTreeMap::new();
    let mut last = 0;
    for event in &history.events {
        let key = |client_msg_id| SendKey { sender: event.device.user, client_msg_id };
        match &event.what {
            What::Attempted { client_msg_id, .. } => {
                tried.entry(key(*client_msg_id)).or_insert(event.at);
            }
            What::Acked { client_msg_id, .. } => {
                let first = tried.remove(&key(*client_msg_id)).unwrap_or(event.at);
                let took = event.at.saturating_sub(first.max(promised.healed));
                last = if took > promised.within / 2 { event.at } else { last };
            }
            _ => {}
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::super::story::{ANN, BOB, CY, Story, judge};
    use super::super::{Accounting, Delivery};
    use crate::history::History;

    /// What both checkers of lost rows say, and how many violations they find.
    fn judged(history: &History) -> (Verdict, u64) {
        let (delivery, ledger) = (judge(&Delivery, history), judge(&Accounting, history));
        assert_eq!((delivery.verdict, delivery.violations), (ledger.verdict, ledger.violations));
        (delivery.verdict, delivery.violations)
    }

    /// Ann says something at this millisecond that Bob does not show.
    fn unheard(story: &mut Story, at: u64, seq: u64) {
        story.wait_until(at);
        story.said(ANN, seq, &[ANN]);
    }

    #[test]
    fn a_row_is_due_one_span_after_its_acceptance() {
        let mut story = Story::with(&[ANN, BOB]);
        unheard(&mut story, 1_000, 2);
        // The ack comes two milliseconds after the wish.
        assert_eq!(judged(&story.clone().end_after(0, 500, 1_501)), (Verdict::Valid, 0));
        assert_eq!(judged(&story.clone().end_after(0, 500, 1_502)), (Verdict::Invalid, 1));
        let healed_late = story.clone().end_after(1_200, 500, 1_502);
        assert_eq!(judged(&healed_late), (Verdict::Valid, 0), "from the healing on");
        assert_eq!(judged(&story.end()), (Verdict::Invalid, 1), "without a span all is due");
    }

    #[test]
    fn what_the_cursor_passed_never_comes() {
        let mut story = Story::with(&[ANN, BOB]);
        unheard(&mut story, 1_000, 2);
        story.cursor(BOB, 2);
        assert_eq!(judged(&story.end_after(0, 500, 1_100)), (Verdict::Invalid, 1));
    }

    #[test]
    fn while_older_rows_arrive_late_the_span_has_not_begun() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        let older = story.send(ANN);
        story.accepted(older, 2, &[ANN, BOB]);
        unheard(&mut story, 100, 3);
        story.wait_until(900);
        story.show(CY, older, 2);
        let behind = judged(&story.clone().end_after(0, 500, 1_300));
        assert_eq!(behind, (Verdict::Valid, 0), "row 2 took 800 of 500 ms");
        let caught_up = judged(&story.clone().end_after(0, 500, 1_500));
        assert_eq!(caught_up, (Verdict::Invalid, 2), "one span after the last late show");
        let usual = judged(&story.end_after(700, 500, 1_300));
        assert_eq!(usual, (Verdict::Invalid, 2), "200 ms after the healing is not late");
    }

    #[test]
    fn what_is_younger_and_late_excuses_until_the_device_is_a_span_further() {
        let late = |sent: u64| {
            let mut story = Story::with(&[ANN, BOB, CY]);
            unheard(&mut story, 100, 2);
            story.wait_until(sent);
            let younger = story.send(ANN);
            story.ack(younger, 3);
            story.wait_until(sent + 400);
            story.show(BOB, younger, 3);
            story.cursor(BOB, 1);
            judge(&Delivery, &story.end_after(0, 500, sent + 700)).violations
        };
        assert_eq!(late(200), 0, "Bob, Cy: everything arrives late");
        assert_eq!(late(700), 1, "Bob was served what is 600 ms younger; nobody is behind for Cy");
    }

    #[test]
    fn nothing_behind_a_row_under_way_is_due_before_it() {
        let mut story = Story::with(&[ANN, BOB]);
        let (first, second) = (story.send(BOB), story.send(ANN));
        story.wait_until(100);
        story.ack(second, 3);
        story.wait_until(1_000);
        story.ack(first, 2);
        assert_eq!(judged(&story.end_after(0, 500, 1_300)), (Verdict::Valid, 0));
    }

    #[test]
    fn a_seq_whose_ack_is_under_way_is_no_hole_yet() {
        let mut story = Story::with(&[ANN, BOB]);
        let (_first, second) = (story.send(BOB), story.send(ANN));
        story.wait_until(1_000);
        story.ack(second, 3);
        assert_eq!(judged(&story.clone().end_after(0, 500, 1_300)), (Verdict::Valid, 0));
        let ledger = judge(&Accounting, &story.end_after(0, 500, 2_000));
        assert_eq!(ledger.verdict, Verdict::Invalid);
    }

    #[test]
    fn acks_that_take_long_tell_that_a_cluster_is_behind() {
        let ended = |at: u64| {
            let mut story = Story::with(&[ANN, BOB]);
            let slow = story.send(BOB);
            unheard(&mut story, 100, 2);
            story.wait_until(900);
            story.ack(slow, 3);
            judged(&story.end_after(0, 500, at))
        };
        assert_eq!(ended(1_300), (Verdict::Valid, 0));
        // Two rows are due then: one on Bob, the other on both.
        assert_eq!(ended(1_500), (Verdict::Invalid, 3));
    }
}
