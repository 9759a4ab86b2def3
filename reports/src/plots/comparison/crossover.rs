//! Where two variants change places: the ratio of a metric against a key.

use plotters::prelude::DrawingBackend;

use crate::comparison::{Comparison, Crossover};
use crate::plots::canvas::{Align, Canvas};
use crate::plots::ink::Ink;
use crate::plots::panel::{HEADING, Panel, heading};
use crate::plots::scale::Axis;
use crate::plots::{Chart, PlotError};

/// The chart.
pub struct CrossoverChart {
    heading: String,
    names: [String; 2],
    crossover: Crossover,
    /// There are too few seeds to tell anything from chance.
    few: bool,
}

impl CrossoverChart {
    /// The chart; absent when no crossover was searched for, or the key went down to 0.
    pub fn new(comparison: &Comparison) -> Option<Self> {
        let crossover = comparison.crossover.clone()?;
        let first = crossover.points.first()?;
        let drawable = first.value > 0.0 && crossover.points.iter().all(|one| one.ratio.low > 0.0);
        let names = [crossover.variant.clone(), comparison.reference.clone()];
        let heading = format!("{}: {} over {}", crossover.metric, names[0], names[1]);
        drawable.then_some(CrossoverChart {
            heading,
            names,
            crossover,
            few: comparison.too_few_seeds(),
        })
    }

    fn ratios(&self) -> (f64, f64) {
        let points = self.crossover.points.iter();
        let (low, high) = points.fold((1.0_f64, 1.0_f64), |(low, high), point| {
            (low.min(point.ratio.low), high.max(point.ratio.high))
        });
        (low, high)
    }
}

impl Chart for CrossoverChart {
    fn title(&self) -> &'static str {
        "Where they change places"
    }

    fn caption(&self) -> String {
        let [variant, reference] = &self.names;
        let shaded = match self.few {
            true => "",
            false => " The shaded part is where the two cannot be told apart.",
        };
        format!(
            "Above the line {variant} has more, below it {reference} has. Bars are 95 % intervals over \
             seeds; where a dot is hollow, chance explains the difference.{shaded}"
        )
    }

    fn height(&self, width: i32) -> i32 {
        HEADING + 8 + if width < 600 { 260 } else { 320 } + 48
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let points = &self.crossover.points;
        let x = Axis::by_powers(points[0].value, points[points.len() - 1].value);
        let (low, high) = self.ratios();
        let y = Axis::by_powers(low, high);
        heading(canvas, (12, 0), &y.named(&self.heading), &[])?;
        let bottom = self.height(canvas.width()) - 48;
        let panel =
            Panel { from: (60, HEADING + 8), to: (canvas.width() - 24, bottom), x: &x, y: &y };
        if let Some(at) = self.crossover.at.filter(|_| !self.few) {
            let [from, to] = [at.low, at.high].map(|value| panel.at(value, 1.0).0);
            canvas.fill_box((from, panel.from.1), (to.max(from + 1), bottom), Ink::Fault, 0.15)?;
        }
        panel.grid(canvas)?;
        let unit = match self.crossover.unit.strip_prefix('/') {
            Some(per) => format!(", 1/{per}"),
            None if self.crossover.unit.is_empty() => String::new(),
            None => format!(", {}", self.crossover.unit),
        };
        panel.x_words(canvas, &x.named(&format!("{}{unit}", self.crossover.key)))?;
        let line = panel.at(1.0, 1.0).1;
        canvas.path(&[(panel.from.0, line), (panel.to.0, line)], Ink::Text, 1)?;
        canvas.label("equal", (panel.to.0 - 4, line - 9), Align::Right, Ink::Text)?;
        panel.curve(canvas, points.iter().map(|one| (one.value, Some(one.ratio.mid))), Ink::Ack)?;
        for point in points {
            let (across, low) = panel.at(point.value, point.ratio.low);
            let high = panel.at(point.value, point.ratio.high).1;
            canvas.path(&[(across, low), (across, high)], Ink::Ack, 1)?;
            let at = panel.at(point.value, point.ratio.mid);
            canvas.dot(at, Ink::Ack, self.few || point.undecided())?;
        }
        Ok(())
    }
}
