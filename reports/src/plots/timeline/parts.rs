//! What the timeline plots: buckets as curves, grouped under headings.
//!
//! Must not know where the panels lie.

use std::collections::BTreeMap;

use crate::plots::ink::Ink;
use crate::plots::panel::{self, Entry, Look};
use crate::plots::scale::Axis;
use crate::record::Bucket;

/// A panel's heading, its curves, and its share of the height.
pub struct Part {
    /// What is plotted, with its unit.
    pub heading: &'static str,
    /// Height of the panel, in pixels.
    pub height: i32,
    /// A curve drawn as the surface below it.
    pub surface: Option<Curve<f64>>,
    /// The others.
    pub curves: Vec<Curve<Option<f64>>>,
    /// The vertical axis.
    pub y: Axis,
}

impl Part {
    /// What stands for its curves.
    pub fn legend(&self) -> Vec<Entry> {
        let surface = self.surface.iter().map(|(text, ink, _)| (text, *ink));
        let curves = self.curves.iter().map(|(text, ink, _)| (text, *ink));
        let entry = |(text, ink): (&String, Ink)| {
            let (text, look) = (text.clone(), Look::default());
            Entry { text, ink, look }
        };
        surface.chain(curves).map(entry).collect()
    }

    /// Rows that its heading takes with the legend, on a sheet so wide.
    pub fn heading_rows(&self, width: i32) -> i32 {
        panel::heading_rows(self.heading, &self.legend(), width)
    }
}

/// What a curve is called, what it is drawn with, and its points: seconds and values.
pub type Curve<T> = (String, Ink, Vec<(f64, T)>);

/// One point of the drawing: a stretch of one or more buckets.
struct Step {
    middle_s: f64,
    offered: f64,
    accepted: f64,
    shown: f64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
}

/// The panels of a timeline, from the top.
pub fn parts(timeline: &[Bucket], per_step: usize) -> Vec<Part> {
    let steps = steps(timeline, per_step);
    let rate = |value: fn(&Step) -> f64| -> Vec<(f64, f64)> {
        steps.iter().map(|step| (step.middle_s, value(step))).collect()
    };
    let optional = |value: fn(&Step) -> Option<f64>| -> Vec<(f64, Option<f64>)> {
        steps.iter().map(|step| (step.middle_s, value(step))).collect()
    };
    let drawn = |values: Vec<(f64, f64)>| values.into_iter().map(|(x, y)| (x, Some(y))).collect();
    let most = |values: &[(f64, f64)]| values.iter().map(|(_, y)| *y).fold(0.0, f64::max);

    let (offered, accepted) = (rate(|s| s.offered), rate(|s| s.accepted));
    let shown = rate(|s| s.shown);
    let latencies = steps.iter().flat_map(|step| [step.p50_ms, step.p99_ms]).flatten();
    let (low, high) =
        latencies.fold((f64::MAX, 0.0), |(low, high): (f64, f64), ms| (low.min(ms), high.max(ms)));
    let latency_y = Axis::latency_ms(low, high, 3);
    let latency_heading =
        if latency_y.is_log() { "send→show, ms (log scale)" } else { "send→show, ms" };
    let mut parts = vec![
        Part {
            heading: "Messages per s",
            height: 110,
            y: Axis::from_zero(most(&offered).max(most(&accepted)), 3),
            surface: Some(("offered".to_owned(), Ink::Offered, offered)),
            curves: vec![("accepted".to_owned(), Ink::Ack, drawn(accepted))],
        },
        Part {
            heading: "Shown pairs per s",
            height: 110,
            y: Axis::from_zero(most(&shown), 3),
            surface: None,
            curves: vec![("shown".to_owned(), Ink::Show, drawn(shown))],
        },
        Part {
            heading: latency_heading,
            height: 150,
            y: latency_y,
            surface: None,
            curves: vec![
                ("p99".to_owned(), Ink::Show, optional(|s| s.p99_ms)),
                ("p50".to_owned(), Ink::Second, optional(|s| s.p50_ms)),
            ],
        },
    ];
    let busy = named(timeline, per_step, |bucket| {
        bucket.busy_share.iter().map(|(role, share)| (role.as_str(), share * 100.0)).collect()
    });
    let queues = named(timeline, per_step, |bucket| {
        bucket.queues.iter().map(|(queue, depth)| (queue.as_str(), *depth as f64)).collect()
    });
    parts.extend(part("Processors busy, % (the busiest roles)", busy));
    parts.extend(part("Waiting in queues", queues));
    parts
}

/// Seconds, and values where there are some.
type Points = Vec<(f64, Option<f64>)>;

/// Curves that are drawn at most where every bucket may name its own.
const NAMED_MAX: usize = 4;

