//! What one device has been pushed and has not acked, and what is done about it when its time is up.
//!
//! A stream loses nothing, and a device takes its frames in order. So a push that waits behind others is not
//! pushed again: time counts while the stream makes no progress, or once later pushes have been acked and this
//! one has not. Then the device is told how far the conversation is, in a few bytes: it acks, or asks for what
//! it lacks. It must not know streams, sessions or time beyond what it is told.

use std::collections::BTreeMap;

use crate::env::Nanos;
use crate::model::{ConversationId, Seq};
use crate::proto::gateway::What;

/// Parts of a token that a retry costs.
const TOKEN: u32 = 100;
/// A budget that nobody uses grows up to so many times its reserve.
const RESERVES_MAX: u32 = 10;

/// A push, and where it ends in the stream.
struct Pushed {
    what: What,
    /// `None` while it waits for others to leave with.
    end: Option<u64>,
    /// When it was pushed.
    at: Nanos,
}

/// A conversation whose pushes are looked at when their time is up.
struct Watch {
    /// Whether something of it was acked since the last look.
    acked: bool,
    /// The stream's progress at the last look.
    progress: u64,
}

/// How many retries one device may be sent: a reserve, and a share of the pushes that it acks. Source of the
/// idea: Finagle's `RetryBudget`, which bounds retries to a share of requests.
pub struct Budget {
    reserve: u32,
    percent: u32,
    parts: u32,
}

impl Budget {
    pub fn new(reserve: u32, percent: u32) -> Self {
        Self { reserve, percent, parts: reserve.saturating_mul(TOKEN) }
    }

    fn deposit(&mut self, acked: usize) {
        let most = self.reserve.max(1).saturating_mul(TOKEN).saturating_mul(RESERVES_MAX);
        let earned = self.percent.saturating_mul(acked as u32);
        self.parts = self.parts.saturating_add(earned).min(most);
    }

    /// The reserve is there again.
    fn refill(&mut self) {
        self.parts = self.parts.max(self.reserve.saturating_mul(TOKEN));
    }

    fn withdraw(&mut self) -> bool {
        let left = self.parts.checked_sub(TOKEN);
        self.parts = left.unwrap_or(self.parts);
        left.is_some()
    }
}

/// What is to be done about a conversation whose time is up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Nothing waits for an ack any more.
    Done,
    /// Look again after the same wait.
    Wait,
    /// Something was acked meanwhile: what is left has its first wait before it.
    Anew,
    /// Push this; then look again after the next wait, or leave what is there to sync.
    Retry(What),
    /// Too many retries: leave what is there to sync.
    LeaveToSync,
}

/// What one device has not acked.
pub struct Unacked {
    pushes: BTreeMap<(ConversationId, Seq), Pushed>,
    watched: BTreeMap<ConversationId, Watch>,
    /// What was left to sync after it had been handed to the stream, up to this seq.
    left_to_sync: BTreeMap<ConversationId, Seq>,
    /// Where the furthest push ends that was acked.
    passed: u64,
    /// How often acks have covered pushes.
    progress: u64,
    budget: Budget,
}

impl Unacked {
    pub fn new(budget: Budget) -> Self {
        let (pushes, watched, left_to_sync) = Default::default();
        Self { pushes, watched, left_to_sync, passed: 0, progress: 0, budget }
    }

    /// How many pushes there are.
    pub fn len(&self) -> usize {
        self.pushes.len()
    }

    /// Whether a push for that place is on its way.
    pub fn is_on_its_way(&self, place: (ConversationId, Seq)) -> bool {
        self.pushes.contains_key(&place)
    }

    /// Up to where the conversation was handed to this stream and then left to sync.
    pub fn left_to_sync(&self, conversation: ConversationId) -> Option<Seq> {
        self.left_to_sync.get(&conversation).copied()
    }

    /// Something is pushed; true when nobody looks at its conversation yet.
    pub fn push(&mut self, what: What, now: Nanos) -> bool {
        let (place, progress) = (what.place(), self.progress);
        self.pushes.insert(place, Pushed { what, end: None, at: now });
        let unwatched = !self.watched.contains_key(&place.0);
        self.watched.entry(place.0).or_insert(Watch { acked: false, progress });
        unwatched
    }

