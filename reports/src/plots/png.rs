//! Plots as PNG: a plotters backend with smooth edges and the bundled fonts.
//!
//! Draws four times as large and averages down to twice the logical size, because plotters leaves
//! the edges of thick lines and polygons jagged. Must not know what is plotted.

use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea};
use plotters::style::text_anchor::HPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontStyle,
};

use super::canvas::PLOTTERS_SIZE_PER_EM;
use super::fonts::{self, Weight};
use super::{Chart, PlotError, svg};

/// Pixels of the image for each logical pixel.
const OUTPUT: usize = 2;
/// Pixels drawn for each pixel of the image, along each side.
const SUPERSAMPLE: usize = 2;
const SCALE: i32 = (OUTPUT * SUPERSAMPLE) as i32;
const CHANNELS: usize = 3;

/// A chart on its own, on white.
pub fn alone(chart: &impl Chart, width: i32) -> Result<Vec<u8>, PlotError> {
    let (width, height) = (width as usize, svg::titled_height(chart, width) as usize);
    let (fine_width, fine_height) = (width * SCALE as usize, height * SCALE as usize);
    let mut fine = vec![0; fine_width * fine_height * CHANNELS];
    {
        let inner = BitMapBackend::with_buffer(&mut fine, (fine_width as u32, fine_height as u32));
        let area = Smooth { inner, size: (width as u32, height as u32) }.into_drawing_area();
        svg::draw_titled(chart, &area)?;
        area.present().map_err(PlotError::new)?;
    }
    encode(&averaged(&fine, fine_width), (width * OUTPUT) as u32, (height * OUTPUT) as u32)
}

/// Every pixel the mean of a square of finer ones.
fn averaged(fine: &[u8], fine_width: usize) -> Vec<u8> {
    const SQUARE: u16 = (SUPERSAMPLE * SUPERSAMPLE) as u16;
    let stride = fine_width * CHANNELS;
    let mut image = Vec::with_capacity(fine.len() / SQUARE as usize);
    for rows in fine.chunks_exact(stride * SUPERSAMPLE) {
        let (upper, lower) = rows.split_at(stride);
        let squares = upper
            .chunks_exact(CHANNELS * SUPERSAMPLE)
            .zip(lower.chunks_exact(CHANNELS * SUPERSAMPLE));
        for (above, below) in squares {
            for channel in 0..CHANNELS {
                let sum = u16::from(above[channel])
                    + u16::from(above[channel + CHANNELS])
                    + u16::from(below[channel])
                    + u16::from(below[channel + CHANNELS]);
                image.push(((sum + SQUARE / 2) / SQUARE) as u8);
            }
        }
    }
    image
}

fn encode(image: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PlotError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(PlotError::new)?;
    writer.write_image_data(image).map_err(PlotError::new)?;
    writer.finish().map_err(PlotError::new)?;
    Ok(bytes)
}

/// Takes logical pixels, draws finer ones.
struct Smooth<'a> {
    inner: BitMapBackend<'a>,
    size: (u32, u32),
}

type DrawResult<'a> =
    Result<(), DrawingErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>>;

fn finer(point: BackendCoord) -> BackendCoord {
    (point.0 * SCALE, point.1 * SCALE)
}

/// A style whose stroke is as much finer as the pixels are.
struct FineStyle {
    color: BackendColor,
    stroke: u32,
}

impl FineStyle {
    fn of(style: &impl BackendStyle) -> Self {
        FineStyle { color: style.color(), stroke: style.stroke_width() * SCALE as u32 }
    }
}

impl BackendStyle for FineStyle {
    fn color(&self) -> BackendColor {
        self.color
    }

    fn stroke_width(&self) -> u32 {
        self.stroke
    }
}

impl<'a> DrawingBackend for Smooth<'a> {
    type ErrorType = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> DrawResult<'a> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> DrawResult<'a> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> DrawResult<'a> {
        let from = finer(point);
        let to = (from.0 + SCALE, from.1 + SCALE);
        self.inner.draw_rect(from, to, &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> DrawResult<'a> {
        self.inner.draw_line(finer(from), finer(to), &FineStyle::of(style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> DrawResult<'a> {
        self.inner.draw_rect(finer(from), finer(to), &FineStyle::of(style), fill)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> DrawResult<'a> {
        self.inner.draw_path(path.into_iter().map(finer), &FineStyle::of(style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> DrawResult<'a> {
        self.inner.draw_circle(finer(center), radius * SCALE as u32, &FineStyle::of(style), fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> DrawResult<'a> {
        self.inner.fill_polygon(path.into_iter().map(finer), &FineStyle::of(style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        at: BackendCoord,
    ) -> DrawResult<'a> {
        let weight = match style.style() {
            FontStyle::Bold => Weight::Bold,
            _ => Weight::Regular,
        };
        let em = (style.size() / PLOTTERS_SIZE_PER_EM) as f32 * SCALE as f32;
        let width = fonts::width(text, em, weight);
        let (x, y) = finer(at);
        let left = match style.anchor().h_pos {
            HPos::Left => x as f32,
            HPos::Center => x as f32 - width / 2.0,
            HPos::Right => x as f32 - width,
        };
        // The canvas centres every text on its point; SVG does so by half the height of an x.
        let baseline = y as f32 + fonts::X_HEIGHT / 2.0 * em;
        for glyph in fonts::outlines(text, em, weight, (left, baseline)) {
            let corner = glyph.px_bounds().min;
            let (left, top) = (corner.x as i32, corner.y as i32);
            let mut covered = Vec::new();
            glyph.draw(|dx, dy, coverage| {
                covered.push((left + dx as i32, top + dy as i32, coverage));
            });
            for (x, y, coverage) in covered {
                self.inner.draw_pixel((x, y), style.color().mix(f64::from(coverage.min(1.0))))?;
            }
        }
        Ok(())
    }
}
