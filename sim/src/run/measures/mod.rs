//! Figures of a run, from its history alone: latencies, rates over time, totals.
//!
//! Latency counts from the time at which the workload intended the send (open loop), so that a
//! stalled cluster cannot hide behind sends that were never made.

mod absence;
mod gap;
mod recovery;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hdrhistogram::Histogram;
use im::client::Question;
use im::env::Nanos;
use im::model::{ConversationId, SendKey, UserId};
use im_reports::record::{Bucket, FaultReport, Latency};

use crate::history::{Event, History, Operation, What};
use crate::metrics::Messages;
pub use recovery::Recovery;

const SECOND: Nanos = 1_000_000_000;
/// Significant digits of a latency.
const DIGITS: u8 = 3;
/// Percentiles that tables show; the curve has them exactly.
const TABLE: [f64; 9] = [1.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99];
/// Points of the curve for each halving of the rest.
const POINTS_PER_HALVING: u32 = 5;

/// What the history of a run measures.
pub struct Measures {
    /// Distributions.
    pub latencies: Vec<Latency>,
    /// Rates and latency by the second.
    pub timeline: Vec<Bucket>,
    /// Sends that reached a device's database.
    pub offered: u64,
    /// Of these, acked.
    pub accepted: u64,
    /// (message, device) pairs shown.
    pub shown: u64,
    /// Of the three, what happened before the load ended.
    pub offered_in_load: u64,
    /// See `offered_in_load`.
    pub accepted_in_load: u64,
    /// See `offered_in_load`.
    pub shown_in_load: u64,
    /// Operations of all kinds that reached a device's database.
    pub invoked: u64,
    /// Operations refused for good.
    pub refused: u64,
    /// Tries of an operation after its first.
    pub send_retries: u64,
    /// Sends without an outcome by the end.
    pub without_outcome: u64,
    /// The longest span in which sends waited and none was accepted, from the start of the load.
    pub unaccepted_gap: Range<Nanos>,
    /// Connections that devices lost while their programs ran on.
    pub connections_lost: u64,
    /// The sends of the load.
    sent: recovery::Sent,
    /// Of each message that any device showed: when it was intended, and when the last device showed it of
    /// those that did. In the order of the former.
    shown_by: Vec<(Nanos, Nanos)>,
}

impl Measures {
    /// The messages as metrics see them, over so many seconds of load.
    pub fn messages(&self, seconds: f64) -> Messages<'_> {
        Messages {
            latencies: &self.latencies,
            offered: self.offered,
            accepted: self.accepted,
            without_outcome: self.without_outcome,
            unaccepted_gap_ns: (self.unaccepted_gap.start, self.unaccepted_gap.end),
            shown_per_s: self.shown_in_load as f64 / seconds,
        }
    }

    /// How long the fault at `place` took to recover from; nothing without a time to compare with.
    pub fn recovery(&self, faults: &[FaultReport], place: usize) -> Option<Recovery> {
        self.sent.recovery(faults, place)
    }

    /// How long after `until` it took until all messages that were intended before had been shown, on all
    /// devices that ever showed them.
    pub fn catch_up(&self, until: Nanos) -> Nanos {
        let before = self.shown_by.iter().take_while(|(intended, _)| *intended <= until);
        before.map(|(_, last)| last.saturating_sub(until)).max().unwrap_or(0)
    }
}

/// The sends that are measured: those that were asked for in the load or after it, in all conversations or
/// in some.
pub struct Sends<'a> {
    from: Nanos,
    only: Option<&'a BTreeSet<ConversationId>>,
}

impl Sends<'_> {
    /// Whether the event asks for such a send.
    fn counts(&self, event: &Event) -> bool {
        let What::Invoked { conversation, operation: Operation::Send(_), .. } = &event.what else {
            return false;
        };
        event.at >= self.from && self.only.is_none_or(|only| only.contains(conversation))
    }

    /// The conversation of each.
    fn conversations(&self, history: &History) -> BTreeMap<SendKey, ConversationId> {
        let sends = history.events.iter().filter(|event| self.counts(event));
        let of = |event: &Event| match &event.what {
            What::Invoked { client_msg_id, conversation, .. } => {
                let key = SendKey { sender: event.device.user, client_msg_id: *client_msg_id };
                Some((key, *conversation))
            }
            _ => None,
        };
        sends.filter_map(of).collect()
    }
}

