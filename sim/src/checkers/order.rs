//! A3, order: every device shows a conversation in the order of its seqs and skips none that it is
//! owed, all agree on what stands at a seq, and one device's operations keep their order.
//!
//! A repeat of a seq is A2's business, a row that never comes is A1's; a row shown before one that
//! is owed and missing at that time is this one's, however the run ends.

use std::collections::{BTreeMap, BTreeSet};

use im::model::Seq;

use super::index::Index;
use super::membership::Standing;
use super::view::{Expected, View, rising, views};
use super::violation::{Broken, RowName, Violations};
use super::{Answer, Checker};

/// The checker of A3.
pub struct Order;

impl Checker for Order {
    fn id(&self) -> &'static str {
        "A3"
    }

    fn name(&self) -> &'static str {
        "order"
    }

    fn check(&self, index: &Index<'_>) -> Answer {
        let mut violations = Violations::new(self.id());
        let mut undecided = 0;
        for (conversation, timeline) in index.conversations.values().enumerate() {
            for view in views(index, conversation, timeline) {
                undecided += shows_in_order(index, &view, &mut violations);
            }
        }
        let misplaced = violations.total();
        agreement(index, &mut violations);
        let disagreements = violations.total() - misplaced;
        operations_in_order(index, &mut violations);
        let reordered = violations.total() - misplaced - disagreements;
        let evidence = format!(
            "{} shows in {} conversations: {misplaced} out of order or too early, {undecided} \
             undecided; {disagreements} disagreements about a seq; {} operations: {reordered} \
             before an earlier one of their device",
            index.shows.len(),
            index.conversations.len(),
            index.operations.len(),
        );
        Answer::new(violations, undecided, evidence)
    }
}

/// Walks a device's shows beside the rows it is owed; returns how many maybe-owed rows it skipped.
///
/// Each defect counts once: a row that was skipped because it is owed is not counted again as late
/// when it comes after all.
fn shows_in_order(index: &Index<'_>, view: &View<'_>, violations: &mut Violations) -> u64 {
    let mut undecided = 0;
    let mut highest: Seq = 0;
    let mut owed = view.expected.iter().peekable();
    let tidy = rising(view.shows);
    let mut seen: BTreeSet<Seq> = BTreeSet::new();
    for show in view.shows {
        let again = !tidy && !seen.insert(show.seq);
        let row = || {
            let row = view.timeline.row(show.seq).expect("a shown row is known");
            RowName::of(index, view.conversation, row)
        };
        if show.seq > highest {
            let mut missing: Option<&Expected> = None;
            while let Some(skipped) = owed.next_if(|next| next.seq < show.seq) {
                match skipped.standing {
                    Standing::Owed => missing = missing.or(Some(skipped)),
                    Standing::Maybe => undecided += 1,
                }
            }
            owed.next_if(|next| next.seq == show.seq);
            if let Some(missing) = missing {
                violations.add(index.at(show.event), show.event, || Broken::Skipped {
                    row: row(),
                    missing: RowName::of(
                        index,
                        view.conversation,
                        &view.timeline.rows[missing.row],
                    ),
                    device: index.device(view.device),
                });
            }
            highest = show.seq;
        } else if !again && view.standing(show.seq) != Some(Standing::Owed) {
            violations.add(index.at(show.event), show.event, || Broken::Late {
                row: row(),
                after: highest,
                device: index.device(view.device),
            });
        }
    }
    undecided
}

/// Every ack and show at a seq must name the same operation and the same id.
fn agreement(index: &Index<'_>, violations: &mut Violations) {
    let mut counted = BTreeSet::new();
    for (event, sighting) in index.sightings() {
        let place = sighting.place;
        let timeline = &index.conversations[place.conversation];
        let row = timeline.row(place.seq).expect("a sighted row is known");
        if (row.key, row.message_id) == (sighting.key, place.message_id)
            || !counted.insert((sighting.key, place))
        {
            continue;
        }
        violations.add(index.at(event), event, || Broken::Disagree {
            row: RowName::of(index, place.conversation, row),
            other: sighting.key,
            other_id: place.message_id,
            first: row.seen,
        });
    }
}

/// The seqs of one device's operations in one conversation must rise as they were asked for.
fn operations_in_order(index: &Index<'_>, violations: &mut Violations) {
    let mut last: BTreeMap<(usize, usize), (Seq, usize)> = BTreeMap::new();
    for (position, asked) in index.operations.values().enumerate() {
        let Some((place, seen)) = asked.place else { continue };
        let highest = last.entry((asked.conversation, asked.device)).or_default();
        if place.seq > highest.0 {
            *highest = (place.seq, position);
        } else if place.seq < highest.0 {
            let earlier = highest.1;
            violations.add(index.at(seen), seen, || Broken::SendsReordered {
                row: name(index, position),
                earlier: name(index, earlier),
            });
        }
    }
}

