//! The terminal's summary of a comparison: the table, then what differs, at most 100 columns.
//!
//! Only the command to reproduce it may be longer, so that it can be copied whole.

use super::told::{self, Row};
use super::{Comparison, Variant};
use crate::summary::COLUMNS;
use crate::summary::grid::{Align, grid};
use crate::summary::mood;
use crate::summary::paint::Style;
use crate::summary::text::Text;
use crate::words::NO_SAMPLES;

/// The summary of a comparison, as lines that end in a newline; with ANSI colours if asked for.
pub fn summary(comparison: &Comparison, colour: bool) -> String {
    let mut text = Text::new(colour);
    let (verdict, headline) = told::headline(comparison);
    text.push(0, &headline, mood(verdict));
    text.wrap(2, &told::because(comparison));
    text.blank();
    text.wrap(2, &format!("{}: {}", comparison.scenario, comparison.about));
    for varied in &comparison.varied {
        text.dim(&format!("{} = {}", varied.key, varied.values.join(", ")));
    }
    text.title(&format!("Medians over seeds, and how many times {}", comparison.reference));
    table(&mut text, comparison);
    text.title("What differs");
    for sentence in told::sentences(comparison) {
        text.wrap(2, &sentence);
    }
    if let Some(front) = told::front(comparison) {
        text.title("Latency against cost");
        text.wrap(2, &front);
    }
    if let Some(crossover) = told::crossover(comparison) {
        text.title("Crossover");
        text.wrap(2, &crossover);
    }
    text.blank();
    for line in told::METHOD {
        text.dim(line);
    }
    text.title("Again");
    text.push(2, &comparison.reproduce, Style::Plain);
    text.finish()
}

/// Variants that stand side by side; more of them get a table below the first.
const ABREAST: usize = 4;

fn table(text: &mut Text, comparison: &Comparison) {
    let rows = told::rows(comparison);
    if rows.is_empty() {
        return text.push(2, NO_SAMPLES, Style::Dim);
    }
    let tables = comparison.variants.len().div_ceil(ABREAST);
    let abreast = comparison.variants.len().div_ceil(tables);
    for (place, variants) in comparison.variants.chunks(abreast).enumerate() {
        if place > 0 {
            text.blank();
        }
        part(text, &comparison.reference, variants, &rows, place * abreast);
    }
}

/// The columns of some variants, from the given place on.
fn part(text: &mut Text, reference: &str, variants: &[Variant], rows: &[Row], from: usize) {
    let mut cells = vec![vec![String::new()]];
    let mut align = vec![Align::Left];
    for variant in variants {
        cells[0].push(variant.name.clone());
        align.push(Align::Right);
        if variant.name != reference {
            cells[0].push(String::new());
            align.push(Align::Left);
        }
    }
    cells.extend(rows.iter().map(|row| {
        let mut line = vec![row.name.clone()];
        for (cell, variant) in row.cells[from..].iter().zip(variants) {
            line.push(cell.figure.clone());
            if variant.name != reference {
                line.push(cell.ratio.clone());
            }
        }
        line
    }));
    let lines = grid(cells, &align, COLUMNS - 2);
    text.push(2, &lines[0], Style::Bold);
    for line in &lines[1..] {
        text.push(2, line, Style::Plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_comparison() {
        insta::assert_snapshot!(summary(&sample::comparison(), false));
    }

    #[test]
    fn lines_stay_within_their_columns() {
        let mut comparison = sample::comparison();
        comparison.about = "much about it ".repeat(20);
        for line in summary(&comparison, false).lines() {
            assert!(line.chars().count() <= COLUMNS || *line.trim() == comparison.reproduce);
        }
    }

    #[test]
    fn many_variants_stand_in_several_tables() {
        let mut comparison = sample::comparison();
        let variants = comparison.variants.clone();
        for (place, variant) in variants.iter().cycle().take(6).enumerate() {
            let name = format!("a variant with a long name, number {place}");
            comparison.variants.push(Variant { name, ..variant.clone() });
        }
        let told = summary(&comparison, false);
        assert_eq!(told.matches("show_p50, ms").count(), 3, "{told}");
        assert!(told.lines().all(|line| line.chars().count() <= COLUMNS));
    }

    #[test]
    fn a_comparison_of_nothing_says_so() {
        let mut comparison = sample::comparison();
        for variant in &mut comparison.variants {
            variant.medians.clear();
        }
        comparison.contrasts.clear();
        assert!(summary(&comparison, false).contains(NO_SAMPLES));
    }
}