/// Measures what happened from the start of `load` to `end`, in all conversations or only in some; what
/// was asked for before does not count. Rates count `load` only: what is caught up on later is no throughput.
pub fn measure(
    history: &History,
    load: Range<Nanos>,
    end: Nanos,
    only: Option<&BTreeSet<ConversationId>>,
) -> Measures {
    let sends = Sends { from: load.start, only };
    let mut taker = Taker::new(load.clone(), end);
    for event in &history.events {
        if !matches!(event.what, What::Invoked { operation: Operation::Send(_), .. })
            || sends.counts(event)
        {
            taker.take(event.at, event.device.user, &event.what);
        }
    }
    let mut measures = taker.finish(&absence::to_shown(history, &sends));
    let (without_outcome, gap) = gap::unaccepted(history, &sends, end);
    measures.without_outcome = without_outcome;
    let since = |at: Nanos| at.saturating_sub(load.start);
    measures.unaccepted_gap = since(gap.start)..since(gap.end);
    measures.connections_lost = absence::connections_lost(history, load.start);
    measures
}

/// What became of a send.
struct Sent {
    intended: Nanos,
    acked: Option<Nanos>,
    /// When a device of another user first showed it.
    first: Option<Nanos>,
    /// When a device last showed it.
    last: Option<Nanos>,
}

struct Taker {
    load: Range<Nanos>,
    sent: BTreeMap<SendKey, Sent>,
    to_ack: Histogram<u64>,
    to_show: Histogram<u64>,
    synced: Histogram<u64>,
    opened: Histogram<u64>,
    measures: Measures,
    /// send→show of the rows shown in each second, and send→ack of those acked.
    shows: Vec<Vec<u64>>,
    acks: Vec<Vec<u64>>,
}

impl Taker {
    fn new(load: Range<Nanos>, end: Nanos) -> Self {
        let seconds = (end - load.start).div_ceil(SECOND);
        let bucket = |second| Bucket { second, ..Bucket::default() };
        Self {
            load,
            sent: BTreeMap::new(),
            to_ack: histogram(),
            to_show: histogram(),
            synced: histogram(),
            opened: histogram(),
            measures: Measures {
                latencies: Vec::new(),
                timeline: (0..seconds).map(bucket).collect(),
                offered: 0,
                accepted: 0,
                shown: 0,
                offered_in_load: 0,
                accepted_in_load: 0,
                shown_in_load: 0,
                invoked: 0,
                refused: 0,
                send_retries: 0,
                without_outcome: 0,
                unaccepted_gap: 0..0,
                connections_lost: 0,
                sent: recovery::Sent::new(Vec::new(), 0),
                shown_by: Vec::new(),
            },
            shows: vec![Vec::new(); seconds as usize],
            acks: vec![Vec::new(); seconds as usize],
        }
    }

