//! Draws values and writes them down as TOML; keeps what was drawn.

use std::fmt::{Display, Write as _};

use imsim::engine::rng::{self, Stream};

/// A random stream, the text that was written with it, and what was drawn.
pub struct Dice {
    rng: Stream,
    /// TOML.
    pub text: String,
    /// Keys and values.
    pub choices: Vec<(String, String)>,
    table: String,
    /// Also what leaves nobody the time that it takes.
    wild: bool,
}

impl Dice {
    /// With `wild`, [`Dice::tame_or_wild`] draws from all values.
    pub fn new(rng: Stream, wild: bool) -> Self {
        Self { rng, text: String::new(), choices: Vec::new(), table: String::new(), wild }
    }

    /// Whether wild values are drawn too.
    pub fn is_wild(&self) -> bool {
        self.wild
    }

    /// Begins a table, as in `[im]` or `[[faults]]`.
    pub fn table(&mut self, header: &str) {
        let _ = write!(self.text, "\n{header}\n");
        self.table = header.trim_matches(['[', ']']).to_owned() + ".";
    }

    /// Uniform in `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        rng::below(&mut self.rng, bound)
    }

    /// Uniform in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in so many of a hundred cases.
    pub fn now_and_then(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these, and it is noted what.
    pub fn pick<'a, T: Display>(&mut self, key: &str, values: &'a [T]) -> &'a T {
        let value = self.one_of(values);
        self.note(key, value);
        value
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len() as u64) as usize]
    }

    /// Writes a key of the table.
    pub fn key(&mut self, key: &str, value: impl Display) {
        self.note(key, &value);
        self.write(key, value);
    }

    /// Writes a key of the table whose values are too many to be counted.
    pub fn write(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.text, "{key} = {value}");
    }

    /// Writes a key with one of these values, as TOML.
    pub fn draw<'a>(&mut self, key: &str, values: &[&'a str]) -> &'a str {
        let value = *self.one_of(values);
        self.key(key, value);
        value
    }

    /// The same in so many of a hundred cases; else the key is left out.
    pub fn maybe<'a>(&mut self, percent: u64, key: &str, values: &[&'a str]) -> Option<&'a str> {
        self.now_and_then(percent).then(|| self.draw(key, values))
    }

    /// The values from `tame` on, or only so many of them, the wild ones being the last.
    pub fn tame_or_wild<'a, T>(&self, values: &'a [T], tame: usize) -> &'a [T] {
        if self.wild { values } else { &values[..tame] }
    }

    /// Like [`Dice::maybe`]; only the first `tame` values unless wild ones are asked for.
    pub fn maybe_wild<'a>(
        &mut self,
        percent: u64,
        key: &str,
        values: &[&'a str],
        tame: usize,
    ) -> Option<&'a str> {
        let values = self.tame_or_wild(values, tame);
        self.maybe(percent, key, values)
    }

    fn note(&mut self, key: &str, value: impl Display) {
        self.choices.push((format!("{}{key}", self.table), value.to_string()));
    }
}