fn name(index: &Index<'_>, operation: usize) -> RowName {
    let (place, _) = index.operations[operation].place.expect("only seen operations are compared");
    let row = index.conversations[place.conversation].row(place.seq);
    RowName::of(index, place.conversation, row.expect("a sighted row is known"))
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::super::story::{ANN, ANN_TABLET, BOB, CY, Story, judge};
    use super::*;

    fn broken(story: Story) -> Vec<Broken> {
        let answer = judge(&Order, &story.end());
        assert_eq!(answer.violations, answer.examples.len() as u64);
        assert_eq!(answer.verdict == Verdict::Invalid, answer.violations > 0);
        answer.examples.into_iter().map(|example| example.broken).collect()
    }

    #[test]
    fn rows_shown_by_rising_seq_are_in_order() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN, BOB]);
        story.said(BOB, 3, &[ANN, BOB]);
        assert_eq!(judge(&Order, &story.end()).verdict, Verdict::Valid);
    }

    #[test]
    fn a_row_shown_before_an_owed_one_skips_it() {
        let mut story = Story::with(&[ANN, BOB]);
        let one = story.said(ANN, 2, &[ANN]);
        let two = story.said(ANN, 3, &[ANN, BOB]);
        let mut healed = story.clone();
        healed.show(BOB, one, 2);
        for story in [story, healed] {
            let broken = broken(story);
            let [Broken::Skipped { row, missing, device }] = &broken[..] else {
                panic!("{broken:?}")
            };
            assert_eq!((row.key, missing.key, *device), (two, one, BOB));
        }
    }

    #[test]
    fn a_row_learned_of_later_was_skipped_all_the_same() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        let one = story.send(ANN);
        story.said(BOB, 3, &[BOB]);
        story.accepted(one, 2, &[ANN, CY]);
        assert!(matches!(broken(story)[..], [Broken::Skipped { device: BOB, .. }]));
    }

    #[test]
    fn a_row_that_is_not_owed_must_not_come_late_either() {
        let mut story = Story::with(&[ANN, BOB]);
        let early = story.said(ANN, 2, &[ANN, BOB]);
        story.log_in(ANN_TABLET);
        story.said(ANN, 3, &[ANN, BOB, ANN_TABLET]);
        story.show(ANN_TABLET, early, 2);
        let broken = broken(story);
        assert!(matches!(broken[..], [Broken::Late { after: 3, device: ANN_TABLET, .. }]));
    }

    #[test]
    fn a_skip_of_a_row_that_may_not_be_owed_is_undecided() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        let leave = story.leave(CY);
        story.said(ANN, 2, &[ANN, BOB]);
        story.said(ANN, 3, &[ANN, BOB, CY]);
        assert_eq!(judge(&Order, &story.clone().end()).verdict, Verdict::Unknown);
        story.accepted(leave, 4, &[ANN, BOB]);
        assert_eq!(judge(&Order, &story.end()).violations, 1);
    }

    #[test]
    fn rows_between_two_stays_are_no_skip() {
        let mut story = Story::with(&[ANN, BOB]);
        let leave = story.leave(BOB);
        story.accepted(leave, 2, &[ANN]);
        story.said(ANN, 3, &[ANN]);
        let join = story.join(BOB);
        story.accepted(join, 4, &[ANN, BOB]);
        story.said(ANN, 5, &[ANN, BOB]);
        assert_eq!(broken(story), []);
    }

    #[test]
    fn a_repeat_is_left_to_the_other_checker() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.said(ANN, 2, &[ANN, BOB]);
        story.said(ANN, 3, &[ANN, BOB]);
        story.restart(BOB);
        story.show(BOB, hello, 2);
        assert_eq!(broken(story), []);
    }

    #[test]
    fn two_devices_must_agree_on_what_stands_at_a_seq() {
        let mut story = Story::with(&[ANN, BOB]);
        let one = story.send(ANN);
        let other = story.send(BOB);
        story.show(ANN, one, 2);
        story.show(BOB, other, 2);
        let broken = broken(story);
        let [Broken::Disagree { row, other: seen, .. }] = &broken[..] else { panic!("{broken:?}") };
        assert_eq!((row.key, *seen), (one, other));
    }

    #[test]
    fn one_devices_operations_keep_their_order() {
        let mut story = Story::with(&[ANN, BOB]);
        let one = story.send(ANN);
        let two = story.send(ANN);
        story.accepted(two, 2, &[ANN, BOB]);
        story.accepted(one, 3, &[ANN, BOB]);
        let broken = broken(story);
        let [Broken::SendsReordered { row, earlier }] = &broken[..] else { panic!("{broken:?}") };
        assert_eq!((row.key, earlier.key), (two, one));
    }

    #[test]
    fn two_devices_of_a_user_need_not_keep_each_others_order() {
        let mut story = Story::with(&[ANN, BOB]);
        story.log_in(ANN_TABLET);
        let one = story.send(ANN);
        let two = story.send(ANN_TABLET);
        story.accepted(two, 2, &[ANN, ANN_TABLET, BOB]);
        story.accepted(one, 3, &[ANN, ANN_TABLET, BOB]);
        assert_eq!(broken(story), []);
    }

    #[test]
    fn a_skip_counts_although_the_run_was_cut_short() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN]);
        story.said(ANN, 3, &[ANN, BOB]);
        assert_eq!(judge(&Order, &story.cut_short()).verdict, Verdict::Invalid);
    }
}
