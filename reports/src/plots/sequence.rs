//! A finding as a sequence diagram: a lifeline for each device and fault, its events from top to
//! bottom, and arrows where a message went from one device to another.
//!
//! Time is not to scale: events stand microseconds or minutes apart, and each needs a row for its
//! words. Must not know what the events mean; the finding says which of them hang together.

use plotters::prelude::DrawingBackend;

use super::canvas::{Align, Canvas, LABEL_EM, Point};
use super::fonts::{self, Weight};
use super::ink::Ink;
use super::{Chart, PlotError};
use crate::figures;
use crate::record::{Finding, FindingEvent};

/// Height of the actors' names.
const NAMES: i32 = 30;
/// Height of an event.
const ROW: i32 = 26;
/// Height of a note that much time went by.
const PAUSE: i32 = 20;
/// What counts as much time, in nanoseconds.
const LONG_NS: u64 = 5_000_000_000;
/// Width of the times.
const TIMES: i32 = 96;
/// Room between two lifelines at least.
const APART: i32 = 64;
/// Room around words.
const MARGIN: i32 = 14;
/// Longest label, in characters; the table of events has the whole of it.
const LABEL_MAX: usize = 64;

/// The chart.
pub struct SequenceChart<'a> {
    title: String,
    finding: &'a Finding,
    /// The lifelines: devices first, then faults, each in the order of their first events.
    actors: Vec<&'a str>,
    /// The middle of each event's row.
    rows: Vec<i32>,
    labels: Vec<String>,
    apart: i32,
}

impl<'a> SequenceChart<'a> {
    /// The chart of the finding with that number.
    pub fn new(number: usize, finding: &'a Finding) -> Self {
        let events = &finding.events;
        let mut actors: Vec<&str> = Vec::new();
        for faults in [false, true] {
            for event in events.iter().filter(|event| is_fault(event) == faults) {
                if !actors.contains(&event.actor.as_str()) {
                    actors.push(&event.actor);
                }
            }
        }
        let mut rows = Vec::with_capacity(events.len());
        let mut below = NAMES;
        for (place, event) in events.iter().enumerate() {
            if place > 0 && event.at_ns - events[place - 1].at_ns >= LONG_NS {
                below += PAUSE;
            }
            rows.push(below + ROW / 2);
            below += ROW;
        }
        let apart = actors.iter().map(|name| wide(name, Weight::Bold) + MARGIN).max();
        SequenceChart {
            title: format!("Finding {number} ({}), step by step", finding.promise),
            finding,
            rows,
            labels: events.iter().map(label).collect(),
            apart: apart.unwrap_or(0).max(APART),
            actors,
        }
    }

    /// The width that names and words need.
    pub fn width(&self) -> i32 {
        let words = self.labels.iter().map(|label| wide(label, Weight::Bold)).max();
        self.words_at() + words.unwrap_or(0) + MARGIN
    }

    /// Where the words of events begin.
    fn words_at(&self) -> i32 {
        TIMES + self.apart * self.actors.len() as i32 + MARGIN
    }

    fn lifeline(&self, actor: &str) -> i32 {
        let place = self.actors.iter().position(|name| *name == actor);
        let place = place.expect("every actor has a lifeline") as i32;
        TIMES + self.apart * place + self.apart / 2
    }

    fn mark(&self, event: usize) -> Point {
        (self.lifeline(&self.finding.events[event].actor), self.rows[event])
    }

    /// The height of a moment: between the rows of the events before and after it.
    fn height_of(&self, at_ns: u64) -> i32 {
        let events = &self.finding.events;
        let after = events.partition_point(|event| event.at_ns <= at_ns);
        match (after.checked_sub(1), events.get(after)) {
            (Some(before), Some(next)) => {
                let (from, to) = (self.rows[before], self.rows[after]);
                let span = (next.at_ns - events[before].at_ns) as f64;
                let share = (at_ns - events[before].at_ns) as f64 / span;
                from + (f64::from(to - from) * share).round() as i32
            }
            (None, _) => NAMES,
            (Some(_), None) => self.bottom(),
        }
    }

    fn bottom(&self) -> i32 {
        self.rows.last().map_or(NAMES, |last| last + ROW / 2)
    }
}

