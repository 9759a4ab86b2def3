//! The bundled fonts: how wide a text is, and its outlines.
//!
//! plotters can draw glyphs by itself, but drops their side bearings, which leaves the letters
//! uneven; so the outlines are asked for here. Must not know colours or backends.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, OutlinedGlyph, PxScale, ScaleFont, point};

use super::canvas::LABEL_EM;

/// The font family as SVG names it; a viewer without Noto Sans takes its own sans-serif.
pub const FAMILY: &str = "Noto Sans, system-ui, sans-serif";

/// Height of a lower-case x, as a share of the em, of Noto Sans.
pub const X_HEIGHT: f32 = 0.536;

/// How heavy a text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// Labels.
    Regular,
    /// Titles.
    Bold,
}

static REGULAR: LazyLock<FontRef<'static>> =
    LazyLock::new(|| bundled(include_bytes!("../../fonts/NotoSans-Regular.subset.ttf")));
static BOLD: LazyLock<FontRef<'static>> =
    LazyLock::new(|| bundled(include_bytes!("../../fonts/NotoSans-Bold.subset.ttf")));

/// The width of a text, in the unit of the em.
pub fn width(text: &str, em: f32, weight: Weight) -> f32 {
    let font = face(weight).as_scaled(scale(face(weight), em));
    text.chars().map(|letter| font.h_advance(font.glyph_id(letter))).sum()
}

/// The text in the size of labels, its end cut off where there is no room for it, in pixels.
pub fn fitting(text: &str, room: i32, weight: Weight) -> String {
    let fits = |text: &str| width(text, LABEL_EM, weight).ceil() as i32 <= room;
    if fits(text) {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let cut = |keep: usize| letters[..keep].iter().chain(&['…']).collect::<String>();
    (0..letters.len()).rev().map(cut).find(|text| fits(text)).unwrap_or_default()
}

/// The outlines of a text whose baseline starts at a point.
pub fn outlines(text: &str, em: f32, weight: Weight, start: (f32, f32)) -> Vec<OutlinedGlyph> {
    let font = face(weight).as_scaled(scale(face(weight), em));
    let mut x = start.0;
    let mut outlines = Vec::with_capacity(text.len());
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        let glyph = Glyph { id, scale: font.scale(), position: point(x, start.1) };
        outlines.extend(font.outline_glyph(glyph));
        x += font.h_advance(id);
    }
    outlines
}

/// `ab_glyph` measures fonts by the height of their line; designers, CSS and we by the em.
fn scale(font: &FontRef<'static>, em: f32) -> PxScale {
    let units = font.units_per_em().expect("a TrueType font names its units per em");
    PxScale::from(em * font.height_unscaled() / units)
}

fn face(weight: Weight) -> &'static FontRef<'static> {
    match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    }
}

fn bundled(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the bundled font is sound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fonts_have_every_sign_that_reports_use() {
        for weight in [Weight::Regular, Weight::Bold] {
            for sign in "AZaz09 →↔µ≥≤×·…–—−≈∞".chars() {
                assert_ne!(face(weight).glyph_id(sign).0, 0, "{sign} is missing");
            }
        }
    }

    #[test]
    fn names_without_room_are_cut() {
        let (name, regular) = ("a-scenario-with-a-long-name", Weight::Regular);
        assert_eq!(fitting("gateway", 400, regular), "gateway");
        assert!(fitting(name, 60, regular).ends_with('…'));
        assert!(width(&fitting(name, 60, regular), LABEL_EM, regular) <= 60.0);
    }

    #[test]
    fn bold_is_wider() {
        assert!(width("shown", 12.0, Weight::Bold) > width("shown", 12.0, Weight::Regular));
        assert_eq!(width("", 12.0, Weight::Regular), 0.0);
    }
}
