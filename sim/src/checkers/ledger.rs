//! The ledger: every owed (row, device) pair is shown, still to come, or dropped for a reason, and
//! every seq up to the highest was seen by somebody.
//!
//! It counts what the other checkers judge, so that a report can say where everything went, and
//! adds what none of them sees: leaks, holes, and cursors that passed a row.

use im::model::Seq;
use im_reports::record::Ledger;

use super::index::{Index, Row, Timeline};
use super::membership::Standing;
use super::view::{View, views};
use super::violation::{Broken, RowName, Violations};
use super::{Answer, Checker};

/// Why an owed row at or below the cursor counts as dropped.
pub const CURSOR_PASSED: &str = "cursor passed it";

/// The checker of the ledger.
pub struct Accounting;

impl Checker for Accounting {
    fn id(&self) -> &'static str {
        "ledger"
    }

    fn name(&self) -> &'static str {
        "every owed row is accounted for"
    }

    fn check(&self, index: &Index<'_>) -> Answer {
        account(index).1
    }
}

/// Keeps the books and judges them.
pub fn account(index: &Index<'_>) -> (Ledger, Answer) {
    let mut books = Books {
        ledger: Ledger::default(),
        violations: Violations::new(Accounting.id()),
        holes: 0,
        undecided: 0,
    };
    for (conversation, timeline) in index.conversations.values().enumerate() {
        books.rows(timeline);
        books.holes(index, conversation, timeline);
        for view in views(index, conversation, timeline) {
            books.expected(index, &view);
            books.unexpected(index, &view);
        }
    }
    let Books { ledger, violations, holes, undecided } = books;
    let dropped: u64 = ledger.dropped.values().sum();
    let filed = ledger.shown + ledger.pending + ledger.too_late + dropped;
    assert_eq!(ledger.owed, filed, "the ledger must balance");
    let evidence = format!(
        "{} owed = {} shown + {} pending + {dropped} dropped{}; {} sequenced = {} acked + {} \
         unacked; {} leaked, {holes} seqs nobody ever saw, {undecided} undecided",
        ledger.owed,
        ledger.shown,
        ledger.pending,
        match ledger.too_late {
            0 => String::new(),
            late => format!(" + {late} too late to judge"),
        },
        ledger.sequenced,
        ledger.acked,
        ledger.unacked,
        ledger.leaked,
    );
    (ledger, Answer::new(violations, undecided, evidence))
}

struct Books {
    ledger: Ledger,
    violations: Violations,
    holes: u64,
    undecided: u64,
}

impl Books {
    fn rows(&mut self, timeline: &Timeline) {
        let acked = timeline.rows.iter().filter(|row| row.acked.is_some()).count() as u64;
        let sequenced = timeline.rows.len() as u64;
        self.ledger.sequenced += sequenced;
        self.ledger.acked += acked;
        self.ledger.unacked += sequenced - acked;
    }

    /// Files every pair that is owed.
    fn expected(&mut self, index: &Index<'_>, view: &View<'_>) {
        for (expected, shown) in view.expected_and_shown() {
            let row = &view.timeline.rows[expected.row];
            if expected.standing == Standing::Owed {
                self.ledger.owed += 1;
                self.ledger.owed_messages += u64::from(index.is_message(row));
            }
            match (expected.standing, shown) {
                (Standing::Maybe, true) => self.ledger.maybe_shown += 1,
                (Standing::Maybe, false) if self.is_too_late(index, view, row) => {}
                (Standing::Maybe, false) => self.undecided += 1,
                (Standing::Owed, true) => self.ledger.shown += 1,
                (Standing::Owed, false) if self.is_too_late(index, view, row) => {
                    self.ledger.too_late += 1;
                }
                (Standing::Owed, false) => self.missing(index, view, row),
            }
        }
    }

    /// What is missing from a run that was cut short is undecided for that reason alone.
    fn is_too_late(&self, index: &Index<'_>, view: &View<'_>, row: &Row) -> bool {
        index.history.complete && index.too_late(row, view.device, view.cursor())
    }

    fn missing(&mut self, index: &Index<'_>, view: &View<'_>, row: &Row) {
        let cursor = view.cursor();
        let dropped = row.seq <= cursor;
        if dropped {
            *self.ledger.dropped.entry(CURSOR_PASSED.to_owned()).or_default() += 1;
        } else {
            self.ledger.pending += 1;
        }
        if !index.history.complete {
            self.undecided += 1;
            return;
        }
        let proof = row.acked.unwrap_or(row.seen);
        self.violations.add(index.at(proof), proof, || {
            let device = index.device(view.device);
            let row = RowName::of(index, view.conversation, row);
            match dropped {
                true => Broken::Dropped { row, device, cursor },
                false => Broken::Pending { row, device, cursor },
            }
        });
    }

    /// Files every shown pair that is not owed. What is harmless to show has no place in the
    /// books.
    fn unexpected(&mut self, index: &Index<'_>, view: &View<'_>) {
        let mut expected = view.expected.iter().peekable();
        for show in view.shown() {
            while expected.next_if(|next| next.seq < show.seq).is_some() {}
            let owed = expected.peek().is_some_and(|next| next.seq == show.seq);
            if owed || view.harmless(index, show.seq) {
                continue;
            }
            self.ledger.leaked += 1;
            self.violations.add(index.at(show.event), show.event, || Broken::Leaked {
                row: RowName::of(
                    index,
                    view.conversation,
                    view.timeline.row(show.seq).expect("a shown row is known"),
                ),
                device: index.device(view.device),
            });
        }
    }

