//! What charts draw with: lines, boxes and words, in logical pixels, on any plotters backend.
//!
//! Must not know what is plotted.

use plotters::coord::Shift;
use plotters::element::{PathElement, Rectangle};
use plotters::prelude::{Color, DrawingArea, DrawingBackend, ShapeStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, TextStyle};

use super::PlotError;
use super::fonts::{FAMILY, Weight};
use super::ink::Ink;

/// A point, in logical pixels from the upper left corner.
pub type Point = (i32, i32);

/// plotters counts the size of a font as 1.24 em.
pub const PLOTTERS_SIZE_PER_EM: f64 = 1.24;

/// Size of labels, in pixels per em.
pub const LABEL_EM: f32 = 12.0;

/// Which part of a text stands at its point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Its left end.
    Left,
    /// Its middle.
    Centre,
    /// Its right end.
    Right,
}

/// How a line is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dash {
    /// Not at all.
    #[default]
    Solid,
    /// Into dashes.
    Dashed,
    /// Into short ones.
    Dotted,
}

impl Dash {
    /// How long a dash is, and the gap behind it.
    fn pattern(self) -> Option<(f64, f64)> {
        match self {
            Dash::Solid => None,
            Dash::Dashed => Some((7.0, 5.0)),
            Dash::Dotted => Some((2.0, 4.0)),
        }
    }
}