    /// The push was handed to the stream, in which it ends there.
    pub fn handed_over(&mut self, place: (ConversationId, Seq), end: u64) {
        if let Some(pushed) = self.pushes.get_mut(&place) {
            pushed.end = Some(end);
        }
    }

    /// The device has everything of the conversation up to `upto`: what was on its way of that.
    pub fn acked(&mut self, conversation: ConversationId, upto: Seq) -> Vec<What> {
        if self.left_to_sync.get(&conversation).is_some_and(|left| *left <= upto) {
            self.left_to_sync.remove(&conversation);
        }
        let covered: Vec<_> = self
            .pushes
            .range((conversation, 0)..=(conversation, upto))
            .map(|(place, _)| *place)
            .collect();
        if !covered.is_empty() {
            self.progress += 1;
            self.budget.deposit(covered.len());
            self.watched.entry(conversation).and_modify(|watch| watch.acked = true);
        }
        let mut acked = Vec::with_capacity(covered.len());
        for pushed in covered.iter().filter_map(|place| self.pushes.remove(place)) {
            self.passed = self.passed.max(pushed.end.unwrap_or(0));
            acked.push(pushed.what);
        }
        acked
    }

    /// A push had no room, and is left to sync.
    pub fn give_up(&mut self, place: (ConversationId, Seq)) {
        self.pushes.remove(&place);
    }

    /// What is on its way of the conversation is left to sync; how many pushes.
    pub fn leave_to_sync(&mut self, conversation: ConversationId) -> usize {
        let of = (conversation, 0)..=(conversation, Seq::MAX);
        let places: Vec<_> = self.pushes.range(of).map(|(place, _)| *place).collect();
        for place in &places {
            let pushed = self.pushes.remove(place).expect("listed from the map");
            if pushed.end.is_some() {
                let left = self.left_to_sync.entry(conversation).or_default();
                *left = place.1.max(*left);
            }
        }
        self.watched.remove(&conversation);
        places.len()
    }

    /// The device's cursors are compared: retries may be sent again.
    pub fn compared(&mut self) {
        self.budget.refill();
    }

    /// Whether anything of the conversation waits for an ack; nobody looks at it any more if not.
    pub fn is_waited_for(&mut self, conversation: ConversationId) -> bool {
        let of = (conversation, 0)..=(conversation, Seq::MAX);
        let waits = self.pushes.range(of).next().is_some();
        if !waits {
            self.watched.remove(&conversation);
        }
        waits
    }