    fn take(&mut self, at: Nanos, user: UserId, what: &What) {
        if at < self.load.start {
            return;
        }
        let in_load = u64::from(self.load.contains(&at));
        let place = (((at - self.load.start) / SECOND) as usize).min(self.shows.len().max(1) - 1);
        let Some(bucket) = self.measures.timeline.get_mut(place) else { return };
        self.measures.invoked += u64::from(matches!(what, What::Invoked { .. }));
        let key = |client_msg_id| SendKey { sender: user, client_msg_id };
        match what {
            What::Invoked { client_msg_id, operation: Operation::Send(_), intended, .. } => {
                let sent = Sent { intended: *intended, acked: None, first: None, last: None };
                self.sent.insert(key(*client_msg_id), sent);
                bucket.offered += 1;
                self.measures.offered += 1;
                self.measures.offered_in_load += in_load;
            }
            What::Attempted { attempt, .. } if *attempt > 1 => {
                bucket.retries += 1;
                self.measures.send_retries += 1;
            }
            What::Acked { client_msg_id, .. } => {
                if let Some(sent) = self.sent.get_mut(&key(*client_msg_id))
                    && sent.acked.is_none()
                {
                    sent.acked = Some(at);
                    record(&mut self.to_ack, at - sent.intended);
                    self.acks[place].push(at - sent.intended);
                    bucket.accepted += 1;
                    self.measures.accepted += 1;
                    self.measures.accepted_in_load += in_load;
                }
            }
            What::Refused { .. } => self.measures.refused += 1,
            What::Shown { key, .. } => {
                if let Some(sent) = self.sent.get_mut(key) {
                    record(&mut self.to_show, at - sent.intended);
                    self.shows[place].push(at - sent.intended);
                    sent.last = Some(at);
                    if user != key.sender {
                        sent.first.get_or_insert(at);
                    }
                    bucket.shown += 1;
                    self.measures.shown += 1;
                    self.measures.shown_in_load += in_load;
                }
            }
            What::Answered { question, asked, .. } => {
                let answered = match question {
                    Question::Sync => &mut self.synced,
                    Question::Open => &mut self.opened,
                };
                record(answered, at - asked);
            }
            _ => {}
        }
    }

    fn finish(mut self, absent: &Histogram<u64>) -> Measures {
        for (bucket, latencies) in self.measures.timeline.iter_mut().zip(&mut self.shows) {
            latencies.sort_unstable();
            bucket.show_p50_ns = nearest_rank(latencies, 50);
            bucket.show_p99_ns = nearest_rank(latencies, 99);
        }
        for (bucket, latencies) in self.measures.timeline.iter_mut().zip(&mut self.acks) {
            latencies.sort_unstable();
            bucket.ack_p50_ns = nearest_rank(latencies, 50);
            bucket.ack_p99_ns = nearest_rank(latencies, 99);
        }
        let took = |sent: &Sent| {
            let over = sent.last.max(sent.acked).filter(|_| sent.acked.is_some())?;
            Some(over - sent.intended)
        };
        let since = |sent: &Sent| sent.intended.saturating_sub(self.load.start);
        let sends = self.sent.values().map(|sent| (since(sent), took(sent))).collect();
        self.measures.sent = recovery::Sent::new(sends, self.load.end - self.load.start);
        let (mut to_first, mut to_last) = (histogram(), histogram());
        for sent in self.sent.values() {
            sent.first.iter().for_each(|at| record(&mut to_first, at - sent.intended));
            sent.last.iter().for_each(|at| record(&mut to_last, at - sent.intended));
            self.measures.shown_by.extend(sent.last.map(|last| (sent.intended, last)));
        }
        self.measures.shown_by.sort_unstable();
        self.measures.latencies = vec![
            latency(
                "send→ack",
                "From the intended time of a send until its device has the send ack.",
                &self.to_ack,
            ),
            latency(
                "send→show",
                "From the intended time of a send until a member's device has stored it, the sender's \
                 own among them; one sample per device.",
                &self.to_show,
            ),
            latency(
                "send→first show",
                "From the intended time of a send until the first device of another member has stored it; one \
                 sample per message.",
                &to_first,
            ),
            latency(
                "send→last show",
                "From the intended time of a send until the last device has stored it, of those that did in \
                 this run; one sample per message.",
                &to_last,
            ),
        ];
        for (name, about, histogram) in [
            (
                "absence→shown",
                "From the login of a device whose program had not run until it has stored what was accepted \
                 meanwhile; one sample per device and message.",
                absent,
            ),
            (
                "sync",
                "From a device's first question for rows that it has heard of until the answer came.",
                &self.synced,
            ),
            (
                "open",
                "From the moment at which a user opened a conversation that is read from its timeline until \
                 the answer came.",
                &self.opened,
            ),
        ] {
            if !histogram.is_empty() {
                self.measures.latencies.push(latency(name, about, histogram));
            }
        }
        self.measures
    }
}

fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(DIGITS).expect("a valid number of digits");
    histogram.auto(true);
    histogram
}

fn record(histogram: &mut Histogram<u64>, took: Nanos) {
    histogram.record(took).expect("a histogram that grows takes any value");
}

