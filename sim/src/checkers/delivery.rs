//! A1, nothing is lost: every row that a device is owed is shown on it by the end.
//!
//! A row counts once any device saw its ack or showed it, so an indefinite send that one device
//! shows is owed to all the others. An acked message whose seq everybody showed as another message
//! is lost too, whatever stands at its place. It does not ask in which order or how often rows are
//! shown.

use std::collections::BTreeSet;

use im::model::Seq;

use super::index::Index;
use super::membership::Standing;
use super::view::views;
use super::violation::{Broken, RowName, Violations};
use super::{Answer, Checker};

/// The checker of A1.
pub struct Delivery;

impl Checker for Delivery {
    fn id(&self) -> &'static str {
        "A1"
    }

    fn name(&self) -> &'static str {
        "nothing is lost"
    }

    fn check(&self, index: &Index<'_>) -> Answer {
        let mut violations = Violations::new(self.id());
        let (mut owed, mut missing, mut undecided, mut rows) = (0u64, 0u64, 0u64, 0u64);
        let mut late = 0u64;
        for (conversation, timeline) in index.conversations.values().enumerate() {
            rows += timeline.rows.len() as u64;
            for view in views(index, conversation, timeline) {
                for (expected, shown) in view.expected_and_shown() {
                    let sure = expected.standing == Standing::Owed;
                    owed += u64::from(sure);
                    if shown {
                        continue;
                    }
                    let row = &timeline.rows[expected.row];
                    if index.history.complete && index.too_late(row, view.device, view.cursor()) {
                        late += u64::from(sure);
                        continue;
                    }
                    missing += u64::from(sure);
                    if !sure || !index.history.complete {
                        undecided += 1;
                        continue;
                    }
                    let proof = row.acked.unwrap_or(row.seen);
                    violations.add(index.at(proof), proof, || Broken::Lost {
                        row: RowName::of(index, conversation, row),
                        device: index.device(view.device),
                    });
                }
            }
        }
        let displaced = add_displaced(index, &mut violations);
        let evidence = format!(
            "{rows} rows, {owed} owed (row, device) pairs on {} devices: {} shown, {missing} \
             never shown,{} {undecided} undecided; {displaced} acked messages gave way to others",
            index.devices.len(),
            owed - missing - late,
            if late == 0 { String::new() } else { format!(" {late} too late to judge,") },
        );
        Answer::new(violations, undecided, evidence)
    }
}

