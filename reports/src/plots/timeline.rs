//! The timeline plot: rates and latency over the run's time, with the fault windows below them.
//!
//! Sends and shown pairs have a panel each, because fan-out sets their scales far apart. Must not
//! know what a fault does.

mod parts;

use plotters::prelude::DrawingBackend;

use super::canvas::{Align, Canvas, Point};
use super::ink::Ink;
use super::lanes::{self, Lanes};
use super::panel::{HEADING, Panel, heading};
use super::scale::Axis;
use super::{Chart, PlotError};
use crate::engine;
use crate::record::Record;
use parts::{Part, per_step};

const LEFT: i32 = 60;
const HEADING_LEFT: i32 = 12;
const RIGHT: i32 = 24;
/// Space between a panel and the next heading.
const BREATH: i32 = 14;
/// Space between a heading and its panel, for the upper half of the axis' highest word.
const UNDER_HEADING: i32 = 5;
const LANE: i32 = 19;
/// Pale enough for the words that stand on some bars; the same for all, since a tone would say more.
const BAR_OPACITY: f64 = 0.5;
/// The words above the first panel that mark the end of the load.
const LOAD_ENDS: i32 = 12;
/// The words of the time axis.
const X_WORDS: i32 = 46;

/// What a run did over its time.
pub struct TimelineChart<'a> {
    record: &'a Record,
    end_s: f64,
}

impl<'a> TimelineChart<'a> {
    /// The timeline of a record.
    pub fn new(record: &'a Record) -> Self {
        let phases = &record.phases;
        let planned_s = (phases.duration_ns + phases.settle_ns) as f64 / 1e9;
        let seen_s = record.timeline.last().map_or(0, |bucket| bucket.second + 1);
        TimelineChart { record, end_s: planned_s.max(seen_s as f64) }
    }

    fn parts(&self, width: i32) -> Vec<Part> {
        parts::parts(&self.record.timeline, self.per_step(width))
    }

    fn per_step(&self, width: i32) -> usize {
        per_step(self.record.timeline.len(), width - LEFT - RIGHT)
    }

    fn time(&self, width: i32) -> (Axis, &'static str) {
        Axis::time(self.end_s, if width < 600 { 5 } else { 12 })
    }

    fn lanes(&self, width: i32) -> Lanes {
        let (x, _) = self.time(width);
        lanes::lay_out(&self.record.faults, width - LEFT - RIGHT, |ns| x.place(ns as f64 / 1e9))
    }

    /// Fault windows that overlap become one, so that shading never adds up to a solid wall. A
    /// fault of more than half the load would shade everything and tell nothing: it has its bar. A
    /// fault that the engine left out explains nothing.
    fn shaded(&self) -> Vec<(u64, u64)> {
        let long = self.record.phases.duration_ns / 2;
        let faults = self.record.faults.iter().filter(|fault| fault.left_out.is_none());
        let mut windows: Vec<(u64, u64)> = faults
            .map(|fault| (fault.from_ns, fault.until_ns))
            .filter(|(from, until)| until - from <= long)
            .collect();
        windows.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (from, until) in windows {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                _ => merged.push((from, until)),
            }
        }
        merged
    }

    fn draw_part<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        part: &Part,
        panel: &Panel,
        heading_top: i32,
    ) -> Result<(), PlotError> {
        heading(canvas, (HEADING_LEFT, heading_top), part.heading, &part.legend())?;
        for (from, until) in self.shaded() {
            let from = panel.at(from as f64 / 1e9, 0.0).0;
            let until = panel.at(until as f64 / 1e9, 0.0).0.max(from + 1);
            canvas.fill_box((from, panel.from.1), (until, panel.to.1), Ink::Fault, 0.18)?;
        }
        panel.grid(canvas)?;
        if let Some((_, ink, values)) = &part.surface {
            panel.surface(canvas, values, *ink)?;
        }
        for (_, ink, values) in &part.curves {
            panel.curve(canvas, values.iter().copied(), *ink)?;
        }
        if part.curves.iter().all(|(_, _, values)| values.iter().all(|(_, y)| y.is_none())) {
            panel.empty(canvas)?;
        }
        Ok(())
    }

    fn draw_lanes<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        lanes: &Lanes,
        at: Point,
    ) -> Result<(), PlotError> {
        for bar in &lanes.bars {
            let top = at.1 + bar.lane as i32 * LANE;
            let (from, to) = (LEFT + bar.from, LEFT + bar.to);
            let (from, to) = ((from, top + 2), (to, top + LANE - 2));
            if bar.hollow {
                canvas.frame(from, to, Ink::Fault)?;
            } else {
                canvas.fill_box(from, to, Ink::Fault, BAR_OPACITY)?;
            }
            let middle = (LEFT + bar.label_at, top + LANE / 2);
            canvas.label(&bar.label, middle, Align::Left, Ink::Text)?;
        }
        Ok(())
    }

    /// Marks the end of `duration`, if the run went on after it, and says what it is.
    fn draw_end_of_duration<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        panel: &Panel,
        said: bool,
    ) -> Result<(), PlotError> {
        let duration_s = self.record.phases.duration_ns as f64 / 1e9;
        if duration_s <= 0.0 || duration_s >= self.end_s {
            return Ok(());
        }
        let x = panel.at(duration_s, 0.0).0;
        canvas.dashed(x, panel.from.1, panel.to.1, Ink::Muted)?;
        if !said {
            return Ok(());
        }
        let (text, align) = if 2 * x > panel.from.0 + panel.to.0 {
            ("load ends, settling →", Align::Right)
        } else {
            ("← load ends, settling", Align::Left)
        };
        canvas.label(text, (x, panel.from.1 - 8), align, Ink::Muted)
    }
}

