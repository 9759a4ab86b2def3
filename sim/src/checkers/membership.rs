//! Where in a conversation a user is owed rows, from what the user's devices saw of their own
//! joins and leaves.
//!
//! Only acks prove a membership: a server's snapshot, or a join row shown to somebody, does not.
//! It knows nothing of devices' logins, of rows or of what was shown.

use std::collections::BTreeMap;

use im::model::Seq;

/// How sure it is that a row is owed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// It may or may not be owed: an ack is missing.
    Maybe,
    /// It is owed.
    Owed,
}

/// A change of a user's membership that was asked for and not refused.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Whether the user comes or goes.
    pub joins: bool,
    /// The device that asked.
    pub device: usize,
    /// The highest seq of the conversation seen by anybody before the change was asked for: its
    /// own seq is higher.
    pub observed: Seq,
    /// Its seq, when it was acked.
    pub acked: Option<Seq>,
}

/// The seqs `from..=to` stand alike. What lies in no segment is certainly not owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The first seq.
    pub from: Seq,
    /// The last seq; `Seq::MAX` when the segment is open.
    pub to: Seq,
    /// How they stand.
    pub standing: Standing,
}

/// What changes at a seq, for the rows from there on.
#[derive(Clone, Copy, Default)]
struct Turn {
    member: Option<bool>,
    maybe_joined: i64,
    maybe_left: i64,
}

/// The segments of a user, from the user's changes in the order in which they were asked for.
///
/// A row is owed between an acked join and the next acked leave. A change without an ack may have
/// taken effect anywhere above what was observed before it, until the next acked change of the
/// same device, whose operations keep their order.
pub fn segments(changes: &[Change]) -> Vec<Segment> {
    let mut turns: BTreeMap<Seq, Turn> = BTreeMap::new();
    let mut acked: Vec<(Seq, bool)> =
        changes.iter().filter_map(|change| Some((change.acked?, change.joins))).collect();
    acked.sort_unstable();
    for (seq, joins) in acked {
        let from = if joins { seq.saturating_add(1) } else { seq };
        turns.entry(from).or_default().member = Some(joins);
    }
    // From the back, so that each device's next acked change is known.
    let mut next_acked: BTreeMap<usize, Seq> = BTreeMap::new();
    for change in changes.iter().rev() {
        if let Some(seq) = change.acked {
            next_acked.insert(change.device, seq);
            continue;
        }
        let from = change.observed.saturating_add(1);
        let until = next_acked.get(&change.device).copied();
        if until.is_none_or(|until| from < until) {
            turns.entry(from).or_default().count(change.joins, 1);
        }
        if let Some(until) = until.filter(|until| from < *until) {
            turns.entry(until).or_default().count(change.joins, -1);
        }
    }
    sweep(&turns)
}

impl Turn {
    fn count(&mut self, joins: bool, by: i64) {
        *(if joins { &mut self.maybe_joined } else { &mut self.maybe_left }) += by;
    }
}

fn sweep(turns: &BTreeMap<Seq, Turn>) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    let (mut member, mut maybe_joined, mut maybe_left) = (false, 0, 0);
    let mut ends = turns.keys().skip(1);
    for (from, turn) in turns {
        member = turn.member.unwrap_or(member);
        maybe_joined += turn.maybe_joined;
        maybe_left += turn.maybe_left;
        let to = ends.next().map_or(Seq::MAX, |next| next - 1);
        let standing = match (member, maybe_joined > 0, maybe_left > 0) {
            (true, _, false) => Standing::Owed,
            (true, _, true) | (false, true, _) => Standing::Maybe,
            (false, false, _) => continue,
        };
        match found.last_mut() {
            Some(last) if last.to.checked_add(1) == Some(*from) && last.standing == standing => {
                last.to = to;
            }
            _ => found.push(Segment { from: *from, to, standing }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(joins: bool, observed: Seq, acked: Option<Seq>) -> Change {
        Change { joins, device: 0, observed, acked }
    }

    fn owed(from: Seq, to: Seq) -> Segment {
        Segment { from, to, standing: Standing::Owed }
    }

    fn maybe(from: Seq, to: Seq) -> Segment {
        Segment { from, to, standing: Standing::Maybe }
    }

    #[test]
    fn a_member_is_owed_what_lies_between_join_and_leave() {
        assert_eq!(segments(&[change(true, 0, Some(3))]), [owed(4, Seq::MAX)]);
        let stay = [change(true, 0, Some(3)), change(false, 5, Some(9))];
        assert_eq!(segments(&stay), [owed(4, 8)]);
    }

    #[test]
    fn who_comes_back_is_not_owed_the_time_between() {
        let changes =
            [change(true, 0, Some(1)), change(false, 3, Some(5)), change(true, 7, Some(9))];
        assert_eq!(segments(&changes), [owed(2, 4), owed(10, Seq::MAX)]);
    }

    #[test]
    fn a_leave_without_an_ack_is_maybe_above_what_was_observed() {
        let changes = [change(true, 0, Some(1)), change(false, 6, None)];
        assert_eq!(segments(&changes), [owed(2, 6), maybe(7, Seq::MAX)]);
    }

    #[test]
    fn a_join_without_an_ack_is_maybe_above_what_was_observed() {
        assert_eq!(segments(&[change(true, 4, None)]), [maybe(5, Seq::MAX)]);
    }

    #[test]
    fn the_next_acked_change_of_the_same_device_ends_the_maybe() {
        let changes = [
            change(true, 0, Some(1)),
            change(false, 4, None),
            change(true, 6, Some(9)),
            change(false, 12, Some(14)),
        ];
        assert_eq!(segments(&changes), [owed(2, 4), maybe(5, 8), owed(9, 13)]);
    }

    #[test]
    fn another_devices_ack_does_not_end_the_maybe() {
        let other = Change { joins: true, device: 1, observed: 6, acked: Some(9) };
        let changes = [change(true, 0, Some(1)), change(false, 4, None), other];
        assert_eq!(segments(&changes), [owed(2, 4), maybe(5, Seq::MAX)]);
    }
}
