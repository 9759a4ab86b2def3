//! Plots as SVG: on their own, and inside the page, where the page's style colours them.
//!
//! Must not know what is plotted.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend, IntoDrawingArea, SVGBackend};

use super::canvas::{Align, Canvas};
use super::fonts::{self, Weight};
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
    let svg = with_widths(&svg);
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
    let svg = with_widths(&svg);
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

/// The drawing, each text of which says how wide it is. Whoever has not the font that was measured draws
/// with another one, whose letters are squeezed or stretched so that nothing runs into its neighbour.
fn with_widths(svg: &str) -> String {
    const OPEN: &str = "<text ";
    let mut parts = svg.split(OPEN);
    let mut held = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        held.push_str(OPEN);
        let told = part.split_once('>').and_then(|(attributes, rest)| {
            let (text, rest) = rest.split_once("</text>")?;
            let size = attribute(attributes, "font-size")?.parse().ok()?;
            let bold = attribute(attributes, "font-weight") == Some("bold");
            let weight = if bold { Weight::Bold } else { Weight::Regular };
            let width = fonts::width(&unescaped(text.trim()), size, weight);
            Some((attributes, width, text.trim(), rest))
        });
        match told {
            Some((attributes, width, text, rest)) if width > 0.0 => {
                let length = format!("textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\"");
                held.push_str(&format!("{attributes} {length}>{text}</text>{rest}"));
            }
            _ => held.push_str(part),
        }
    }
    held
}

fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = attributes.split_once(&format!("{name}=\""))?;
    value.split('"').next()
}

fn unescaped(text: &str) -> String {
    let signs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    signs.iter().fold(text.to_owned(), |text, (escape, sign)| text.replace(escape, sign))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_says_how_wide_it_is() {
        let svg = "<svg><text x=\"1\" font-size=\"12\" fill=\"#000\">\na &lt; b\n</text><text \
                   font-size=\"12\" font-weight=\"bold\">x</text></svg>";
        let length =
            |text, weight| format!("textLength=\"{:.1}\"", fonts::width(text, 12.0, weight));
        let held = with_widths(svg);
        assert!(held.contains(&length("a < b", Weight::Regular)), "{held}");
        assert!(held.contains(&length("x", Weight::Bold)) && held.contains(">a &lt; b</text>"));
        assert_eq!(with_widths("<svg></svg>"), "<svg></svg>");
    }
}
