//! How far latencies spread over seeds: a strip for each scenario, medians above tails.

use plotters::prelude::DrawingBackend;

use super::names_beside;
use crate::campaign::{Campaign, Checked, RunFigures, Spread};
use crate::plots::canvas::{Align, Canvas};
use crate::plots::fonts::{Weight, fitting};
use crate::plots::ink::Ink;
use crate::plots::panel::{self, Entry, HEADING, Look, Panel};
use crate::plots::scale::Axis;
use crate::plots::{Chart, PlotError};
use crate::words::NO_SAMPLES;

/// Height of a scenario's strip.
const STRIP: i32 = 26;
/// Height of a name above its strip, on a narrow sheet.
const NAME: i32 = 18;
/// Height of an axis with its words, and the gap to the next panel.
const AXIS: i32 = 38;

/// What is drawn with which ink, above and below the middle of a strip.
const LEVELS: [(&str, Ink, i32); 2] = [("p50", Ink::Ack, -6), ("p99", Ink::Show, 6)];

/// A latency: the spread of its median and of its 99th percentile, by scenario.
struct Latency {
    heading: &'static str,
    scenarios: Vec<(String, [Option<Spread>; 2])>,
    range: (f64, f64),
}

/// The chart.
pub struct SpreadChart(Vec<Latency>);

type Figure = fn(&RunFigures) -> Option<u64>;

impl SpreadChart {
    /// The chart; without the latencies of which there is no sample.
    pub fn new(campaign: &Campaign) -> Self {
        let latencies: [(&str, [Figure; 2]); 2] = [
            ("send→ack, ms", [|one| one.ack_p50_ns, |one| one.ack_p99_ns]),
            ("send→show, ms", [|one| one.show_p50_ns, |one| one.show_p99_ns]),
        ];
        let latency = |(heading, of): (&'static str, [Figure; 2])| {
            let scenario = |one: &Checked| (one.name.clone(), of.map(|figure| one.spread(figure)));
            let scenarios: Vec<_> = campaign.scenarios.iter().map(scenario).collect();
            let spreads = || scenarios.iter().flat_map(|(_, of)| of.iter().flatten());
            let least = spreads().map(|spread| spread.least).min()?;
            let greatest = spreads().map(|spread| spread.greatest).max()?;
            let range = (ms(least), ms(greatest));
            Some(Latency { heading, scenarios, range })
        };
        SpreadChart(latencies.into_iter().filter_map(latency).collect())
    }

    fn names_beside(&self, width: i32) -> Option<i32> {
        let names = self.0.iter().flat_map(|latency| &latency.scenarios);
        names_beside(names.map(|(name, _)| name.as_str()), width)
    }

    fn strip(&self, width: i32) -> i32 {
        STRIP + if self.names_beside(width).is_none() { NAME } else { 0 }
    }
}

impl Chart for SpreadChart {
    fn title(&self) -> &str {
        "Latency over seeds"
    }

    fn caption(&self) -> String {
        "Of each scenario the median (p50) above the tail (p99): a bar covers the middle half of the \
         seeds, its tick is their median, the thin line goes from the least to the greatest. Where \
         the thin line is long, a single seed proves little."
            .to_owned()
    }

    fn height(&self, width: i32) -> i32 {
        let panel =
            |latency: &Latency| HEADING + latency.scenarios.len() as i32 * self.strip(width) + AXIS;
        self.0.iter().map(panel).sum::<i32>().max(60)
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        if self.0.is_empty() {
            let middle = (canvas.width() / 2, 30);
            return canvas.label(NO_SAMPLES, middle, Align::Centre, Ink::Muted);
        }
        let (beside, strip) = (self.names_beside(canvas.width()), self.strip(canvas.width()));
        let left = beside.unwrap_or(16);
        let legend =
            LEVELS.map(|(text, ink, _)| Entry { text: text.into(), ink, look: Look::default() });
        let mut top = 0;
        for latency in &self.0 {
            let (low, high) = latency.range;
            let x = Axis::latency_ms(low, high, if canvas.width() < 600 { 4 } else { 8 });
            panel::heading(canvas, (12, top), &x.named(latency.heading), &legend)?;
            top += HEADING;
            let y = Axis::from_zero(1.0, 1);
            let bottom = top + latency.scenarios.len() as i32 * strip;
            let to = (canvas.width() - 24, bottom);
            let panel = Panel { from: (left, top), to, x: &x, y: &y };
            for (value, text) in x.ticks() {
                let across = panel.at(*value, 0.0).0;
                canvas.path(&[(across, top), (across, bottom)], Ink::Grid, 1)?;
                canvas.label(text, (across, bottom + 12), Align::Centre, Ink::Muted)?;
            }
            for (place, (name, spreads)) in latency.scenarios.iter().enumerate() {
                let below = top + (place as i32 + 1) * strip;
                let middle = below - STRIP / 2;
                canvas.path(&[(12, below), (canvas.width() - 24, below)], Ink::Grid, 1)?;
                match beside {
                    Some(left) => {
                        let name = fitting(name, left - 22, Weight::Regular);
                        canvas.label(&name, (left - 10, middle), Align::Right, Ink::Text)?;
                    }
                    None => {
                        let name = fitting(name, canvas.width() - 24, Weight::Regular);
                        let at = (12, below - STRIP - NAME / 2 + 2);
                        canvas.label(&name, at, Align::Left, Ink::Text)?;
                    }
                }
                for (spread, (_, ink, level)) in spreads.iter().zip(LEVELS) {
                    if let Some(spread) = spread {
                        draw_spread(canvas, &panel, spread, middle + level, ink)?;
                    }
                }
            }
            top = bottom + AXIS;
        }
        Ok(())
    }
}

fn draw_spread<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    panel: &Panel,
    spread: &Spread,
    y: i32,
    ink: Ink,
) -> Result<(), PlotError> {
    let at = |ns: u64| panel.at(ms(ns), 0.0).0;
    canvas.fill_box((at(spread.least), y - 1), (at(spread.greatest) + 1, y), ink, 1.0)?;
    let (low, high) = (at(spread.low), at(spread.high));
    canvas.fill_box((low - 1, y - 3), (high.max(low) + 1, y + 2), ink, 1.0)?;
    let mid = at(spread.mid);
    canvas.fill_box((mid - 1, y - 5), (mid + 1, y + 4), Ink::Text, 1.0)
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}
