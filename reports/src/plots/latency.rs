//! The latency plot: percentile curves on a scale that stretches the tail.
//!
//! Must not know how the latencies were measured.

use plotters::prelude::DrawingBackend;

use super::canvas::{Canvas, Dash, Point};
use super::ink::Ink;
use super::panel::{Entry, HEADING, Look, Panel, heading, heading_rows};
use super::scale::Axis;
use super::{Chart, PlotError};
use crate::figures;
use crate::record::Latency;

/// How curves are broken, in turn, so that they can be told apart without colour.
const DASHES: [Dash; 3] = [Dash::Solid, Dash::Dashed, Dash::Dotted];
const INKS: [Ink; 6] = [Ink::Ack, Ink::Show, Ink::Third, Ink::Second, Ink::Offered, Ink::Fault];

/// The percentile curves of a run.
pub struct LatencyChart<'a> {
    curves: Vec<(&'a Latency, Ink, Dash)>,
}

impl<'a> LatencyChart<'a> {
    /// Curves of the latencies that have samples, at most as many as there are inks.
    pub fn new(latencies: &'a [Latency]) -> Self {
        let sampled = latencies.iter().filter(|l| l.count > 0 && !l.curve.is_empty());
        let looks = INKS.into_iter().zip(DASHES.into_iter().cycle());
        let curves = sampled.zip(looks).map(|(latency, (ink, dash))| (latency, ink, dash));
        LatencyChart { curves: curves.collect() }
    }

    fn legend(&self) -> Vec<Entry> {
        let entry = |(latency, ink, dash): &(&Latency, Ink, Dash)| {
            let samples = figures::count(latency.count);
            Entry {
                text: format!("{} ({samples} samples)", latency.name),
                ink: *ink,
                look: Look { dash: *dash, mark: None },
            }
        };
        self.curves.iter().map(entry).collect()
    }

    fn axes(&self) -> (Axis, Axis) {
        let samples = self.curves.iter().map(|(latency, ..)| latency.count).max().unwrap_or(0);
        let drawn = || self.curves.iter().flat_map(|(latency, ..)| &latency.curve);
        // Nothing stands at zero on a log scale; such samples are drawn at its foot.
        let low = drawn().map(|(_, ns)| *ns).filter(|ns| *ns > 0).min().unwrap_or(0);
        let high = drawn().map(|(_, ns)| *ns).max().unwrap_or(0);
        (Axis::tail(samples), Axis::latency_ms(ms(low), ms(high), 5))
    }

    fn heading_text(y: &Axis) -> &'static str {
        if y.is_log() { "Latency, ms (log scale)" } else { "Latency, ms" }
    }
}

impl Chart for LatencyChart<'_> {
    fn title(&self) -> &'static str {
        "Latency by percentile"
    }

    fn caption(&self) -> String {
        "How long the slowest took: each step to the right is a tail ten times rarer. A curve that \
         stays flat is predictable; a step up shows how many were held back, and for how long."
            .to_owned()
    }

    fn height(&self, width: i32) -> i32 {
        let plot = if width < 600 { 260 } else { 320 };
        let (_, y) = self.axes();
        let rows = heading_rows(Self::heading_text(&y), &self.legend(), width - 12);
        rows * HEADING + 8 + plot + 48
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let (x, y) = self.axes();
        let text = Self::heading_text(&y);
        let legend = self.legend();
        let top = heading_rows(text, &legend, canvas.width() - 12) * HEADING + 8;
        let bottom = self.height(canvas.width()) - 48;
        let panel = Panel { from: (60, top), to: (canvas.width() - 24, bottom), x: &x, y: &y };
        heading(canvas, (12, 0), text, &legend)?;
        panel.grid(canvas)?;
        panel.x_words(canvas, "Percentile of the samples")?;
        for (latency, ink, dash) in &self.curves {
            let values = latency.curve.iter().map(|(percentile, ns)| (*percentile, ms(*ns)));
            // A curve ends where its own samples end, not where the longest one does.
            let rarest = 100.0 - 100.0 / latency.count as f64;
            let until = |(percentile, _): &(f64, f64)| *percentile < rarest;
            let end = (rarest.max(0.0), ms(latency.max_ns));
            let values = values.take_while(until).chain([end]);
            let mut points: Vec<Point> = values.map(|(x, y)| panel.at(x, y)).collect();
            // Points that fall on the same pixel add bytes and nothing to see.
            points.dedup();
            canvas.broken(&points, *ink, 2, *dash)?;
        }
        if self.curves.is_empty() {
            panel.empty(canvas)?;
        }
        Ok(())
    }
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
