//! Figures of a run, from its history alone: latencies, rates over time, totals.
//!
//! Latency counts from the time at which the workload intended the send (open loop), so that a
//! stalled cluster cannot hide behind sends that were never made.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use hdrhistogram::Histogram;
use im::env::Nanos;
use im::model::{ClientMsgId, SendKey};
use im_reports::record::{Bucket, Latency};

use crate::history::{History, Operation, What};

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
}

/// Measures what happened from the start of `load` to `end`; what was asked for before does not
/// count. Rates count `load` only: what is caught up on later is no throughput.
pub fn measure(history: &History, load: Range<Nanos>, end: Nanos) -> Measures {
    let mut taker = Taker::new(load, end);
    for event in &history.events {
        taker.take(event.at, SendKeyOf(event.device.user.0), &event.what);
    }
    taker.finish()
}

/// Makes the idempotency key of an event's operation.
#[derive(Clone, Copy)]
struct SendKeyOf(u32);

impl SendKeyOf {
    fn key(self, client_msg_id: ClientMsgId) -> SendKey {
        SendKey { sender: im::model::UserId(self.0), client_msg_id }
    }
}

struct Taker {
    load: Range<Nanos>,
    /// Intended times of content, by key.
    intended: BTreeMap<SendKey, Nanos>,
    /// Sends whose first ack was seen.
    acked: BTreeSet<SendKey>,
    to_ack: Histogram<u64>,
    to_show: Histogram<u64>,
    measures: Measures,
    /// send→show of the rows shown in each second.
    shows: Vec<Vec<u64>>,
}

impl Taker {
    fn new(load: Range<Nanos>, end: Nanos) -> Self {
        let seconds = (end - load.start).div_ceil(SECOND);
        let bucket = |second| Bucket { second, ..Bucket::default() };
        Self {
            load,
            intended: BTreeMap::new(),
            acked: BTreeSet::new(),
            to_ack: histogram(),
            to_show: histogram(),
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
            },
            shows: vec![Vec::new(); seconds as usize],
        }
    }

    fn take(&mut self, at: Nanos, of: SendKeyOf, what: &What) {
        if at < self.load.start {
            return;
        }
        let in_load = u64::from(self.load.contains(&at));
        let place = (((at - self.load.start) / SECOND) as usize).min(self.shows.len().max(1) - 1);
        let Some(bucket) = self.measures.timeline.get_mut(place) else { return };
        self.measures.invoked += u64::from(matches!(what, What::Invoked { .. }));
        match what {
            What::Invoked { client_msg_id, operation: Operation::Send(_), intended, .. } => {
                self.intended.insert(of.key(*client_msg_id), *intended);
                bucket.offered += 1;
                self.measures.offered += 1;
                self.measures.offered_in_load += in_load;
            }
            What::Attempted { attempt, .. } if *attempt > 1 => {
                bucket.retries += 1;
                self.measures.send_retries += 1;
            }
            What::Acked { client_msg_id, .. } => {
                let key = of.key(*client_msg_id);
                if let Some(intended) = self.intended.get(&key)
                    && self.acked.insert(key)
                {
                    self.to_ack
                        .record(at - intended)
                        .expect("a histogram that grows takes any value");
                    bucket.accepted += 1;
                    self.measures.accepted += 1;
                    self.measures.accepted_in_load += in_load;
                }
            }
            What::Refused { .. } => self.measures.refused += 1,
            What::Shown { key, .. } => {
                if let Some(intended) = self.intended.get(key) {
                    self.to_show
                        .record(at - intended)
                        .expect("a histogram that grows takes any value");
                    self.shows[place].push(at - intended);
                    bucket.shown += 1;
                    self.measures.shown += 1;
                    self.measures.shown_in_load += in_load;
                }
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Measures {
        for (bucket, latencies) in self.measures.timeline.iter_mut().zip(&mut self.shows) {
            latencies.sort_unstable();
            bucket.show_p50_ns = nearest_rank(latencies, 50);
            bucket.show_p99_ns = nearest_rank(latencies, 99);
        }
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
        ];
        self.measures
    }
}

fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(DIGITS).expect("a valid number of digits");
    histogram.auto(true);
    histogram
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
    use im::model::{ConversationId, DeviceId, MessageId, UserId};

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
        let shown = What::Shown {
            conversation: ConversationId(1),
            seq: 2,
            message_id: MessageId(5),
            key: SendKey { sender: UserId(1), client_msg_id: id },
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
                event(3_000, 2, shown),
            ],
            complete: true,
        };
        let measures = measure(&history, SECOND..3 * SECOND, 4 * SECOND);
        let of = |place: usize| measures.latencies[place].percentile_ns(50.0) / 1_000_000;
        assert_eq!((of(0), of(1)), (500, 1_000));
        assert_eq!((measures.offered, measures.accepted, measures.shown), (1, 1, 1));
        assert_eq!((measures.accepted_in_load, measures.shown_in_load), (1, 0));
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