impl Chart for SequenceChart<'_> {
    fn title(&self) -> &str {
        &self.title
    }

    fn caption(&self) -> String {
        let events = &self.finding.events;
        let mut said = String::new();
        if let Some(key) = events.iter().position(|event| event.key) {
            let FindingEvent { actor, .. } = &events[key];
            said += &format!("The shaded row is what it turns on: {actor} {}. ", self.labels[key]);
        }
        let origins = || events.iter().filter_map(|event| event.origin);
        if origins().any(|origin| origin.arrived) {
            said += "Arrows lead from the last try that had left to the devices that show the \
                     message. ";
        }
        if origins().any(|origin| !origin.arrived) {
            said += "The dashed arrow with a cross is the message that was owed and never shown. ";
        }
        if events.iter().any(is_fault) {
            said += "Bars are faults, as long as they lasted. ";
        }
        if events.iter().filter(|event| event.at_ns == 0).count() > 1 {
            said += "Whatever came before the load stands at 0. ";
        }
        said + "Time runs downwards, not to scale."
    }

    fn height(&self, _width: i32) -> i32 {
        self.bottom() + 8
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let events = &self.finding.events;
        for (event, row) in events.iter().zip(&self.rows) {
            if event.key {
                let (top, bottom) = (row - ROW / 2, row + ROW / 2);
                canvas.fill_box((0, top), (canvas.width(), bottom), Ink::Show, 0.16)?;
            }
            // From the mark to its words, below everything else.
            let x = self.lifeline(&event.actor);
            canvas.path(&[(x, *row), (self.words_at() - 6, *row)], Ink::Grid, 1)?;
        }
        for actor in &self.actors {
            let x = self.lifeline(actor);
            let name = (x, NAMES / 2);
            canvas.text(actor, name, Align::Centre, Ink::Text, LABEL_EM, Weight::Bold)?;
            canvas.path(&[(x, NAMES), (x, self.bottom())], Ink::Offered, 1)?;
        }
        for (event, from) in events.iter().zip(&self.rows).filter(|(event, _)| is_fault(event)) {
            let x = self.lifeline(&event.actor);
            let until = event.until_ns.map_or(0, |until_ns| self.height_of(until_ns));
            let (from, until) = (*from, until.max(from + 3));
            canvas.fill_box((x - 5, from), (x + 5, until), Ink::Fault, 1.0)?;
        }
        for (place, event) in events.iter().enumerate() {
            if let Some(origin) = event.origin.filter(|origin| origin.event < events.len()) {
                arrow(canvas, self.mark(origin.event), self.mark(place), origin.arrived)?;
            }
        }
        for place in 0..events.len() {
            self.draw_event(canvas, place)?;
        }
        Ok(())
    }
}

impl SequenceChart<'_> {
    fn draw_event<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        place: usize,
    ) -> Result<(), PlotError> {
        let events = &self.finding.events;
        let (event, (x, y)) = (&events[place], self.mark(place));
        if let Some(pause) = place.checked_sub(1).map(|last| event.at_ns - events[last].at_ns)
            && pause >= LONG_NS
        {
            let at = (TIMES - MARGIN, y - ROW / 2 - PAUSE / 2);
            let text = format!("+ {}", figures::duration(pause));
            canvas.label(&text, at, Align::Right, Ink::Muted)?;
        }
        let time = figures::instant(event.at_ns);
        let (ink, weight) = match event.key {
            true => (Ink::Text, Weight::Bold),
            false => (Ink::Muted, Weight::Regular),
        };
        canvas.text(&time, (TIMES - MARGIN, y), Align::Right, ink, LABEL_EM, weight)?;
        match (is_fault(event), event.key) {
            (true, _) => {}
            (false, true) => {
                let diamond = [(x, y - 8), (x + 8, y), (x, y + 8), (x - 8, y)];
                canvas.fill_shape(&diamond, Ink::Show, 1.0)?;
            }
            (false, false) => canvas.dot((x, y), Ink::Ack, false)?,
        }
        let words = (self.words_at(), y);
        canvas.text(&self.labels[place], words, Align::Left, Ink::Text, LABEL_EM, weight)
    }
}

/// Whether the actor is no device: only what is done to the cluster lasts.
fn is_fault(event: &FindingEvent) -> bool {
    event.until_ns.is_some() || event.actor.starts_with("fault ")
}

/// What stands beside an event's mark.
fn label(event: &FindingEvent) -> String {
    let text = event.brief.as_ref().unwrap_or(&event.text);
    if text.chars().count() <= LABEL_MAX {
        return text.clone();
    }
    text.chars().take(LABEL_MAX - 1).chain(['…']).collect()
}

fn wide(text: &str, weight: Weight) -> i32 {
    fonts::width(text, LABEL_EM, weight).ceil() as i32
}

/// An arrow; dashed and with a cross before its end where the message never came.
fn arrow<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    from: Point,
    to: Point,
    arrived: bool,
) -> Result<(), PlotError> {
    if from.0 == to.0 {
        return Ok(());
    }
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let long = (dx * dx + dy * dy).sqrt();
    // A point on the way: so far before the end, and so far beside the line.
    let at = |before: f64, beside: f64| {
        let x = f64::from(to.0) - (before * dx + beside * dy) / long;
        let y = f64::from(to.1) - (before * dy - beside * dx) / long;
        (x.round() as i32, y.round() as i32)
    };
    if arrived {
        canvas.path(&[from, at(12.0, 0.0)], Ink::Ack, 2)?;
        return canvas.fill_shape(&[at(5.0, 0.0), at(15.0, 5.0), at(15.0, -5.0)], Ink::Ack, 1.0);
    }
    canvas.dashes(&[from, at(16.0, 0.0)], Ink::Show, 2)?;
    let (x, y) = at(16.0, 0.0);
    canvas.path(&[(x - 5, y - 5), (x + 5, y + 5)], Ink::Show, 2)?;
    canvas.path(&[(x - 5, y + 5), (x + 5, y - 5)], Ink::Show, 2)
}
