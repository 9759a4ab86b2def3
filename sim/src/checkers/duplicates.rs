//! A2, nothing is shown twice: each operation becomes at most one message, and each device shows a
//! message at most once, also across its restarts.
//!
//! How many messages an operation may become is judged here as a whole: one when it was accepted,
//! none when it was refused (its user was told so, and will say it again), and none when nobody
//! asked for it. Whether rows are missing or out of order is not asked.

use std::collections::{BTreeMap, BTreeSet};

use im::model::{MessageId, SendKey};

use super::index::{Index, Place, Sighting};
use super::view::{View, rising, views};
use super::violation::{Broken, RowName, Violations};
use super::{Answer, Checker};

/// The checker of A2.
pub struct Duplicates;

impl Checker for Duplicates {
    fn id(&self) -> &'static str {
        "A2"
    }

    fn name(&self) -> &'static str {
        "nothing is shown twice"
    }

    fn check(&self, index: &Index<'_>) -> Answer {
        let mut violations = Violations::new(self.id());
        let mut rows = 0;
        for (conversation, timeline) in index.conversations.values().enumerate() {
            rows += timeline.rows.len();
            for view in views(index, conversation, timeline) {
                seqs_shown_again(index, &view, &mut violations);
            }
        }
        ids_shown_again(index, &mut violations);
        let again = violations.total();
        let operations = operations_with_too_many(index, &mut violations);
        let evidence = format!(
            "{} shows of {rows} rows on {} devices: {again} repeated; {} operations: {operations} \
             became a message too many",
            index.shows.len(),
            index.devices.len(),
            index.operations.len(),
        );
        Answer::new(violations, 0, evidence)
    }
}

fn seqs_shown_again(index: &Index<'_>, view: &View<'_>, violations: &mut Violations) {
    if rising(view.shows) {
        return;
    }
    let mut first = BTreeMap::new();
    for show in view.shows {
        let earlier = *first.entry(show.seq).or_insert(show.event);
        if earlier == show.event {
            continue;
        }
        let row = view.timeline.row(show.seq).expect("a shown row is known");
        violations.add(index.at(show.event), show.event, || Broken::ShownAgain {
            row: RowName::of(index, view.conversation, row),
            device: index.device(view.device),
            first: earlier,
        });
    }
}

/// Only ids that were seen at several places can be shown at several places; there should be none,
/// so that nearly always this looks at rows and not at shows.
fn ids_shown_again(index: &Index<'_>, violations: &mut Violations) {
    let suspects = ids_at_several_places(index);
    if suspects.is_empty() {
        return;
    }
    let mut first: BTreeMap<(usize, MessageId), (Place, usize)> = BTreeMap::new();
    for (event, sighting) in index.sightings() {
        let place = sighting.place;
        if !sighting.shown || !suspects.contains(&place.message_id) {
            continue;
        }
        let device = index.history.events[event].device;
        let at = index.devices.get_index_of(&device).expect("every device is indexed");
        let earlier = *first.entry((at, place.message_id)).or_insert((place, event));
        if earlier.0 != place {
            violations.add(index.at(event), event, || Broken::SameIdTwice {
                row: RowName::seen(index, &sighting),
                device,
                first: earlier.1,
            });
        }
    }
}

fn ids_at_several_places(index: &Index<'_>) -> BTreeSet<MessageId> {
    let mut places: Vec<(MessageId, usize, u64)> = Vec::new();
    for (conversation, timeline) in index.conversations.values().enumerate() {
        places.extend(timeline.rows.iter().map(|row| (row.message_id, conversation, row.seq)));
    }
    for (_, Sighting { place, .. }) in index.sightings() {
        let row = index.conversations[place.conversation].row(place.seq);
        if row.is_none_or(|row| row.message_id != place.message_id) {
            places.push((place.message_id, place.conversation, place.seq));
        }
    }
    places.sort_unstable();
    places.dedup();
    let several = places.chunk_by(|one, other| one.0 == other.0).filter(|chunk| chunk.len() > 1);
    several.map(|chunk| chunk[0].0).collect()
}

