//! Plots as SVG: on their own, and inside the page, where the page's style colours them.
//!
//! Must not know what is plotted.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend, IntoDrawingArea, SVGBackend};

use super::canvas::{Align, Canvas};
use super::fonts::Weight;
use super::ink::{self, Ink};
use super::{Chart, PlotError};

/// Height of a title above a chart that stands on its own.
const TITLE: i32 = 34;

/// A chart on its own, on white, with its title.
pub fn alone(chart: &impl Chart, width: i32) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let size = (width as u32, titled_height(chart, width) as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw_titled(chart, &area)?;
        area.present().map_err(PlotError::new)?;
    }
    let described = format!("<svg role=\"img\" aria-label=\"{}\" ", label(chart));
    Ok(svg.replacen("<svg ", &described, 1))
}

/// A chart without title and background, coloured by the page.
pub fn inline(chart: &impl Chart, width: i32, class: &str) -> Result<String, PlotError> {
    let mut svg = String::new();
    let height = chart.height(width);
    {
        let area =
            SVGBackend::with_string(&mut svg, (width as u32, height as u32)).into_drawing_area();
        chart.draw(&Canvas::new(&area, 0))?;
        area.present().map_err(PlotError::new)?;
    }
    let fixed = format!("<svg width=\"{width}\" height=\"{height}\" ");
    let described =
        format!("<svg class=\"plot {class}\" role=\"img\" aria-label=\"{}\" ", label(chart));
    let mut svg = svg.replacen(&fixed, &described, 1);
    for ink in ink::ALL {
        let fixed = format!("\"{}\"", ink.hex());
        svg = svg.replace(&fixed, &format!("\"var({})\"", ink.property()));
    }
    Ok(svg)
}

/// Height of a chart that stands on its own.
pub fn titled_height(chart: &impl Chart, width: i32) -> i32 {
    chart.height(width) + TITLE
}

/// Draws background, title and chart.
pub fn draw_titled<DB: DrawingBackend>(
    chart: &impl Chart,
    area: &DrawingArea<DB, Shift>,
) -> Result<(), PlotError> {
    let sheet = Canvas::new(area, 0);
    sheet.fill(Ink::Paper)?;
    sheet.text(chart.title(), (12, TITLE / 2 + 2), Align::Left, Ink::Text, 16.0, Weight::Bold)?;
    chart.draw(&Canvas::new(area, TITLE))
}

/// What a plot shows, for those who cannot see it; titles and captions hold no markup.
fn label(chart: &impl Chart) -> String {
    format!("{}. {}", chart.title(), chart.caption())
}
