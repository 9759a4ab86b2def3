//! Figures against a key whose values are numbers: a panel for each figure that moves with it, a curve for each
//! way to set the other keys.

use plotters::prelude::DrawingBackend;

use super::{ink, look};
use crate::comparison::{Comparison, Estimate, Variant};
use crate::plots::canvas::{Canvas, Mark, Point};
use crate::plots::ink::Ink;
use crate::plots::panel::{Entry, HEADING, Look, Panel, heading, heading_rows};
use crate::plots::scale::Axis;
use crate::plots::{Chart, PlotError};

/// Fewer values make no curve.
const VALUES_MIN: usize = 3;
/// Where headings begin.
const HEADING_LEFT: i32 = 12;
/// Panels that are drawn; the table has all figures.
const PANELS_MAX: usize = 6;
/// Space between a heading and its panel, for the upper half of the axis' highest word.
const UNDER_HEADING: i32 = 6;
/// Height of a panel's frame, and of what stands below it.
const FRAME: i32 = 150;
const BELOW: i32 = 54;
/// From this ratio on, the key's values are spread by powers.
const WIDE: f64 = 20.0;

/// One way to set the other keys.
struct Curve {
    name: String,
    ink: Ink,
    look: Look,
    /// Values of the key, rising, with the median there.
    points: Vec<(f64, Estimate)>,
}

/// One figure.
struct Figure {
    heading: String,
    curves: Vec<Curve>,
}

impl Figure {
    fn legend(&self) -> Vec<Entry> {
        let named = self.curves.iter().filter(|curve| !curve.name.is_empty());
        let entry =
            |curve: &Curve| Entry { text: curve.name.clone(), ink: curve.ink, look: curve.look };
        named.map(entry).collect()
    }

    /// How far below the top of its heading the panel begins.
    fn under_heading(&self, width: i32) -> i32 {
        let rows = heading_rows(&self.heading, &self.legend(), width - HEADING_LEFT);
        rows * HEADING + UNDER_HEADING
    }
}

/// The chart.
pub struct CurvesChart {
    /// The key, with its unit.
    key: String,
    figures: Vec<Figure>,
}

impl CurvesChart {
    /// The chart; absent when no varied key has enough numbers, or nothing moves with it.
    pub fn new(comparison: &Comparison) -> Option<Self> {
        let numeric = comparison.varied.iter().rev().find_map(|varied| {
            let (values, unit) = numbers(&varied.values)?;
            (values.len() >= VALUES_MIN).then_some((varied, values, unit))
        });
        let (varied, values, unit) = numeric?;
        let at = |variant: &Variant| {
            let place = varied.values.iter().position(|value| {
                let set = format!("{}={value}", varied.key);
                variant.sets.contains(&set)
            });
            place.map(|place| values[place])
        };
        let others = |variant: &Variant| {
            let own = format!("{}=", varied.key);
            let sets = variant.sets.iter().filter(|set| !set.starts_with(&own));
            let words = sets.map(|set| set.rsplit('.').next().unwrap_or(set));
            words.collect::<Vec<_>>().join(", ")
        };
        let mut names: Vec<String> = Vec::new();
        for variant in &comparison.variants {
            let name = others(variant);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let of_metric = |metric: &str| -> Vec<Curve> {
            let curve = |(place, name): (usize, &String)| {
                let same = comparison.variants.iter().filter(|variant| others(variant) == *name);
                let mut points: Vec<(f64, Estimate)> = same
                    .filter_map(|variant| Some((at(variant)?, *variant.medians.get(metric)?)))
                    .collect();
                points.sort_by(|one, other| one.0.total_cmp(&other.0));
                Curve { name: name.clone(), ink: ink(place), look: look(place), points }
            };
            names.iter().enumerate().map(curve).collect()
        };
        let figures = comparison.metrics.iter().filter_map(|metric| {
            let curves = of_metric(&metric.name);
            let heading = format!("{}, {}", metric.name, metric.unit);
            curves.iter().any(moves).then_some(Figure { heading, curves })
        });
        let figures: Vec<Figure> = figures.take(PANELS_MAX).collect();
        let key =
            if unit.is_empty() { varied.key.clone() } else { format!("{}, {unit}", varied.key) };
        (!figures.is_empty()).then_some(Self { key, figures })
    }

    fn values(&self) -> (f64, f64) {
        let curves = self.figures.iter().flat_map(|figure| &figure.curves);
        let values = curves.flat_map(|curve| &curve.points).map(|(value, _)| *value);
        values.fold((f64::MAX, 0.0), |(low, high), value| (value.min(low), value.max(high)))
    }
}

/// Whether two points of the curve are further apart than chance explains.
fn moves(curve: &Curve) -> bool {
    let apart = |one: &Estimate, other: &Estimate| one.high < other.low || other.high < one.low;
    curve.points.iter().any(|(_, one)| curve.points.iter().any(|(_, other)| apart(one, other)))
}

/// The values as numbers of one unit; nothing if some is no number, or is in a unit of its own. Spans are
/// brought to milliseconds, as all latencies.
fn numbers(values: &[String]) -> Option<(Vec<f64>, String)> {
    const SPANS: [(&str, f64); 5] =
        [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3)];
    let mut read: Vec<(f64, String)> = Vec::new();
    for value in values {
        let text = value.trim_matches('"').replace('_', "");
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number: f64 = number.parse().ok()?;
        read.push(match SPANS.iter().find(|(name, _)| *name == unit) {
            Some((_, ms)) => (number * ms, "ms".to_owned()),
            None => (number, unit.to_owned()),
        });
    }
    let unit = read.first()?.1.clone();
    let same = read.iter().all(|(_, other)| *other == unit);
    same.then(|| (read.into_iter().map(|(number, _)| number).collect(), unit))
}