/// Finds messages that were acked at a place where other messages are shown, and that nobody ever
/// shows. Each counts once, for the device that saw the ack.
fn add_displaced(index: &Index<'_>, violations: &mut Violations) -> u64 {
    let mut shown = vec![false; index.operations.len()];
    for (_, sighting) in index.sightings().filter(|(_, sighting)| sighting.shown) {
        if let Some(operation) = index.operations.get_index_of(&sighting.key) {
            shown[operation] = true;
        }
    }
    let shown_places: BTreeSet<(u32, Seq)> =
        index.shows.iter().map(|show| (show.conversation, show.seq)).collect();
    let mut displaced = 0;
    for ((key, asked), shown) in index.operations.iter().zip(shown) {
        let (Some((ack, seq)), false) = (asked.acked, shown) else { continue };
        if !shown_places.contains(&(asked.conversation as u32, seq)) {
            continue;
        }
        displaced += 1;
        violations.add(index.at(ack), ack, || Broken::Lost {
            row: RowName {
                conversation: index.conversation(asked.conversation),
                seq,
                message_id: asked.place.expect("an acked operation has a place").0.message_id,
                key: *key,
                acked: Some(ack),
            },
            device: index.device(asked.device),
        });
    }
    displaced
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::super::story::{ANN, ANN_TABLET, BOB, CY, Story, judge};
    use super::*;

    #[test]
    fn all_that_is_owed_is_shown() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN, BOB]);
        story.said(BOB, 3, &[BOB, ANN]);
        let answer = judge(&Delivery, &story.end());
        assert_eq!(answer.verdict, Verdict::Valid);
        assert_eq!(
            answer.evidence,
            "3 rows, 4 owed (row, device) pairs on 2 devices: 4 shown, 0 never shown, 0 undecided; 0 \
             acked messages gave way to others"
        );
    }

    #[test]
    fn an_acked_row_that_a_member_never_shows_is_lost() {
        let mut story = Story::with(&[ANN, BOB]);
        let lost = story.said(ANN, 2, &[ANN]);
        let answer = judge(&Delivery, &story.end());
        assert_eq!((answer.verdict, answer.violations), (Verdict::Invalid, 1));
        let Broken::Lost { row, device } = &answer.examples[0].broken else { panic!() };
        assert_eq!((row.key, row.seq, *device), (lost, 2, BOB));
    }

    #[test]
    fn a_sender_is_owed_its_own_row() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[BOB]);
        assert_eq!(judge(&Delivery, &story.end()).violations, 1);
    }

    #[test]
    fn an_unacked_send_that_nobody_shows_is_no_loss() {
        let mut story = Story::with(&[ANN, BOB]);
        story.send(ANN);
        assert_eq!(judge(&Delivery, &story.end()).verdict, Verdict::Valid);
    }

    #[test]
    fn an_unacked_send_that_one_device_shows_is_owed_to_all() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.send(ANN);
        story.show(BOB, hello, 2);
        assert_eq!(judge(&Delivery, &story.end()).violations, 1);
    }

    #[test]
    fn an_acked_message_whose_seq_went_to_another_is_lost() {
        let mut story = Story::with(&[ANN, BOB]);
        let lost = story.send(ANN);
        story.ack(lost, 2);
        story.said(BOB, 2, &[ANN, BOB]);
        let answer = judge(&Delivery, &story.end());
        assert_eq!((answer.verdict, answer.violations), (Verdict::Invalid, 1));
        let Broken::Lost { row, device } = &answer.examples[0].broken else { panic!() };
        assert_eq!((row.key, row.seq, *device), (lost, 2, ANN));
    }

    #[test]
    fn after_a_leave_without_an_ack_a_missing_row_is_undecided() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        story.said(ANN, 2, &[ANN, BOB, CY]);
        story.leave(CY);
        story.said(ANN, 3, &[ANN, BOB]);
        let answer = judge(&Delivery, &story.end());
        assert_eq!((answer.verdict, answer.violations), (Verdict::Unknown, 0));
    }

    #[test]
    fn before_a_leave_without_an_ack_a_missing_row_is_lost() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        story.said(ANN, 2, &[ANN, BOB]);
        story.leave(CY);
        assert_eq!(judge(&Delivery, &story.end()).violations, 1);
    }

    #[test]
    fn after_a_join_without_an_ack_a_missing_row_is_undecided() {
        let mut story = Story::with(&[ANN, BOB]);
        story.log_in(CY);
        story.join(CY);
        story.said(ANN, 2, &[ANN, BOB]);
        assert_eq!(judge(&Delivery, &story.end()).verdict, Verdict::Unknown);
    }

    #[test]
    fn who_comes_back_is_owed_only_its_stays() {
        let mut story = Story::with(&[ANN, BOB]);
        let leave = story.leave(BOB);
        story.accepted(leave, 2, &[ANN]);
        story.said(ANN, 3, &[ANN]);
        let join = story.join(BOB);
        story.accepted(join, 4, &[ANN, BOB]);
        story.said(ANN, 5, &[ANN, BOB]);
        assert_eq!(judge(&Delivery, &story.clone().end()).verdict, Verdict::Valid);
        story.said(ANN, 6, &[ANN]);
        assert_eq!(judge(&Delivery, &story.end()).violations, 1);
    }

    #[test]
    fn who_left_while_away_still_gets_what_is_owed() {
        let mut story = Story::with(&[ANN, BOB]);
        story.crash(BOB);
        let hello = story.said(ANN, 2, &[ANN]);
        story.restart(BOB);
        let leave = story.leave(BOB);
        story.accepted(leave, 3, &[ANN]);
        assert_eq!(judge(&Delivery, &story.clone().end()).violations, 1);
        story.show(BOB, hello, 2);
        assert_eq!(judge(&Delivery, &story.end()).verdict, Verdict::Valid);
    }

    #[test]
    fn a_late_device_is_owed_what_is_sent_after_its_first_login() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(BOB, 2, &[ANN, BOB]);
        let between = story.send(BOB);
        story.log_in(ANN_TABLET);
        assert_eq!(judge(&Delivery, &story.clone().end()).verdict, Verdict::Valid);

        let mut maybe = story.clone();
        maybe.accepted(between, 3, &[ANN, BOB]);
        assert_eq!(judge(&Delivery, &maybe.end()).verdict, Verdict::Unknown);

        let mut seen_before = Story::with(&[ANN, BOB]);
        let hello = seen_before.send(BOB);
        seen_before.show(ANN, hello, 2);
        seen_before.log_in(ANN_TABLET);
        seen_before.accepted(hello, 2, &[BOB]);
        assert_eq!(judge(&Delivery, &seen_before.end()).verdict, Verdict::Valid);

        story.accepted(between, 3, &[ANN, ANN_TABLET, BOB]);
        story.said(BOB, 4, &[ANN, BOB]);
        assert_eq!(judge(&Delivery, &story.end()).violations, 1);
    }

    #[test]
    fn what_is_missing_from_a_run_cut_short_proves_nothing() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN]);
        assert_eq!(judge(&Delivery, &story.cut_short()).verdict, Verdict::Unknown);
    }

    #[test]
    fn losses_are_kept_in_the_order_of_time() {
        let mut story = Story::with(&[ANN, BOB]);
        for seq in 2..=20 {
            story.said(ANN, seq, &[ANN]);
        }
        let answer = judge(&Delivery, &story.end());
        assert_eq!((answer.violations, answer.examples.len()), (19, 19));
        assert!(answer.examples.is_sorted_by_key(|example| example.at));
        let Broken::Lost { row, .. } = &answer.examples[0].broken else { panic!() };
        assert_eq!(row.seq, 2);
    }
}