/// The curves of values that buckets name themselves: the highest ones, each with its largest value per point.
fn named(
    timeline: &[Bucket],
    per_step: usize,
    values: impl Fn(&Bucket) -> Vec<(&str, f64)>,
) -> Vec<Curve<Option<f64>>> {
    let mut curves: BTreeMap<String, Points> = BTreeMap::new();
    for group in timeline.chunks(per_step) {
        let mut most: BTreeMap<String, f64> = BTreeMap::new();
        for (name, value) in group.iter().flat_map(&values) {
            let highest = most.entry(name.to_owned()).or_default();
            *highest = highest.max(value);
        }
        let middle = group[0].second as f64 + group.len() as f64 / 2.0;
        for (name, value) in most {
            curves.entry(name).or_default().push((middle, Some(value)));
        }
    }
    let highest = |values: &[(f64, Option<f64>)]| {
        values.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max)
    };
    let mut curves: Vec<(String, Points)> = curves.into_iter().collect();
    curves.sort_by(|one, other| highest(&other.1).total_cmp(&highest(&one.1)));
    let inks = [Ink::Ack, Ink::Show, Ink::Third, Ink::Second];
    curves
        .into_iter()
        .take(NAMED_MAX)
        .filter(|(_, values)| highest(values) > 0.0)
        .zip(inks)
        .map(|((name, values), ink)| (name.replace('_', " "), ink, values))
        .collect()
}

/// The panel of such curves; nothing without any.
fn part(heading: &'static str, curves: Vec<Curve<Option<f64>>>) -> Option<Part> {
    let values = curves.iter().flat_map(|(_, _, values)| values).filter_map(|(_, value)| *value);
    let highest = values.fold(0.0, f64::max);
    (highest > 0.0).then(|| Part {
        heading,
        height: 90,
        y: Axis::from_zero(highest, 3),
        surface: None,
        curves,
    })
}

/// Buckets that share a point, so that a long run has no more points than there are pixels.
pub fn per_step(buckets: usize, pixels: i32) -> usize {
    buckets.div_ceil(pixels.max(1) as usize).max(1)
}

fn steps(buckets: &[Bucket], per_step: usize) -> Vec<Step> {
    let step = |group: &[Bucket]| {
        let length = group.len() as f64;
        let mean = |value: fn(&Bucket) -> u64| {
            group.iter().map(|bucket| value(bucket) as f64).sum::<f64>() / length
        };
        let worst = |value: fn(&Bucket) -> Option<u64>| {
            group.iter().filter_map(value).max().map(|ns| ns as f64 / 1e6)
        };
        Step {
            middle_s: group[0].second as f64 + length / 2.0,
            offered: mean(|bucket| bucket.offered),
            accepted: mean(|bucket| bucket.accepted),
            shown: mean(|bucket| bucket.shown),
            p50_ms: worst(|bucket| bucket.show_p50_ns),
            p99_ms: worst(|bucket| bucket.show_p99_ns),
        }
    };
    buckets.chunks(per_step).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(second: u64, offered: u64, show_p99_ns: Option<u64>) -> Bucket {
        Bucket { second, offered, show_p99_ns, ..Bucket::default() }
    }

    #[test]
    fn a_legend_without_room_gets_rows_of_its_own() {
        let queues = ["operations", "pushes", "outbox rows", "log records"];
        let queues = queues.map(|queue| (queue.to_owned(), 7)).into();
        let drawn = parts(&[Bucket { queues, ..bucket(0, 1, None) }], 1);
        let waiting = drawn.iter().find(|part| part.heading.starts_with("Waiting")).unwrap();
        assert_eq!((waiting.heading_rows(948), waiting.heading_rows(388)), (1, 2));
    }

    #[test]
    fn a_long_run_has_no_more_points_than_pixels() {
        assert_eq!(per_step(0, 100), 1);
        assert_eq!(per_step(100, 100), 1);
        assert_eq!(per_step(101, 100), 2);
    }

    #[test]
    fn only_the_highest_of_many_roles_are_drawn() {
        let shares = [("a", 0.1), ("b", 0.5), ("c", 0.2), ("d", 0.3), ("e", 0.4), ("f", 0.0)];
        let busy_share = shares.map(|(role, share)| (role.to_owned(), share)).into();
        let buckets = [Bucket { busy_share, ..bucket(0, 1, None) }, bucket(1, 1, None)];
        let drawn = parts(&buckets, 1);
        let busy = drawn.iter().find(|part| part.heading.starts_with("Processors")).unwrap();
        let names: Vec<&str> = busy.curves.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["b", "e", "d", "c"]);
        assert!(!drawn.iter().any(|part| part.heading.starts_with("Waiting")));
    }

    #[test]
    fn points_take_the_mean_rate_and_the_worst_percentile() {
        let buckets =
            [bucket(0, 10, Some(5_000_000)), bucket(1, 20, Some(9_000_000)), bucket(2, 7, None)];
        let steps = steps(&buckets, 2);
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[0].offered, steps[0].p99_ms), (15.0, Some(9.0)));
        assert_eq!((steps[1].offered, steps[1].p99_ms), (7.0, None));
        assert_eq!((steps[0].middle_s, steps[1].middle_s), (1.0, 2.5));
    }
}
