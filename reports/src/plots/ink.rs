//! The colours of the plots: the Okabe–Ito palette, which colour-blind people can tell apart.
//!
//! Every ink has a fixed colour for plots that stand alone and a CSS property for plots inside the
//! page, where light and dark are the page's matter.

use plotters::style::RGBColor;

/// What a mark is made with, named by what it means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ink {
    /// The sheet itself.
    Paper,
    /// Titles.
    Text,
    /// Labels of axes, notes.
    Muted,
    /// Lines of the grid.
    Grid,
    /// What the workload intended.
    Offered,
    /// Send acks.
    Ack,
    /// Rows shown.
    Show,
    /// A second curve beside rows shown.
    Second,
    /// A third one.
    Third,
    /// Fault windows.
    Fault,
}

/// Every ink; the colours differ, so that a colour in a drawing names its ink.
pub const ALL: [Ink; 10] = [
    Ink::Paper,
    Ink::Text,
    Ink::Muted,
    Ink::Grid,
    Ink::Offered,
    Ink::Ack,
    Ink::Show,
    Ink::Second,
    Ink::Third,
    Ink::Fault,
];

impl Ink {
    /// The colour on white.
    pub fn rgb(self) -> RGBColor {
        match self {
            Ink::Paper => RGBColor(0xFF, 0xFF, 0xFF),
            Ink::Text => RGBColor(0x1F, 0x23, 0x28),
            Ink::Muted => RGBColor(0x52, 0x5B, 0x66),
            Ink::Grid => RGBColor(0xE1, 0xE5, 0xEA),
            Ink::Offered => RGBColor(0x7A, 0x82, 0x8C),
            Ink::Ack => RGBColor(0x00, 0x72, 0xB2),
            Ink::Show => RGBColor(0xD5, 0x5E, 0x00),
            Ink::Second => RGBColor(0xCC, 0x79, 0xA7),
            Ink::Third => RGBColor(0x00, 0x9E, 0x73),
            Ink::Fault => RGBColor(0xE6, 0x9F, 0x00),
        }
    }

    /// The CSS property that holds the colour inside the page.
    pub fn property(self) -> &'static str {
        match self {
            Ink::Paper => "--plot-paper",
            Ink::Text => "--plot-text",
            Ink::Muted => "--plot-muted",
            Ink::Grid => "--plot-grid",
            Ink::Offered => "--plot-offered",
            Ink::Ack => "--plot-ack",
            Ink::Show => "--plot-show",
            Ink::Second => "--plot-second",
            Ink::Third => "--plot-third",
            Ink::Fault => "--plot-fault",
        }
    }

    /// The colour as SVG writes it.
    pub fn hex(self) -> String {
        let RGBColor(red, green, blue) = self.rgb();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_colour_names_its_ink() {
        let colours: BTreeSet<String> = ALL.iter().map(|ink| ink.hex()).collect();
        assert_eq!(colours.len(), ALL.len());
    }
}