    /// Seqs are dense: one below the highest that nobody saw was given away for nothing, or its
    /// row never reached anybody.
    fn holes(&mut self, index: &Index<'_>, conversation: usize, timeline: &Timeline) {
        let mut below: Seq = 0;
        let mut excuses = timeline.unresolved;
        for row in &timeline.rows {
            let count = row.seq.saturating_sub(below + 1);
            let first = below + 1;
            below = row.seq;
            if count == 0 {
                continue;
            }
            self.holes += count;
            // Who asked may hear of it later than the sender of the next row, and everybody else of both.
            let under_way = excuses >= count && index.lateness.excuses(row.accepted);
            let excused = excuses >= count && nobody_was_there(index, timeline, first, row.seq);
            if under_way || excused {
                excuses -= count;
            }
            if under_way {
                continue;
            }
            if excused || !index.history.complete {
                self.undecided += count;
                continue;
            }
            self.violations.add(index.at(row.seen), row.seen, || Broken::Hole {
                seq: first,
                count,
                next: RowName::of(index, conversation, row),
            });
        }
    }
}

/// Whether no device is surely owed the seqs `from..until` when they belong to operations that
/// were asked for and never seen again: then nobody had to show them, and the hole proves nothing.
fn nobody_was_there(index: &Index<'_>, timeline: &Timeline, from: Seq, until: Seq) -> bool {
    let Some(since) = timeline.unresolved_since else { return false };
    !timeline.members.iter().any(|(user, segments)| {
        let devices = index.users.get(user).map_or(&[][..], Vec::as_slice);
        let online = |device: &usize| index.devices[*device].is_some_and(|login| login < since);
        let at = segments.partition_point(|segment| segment.to < from);
        let mut there = segments[at..].iter().take_while(|segment| segment.from < until);
        there.any(|segment| segment.standing == Standing::Owed) && devices.iter().any(online)
    })
}

#[cfg(test)]
mod tests {
    use im_reports::record::Verdict;

    use super::super::story::{ANN, ANN_TABLET, BOB, CY, Story, judge};
    use super::*;

    fn books(story: &Story) -> Ledger {
        account(&Index::new(&story.clone().end())).0
    }

    fn broken(story: Story) -> Vec<Broken> {
        let answer = judge(&Accounting, &story.end());
        assert_eq!(answer.verdict == Verdict::Invalid, answer.violations > 0);
        answer.examples.into_iter().map(|example| example.broken).collect()
    }

    #[test]
    fn everything_shown_balances() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN, BOB]);
        let unacked = story.send(BOB);
        story.show(ANN, unacked, 3);
        story.show(BOB, unacked, 3);
        let expected = Ledger {
            sequenced: 3,
            acked: 2,
            unacked: 1,
            owed: 4,
            owed_messages: 4,
            shown: 4,
            ..Ledger::default()
        };
        assert_eq!(books(&story), expected);
        assert_eq!(judge(&Accounting, &story.end()).verdict, Verdict::Valid);
    }

    #[test]
    fn a_missing_row_is_dropped_below_the_cursor_and_pending_above() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        story.said(ANN, 2, &[ANN]);
        story.cursor(BOB, 2);
        let found = books(&story);
        assert_eq!((found.owed, found.shown, found.pending), (3, 1, 1));
        assert_eq!(found.dropped, [(CURSOR_PASSED.to_owned(), 1)].into());
        let broken = broken(story);
        let [Broken::Dropped { device: BOB, .. }, Broken::Pending { device: CY, .. }] = broken[..]
        else {
            panic!("{broken:?}")
        };
    }

    #[test]
    fn a_missing_row_of_a_run_cut_short_is_undecided() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN]);
        assert_eq!(judge(&Accounting, &story.cut_short()).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_row_shown_to_somebody_who_left_is_leaked() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        let leave = story.leave(CY);
        story.accepted(leave, 2, &[ANN, BOB, CY]);
        assert_eq!(broken(story.clone()), []);
        story.said(ANN, 3, &[ANN, BOB, CY]);
        assert_eq!(books(&story).leaked, 1);
        assert!(matches!(broken(story)[..], [Broken::Leaked { device: CY, .. }]));
    }

    #[test]
    fn a_row_shown_to_somebody_who_maybe_left_is_a_maybe() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        story.leave(CY);
        story.said(ANN, 2, &[ANN, BOB, CY]);
        assert_eq!((books(&story).maybe_shown, books(&story).leaked), (1, 0));
        assert_eq!(broken(story), []);
    }

    #[test]
    fn a_late_device_may_show_what_its_user_was_owed() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.said(BOB, 2, &[ANN, BOB]);
        story.log_in(ANN_TABLET);
        story.show(ANN_TABLET, hello, 2);
        assert_eq!((books(&story).owed, books(&story).leaked), (2, 0));
        assert_eq!(broken(story), []);
    }

    #[test]
    fn a_seq_that_nobody_saw_is_a_hole() {
        let mut story = Story::with(&[ANN, BOB]);
        story.send(BOB);
        story.said(ANN, 4, &[ANN, BOB]);
        let broken = broken(story.clone());
        let [Broken::Hole { seq: 2, count: 2, next }] = &broken[..] else { panic!("{broken:?}") };
        assert_eq!(next.seq, 4);
        assert_eq!(judge(&Accounting, &story.cut_short()).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_hole_that_nobody_had_to_see_is_undecided() {
        let mut story = Story::with(&[ANN]);
        story.leave(ANN);
        story.log_in(BOB);
        let join = story.join(BOB);
        story.accepted(join, 3, &[BOB]);
        assert_eq!(judge(&Accounting, &story.end()).verdict, Verdict::Unknown);
    }
}
