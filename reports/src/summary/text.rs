//! The lines of a summary as they are gathered: indented, wrapped and painted.
//!
//! Must not know what the lines say.

use super::COLUMNS;
use super::grid::wrapped;
use super::paint::{Paint, Style};

/// Lines gathered so far.
pub struct Text {
    paint: Paint,
    lines: Vec<String>,
}

impl Text {
    /// No lines yet; colours if asked for.
    pub fn new(colour: bool) -> Self {
        Text { paint: Paint { colour }, lines: Vec::new() }
    }

    /// All lines, each ended by a newline.
    pub fn finish(mut self) -> String {
        self.lines.push(String::new());
        self.lines.join("\n")
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.lines.push(String::new());
    }

    /// A title, after an empty line.
    pub fn title(&mut self, title: &str) {
        self.blank();
        self.push(0, title, Style::Bold);
    }

    /// A line as it is, indented.
    pub fn push(&mut self, indent: usize, line: &str, style: Style) {
        self.lines.push(format!("{:indent$}{}", "", self.paint.apply(style, line)));
    }

    /// A sentence, indented, in as many lines as it takes.
    pub fn wrap(&mut self, indent: usize, sentence: &str) {
        self.say(indent, sentence, Style::Plain);
    }

    /// The same, painted.
    pub fn say(&mut self, indent: usize, sentence: &str, style: Style) {
        for line in wrapped(sentence, COLUMNS - indent) {
            self.push(indent, &line, style);
        }
    }

    /// A sentence that is read last.
    pub fn dim(&mut self, sentence: &str) {
        for line in wrapped(sentence, COLUMNS - 2) {
            self.push(2, &line, Style::Dim);
        }
    }
}
