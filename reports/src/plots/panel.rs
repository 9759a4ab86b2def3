//! One panel of a chart: a frame of two axes, its grid, its heading and legend, and curves in it.
//!
//! Must not know what the curves mean.

use plotters::prelude::DrawingBackend;

use super::PlotError;
use super::canvas::{Align, Canvas, Dash, LABEL_EM, Mark, Point};
use super::fonts::{self, Weight};
use super::ink::Ink;
use super::scale::Axis;
use crate::words::NO_SAMPLES;

/// Height of a heading with its legend above a panel; each further row adds as much.
pub const HEADING: i32 = 24;

/// Length of the stroke that stands for a curve in the legend.
const SWATCH: i32 = 24;

/// An entry of a legend.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// What the curve is called.
    pub text: String,
    /// What it is drawn with.
    pub ink: Ink,
    /// What tells the curve apart beside its ink.
    pub look: Look,
}

/// What tells a curve apart without colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Look {
    /// How its line is broken.
    pub dash: Dash,
    /// The shape of its points, where they are drawn.
    pub mark: Option<Mark>,
}

/// Where a panel lies, and its axes.
pub struct Panel<'a> {
    /// Upper left corner of the frame.
    pub from: Point,
    /// Lower right corner of the frame.
    pub to: Point,
    /// The horizontal axis.
    pub x: &'a Axis,
    /// The vertical axis.
    pub y: &'a Axis,
}

impl Panel<'_> {
    /// Where a pair of values stands.
    pub fn at(&self, x: f64, y: f64) -> Point {
        let across = f64::from(self.to.0 - self.from.0) * self.x.place(x);
        let up = f64::from(self.to.1 - self.from.1) * self.y.place(y);
        (self.from.0 + across.round() as i32, self.to.1 - up.round() as i32)
    }

    /// The grid, and the words of the vertical axis.
    pub fn grid<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        for (value, _) in self.x.ticks() {
            let x = self.at(*value, 0.0).0;
            canvas.path(&[(x, self.from.1), (x, self.to.1)], Ink::Grid, 1)?;
        }
        for (value, text) in self.y.ticks() {
            let y = self.at(0.0, *value).1;
            canvas.path(&[(self.from.0, y), (self.to.0, y)], Ink::Grid, 1)?;
            canvas.label(text, (self.from.0 - 8, y), Align::Right, Ink::Muted)?;
        }
        Ok(())
    }

    /// The words of the horizontal axis, then its name in the middle below.
    pub fn x_words<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        name: &str,
    ) -> Result<(), PlotError> {
        for (value, text) in self.x.ticks() {
            let x = self.at(*value, 0.0).0;
            canvas.label(text, (x, self.to.1 + 13), Align::Centre, Ink::Muted)?;
        }
        let middle = (self.from.0 + self.to.0) / 2;
        let room = 2 * middle.min(canvas.width() - middle);
        let name = fonts::fitting(name, room, Weight::Regular);
        canvas.label(&name, (middle, self.to.1 + 33), Align::Centre, Ink::Muted)
    }

    /// A curve; it breaks where values are missing.
    pub fn curve<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        values: impl IntoIterator<Item = (f64, Option<f64>)>,
        ink: Ink,
    ) -> Result<(), PlotError> {
        let mut stretch = Vec::new();
        for (x, y) in values {
            match y {
                Some(y) => stretch.push(self.at(x, y)),
                None => self.stroke(canvas, &mut stretch, ink)?,
            }
        }
        self.stroke(canvas, &mut stretch, ink)
    }

    /// The surface between the horizontal axis and a curve.
    pub fn surface<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        values: &[(f64, f64)],
        ink: Ink,
    ) -> Result<(), PlotError> {
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            return Ok(());
        };
        let mut outline = vec![(self.at(first.0, 0.0).0, self.to.1)];
        outline.extend(values.iter().map(|(x, y)| self.at(*x, *y)));
        outline.push((self.at(last.0, 0.0).0, self.to.1));
        canvas.fill_shape(&outline, ink, 0.3)
    }

    /// A dashed curve; it goes straight over where values are missing.
    pub fn dashed_curve<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        values: impl IntoIterator<Item = (f64, f64)>,
        ink: Ink,
        stroke: u32,
    ) -> Result<(), PlotError> {
        let points: Vec<Point> = values.into_iter().map(|(x, y)| self.at(x, y)).collect();
        canvas.dashes(&points, ink, stroke)
    }

    /// Says in the middle of the panel that there is nothing to draw.
    pub fn empty<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        let middle = ((self.from.0 + self.to.0) / 2, (self.from.1 + self.to.1) / 2);
        canvas.label(NO_SAMPLES, middle, Align::Centre, Ink::Muted)
    }

    fn stroke<DB: DrawingBackend>(
        &self,
        canvas: &Canvas<DB>,
        stretch: &mut Vec<Point>,
        ink: Ink,
    ) -> Result<(), PlotError> {
        // Points that fall on the same pixel add bytes and nothing to see.
        stretch.dedup();
        if !stretch.is_empty() {
            canvas.path(stretch, ink, 2)?;
        }
        stretch.clear();
        Ok(())
    }
}

/// A heading and a legend after it; the legend takes further rows when the sheet is narrow.
pub fn heading<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    at: Point,
    text: &str,
    legend: &[Entry],
) -> Result<(), PlotError> {
    let middle = at.1 + HEADING / 2;
    let told = fonts::fitting(text, canvas.width() - at.0, Weight::Bold);
    canvas.text(&told, (at.0, middle), Align::Left, Ink::Text, LABEL_EM, Weight::Bold)?;
    for (entry, (x, row)) in legend.iter().zip(places(text, legend, canvas.width() - at.0)) {
        let (x, y) = (at.0 + x, middle + row * HEADING);
        match entry.look.dash {
            Dash::Solid => canvas.fill_box((x, y - 2), (x + SWATCH, y + 1), entry.ink, 1.0)?,
            dash => canvas.broken(&[(x, y), (x + SWATCH, y)], entry.ink, 2, dash)?,
        }
        if let Some(mark) = entry.look.mark {
            canvas.mark((x + SWATCH / 2, y), entry.ink, mark)?;
        }
        let name = fonts::fitting(&entry.text, canvas.width() - x - SWATCH - 6, Weight::Regular);
        canvas.label(&name, (x + SWATCH + 6, y), Align::Left, Ink::Text)?;
    }
    Ok(())
}

/// Rows that a heading with its legend takes.
pub fn heading_rows(text: &str, legend: &[Entry], width: i32) -> i32 {
    places(text, legend, width).last().map_or(1, |(_, row)| row + 1)
}

/// Where the entries of a legend start: how far to the right, and in which row.
fn places(text: &str, legend: &[Entry], width: i32) -> Vec<(i32, i32)> {
    const GAP: i32 = 18;
    let mut x = fonts::width(text, LABEL_EM, Weight::Bold).ceil() as i32 + GAP;
    let mut row = 0;
    let mut places = Vec::with_capacity(legend.len());
    for entry in legend {
        let long = fonts::width(&entry.text, LABEL_EM, Weight::Regular).ceil() as i32;
        let needs = SWATCH + 6 + long;
        if x > 0 && x + needs > width {
            (x, row) = (0, row + 1);
        }
        places.push((x, row));
        x += needs + GAP;
    }
    places
}
