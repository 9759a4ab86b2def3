//! Latency against cost: one dot for each variant, and the front of those that no other beats in
//! both.

use plotters::prelude::DrawingBackend;

use super::{Measured, measured, range};
use crate::comparison::Comparison;
use crate::plots::canvas::{Align, Canvas, Point};
use crate::plots::ink::Ink;
use crate::plots::panel::{HEADING, Panel, heading};
use crate::plots::scale::Axis;
use crate::plots::{Chart, PlotError};

/// Height of a label with the room around it.
const LABEL: i32 = 17;

/// The chart.
pub struct ParetoChart {
    heading: String,
    x_name: String,
    cost: Vec<Measured>,
    latency: Vec<Measured>,
    ranges: [(f64, f64); 2],
    /// Places of the variants on the front, from the cheapest.
    front: Vec<usize>,
}

impl ParetoChart {
    /// The chart; absent when there is nothing to draw.
    pub fn new(comparison: &Comparison) -> Option<Self> {
        let pareto = comparison.pareto.as_ref()?;
        let [cost, latency] =
            [&pareto.cost, &pareto.latency].map(|metric| measured(comparison, metric));
        let ranges = [range(&cost)?, range(&latency)?];
        let named = |name: &str| {
            let unit = comparison.metric(name).map_or("", |metric| &metric.unit);
            format!("{name}, {unit}")
        };
        let place = |name: &String| comparison.variants.iter().position(|one| one.name == *name);
        Some(ParetoChart {
            heading: named(&pareto.latency),
            x_name: named(&pareto.cost),
            cost,
            latency,
            ranges,
            front: pareto.front.iter().filter_map(place).collect(),
        })
    }

    fn medians(&self, place: usize) -> Option<(f64, f64)> {
        Some((self.cost[place].median?.mid, self.latency[place].median?.mid))
    }
}

impl Chart for ParetoChart {
    fn title(&self) -> &'static str {
        "Latency against cost"
    }

    fn caption(&self) -> String {
        "Down and to the left is better. Large dots are medians, rings are seeds; the line joins the \
         variants that no other beats in both, and every variant above and right of it is a bad bargain."
            .to_owned()
    }

    fn height(&self, width: i32) -> i32 {
        HEADING + 8 + if width < 600 { 260 } else { 340 } + 48
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        heading(canvas, (12, 0), &self.heading, &[])?;
        let narrow = canvas.width() < 600;
        let [x, y] = [(0, if narrow { 4 } else { 8 }), (1, 5)]
            .map(|(axis, ticks)| Axis::latency_ms(self.ranges[axis].0, self.ranges[axis].1, ticks));
        let bottom = self.height(canvas.width()) - 48;
        let panel =
            Panel { from: (60, HEADING + 8), to: (canvas.width() - 24, bottom), x: &x, y: &y };
        panel.grid(canvas)?;
        panel.x_words(canvas, &self.x_name)?;
        for (cost, latency) in self.cost.iter().zip(&self.latency) {
            for (x, y) in cost.seeds.iter().zip(&latency.seeds) {
                if let (Some(x), Some(y)) = (x, y) {
                    canvas.ring(panel.at(*x, *y), cost.ink)?;
                }
            }
        }
        let front = self.front.iter().filter_map(|place| self.medians(*place));
        let front: Vec<Point> = front.map(|(x, y)| panel.at(x, y)).collect();
        if front.len() > 1 {
            canvas.dashes(&front, Ink::Muted, 1)?;
        }
        let mut labels: Vec<Point> = Vec::new();
        for place in 0..self.cost.len() {
            let Some((x, y)) = self.medians(place) else { continue };
            let at = panel.at(x, y);
            canvas.dot(at, self.cost[place].ink, false)?;
            // Away from the rings, towards the middle; what would cover another label goes further.
            let step = if at.1 < (panel.from.1 + bottom) / 2 { LABEL } else { -LABEL };
            let mut text = (at.0, at.1 + step);
            while labels.iter().any(|one| covers(*one, text)) {
                text.1 += step;
            }
            labels.push(text);
            canvas.label(&self.cost[place].name, text, Align::Centre, self.cost[place].ink)?;
        }
        Ok(())
    }
}

/// Whether one label would lie on another.
fn covers(one: Point, other: Point) -> bool {
    (one.0 - other.0).abs() < 90 && (one.1 - other.1).abs() < LABEL
}
