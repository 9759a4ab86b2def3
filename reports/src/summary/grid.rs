//! Columns of text without borders, and sentences broken into lines.
//!
//! Must not know colours: a line is painted after it is laid out.

use std::sync::atomic::{AtomicUsize, Ordering};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// On which side a column is flush.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Columns that summaries are laid out for; who prints them may know better.
static COLUMNS_THERE: AtomicUsize = AtomicUsize::new(super::COLUMNS);
/// Narrower than this nothing can be laid out.
const COLUMNS_MIN: usize = 40;

/// Lays out all summaries of this program for a terminal of so many columns.
pub fn fit_into(columns: usize) {
    COLUMNS_THERE.store(columns.max(COLUMNS_MIN), Ordering::Relaxed);
}

/// What is left of so many columns out of [`super::COLUMNS`].
fn left_of(columns: usize, there: usize) -> usize {
    (columns + there).saturating_sub(super::COLUMNS).max(1)
}

/// Rows as lines of at most so many columns; long cells go on in further lines.
pub fn grid(rows: Vec<Vec<String>>, align: &[Align], columns: usize) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = left_of(columns, COLUMNS_THERE.load(Ordering::Relaxed));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(columns).unwrap_or(u16::MAX)).add_rows(rows);
    for (column, align) in table.column_iter_mut().zip(align) {
        column.set_padding((0, 2));
        column.set_cell_alignment(match align {
            Align::Left => CellAlignment::Left,
            Align::Right => CellAlignment::Right,
        });
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A sentence as lines of at most so many characters, broken between words.
pub fn wrapped(sentence: &str, columns: usize) -> Vec<String> {
    let columns = left_of(columns, COLUMNS_THERE.load(Ordering::Relaxed));
    let mut lines: Vec<String> = Vec::new();
    // Spaces that do not break are not ASCII.
    for word in sentence.split_ascii_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_indented_has_so_much_less() {
        assert_eq!(left_of(98, 100), 98);
        assert_eq!(left_of(98, 60), 58);
        assert_eq!(left_of(98, 180), 178);
        assert_eq!(left_of(3, 40), 1);
    }

    #[test]
    fn sentences_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one 2\u{a0}%", 5), ["one", "2\u{a0}%"]);
        assert!(wrapped("  ", 7).is_empty());
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "1"], ["bb", "10"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(grid(rows, &[Align::Left, Align::Right], 40), ["a    1", "bb  10"]);
    }
}