/// The smallest value with at least that percentage of the sorted values at or below it.
fn nearest_rank(sorted: &[u64], percentile: usize) -> Option<u64> {
    let rank = (sorted.len() * percentile).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

fn latency(name: &str, about: &str, histogram: &Histogram<u64>) -> Latency {
    let mut curve: Vec<(f64, u64)> = Vec::new();
    if !histogram.is_empty() {
        let steps = histogram.iter_quantiles(POINTS_PER_HALVING);
        curve.extend(steps.map(|step| (step.quantile() * 100.0, step.value_iterated_to())));
        curve.extend(TABLE.map(|p| (p, histogram.value_at_percentile(p))));
        curve.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        curve.dedup_by_key(|(percentile, _)| *percentile);
    }
    Latency {
        name: name.to_owned(),
        about: about.to_owned(),
        count: histogram.len(),
        min_ns: if histogram.is_empty() { 0 } else { histogram.min() },
        mean_ns: if histogram.is_empty() { 0.0 } else { histogram.mean() },
        max_ns: histogram.max(),
        curve,
    }
}

#[cfg(test)]
mod tests {
    use im::model::{ClientMsgId, ConversationId, DeviceId, MessageId};

    use super::*;
    use crate::history::Event;

    fn event(ms: u64, user: u32, what: What) -> Event {
        Event { at: ms * 1_000_000, device: DeviceId { user: UserId(user), index: 0 }, what }
    }

    #[test]
    fn latency_counts_from_the_intended_time_and_set_up_is_left_out() {
        let id = ClientMsgId(1);
        let send = |operation, intended| What::Invoked {
            client_msg_id: id,
            conversation: ConversationId(1),
            operation,
            intended,
        };
        let shown = || What::Shown {
            conversation: ConversationId(1),
            seq: 2,
            message_id: MessageId(5),
            key: SendKey { sender: UserId(1), client_msg_id: id },
        };
        let answered = What::Answered {
            question: Question::Sync,
            conversation: ConversationId(1),
            asked: 2_900_000_000,
            rows: 1,
        };
        let history = History {
            events: vec![
                event(100, 1, send(Operation::Create(vec![]), 0)),
                event(2_300, 1, send(Operation::Send(9), 2_000_000_000)),
                event(2_400, 1, What::Attempted { client_msg_id: id, attempt: 2 }),
                event(
                    2_500,
                    1,
                    What::Acked { client_msg_id: id, seq: 2, message_id: MessageId(5) },
                ),
                event(2_600, 1, shown()),
                event(3_000, 2, answered),
                event(3_000, 2, shown()),
                event(3_200, 3, shown()),
            ],
            complete: true,
            promised: None,
        };
        let measures = measure(&history, SECOND..3 * SECOND, 4 * SECOND, None);
        let of = |place: usize| measures.latencies[place].percentile_ns(50.0) / 1_000_000;
        assert_eq!((of(0), of(1)), (500, 1_000));
        let names: Vec<&str> = measures.latencies.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names[2..], ["send→first show", "send→last show", "sync"]);
        assert_eq!([of(2), of(3), of(4)], [1_000, 1_200, 100]);
        let catch_up = |ms: u64| measures.catch_up(ms * 1_000_000) / 1_000_000;
        assert_eq!([catch_up(1_999), catch_up(2_100), catch_up(4_000)], [0, 1_100, 0]);
        assert_eq!((measures.offered, measures.accepted, measures.shown), (1, 1, 3));
        assert_eq!((measures.accepted_in_load, measures.shown_in_load), (1, 1));
        assert_eq!((measures.send_retries, measures.timeline.len()), (1, 3));
        assert_eq!(measures.timeline[2].show_p50_ns, Some(1_000_000_000));
    }

    #[test]
    fn ranks_are_the_nearest() {
        assert_eq!(nearest_rank(&[], 50), None);
        assert_eq!(nearest_rank(&[7], 99), Some(7));
        assert_eq!(nearest_rank(&[1, 2, 3, 4], 50), Some(2));
        assert_eq!(nearest_rank(&(1..=100).collect::<Vec<_>>(), 99), Some(99));
    }
}
