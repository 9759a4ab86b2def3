//! Recovery: from the begin of a fault to the first second after which rates, and latencies of new sends, stay
//! in the band in which they were before.
//!
//! Time is cut into windows, one beginning with each second of the load, long enough to hold some sends. A
//! window's latency is the 90th percentile over its sends of the time from the intended time to the last show;
//! a send that was never accepted took for ever. The former band reaches up to half more than the 90th percentile
//! of the windows before the fault in which no other fault was at work; a window with less than a quarter of
//! their sends is outside, too.

use im::env::Nanos;
use im_reports::record::FaultReport;

use super::SECOND;

/// Sends that a window should hold, so that one slow packet does not make it slow.
const SENDS_MIN: usize = 20;
/// The longest window, in seconds.
const WINDOW_MAX: u64 = 5;
/// Above the former latencies by this factor is outside of their band.
const BAND: f64 = 1.5;
/// Differences below this are the grain of timers and disks.
const GRAIN_NS: f64 = 10e6;

/// How long a recovery took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recovery {
    /// In nanoseconds from the begin of the fault.
    pub took: Nanos,
    /// Whether that is only the least it took.
    pub open: bool,
}

/// The sends of a load: when each was intended, from the start of the load, and how long it then took until
/// the last device showed it, or `None` if it was never accepted. In the order of the former.
pub struct Sent {
    sends: Vec<(Nanos, Option<Nanos>)>,
    seconds: u64,
    window: u64,
}

impl Sent {
    /// Sends over a load of this many nanoseconds.
    pub fn new(mut sends: Vec<(Nanos, Option<Nanos>)>, load: Nanos) -> Self {
        sends.sort_unstable();
        let seconds = load / SECOND;
        let per_second = sends.len() as f64 / seconds.max(1) as f64;
        let window = (SENDS_MIN as f64 / per_second).ceil().max(1.0);
        Self { sends, seconds, window: (window as u64).min(WINDOW_MAX) }
    }

    /// How long the fault at `place` took to recover from; nothing without a time to compare with.
    pub fn recovery(&self, faults: &[FaultReport], place: usize) -> Option<Recovery> {
        let fault = &faults[place];
        if !real(fault) {
            return None;
        }
        let others = || faults.iter().enumerate().filter(|(at, other)| *at != place && real(other));
        let starts = 0..(self.seconds + 1).saturating_sub(self.window);
        let calm = |second: &u64| {
            let (from, until) = (second * SECOND, (second + self.window) * SECOND);
            let apart = |(_, other): (usize, &FaultReport)| {
                other.until_ns <= from || other.from_ns >= until
            };
            until <= fault.from_ns && others().all(apart)
        };
        let before: Vec<Window> =
            starts.clone().filter(calm).map(|second| self.window(second)).collect();
        let band = Band::of(&before)?;
        // A later fault has a recovery of its own, and reaches what was sent just before it.
        let next = others().map(|(_, other)| other.from_ns).filter(|from| *from >= fault.until_ns);
        let next = next.map(|from| from.saturating_sub(SECOND));
        let until = next.min().unwrap_or(self.seconds * SECOND).min(self.seconds * SECOND);
        let first = fault.from_ns / SECOND;
        let whole = |second: &u64| (second + self.window) * SECOND <= until;
        let after: Vec<u64> = starts.filter(|second| *second >= first && whole(second)).collect();
        let last_bad = after.iter().rev().find(|second| !band.holds(&self.window(**second)));
        let Some(last_bad) = last_bad else {
            return (!after.is_empty()).then_some(Recovery { took: 0, open: false });
        };
        let open = Some(last_bad) == after.last();
        let over = if open { until } else { (last_bad + 1) * SECOND };
        Some(Recovery { took: over.saturating_sub(fault.from_ns), open })
    }

    fn window(&self, second: u64) -> Window {
        let place = |at: Nanos| self.sends.partition_point(|(intended, _)| *intended < at);
        let within = &self.sends[place(second * SECOND)..place((second + self.window) * SECOND)];
        let mut took: Vec<Nanos> =
            within.iter().map(|(_, took)| took.unwrap_or(Nanos::MAX)).collect();
        took.sort_unstable();
        Window { sends: took.len(), latency: p90(&took) }
    }
}