/// Counts every place of an operation beyond the ones it may have.
fn operations_with_too_many(index: &Index<'_>, violations: &mut Violations) -> u64 {
    let before = violations.total();
    let mut counted: BTreeSet<(SendKey, Place)> = BTreeSet::new();
    for (event, sighting) in index.sightings() {
        let asked = index.operations.get(&sighting.key);
        let asked = asked.filter(|asked| asked.conversation == sighting.place.conversation);
        let fine = asked.is_some_and(|asked| {
            let first = asked.place.map(|(place, _)| place);
            asked.refused.is_none() && first == Some(sighting.place)
        });
        if fine || !counted.insert((sighting.key, sighting.place)) {
            continue;
        }
        violations.add(index.at(event), event, || {
            let row = RowName::seen(index, &sighting);
            let device = index.history.events[event].device;
            let Some(asked) = asked else { return Broken::NobodySent { row, device } };
            if let Some(refused) = asked.refused {
                return Broken::RefusedYetThere { row, refused };
            }
            // Without a place, it was seen only before it was asked for.
            let Some((_, first)) = asked.place else { return Broken::NobodySent { row, device } };
            Broken::TwoCopies { row, first, second: event }
        });
    }
    violations.total() - before
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::super::story::{ANN, BOB, Story, judge};
    use super::*;

    fn broken(story: Story) -> Vec<Broken> {
        let answer = judge(&Duplicates, &story.end());
        assert_eq!(answer.violations, answer.examples.len() as u64);
        assert_eq!(answer.verdict == Verdict::Valid, answer.violations == 0);
        answer.examples.into_iter().map(|example| example.broken).collect()
    }

    #[test]
    fn a_retry_that_becomes_one_message_is_fine() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.send(ANN);
        story.retry(hello, 2);
        story.accepted(hello, 2, &[ANN, BOB]);
        assert_eq!(broken(story), []);
    }

    #[test]
    fn a_retry_that_becomes_a_second_message_is_a_duplicate() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.send(ANN);
        story.show(BOB, hello, 2);
        story.retry(hello, 2);
        story.accepted(hello, 3, &[BOB]);
        let broken = broken(story);
        let [Broken::TwoCopies { row, first, second }] = &broken[..] else { panic!("{broken:?}") };
        assert_eq!((row.key, row.seq), (hello, 3));
        assert!(first < second);
    }

    #[test]
    fn two_ids_at_one_seq_are_two_messages() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.said(ANN, 2, &[ANN]);
        story.show_as(BOB, hello, 2, 77);
        assert!(matches!(broken(story)[..], [Broken::TwoCopies { .. }]));
    }

    #[test]
    fn a_device_that_shows_a_row_again_after_its_restart_shows_it_twice() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.said(ANN, 2, &[ANN, BOB]);
        story.crash(BOB);
        story.restart(BOB);
        story.show(BOB, hello, 2);
        let broken = broken(story);
        let [Broken::ShownAgain { row, device, .. }] = &broken[..] else { panic!("{broken:?}") };
        assert_eq!((row.seq, *device), (2, BOB));
    }

    #[test]
    fn one_id_at_two_places_is_shown_twice() {
        let mut story = Story::with(&[ANN, BOB]);
        let one = story.send(ANN);
        let other = story.send(ANN);
        story.show_as(BOB, one, 2, 50);
        story.show_as(BOB, other, 3, 50);
        assert!(matches!(broken(story)[..], [Broken::SameIdTwice { device: BOB, .. }]));
    }

    #[test]
    fn a_refused_operation_must_not_become_a_message() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.send(ANN);
        story.refuse(hello);
        assert_eq!(broken(story.clone()), []);
        story.show(ANN, hello, 2);
        story.show(BOB, hello, 2);
        assert!(matches!(broken(story)[..], [Broken::RefusedYetThere { .. }]));
    }

    #[test]
    fn a_message_that_nobody_sent_is_one_too_many() {
        let mut story = Story::with(&[ANN, BOB]);
        let ghost = story.key(ANN);
        story.show(BOB, ghost, 2);
        assert!(matches!(broken(story)[..], [Broken::NobodySent { device: BOB, .. }]));
    }

    #[test]
    fn a_run_cut_short_is_judged_as_far_as_it_goes() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.said(ANN, 2, &[ANN]);
        assert_eq!(judge(&Duplicates, &story.clone().cut_short()).verdict, Verdict::Valid);
        story.show(ANN, hello, 2);
        assert_eq!(judge(&Duplicates, &story.cut_short()).verdict, Verdict::Invalid);
    }
}