    /// The conversation's time is up: `wait` has passed since the last look, and the stream has taken what was
    /// said up to `written`. `heads` tells whether the device can be told of a seq instead of a row.
    pub fn look(
        &mut self,
        conversation: ConversationId,
        (now, wait): (Nanos, Nanos),
        written: u64,
        heads: bool,
    ) -> Next {
        if !self.is_waited_for(conversation) {
            return Next::Done;
        }
        let (progress, passed) = (self.progress, self.passed);
        let watch = self.watched.get_mut(&conversation).expect("what is looked at is watched");
        let progressed = watch.progress != progress;
        watch.progress = progress;
        if std::mem::take(&mut watch.acked) {
            return Next::Anew;
        }
        let of = (conversation, 0)..=(conversation, Seq::MAX);
        let ends = |pushed: &Pushed| pushed.end.unwrap_or(u64::MAX);
        let waiting = || self.pushes.range(of.clone());
        let (_, oldest) = waiting().min_by_key(|(_, pushed)| ends(pushed)).expect("one waits");
        let overtaken = ends(oldest) < passed;
        if ends(oldest) > written || (progressed && !overtaken) || oldest.at + wait > now {
            return Next::Wait;
        }
        let mut handed = waiting().filter(|(_, pushed)| ends(pushed) <= written);
        let retried = match heads {
            true => handed.next_back().map(|((_, seq), _)| What::Head(conversation, *seq)),
            false => handed.next().map(|(_, pushed)| pushed.what.clone()),
        };
        let retried = retried.expect("the oldest was handed over");
        if self.budget.withdraw() { Next::Retry(retried) } else { Next::LeaveToSync }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConversationId = ConversationId(1);
    const B: ConversationId = ConversationId(2);
    const WAIT: Nanos = 100;

    /// Pushes are heads; each takes ten bytes of the stream.
    fn pushed(places: &[(ConversationId, Seq)]) -> Unacked {
        let mut unacked = Unacked::new(Budget::new(2, 20));
        for ((conversation, seq), end) in places.iter().zip(1..) {
            unacked.push(What::Head(*conversation, *seq), 0);
            unacked.handed_over((*conversation, *seq), 10 * end);
        }
        unacked
    }

    fn look(unacked: &mut Unacked, conversation: ConversationId, now: Nanos, written: u64) -> Next {
        unacked.look(conversation, (now, WAIT), written, true)
    }

    #[test]
    fn what_the_stream_has_not_taken_is_not_pushed_again() {
        let mut unacked = pushed(&[(A, 1), (A, 2)]);
        unacked.push(What::Head(B, 1), 0);
        assert_eq!(look(&mut unacked, A, 100, 9), Next::Wait);
        assert_eq!(look(&mut unacked, B, 100, 30), Next::Wait, "it waits for others");
        assert_eq!(look(&mut unacked, A, 200, 10), Next::Retry(What::Head(A, 1)));
        assert_eq!(
            look(&mut unacked, A, 300, 20),
            Next::Retry(What::Head(A, 2)),
            "both are told of"
        );
    }

    #[test]
    fn while_the_stream_makes_progress_nothing_is_pushed_again_but_what_was_overtaken() {
        let mut unacked = pushed(&[(B, 1), (A, 1), (B, 2)]);
        assert_eq!(unacked.acked(B, 1).len(), 1);
        assert_eq!(look(&mut unacked, A, 100, 30), Next::Wait);
        assert_eq!(unacked.acked(B, 2).len(), 1, "which was pushed later");
        assert_eq!(look(&mut unacked, A, 200, 30), Next::Retry(What::Head(A, 1)));
        assert_eq!(look(&mut unacked, B, 200, 30), Next::Done);
    }

    #[test]
    fn an_ack_begins_the_waits_anew() {
        let mut unacked = pushed(&[(A, 1), (A, 2)]);
        unacked.acked(A, 1);
        assert_eq!(look(&mut unacked, A, 100, 20), Next::Anew);
        assert_eq!(look(&mut unacked, A, 200, 20), Next::Retry(What::Head(A, 2)));
    }

    #[test]
    fn retries_are_bounded_by_a_reserve_and_a_share_of_acks() {
        let mut unacked = pushed(&[(A, 1), (A, 2), (A, 3), (A, 4), (A, 5), (B, 1)]);
        let retry = Next::Retry(What::Head(B, 1));
        assert_eq!(look(&mut unacked, B, 100, 60), retry);
        assert_eq!(look(&mut unacked, B, 200, 60), retry);
        assert_eq!(look(&mut unacked, B, 300, 60), Next::LeaveToSync);
        unacked.acked(A, 5);
        assert_eq!(look(&mut unacked, B, 400, 60), Next::Wait, "the stream moves");
        assert_eq!(look(&mut unacked, B, 500, 60), retry, "a fifth of five");
        assert_eq!(look(&mut unacked, B, 600, 60), Next::LeaveToSync);
        unacked.compared();
        assert_eq!(look(&mut unacked, B, 700, 60), retry);
    }

    #[test]
    fn what_was_handed_over_and_left_to_sync_is_remembered_until_its_ack() {
        let mut unacked = pushed(&[(A, 1), (A, 2)]);
        unacked.push(What::Head(A, 3), 0);
        assert_eq!(unacked.leave_to_sync(A), 3);
        assert_eq!((unacked.len(), unacked.left_to_sync(A)), (0, Some(2)), "3 has not left");
        unacked.acked(A, 1);
        assert_eq!(unacked.left_to_sync(A), Some(2));
        unacked.acked(A, 2);
        assert_eq!(unacked.left_to_sync(A), None);
    }
}