/// Churn adds load and takes nothing away.
fn real(fault: &FaultReport) -> bool {
    fault.left_out.is_none() && fault.kind != "membership-churn"
}

struct Window {
    sends: usize,
    latency: Option<Nanos>,
}

struct Band {
    latency_max: f64,
    sends_min: f64,
}

impl Band {
    fn of(before: &[Window]) -> Option<Self> {
        let mut latencies: Vec<Nanos> = before.iter().filter_map(|one| one.latency).collect();
        latencies.sort_unstable();
        let usual = p90(&latencies).filter(|usual| *usual < Nanos::MAX)?;
        let mean = before.iter().map(|one| one.sends).sum::<usize>() as f64 / before.len() as f64;
        // Too few sends vary by themselves.
        let sends_min = if mean >= SENDS_MIN as f64 { mean / 4.0 } else { 0.0 };
        Some(Self { latency_max: usual as f64 * BAND + GRAIN_NS, sends_min })
    }

    fn holds(&self, window: &Window) -> bool {
        let in_time = window.latency.is_none_or(|took| took as f64 <= self.latency_max);
        in_time && window.sends as f64 >= self.sends_min
    }
}

/// The 90th percentile of sorted values, by the nearest rank.
fn p90(sorted: &[Nanos]) -> Option<Nanos> {
    super::nearest_rank(sorted, 90)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    fn fault(from_s: u64, until_s: u64) -> FaultReport {
        FaultReport {
            from_ns: from_s * SECOND,
            until_ns: until_s * SECOND,
            ..FaultReport::default()
        }
    }

    /// 40 sends a second over 30 s that take 100 ms each, but for those that were intended in `slow`.
    fn sent(slow: std::ops::Range<u64>, took: Option<Nanos>) -> Sent {
        let every = SECOND / 40;
        let sends = (0..30 * 40).map(|number| number * every);
        let sends = sends.map(|at| {
            let usual = !(slow.start * SECOND..slow.end * SECOND).contains(&at);
            (at, if usual { Some(100 * MS) } else { took })
        });
        Sent::new(sends.collect(), 30 * SECOND)
    }

    #[test]
    fn it_lasts_from_the_begin_until_new_sends_are_as_fast_as_before() {
        let slow = sent(10..17, Some(SECOND));
        let took = |sent: &Sent, faults: &[FaultReport]| sent.recovery(faults, 0);
        let seven = Some(Recovery { took: 7 * SECOND, open: false });
        assert_eq!(took(&slow, &[fault(10, 12)]), seven);
        assert_eq!(took(&slow, &[fault(10, 17)]), seven, "a longer fault takes no less");
        assert_eq!(took(&sent(10..17, None), &[fault(10, 12)]), seven, "never accepted");
        let unhurt = sent(0..0, None);
        assert_eq!(took(&unhurt, &[fault(10, 12)]), Some(Recovery { took: 0, open: false }));
    }

    #[test]
    fn what_is_not_over_is_the_least_it_took() {
        let open = |took| Some(Recovery { took, open: true });
        assert_eq!(sent(10..30, None).recovery(&[fault(10, 12)], 0), open(20 * SECOND));
        let faults = [fault(10, 12), fault(15, 16)];
        assert_eq!(sent(10..20, None).recovery(&faults, 0), open(4 * SECOND));
        let hurt_by_the_next = sent(14..20, None).recovery(&faults, 0);
        assert_eq!(hurt_by_the_next, Some(Recovery { took: 0, open: false }));
        let churn = FaultReport { kind: "membership-churn".to_owned(), ..fault(10, 12) };
        assert_eq!(sent(10..20, None).recovery(&[churn], 0), None, "it takes nothing away");
    }

    #[test]
    fn without_a_time_before_there_is_no_band() {
        assert_eq!(sent(0..5, None).recovery(&[fault(0, 3)], 0), None);
        let beside = [fault(10, 12), fault(0, 10)];
        assert_eq!(sent(0..5, None).recovery(&beside, 0), None);
    }

    #[test]
    fn few_sends_make_longer_windows() {
        let sends = (0..30).map(|second| (second * SECOND, Some(MS))).collect();
        assert_eq!(Sent::new(sends, 30 * SECOND).window, WINDOW_MAX);
    }
}
