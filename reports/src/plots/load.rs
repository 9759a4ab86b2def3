//! The plots of a load curve: latency, and what was accepted, against what was offered.
//!
//! The real engine is drawn solid with filled dots, the judged one dashed with hollow ones, so that
//! colour is not needed to tell them apart. Must not know how the loads were run.

use plotters::prelude::DrawingBackend;

use super::canvas::{Align, Canvas, Dash};
use super::ink::Ink;
use super::panel::{Entry, HEADING, Look, Panel, heading, heading_rows};
use super::scale::Axis;
use super::{Chart, PlotError};
use crate::load_curve::{LoadCurve, LoadMeasured};

const X_NAME: &str = "Offered, messages per second";

/// One engine's figure, load by load: messages offered per second, and the figure.
struct Curve {
    name: String,
    ink: Ink,
    /// Whether it is the judged engine's.
    modelled: bool,
    points: Vec<(f64, f64)>,
}

/// What both charts have in common.
struct Loads {
    curves: Vec<Curve>,
    offered_max: f64,
    /// From which offered rate on the real engine could not follow, if it came to that.
    past: Option<f64>,
    engines: String,
}

impl Loads {
    fn new(curve: &LoadCurve) -> Self {
        let offered = curve.points.iter().map(|point| point.offered_per_s);
        let engines = curve.compared().map(|(modelled, real)| {
            format!("{real} (solid, filled dots) is the truth, {modelled} (dashed, hollow dots) the model")
        });
        Loads {
            curves: Vec::new(),
            offered_max: offered.fold(0.0, f64::max),
            past: past(curve),
            engines: engines.unwrap_or_default(),
        }
    }

    /// Adds the curves of a figure, of the real engine first.
    fn add(
        &mut self,
        curve: &LoadCurve,
        name: &str,
        ink: Ink,
        value: impl Fn(&LoadMeasured) -> Option<f64>,
    ) {
        let Some((modelled, real)) = curve.compared() else { return };
        for engine in [real, modelled] {
            let points = curve.points.iter().filter_map(|point| {
                Some((point.offered_per_s, value(point.by_engine.get(engine)?)?))
            });
            let points: Vec<(f64, f64)> = points.collect();
            if !points.is_empty() {
                let name = format!("{name}{engine}");
                self.curves.push(Curve { name, ink, modelled: engine == modelled, points });
            }
        }
    }

    fn legend(&self) -> Vec<Entry> {
        let entry = |curve: &Curve| Entry {
            text: curve.name.clone(),
            ink: curve.ink,
            look: Look {
                dash: if curve.modelled { Dash::Dashed } else { Dash::Solid },
                mark: None,
            },
        };
        self.curves.iter().map(entry).collect()
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.curves.iter().flat_map(|curve| &curve.points).map(|(_, value)| *value)
    }

    fn x(&self, width: i32) -> Axis {
        Axis::from_zero(self.offered_max, if width < 600 { 4 } else { 8 })
    }

    /// What lies under the curves: the loads past saturation, and the grid.
    fn under<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        panel: &Panel,
    ) -> Result<(), PlotError> {
        let past = self.past.map(|offered| panel.at(offered, 0.0).0);
        if let Some(left) = past {
            canvas.fill_box((left, panel.from.1), panel.to, Ink::Fault, 0.12)?;
        }
        panel.grid(canvas)?;
        panel.x_words(canvas, X_NAME)?;
        if let Some(left) = past {
            canvas.dashed(left, panel.from.1, panel.to.1, Ink::Fault)?;
            let at = (panel.to.0 - 6, panel.to.1 - 11);
            canvas.label("past saturation", at, Align::Right, Ink::Muted)?;
        }
        Ok(())
    }

    fn curves<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        panel: &Panel,
    ) -> Result<(), PlotError> {
        for curve in &self.curves {
            let points = curve.points.iter().copied();
            if curve.modelled {
                panel.dashed_curve(canvas, points, curve.ink, 2)?;
            } else {
                panel.curve(canvas, points.map(|(x, y)| (x, Some(y))), curve.ink)?;
            }
        }
        // Dots come last, so that no curve crosses one.
        for curve in &self.curves {
            for (x, y) in &curve.points {
                canvas.dot(panel.at(*x, *y), curve.ink, curve.modelled)?;
            }
        }
        if self.curves.is_empty() { panel.empty(canvas) } else { Ok(()) }
    }
}

/// The offered rate from which on the real engine did not follow: what it accepted at most, but
/// between the loads that it took and those that it did not.
fn past(curve: &LoadCurve) -> Option<f64> {
    let (_, real) = curve.compared()?;
    let offered = |below: bool| {
        let ran = curve.points.iter().filter(|point| point.by_engine.contains_key(real));
        let those = ran.filter(move |point| curve.below_saturation(point, real) == below);
        those.map(|point| point.offered_per_s)
    };
    let first_past = offered(false).min_by(f64::total_cmp)?;
    let last_below = offered(true).fold(0.0, f64::max);
    let rate = curve.saturation_per_s.get(real).copied().unwrap_or(first_past);
    Some(rate.max(last_below).min(first_past))
}

/// Latency of showing against the load.
pub struct LatencyChart(Loads);

impl LatencyChart {
    const HEADING: &str = "send→show, ms (log scale)";

