//! Every seed of every variant, metric by metric: one strip for each.

use plotters::prelude::DrawingBackend;

use super::{Measured, measured, range};
use crate::comparison::Comparison;
use crate::plots::canvas::{Align, Canvas, LABEL_EM};
use crate::plots::fonts::{self, Weight};
use crate::plots::ink::Ink;
use crate::plots::panel::{HEADING, Panel, heading};
use crate::plots::scale::Axis;
use crate::plots::{Chart, PlotError};
use crate::words::NO_SAMPLES;

/// Height of a variant's strip.
const STRIP: i32 = 24;
/// Height of an axis with its words, and the gap to the next panel.
const AXIS: i32 = 34;
/// Metrics that are drawn, if they were measured; the table has them all.
const METRICS: [&str; 5] = ["show_p50", "show_p99", "server_cpu", "rows_written", "fsyncs"];

/// One panel.
struct Strips {
    heading: String,
    variants: Vec<Measured>,
    range: (f64, f64),
}

/// The chart.
pub struct SeedsChart(Vec<Strips>);

impl SeedsChart {
    /// The metrics that people look at first.
    pub fn new(comparison: &Comparison) -> Self {
        let metrics = METRICS.iter().filter_map(|name| comparison.metric(name));
        let strips = metrics.filter_map(|metric| {
            let variants = measured(comparison, &metric.name);
            let heading = format!("{}, {}", metric.name, metric.unit);
            range(&variants).map(|range| Strips { heading, variants, range })
        });
        SeedsChart(strips.collect())
    }

    fn names_width(&self) -> i32 {
        let names = self.0.iter().flat_map(|strips| &strips.variants);
        let widths = names.map(|one| fonts::width(&one.name, LABEL_EM, Weight::Regular).ceil());
        widths.fold(0.0, f32::max) as i32
    }
}

impl Chart for SeedsChart {
    fn title(&self) -> &'static str {
        "Every seed"
    }

    fn caption(&self) -> String {
        "Each ring is one seed, each bar a median with its 95 % interval. Where the rings of two \
         variants do not mix, the difference is larger than what chance does between seeds."
            .to_owned()
    }

    fn height(&self, _width: i32) -> i32 {
        let panel = |strips: &Strips| HEADING + strips.variants.len() as i32 * STRIP + AXIS;
        self.0.iter().map(panel).sum::<i32>().max(60)
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        if self.0.is_empty() {
            let middle = (canvas.width() / 2, 30);
            return canvas.label(NO_SAMPLES, middle, Align::Centre, Ink::Muted);
        }
        let left = (self.names_width() + 24).min(canvas.width() / 2);
        let mut top = 0;
        for strips in &self.0 {
            let (low, high) = strips.range;
            let x = Axis::latency_ms(low, high, if canvas.width() < 600 { 4 } else { 8 });
            heading(canvas, (12, top), &x.named(&strips.heading), &[])?;
            top += HEADING;
            let y = Axis::from_zero(1.0, 1);
            let bottom = top + strips.variants.len() as i32 * STRIP;
            let panel =
                Panel { from: (left, top), to: (canvas.width() - 24, bottom), x: &x, y: &y };
            for (value, text) in x.ticks() {
                let across = panel.at(*value, 0.0).0;
                canvas.path(&[(across, top), (across, bottom)], Ink::Grid, 1)?;
                canvas.label(text, (across, bottom + 12), Align::Centre, Ink::Muted)?;
            }
            for (place, variant) in strips.variants.iter().enumerate() {
                let middle = top + place as i32 * STRIP + STRIP / 2;
                draw_strip(canvas, &panel, variant, middle)?;
                let name = fonts::fitting(&variant.name, left - 22, Weight::Regular);
                canvas.label(&name, (left - 10, middle), Align::Right, Ink::Text)?;
            }
            top = bottom + AXIS;
        }
        Ok(())
    }
}

fn draw_strip<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    panel: &Panel,
    variant: &Measured,
    middle: i32,
) -> Result<(), PlotError> {
    // Seeds stand on four levels, so that equal ones can be told apart.
    for (seed, value) in variant.seeds.iter().enumerate() {
        if let Some(value) = value {
            let level = (seed % 4) as i32 * 4 - 6;
            canvas.ring((panel.at(*value, 0.0).0, middle + level), variant.ink)?;
        }
    }
    let Some(median) = variant.median else { return Ok(()) };
    let [low, mid, high] = [median.low, median.mid, median.high].map(|x| panel.at(x, 0.0).0);
    canvas.fill_box((low, middle - 1), (high.max(low + 1), middle + 1), Ink::Text, 1.0)?;
    canvas.fill_box((mid - 1, middle - 9), (mid + 1, middle + 9), Ink::Text, 1.0)
}
