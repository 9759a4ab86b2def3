//! The terminal's summary of a load curve: the answer first, then the table, at most 100 columns.
//!
//! Only the command to reproduce it may be longer, so that it can be copied whole.

use super::{LoadCurve, told};
use crate::summary::COLUMNS;
use crate::summary::grid::{Align, grid};
use crate::summary::mood;
use crate::summary::paint::Style;
use crate::summary::text::Text;
use crate::words::NO_SAMPLES;

/// What the columns of the table belong to, and how many there are of each.
const GROUPS: [(&str, usize); 4] =
    [("accepted/s", 3), ("send→show p50", 3), ("send→show p99", 3), ("processors", 2)];

/// The summary of a load curve, as lines that end in a newline; with ANSI colours if asked for.
pub fn summary(curve: &LoadCurve, colour: bool) -> String {
    let mut text = Text::new(colour);
    let (verdict, headline) = told::headline(curve);
    text.push(0, &headline, mood(verdict));
    text.wrap(2, &told::because(curve));
    if let Some(broken) = told::broken(curve) {
        text.push(2, &broken, Style::Bad);
    }
    text.blank();
    text.wrap(2, &format!("{}: {}", curve.scenario, curve.about));
    text.dim(&format!(
        "seed {} · engines {} · calibration {} · {}",
        curve.seed,
        curve.engines.join(" and "),
        curve.calibration,
        curve.machine
    ));
    text.blank();
    table(&mut text, curve);
    if let Some(saturation) = told::saturation(curve) {
        text.wrap(2, &saturation);
    }
    text.title("Again");
    text.push(2, &curve.reproduce, Style::Plain);
    text.finish()
}

fn table(text: &mut Text, curve: &LoadCurve) {
    let rows = told::rows(curve);
    let Some((modelled, real)) = curve.compared().filter(|_| !rows.is_empty()) else {
        text.push(2, NO_SAMPLES, Style::Dim);
        return;
    };
    let mut cells = vec![vec!["offered/s".to_owned()]];
    for (_, columns) in GROUPS {
        let names = [modelled, real, "error"].into_iter().take(columns);
        cells[0].extend(names.map(str::to_owned));
    }
    cells.extend(rows.into_iter().map(|row| {
        let mark = if row.past { "* " } else { "" };
        let mut cells = vec![format!("{mark}{}", row.offered)];
        cells.extend(row.compared.into_iter().flatten());
        cells.extend(row.busy);
        cells
    }));
    let align = vec![Align::Right; cells[0].len()];
    let lines = grid(cells, &align, COLUMNS);
    text.push(0, &group_names(&lines[0]), Style::Bold);
    text.push(0, &lines[0], Style::Bold);
    for line in &lines[1..] {
        let past = line.trim_start().starts_with('*');
        text.push(0, line, if past { Style::Dim } else { Style::Plain });
    }
    if let Some(past) = told::past_saturation(curve) {
        text.dim(&format!("* {past}"));
    }
    text.blank();
}

/// A line that names groups of columns, each flush with the last of its columns.
fn group_names(head: &str) -> String {
    let letters: Vec<char> = head.chars().collect();
    let ends: Vec<usize> = (0..letters.len())
        .filter(|at| letters[*at] != ' ' && letters.get(at + 1).is_none_or(|next| *next == ' '))
        .map(|at| at + 1)
        .collect();
    let (mut line, mut column) = (String::new(), 0);
    for (name, columns) in GROUPS {
        column += columns;
        let end = ends.get(column).copied().unwrap_or(letters.len());
        let width = end.saturating_sub(line.chars().count());
        line.push_str(&format!("{name:>width$}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_load_curve() {
        insta::assert_snapshot!(summary(&sample::load_curve(), false));
    }

    #[test]
    fn lines_stay_within_their_columns() {
        let mut curve = sample::load_curve();
        curve.about = "much about it ".repeat(20);
        for line in summary(&curve, false).lines() {
            assert!(line.chars().count() <= COLUMNS || *line.trim() == curve.reproduce, "{line}");
        }
    }
}