    /// The curves of p50 and p99 of both engines.
    pub fn new(curve: &LoadCurve) -> Self {
        let mut loads = Loads::new(curve);
        for (name, ink, ns) in [
            ("p50 ", Ink::Ack, (|it| it.show_p50_ns) as fn(&LoadMeasured) -> u64),
            ("p99 ", Ink::Show, |it| it.show_p99_ns),
        ] {
            // Nothing stands at zero on a log scale.
            let value = |measured: &LoadMeasured| match ns(measured) {
                0 => None,
                ns => (measured.samples > 0).then_some(ns as f64 / 1e6),
            };
            loads.add(curve, name, ink, value);
        }
        LatencyChart(loads)
    }

    fn y(&self) -> Axis {
        let low = self.0.values().fold(f64::INFINITY, f64::min);
        let high = self.0.values().fold(0.0, f64::max);
        if high > 0.0 { Axis::by_powers(low, high) } else { Axis::by_powers(1.0, 1.0) }
    }
}

impl Chart for LatencyChart {
    fn title(&self) -> &'static str {
        "Latency under load"
    }

    fn caption(&self) -> String {
        let past = match self.0.past {
            None => "",
            Some(_) => {
                " In the shaded part messages queue up for as long as the load lasts: there the \
                 curves show the length of that queue, and say little."
            }
        };
        format!(
            "How long showing takes as the load grows: {}. The closer a pair of one colour, the \
             better the model; what counts is where the curves bend upwards.{past}",
            self.0.engines
        )
    }

    fn height(&self, width: i32) -> i32 {
        height(width, Self::HEADING, &self.0.legend())
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let legend = self.0.legend();
        heading(canvas, (12, 0), Self::HEADING, &legend)?;
        let (x, y) = (self.0.x(canvas.width()), self.y());
        let panel = panel(canvas.width(), Self::HEADING, &legend, &x, &y);
        self.0.under(canvas, &panel)?;
        self.0.curves(canvas, &panel)
    }
}

/// What was accepted of what was offered.
pub struct AcceptedChart(Loads);

impl AcceptedChart {
    const HEADING: &str = "Accepted, messages per second";

    /// The curves of both engines.
    pub fn new(curve: &LoadCurve) -> Self {
        let mut loads = Loads::new(curve);
        loads.add(curve, "", Ink::Third, |measured| Some(measured.accepted_per_s));
        AcceptedChart(loads)
    }

    fn legend(&self) -> Vec<Entry> {
        let mut legend = self.0.legend();
        let text = "all that is offered".to_owned();
        legend.push(Entry { text, ink: Ink::Offered, look: Look::default() });
        legend
    }
}

impl Chart for AcceptedChart {
    fn title(&self) -> &'static str {
        "Accepted of what is offered"
    }

    fn caption(&self) -> String {
        format!(
            "Where the system is full: a curve follows the diagonal as long as everything is \
             accepted, and its height where it leaves the diagonal is the saturation rate; {}.",
            self.0.engines
        )
    }

    fn height(&self, width: i32) -> i32 {
        height(width, Self::HEADING, &self.legend())
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let legend = self.legend();
        heading(canvas, (12, 0), Self::HEADING, &legend)?;
        let x = self.0.x(canvas.width());
        let most = self.0.values().fold(self.0.offered_max, f64::max);
        let y = Axis::from_zero(most, 5);
        let panel = panel(canvas.width(), Self::HEADING, &legend, &x, &y);
        self.0.under(canvas, &panel)?;
        let end = self.0.offered_max;
        let diagonal = [panel.at(0.0, 0.0), panel.at(end, end)];
        canvas.path(&diagonal, Ink::Offered, 1)?;
        self.0.curves(canvas, &panel)
    }
}

fn panel<'a>(width: i32, text: &str, legend: &[Entry], x: &'a Axis, y: &'a Axis) -> Panel<'a> {
    let top = heading_rows(text, legend, width - 12) * HEADING + 8;
    let bottom = height(width, text, legend) - 48;
    Panel { from: (60, top), to: (width - 24, bottom), x, y }
}

fn height(width: i32, text: &str, legend: &[Entry]) -> i32 {
    let plot = if width < 600 { 260 } else { 320 };
    heading_rows(text, legend, width - 12) * HEADING + 8 + plot + 48
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::{load_accepted, load_latency};
    use crate::sample;

    #[test]
    fn what_is_past_saturation_is_shaded() {
        let mut curve = sample::load_curve();
        let shade = Ink::Fault.hex();
        let plot = load_latency(&curve).unwrap();
        assert!(plot.svg.contains(&shade) && plot.caption.contains("shaded"));
        // Between the last load that was taken and the first that was not.
        assert_eq!(past(&curve), Some(7_100.0));
        curve.points.truncate(3);
        let plot = load_latency(&curve).unwrap();
        assert!(!plot.svg.contains(&shade) && !plot.caption.contains("shaded"));
    }

    #[test]
    fn both_engines_have_a_dot_for_each_load() {
        let curve = sample::load_curve();
        let plot = load_accepted(&curve).unwrap();
        let (dots, hearts) = (2 * curve.points.len(), curve.points.len());
        assert_eq!(plot.svg.matches("<circle").count(), dots + hearts);
    }

    #[test]
    fn nothing_measured_says_so() {
        let mut curve = sample::load_curve();
        curve.points.clear();
        assert!(load_latency(&curve).unwrap().svg.contains("no samples"));
        assert!(load_accepted(&curve).unwrap().svg.contains("no samples"));
    }

    #[test]
    fn inline_plots_leave_every_colour_to_the_page() {
        let curve = sample::load_curve();
        for plot in [load_latency(&curve).unwrap(), load_accepted(&curve).unwrap()] {
            for svg in [&plot.inline_wide, &plot.inline_narrow] {
                assert!(!svg.contains("\"#"), "a colour is fixed in {}", plot.name);
            }
        }
    }
}
