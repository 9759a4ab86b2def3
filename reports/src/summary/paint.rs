//! Colours of the terminal, as plain ANSI codes.
//!
//! Must not decide whether a terminal wants colours.

/// How a piece of text looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// As it is.
    Plain,
    /// Titles and what a finding turns on.
    Bold,
    /// What is read last.
    Dim,
    /// Held.
    Good,
    /// Broken.
    Bad,
    /// Undecided, or in doubt.
    Doubt,
}

/// Applies styles, or leaves text as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paint {
    /// Whether codes are written at all.
    pub colour: bool,
}

impl Paint {
    /// A text in a style.
    pub fn apply(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            _ if !self.colour => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "1;32",
            Style::Bad => "1;31",
            Style::Doubt => "1;33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