impl Chart for TimelineChart<'_> {
    fn title(&self) -> &'static str {
        match engine::words(self.record).repeats {
            true => "The run over virtual time",
            false => "The run over real time",
        }
    }

    fn caption(&self) -> String {
        let caption = "What the faults did: each fault has its bar below, with its number in the table of faults, and short \
         ones shade their window. Accepted \
         falling under offered means senders had to wait or retry; a peak in send→show after a window is \
         the backlog being caught up. Below, the tier that is busiest and the queue that grows tell where a \
         message waits. The dashed line ends the load; after it the cluster settles.";
        match self.record.faults.iter().any(|fault| fault.left_out.is_some()) {
            true => format!("{caption} A hollow bar is a fault that the engine left out."),
            false => caption.to_owned(),
        }
    }

    fn height(&self, width: i32) -> i32 {
        let panel = |part: &Part| under_heading(part, width) + part.height + BREATH;
        let panels: i32 = self.parts(width).iter().map(panel).sum();
        LOAD_ENDS + panels + lanes_height(&self.lanes(width)) + X_WORDS
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let width = canvas.width();
        let (x, unit) = self.time(width);
        let lanes = self.lanes(width);
        let parts = self.parts(width);
        let bottom = self.height(width) - X_WORDS;
        let mut top = 0;
        for (index, part) in parts.iter().enumerate() {
            let heading_top = top;
            top += under_heading(part, width) + if index == 0 { LOAD_ENDS } else { 0 };
            let (from, to) = ((LEFT, top), (width - RIGHT, top + part.height));
            let panel = Panel { from, to, x: &x, y: &part.y };
            self.draw_part(canvas, part, &panel, heading_top)?;
            // Not into headings and lanes, where it would cross words.
            self.draw_end_of_duration(canvas, &panel, index == 0)?;
            top = to.1 + BREATH;
        }
        if !self.record.faults.is_empty() {
            let text = match lanes.left_out {
                0 => "Faults".to_owned(),
                more => format!("Faults (and {more} more, see the table of faults)"),
            };
            heading(canvas, (12, top - 2), &text, &[])?;
        }
        self.draw_lanes(canvas, &lanes, (LEFT, top + HEADING))?;
        let axis = Axis::from_zero(1.0, 1);
        let panel = Panel { from: (LEFT, 0), to: (width - RIGHT, bottom), x: &x, y: &axis };
        let time = engine::words(self.record).time;
        panel.x_words(canvas, &time_words(time, unit, self.per_step(width)))
    }
}

/// How far below the top of its heading a panel begins.
fn under_heading(part: &Part, width: i32) -> i32 {
    part.heading_rows(width - HEADING_LEFT) * HEADING + UNDER_HEADING
}

fn lanes_height(lanes: &Lanes) -> i32 {
    if lanes.bars.is_empty() { 0 } else { HEADING + lanes.count as i32 * LANE + 4 }
}

fn time_words(time: &str, unit: &str, per_step: usize) -> String {
    match per_step {
        1 => format!("{time}, {unit}"),
        more => format!("{time}, {unit} (a point is {more} s: mean rate, worst percentile)"),
    }
}
