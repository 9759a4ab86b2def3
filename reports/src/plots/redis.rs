//! The plot of Redis' losses: what its clients were told was done, and how much of that was lost or
//! given out again, over the run's time; below it what happened to the nodes.
//!
//! Must not know how a loss was found.

use plotters::prelude::DrawingBackend;

use super::canvas::{Align, Canvas};
use super::ink::Ink;
use super::panel::{Entry, HEADING, Look, Panel, heading, heading_rows};
use super::scale::Axis;
use super::{Chart, PlotError};
use crate::redis::{RedisBucket, RedisWrites};

const LEFT: i32 = 60;
const RIGHT: i32 = 24;
const PANEL: i32 = 180;
/// Space between the heading and the panel.
const UNDER_HEADING: i32 = 5;
/// The words of the time axis.
const X_WORDS: i32 = 46;
/// A row of words about what happened to the nodes.
const ROW: i32 = 17;
/// Events that are named; the page lists them all.
const EVENTS_MAX: usize = 10;

/// What was acknowledged, lost and repeated over time.
pub struct RedisChart<'a> {
    writes: &'a RedisWrites,
    time: &'static str,
}

impl<'a> RedisChart<'a> {
    /// The chart; `time` names the clock.
    pub fn new(writes: &'a RedisWrites, time: &'static str) -> Self {
        Self { writes, time }
    }

    fn end_s(&self) -> f64 {
        self.writes.timeline.last().map_or(1.0, |bucket| bucket.second as f64 + 1.0)
    }

    fn legend() -> Vec<Entry> {
        let entry = |text: &str, ink| Entry { text: text.to_owned(), ink, look: Look::default() };
        vec![
            entry("acknowledged", Ink::Ack),
            entry("of these, lost", Ink::Show),
            entry("value given out again", Ink::Second),
        ]
    }

    fn bars<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        panel: &Panel,
        of: fn(&RedisBucket) -> (u64, u64),
        ink: Ink,
        opacity: f64,
    ) -> Result<(), PlotError> {
        for bucket in &self.writes.timeline {
            let (from, to) = of(bucket);
            if to > from {
                let (left, bottom) = panel.at(bucket.second as f64, from as f64);
                let (right, top) = panel.at(bucket.second as f64 + 1.0, to as f64);
                canvas.fill_box((left, top), ((right - 1).max(left + 1), bottom), ink, opacity)?;
            }
        }
        Ok(())
    }

    /// The dashed lines of what happened, with their words in rows below the axis.
    fn events<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        panel: &Panel,
        top: i32,
    ) -> Result<(), PlotError> {
        for (row, event) in self.writes.events.iter().take(EVENTS_MAX).enumerate() {
            let at_s = event.at_ns as f64 / 1e9;
            let x = panel.at(at_s, 0.0).0;
            canvas.dashed(x, panel.from.1, panel.to.1, Ink::Muted)?;
            let y = top + row as i32 * ROW + ROW / 2;
            let text = format!("{:.1} s  {} {}", at_s, event.node, event.what);
            canvas.label(&text, (LEFT, y), Align::Left, Ink::Text)?;
        }
        Ok(())
    }
}

impl Chart for RedisChart<'_> {
    fn title(&self) -> &'static str {
        "What Redis acknowledged, and what it lost"
    }

    fn caption(&self) -> String {
        "Each bar is a second of the clients of Redis: what they were told was done. Its orange part \
         was gone from the last master at the end, its pink part are INCR values that somebody else got \
         too. Dashed lines are what happened to the nodes, listed below."
            .to_owned()
    }

    fn height(&self, width: i32) -> i32 {
        let rows = heading_rows("Operations per s", &Self::legend(), width - 12);
        let events = self.writes.events.len().min(EVENTS_MAX) as i32;
        rows * HEADING + UNDER_HEADING + PANEL + X_WORDS + events * ROW
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let width = canvas.width();
        let legend = Self::legend();
        let top = heading_rows("Operations per s", &legend, width - 12) * HEADING + UNDER_HEADING;
        heading(canvas, (12, 0), "Operations per s", &legend)?;
        let most = self.writes.timeline.iter().map(|bucket| bucket.acked).max().unwrap_or(0);
        let y = Axis::from_zero(most.max(1) as f64, 3);
        let (x, unit) = Axis::time(self.end_s(), if width < 600 { 5 } else { 12 });
        let panel = Panel { from: (LEFT, top), to: (width - RIGHT, top + PANEL), x: &x, y: &y };
        panel.grid(canvas)?;
        if most == 0 {
            panel.empty(canvas)?;
        }
        self.bars(canvas, &panel, |one| (one.lost + one.repeated, one.acked), Ink::Ack, 0.55)?;
        self.bars(canvas, &panel, |one| (0, one.lost), Ink::Show, 1.0)?;
        let repeated = |one: &RedisBucket| (one.lost, one.lost + one.repeated);
        self.bars(canvas, &panel, repeated, Ink::Second, 1.0)?;
        panel.x_words(canvas, &format!("{}, {unit}", self.time))?;
        self.events(canvas, &panel, top + PANEL + X_WORDS)
    }
}