/// The shape of a mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    Disc,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// A sheet to draw on, from an origin downwards.
pub struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    origin: Point,
    width: i32,
}

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    /// A canvas over the whole area, whose origin lies `top` pixels below the area's.
    pub fn new(area: &'a DrawingArea<DB, Shift>, top: i32) -> Self {
        let width = area.dim_in_pixel().0 as i32;
        Canvas { area, origin: (0, top), width }
    }

    /// Width of the sheet.
    pub fn width(&self) -> i32 {
        self.width
    }

    /// Fills the whole sheet, whatever the origin.
    pub fn fill(&self, ink: Ink) -> Result<(), PlotError> {
        // plotters' own `fill` leaves out the last row and column.
        let (width, height) = self.area.dim_in_pixel();
        let (left, top) = self.origin;
        let end = (width as i32 - left, height as i32 - top);
        self.fill_box((-left, -top), end, ink, 1.0)
    }

    /// A polyline; a single point becomes a dot.
    pub fn path(&self, points: &[Point], ink: Ink, stroke: u32) -> Result<(), PlotError> {
        if let [(x, y)] = points {
            let half = stroke as i32;
            return self.fill_box((x - half, y - half), (x + half, y + half), ink, 1.0);
        }
        let points: Vec<Point> = points.iter().map(|point| self.moved(*point)).collect();
        let style = ShapeStyle { color: ink.rgb().to_rgba(), filled: false, stroke_width: stroke };
        self.area.draw(&PathElement::new(points, style)).map_err(PlotError::new)
    }

    /// A filled box; the opacity runs from 0 to 1.
    pub fn fill_box(
        &self,
        from: Point,
        to: Point,
        ink: Ink,
        opacity: f64,
    ) -> Result<(), PlotError> {
        let style = ShapeStyle { color: ink.rgb().mix(opacity), filled: true, stroke_width: 0 };
        let corners = [self.moved(from), self.moved(to)];
        self.area.draw(&Rectangle::new(corners, style)).map_err(PlotError::new)
    }

    /// The outline of a box.
    pub fn frame(&self, from: Point, to: Point, ink: Ink) -> Result<(), PlotError> {
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        self.path(&corners, ink, 1)
    }

    /// A filled polygon; the opacity runs from 0 to 1.
    pub fn fill_shape(&self, points: &[Point], ink: Ink, opacity: f64) -> Result<(), PlotError> {
        let points: Vec<Point> = points.iter().map(|point| self.moved(*point)).collect();
        let shape = plotters::element::Polygon::new(points, ink.rgb().mix(opacity).filled());
        self.area.draw(&shape).map_err(PlotError::new)
    }

    /// A vertical dashed line.
    pub fn dashed(&self, x: i32, from_y: i32, to_y: i32, ink: Ink) -> Result<(), PlotError> {
        const DASH: i32 = 4;
        for y in (from_y..to_y).step_by(2 * DASH as usize) {
            self.path(&[(x, y), (x, (y + DASH).min(to_y))], ink, 1)?;
        }
        Ok(())
    }

    /// A polyline that is broken so.
    pub fn broken(
        &self,
        points: &[Point],
        ink: Ink,
        stroke: u32,
        dash: Dash,
    ) -> Result<(), PlotError> {
        match dash.pattern() {
            None => self.path(points, ink, stroke),
            Some(pattern) => self.dashes_of(points, ink, stroke, pattern),
        }
    }

    /// A dashed polyline.
    pub fn dashes(&self, points: &[Point], ink: Ink, stroke: u32) -> Result<(), PlotError> {
        self.dashes_of(points, ink, stroke, (5.0, 4.0))
    }

    /// Dashes and gaps of these lengths; they go on round the corners.
    fn dashes_of(
        &self,
        points: &[Point],
        ink: Ink,
        stroke: u32,
        (dash, gap): (f64, f64),
    ) -> Result<(), PlotError> {
        // How far into the pattern of a dash and a gap the pen is.
        let mut into = 0.0;
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
            let length = (dx * dx + dy * dy).sqrt();
            let at = |way: f64| {
                let share = way / length;
                (from.0 + (dx * share).round() as i32, from.1 + (dy * share).round() as i32)
            };
            let mut way = 0.0;
            while way < length {
                let drawn = into < dash;
                let step = (if drawn { dash } else { dash + gap } - into).min(length - way);
                if drawn && at(way) != at(way + step) {
                    self.path(&[at(way), at(way + step)], ink, stroke)?;
                }
                way += step;
                into = if into + step >= dash + gap - 1e-6 { 0.0 } else { into + step };
            }
        }
        Ok(())
    }

    /// A filled dot, or with a paper heart.
    pub fn dot(&self, at: Point, ink: Ink, hollow: bool) -> Result<(), PlotError> {
        let disc = |radius: i32, ink: Ink| {
            let style = ink.rgb().filled();
            let circle = plotters::element::Circle::new(self.moved(at), radius, style);
            self.area.draw(&circle).map_err(PlotError::new)
        };
        disc(4, ink)?;
        if hollow { disc(2, Ink::Paper) } else { Ok(()) }
    }

    /// A filled mark of some shape.
    pub fn mark(&self, (x, y): Point, ink: Ink, mark: Mark) -> Result<(), PlotError> {
        match mark {
            Mark::Disc => self.dot((x, y), ink, false),
            Mark::Square => self.fill_box((x - 4, y - 4), (x + 4, y + 4), ink, 1.0),
            Mark::Triangle => {
                self.fill_shape(&[(x, y - 5), (x + 5, y + 4), (x - 5, y + 4)], ink, 1.0)
            }
            Mark::Diamond => {
                self.fill_shape(&[(x, y - 5), (x + 5, y), (x, y + 5), (x - 5, y)], ink, 1.0)
            }
            Mark::Cross => {
                self.path(&[(x - 4, y - 4), (x + 4, y + 4)], ink, 2)?;
                self.path(&[(x - 4, y + 4), (x + 4, y - 4)], ink, 2)
            }
        }
    }

    /// A small ring: one sample among many.
    pub fn ring(&self, at: Point, ink: Ink) -> Result<(), PlotError> {
        let style = ShapeStyle { color: ink.rgb().to_rgba(), filled: false, stroke_width: 1 };
        let circle = plotters::element::Circle::new(self.moved(at), 3, style);
        self.area.draw(&circle).map_err(PlotError::new)
    }

    /// A text in the size of labels, its middle at the height of the point.
    pub fn label(&self, text: &str, at: Point, align: Align, ink: Ink) -> Result<(), PlotError> {
        self.text(text, at, align, ink, LABEL_EM, Weight::Regular)
    }

    /// A text of any size, its middle at the height of the point.
    pub fn text(
        &self,
        text: &str,
        at: Point,
        align: Align,
        ink: Ink,
        em: f32,
        weight: Weight,
    ) -> Result<(), PlotError> {
        let slant = match weight {
            Weight::Regular => FontStyle::Normal,
            Weight::Bold => FontStyle::Bold,
        };
        let h_pos = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let size = f64::from(em) * PLOTTERS_SIZE_PER_EM;
        let font = FontDesc::new(FontFamily::Name(FAMILY), size, slant);
        let colour = ink.rgb();
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(h_pos, VPos::Center));
        self.area.draw_text(text, &style, self.moved(at)).map_err(PlotError::new)
    }

    fn moved(&self, point: Point) -> Point {
        (point.0 + self.origin.0, point.1 + self.origin.1)
    }
}
