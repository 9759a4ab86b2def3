//! Latency against cost: one dot for each variant, and the front of those that no other beats in
//! both.

use plotters::prelude::DrawingBackend;

use super::{Measured, look, measured, range};
use crate::comparison::Comparison;
use crate::plots::canvas::{Align, Canvas, Dash, LABEL_EM, Mark, Point};
use crate::plots::fonts::{self, Weight};
use crate::plots::ink::Ink;
use crate::plots::panel::{Entry, HEADING, Look, Panel, heading, heading_rows};
use crate::plots::scale::Axis;
use crate::plots::{Chart, PlotError};

/// Sheets below this width are a telephone's.
const NARROW: i32 = 600;
/// Height of a label with the room around it.
const LABEL: i32 = 17;
/// Steps that a label goes away from its dot at most.
const FARTHEST: i32 = 6;

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
            front: match comparison.too_few_seeds() {
                true => Vec::new(),
                false => pareto.front.iter().filter_map(place).collect(),
            },
        })
    }

    /// The variants behind their numbers, where they are too many for their names to stand beside
    /// their dots.
    fn legend(&self, width: i32) -> Vec<Entry> {
        let beside_max = if width < NARROW { 3 } else { 6 };
        let numbered = self.cost.iter().enumerate().filter(|_| self.cost.len() > beside_max);
        let entry = |(place, one): (usize, &Measured)| Entry {
            text: format!("{} {}", place + 1, one.name),
            ink: one.ink,
            look: Look { dash: Dash::Solid, ..look(place) },
        };
        numbered.map(entry).collect()
    }

    fn legend_height(&self, width: i32) -> i32 {
        let legend = self.legend(width);
        if legend.is_empty() { 0 } else { heading_rows("", &legend, width - 12) * HEADING + 8 }
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
        let line = match self.front.is_empty() {
            true => "",
            false => {
                "; the line joins the variants that no other beats in both, and every variant above and \
                 right of it is a bad bargain"
            }
        };
        format!("Down and to the left is better. Large dots are medians, rings are seeds{line}.")
    }

    fn height(&self, width: i32) -> i32 {
        HEADING + 8 + if width < NARROW { 260 } else { 340 } + 48 + self.legend_height(width)
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let narrow = canvas.width() < NARROW;
        let [x, y] = [(0, if narrow { 4 } else { 8 }), (1, 5)]
            .map(|(axis, ticks)| Axis::latency_ms(self.ranges[axis].0, self.ranges[axis].1, ticks));
        heading(canvas, (12, 0), &y.named(&self.heading), &[])?;
        let legend = self.legend(canvas.width());
        let under = self.height(canvas.width()) - self.legend_height(canvas.width());
        if !legend.is_empty() {
            heading(canvas, (12, under), "", &legend)?;
        }
        let bottom = under - 48;
        let panel =
            Panel { from: (60, HEADING + 8), to: (canvas.width() - 24, bottom), x: &x, y: &y };
        panel.grid(canvas)?;
        panel.x_words(canvas, &x.named(&self.x_name))?;
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
        let rings = self.cost.iter().zip(&self.latency).flat_map(|(cost, latency)| {
            let pairs = cost.seeds.iter().zip(&latency.seeds);
            pairs.filter_map(|(x, y)| Some(panel.at((*x)?, (*y)?)))
        });
        let dots = (0..self.cost.len()).filter_map(|place| self.medians(place));
        let marks: Vec<Point> = rings.chain(dots.map(|(x, y)| panel.at(x, y))).collect();
        let mut labels: Vec<Label> = Vec::new();
        for place in 0..self.cost.len() {
            let Some((x, y)) = self.medians(place) else { continue };
            let at = panel.at(x, y);
            canvas.mark(at, self.cost[place].ink, look(place).mark.unwrap_or(Mark::Disc))?;
            let number = (place + 1).to_string();
            let name = if legend.is_empty() { &self.cost[place].name } else { &number };
            let label = Label::near(at, name, &panel, &marks, &labels);
            if let Some(end) = label.end_towards(at) {
                canvas.path(&[at, end], Ink::Muted, 1)?;
            }
            canvas.label(name, label.middle, Align::Centre, Ink::Text)?;
            labels.push(label);
        }
        Ok(())
    }
}

/// Where a variant's name stands.
struct Label {
    middle: Point,
    /// Half its width, with some room around it.
    half: i32,
}

impl Label {
    /// The place nearest to a dot where the name covers no mark, no other name, and not the frame;
    /// above the dot where there is none.
    fn near(at: Point, name: &str, panel: &Panel, marks: &[Point], others: &[Label]) -> Self {
        let half = fonts::width(name, LABEL_EM, Weight::Regular).ceil() as i32 / 2 + 4;
        let around = (1..=FARTHEST).flat_map(|step| {
            let (up, side) = (step * LABEL, half + 8 * step);
            [(0, -up), (0, up), (side, 0), (-side, 0)].into_iter().chain([
                (side, -up),
                (-side, -up),
                (side, up),
                (-side, up),
            ])
        });
        let mut labels = around.map(|(x, y)| Label { middle: (at.0 + x, at.1 + y), half });
        let free = |label: &Label| {
            let within = label.middle.0 - half > panel.from.0
                && label.middle.0 + half < panel.to.0
                && label.middle.1 - LABEL / 2 > panel.from.1
                && label.middle.1 + LABEL / 2 < panel.to.1;
            within
                && !marks.iter().any(|mark| label.covers(*mark, 4))
                && !others.iter().any(|other| label.covers(other.middle, other.half))
        };
        labels.find(free).unwrap_or(Label { middle: (at.0, at.1 - LABEL), half })
    }

    /// Whether it lies on something so wide to each side of a point.
    fn covers(&self, other: Point, half: i32) -> bool {
        let high = LABEL / 2 + half.min(LABEL / 2);
        (self.middle.0 - other.0).abs() < self.half + half && (self.middle.1 - other.1).abs() < high
    }

    /// Where a line from its dot meets it; nothing where it stands right beside the dot.
    fn end_towards(&self, at: Point) -> Option<Point> {
        let (dx, dy) = (at.0 - self.middle.0, at.1 - self.middle.1);
        let near = dy.abs() <= LABEL && dx.abs() <= self.half + 8;
        let x = self.middle.0 + dx.clamp(4 - self.half, self.half - 4);
        (!near).then_some((x, self.middle.1 + dy.signum() * (LABEL / 2 - 1)))
    }
}
