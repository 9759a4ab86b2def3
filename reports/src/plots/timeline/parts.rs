//! What the timeline plots: buckets as curves, grouped under headings.
//!
//! Must not know where the panels lie.

use crate::plots::ink::Ink;
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

/// What a curve is called, what it is drawn with, and its points: seconds and values.
pub type Curve<T> = (&'static str, Ink, Vec<(f64, T)>);

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
    vec![
        Part {
            heading: "Messages per s",
            height: 110,
            y: Axis::from_zero(most(&offered).max(most(&accepted)), 3),
            surface: Some(("offered", Ink::Offered, offered)),
            curves: vec![("accepted", Ink::Ack, drawn(accepted))],
        },
        Part {
            heading: "Shown pairs per s",
            height: 110,
            y: Axis::from_zero(most(&shown), 3),
            surface: None,
            curves: vec![("shown", Ink::Show, drawn(shown))],
        },
        Part {
            heading: latency_heading,
            height: 150,
            y: latency_y,
            surface: None,
            curves: vec![
                ("p99", Ink::Show, optional(|s| s.p99_ms)),
                ("p50", Ink::Second, optional(|s| s.p50_ms)),
            ],
        },
    ]
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
    fn a_long_run_has_no_more_points_than_pixels() {
        assert_eq!(per_step(0, 100), 1);
        assert_eq!(per_step(100, 100), 1);
        assert_eq!(per_step(101, 100), 2);
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