impl Chart for CurvesChart {
    fn title(&self) -> &'static str {
        "What moves with the key"
    }

    fn caption(&self) -> String {
        "Dots are medians over seeds, bars their 95 % intervals. Look for where a curve bends: before it the key \
         costs little, behind it much. Only figures that move with the key are drawn; the table has all."
            .to_owned()
    }

    fn height(&self, width: i32) -> i32 {
        self.figures.iter().map(|figure| figure.under_heading(width) + FRAME + BELOW).sum()
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let (low, high) = self.values();
        let x = match low > 0.0 && high / low >= WIDE {
            true => Axis::by_powers(low, high),
            false => Axis::from_zero(high, if canvas.width() < 600 { 4 } else { 8 }),
        };
        let mut top = 0;
        for figure in &self.figures {
            heading(canvas, (HEADING_LEFT, top), &figure.heading, &figure.legend())?;
            top += figure.under_heading(canvas.width());
            let points = figure.curves.iter().flat_map(|curve| &curve.points);
            let highest = points.map(|(_, estimate)| estimate.high).fold(0.0, f64::max);
            let y = Axis::from_zero(highest, 4);
            let (from, to) = ((60, top), (canvas.width() - 24, top + FRAME));
            top += FRAME + BELOW;
            let panel = Panel { from, to, x: &x, y: &y };
            panel.grid(canvas)?;
            panel.x_words(canvas, &x.named(&self.key))?;
            for curve in &figure.curves {
                let medians = curve.points.iter().map(|(value, at)| panel.at(*value, at.mid));
                let medians: Vec<Point> = medians.collect();
                canvas.broken(&medians, curve.ink, 2, curve.look.dash)?;
                for (value, at) in &curve.points {
                    let [low, high] = [at.low, at.high].map(|end| panel.at(*value, end));
                    canvas.path(&[low, high], curve.ink, 1)?;
                    let mark = curve.look.mark.unwrap_or(Mark::Disc);
                    canvas.mark(panel.at(*value, at.mid), curve.ink, mark)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::Varied;
    use crate::sample;

    #[test]
    fn spans_share_a_unit_and_words_are_no_numbers() {
        let read = |values: &[&str]| {
            numbers(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(read(&["500us", "2ms", "1s"]), Some((vec![0.5, 2.0, 1000.0], "ms".to_owned())));
        assert_eq!(read(&["1_000", "20"]), Some((vec![1000.0, 20.0], String::new())));
        assert_eq!(read(&["1/s", "2/m"]), None);
        assert_eq!(read(&["write", "read"]), None);
    }

    #[test]
    fn figures_that_move_with_a_number_are_drawn() {
        let mut comparison = sample::comparison();
        assert!(CurvesChart::new(&comparison).is_none(), "strategies are no numbers");
        let values = ["1ms", "20ms", "300ms"];
        let key = "im.merge.window".to_owned();
        for (variant, value) in comparison.variants.iter_mut().zip(values) {
            variant.sets = vec![format!("{key}={value}")];
        }
        comparison.varied = vec![Varied { key, values: values.map(str::to_owned).into() }];
        let chart = CurvesChart::new(&comparison).expect("a key with three numbers");
        assert_eq!(chart.key, "im.merge.window, ms");
        assert!(chart.figures.iter().all(|figure| figure.curves.len() == 1));
        let plot = crate::plots::curves(&comparison).unwrap().unwrap();
        assert!(plot.svg.contains("rows_written, rows/message"));
    }
}
