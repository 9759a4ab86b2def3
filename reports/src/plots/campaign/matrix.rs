//! How every run ended: a row for each scenario, a mark for each seed.
//!
//! Marks shrink as seeds grow in number, then rows break, then seeds share a mark that shows the
//! worst of them; so a row of any campaign has room.

use plotters::prelude::DrawingBackend;

use super::{names_beside, wide};
use crate::campaign::{Campaign, Checked, Outcome};
use crate::plots::canvas::{Align, Canvas, Point};
use crate::plots::fonts::{Weight, fitting};
use crate::plots::ink::Ink;
use crate::plots::{Chart, PlotError};
use crate::words::NO_SAMPLES;

/// Sides of the largest and the smallest mark, with the gap beside it.
const MARK: std::ops::RangeInclusive<i32> = 7..=18;
/// Marks of this side and above stand apart; smaller ones that held make one bar.
const APART: i32 = 10;
/// Marks of a scenario at most.
const MARKS_MAX: u64 = 1_000;
/// Height of a line of the legend, and of the seeds' numbers.
const LINE: i32 = 22;
/// Gap between two scenarios.
const GAP: i32 = 5;

/// A row: the name, and the worst outcome of each mark's seeds; `None` where nothing ran.
struct Row {
    name: String,
    marks: Vec<Option<Outcome>>,
}

/// The chart.
pub struct MatrixChart {
    rows: Vec<Row>,
    seed_first: u64,
    seeds: u64,
    seeds_per_mark: u64,
    /// What is in the matrix, and in how many runs.
    legend: Vec<(Option<Outcome>, String)>,
}

/// Where things stand on a sheet of some width.
struct Layout {
    /// Left end of the marks.
    left: i32,
    /// Whether the names stand above their rows.
    names_above: bool,
    side: i32,
    per_line: usize,
    lines: i32,
}

impl MatrixChart {
    /// The chart.
    pub fn new(campaign: &Campaign) -> Self {
        let seeds_per_mark = campaign.seeds_asked.div_ceil(MARKS_MAX).max(1);
        let marks = campaign.seeds_asked.div_ceil(seeds_per_mark) as usize;
        let row = |scenario: &Checked| {
            let mut row = vec![None; marks];
            for run in &scenario.runs {
                let place = (run.seed - campaign.seed_first) / seeds_per_mark;
                let mark = &mut row[place as usize];
                *mark = (*mark).max(Some(run.outcome));
            }
            Row { name: scenario.name.clone(), marks: row }
        };
        let rows: Vec<Row> = campaign.scenarios.iter().map(row).collect();
        let counted = Outcome::ALL.map(|outcome| (Some(outcome), campaign.count(outcome)));
        let ran = campaign.runs().count() as u64;
        let not_run = (campaign.scenarios.len() as u64 * campaign.seeds_asked).saturating_sub(ran);
        let legend = counted.into_iter().chain([(None, not_run)]).filter(|(_, count)| *count > 0);
        let legend = legend.map(|(outcome, count)| {
            (outcome, format!("{} ({})", said(outcome), crate::figures::count(count)))
        });
        MatrixChart {
            legend: legend.collect(),
            rows,
            seed_first: campaign.seed_first,
            seeds: campaign.seeds_asked,
            seeds_per_mark,
        }
    }

    fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.marks.is_empty())
    }

    fn layout(&self, width: i32) -> Layout {
        let beside = names_beside(self.rows.iter().map(|row| &*row.name), width);
        let left = beside.unwrap_or(12);
        let marks = self.rows.first().map_or(1, |row| row.marks.len()).max(1);
        let room = width - left - 12;
        let side = (room / marks as i32).clamp(*MARK.start(), *MARK.end());
        let fit = (room / side).max(1) as usize;
        // Lines of tens can be counted.
        let per_line = if marks <= fit { marks } else { (fit / 10 * 10).max(fit.min(10)) };
        let lines = marks.div_ceil(per_line) as i32;
        Layout { left, names_above: beside.is_none(), side, per_line, lines }
    }

    /// Where the entries of the legend begin.
    fn legend_places(&self, width: i32) -> Vec<Point> {
        let (mut x, mut y) = (12, LINE / 2);
        let place = |(_, text): &(Option<Outcome>, String)| {
            let long = 22 + wide(text);
            if x + long > width - 12 && x > 12 {
                (x, y) = (12, y + LINE);
            }
            let at = (x, y);
            x += long + 20;
            at
        };
        self.legend.iter().map(place).collect()
    }

    /// Where the seeds' numbers stand, below the legend.
    fn top(&self, width: i32) -> i32 {
        self.legend_places(width).last().map_or(0, |(_, y)| y + LINE / 2 + 4)
    }

    fn row_height(layout: &Layout) -> i32 {
        let name = if layout.names_above { LINE - 4 } else { 0 };
        name + (layout.side * layout.lines).max(if layout.names_above { 0 } else { 12 }) + GAP
    }

    fn seed_of(&self, mark: usize) -> u64 {
        // A line may have room for more seeds than there are.
        self.seed_first.saturating_add((mark as u64).saturating_mul(self.seeds_per_mark))
    }

    /// Marks of the first line that get their seed written above.
    fn ticks(&self, layout: &Layout) -> Vec<usize> {
        let words = wide(&self.seed_of(layout.per_line).to_string()) + 14;
        let steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];
        let step = steps.into_iter().find(|step| *step as i32 * layout.side >= words);
        (0..layout.per_line).step_by(step.unwrap_or(1_000)).collect()
    }
}

impl Chart for MatrixChart {
    fn title(&self) -> &str {
        "Every run"
    }

    fn caption(&self) -> String {
        let last = self.seed_first + self.seeds.saturating_sub(1);
        let mut text = format!(
            "A row is a scenario, a mark a seed, from {} to {last}; where rows break, they go on below.",
            self.seed_first
        );
        if self.seeds_per_mark > 1 {
            text += &format!(
                " A mark stands for {} seeds and shows the worst of them.",
                self.seeds_per_mark
            );
        }
        text + " A column of crosses says that the seed matters, a row of them that the scenario does."
    }

    fn height(&self, width: i32) -> i32 {
        if self.is_empty() {
            return 60;
        }
        let rows = self.rows.len() as i32 * Self::row_height(&self.layout(width));
        self.top(width) + LINE + rows + 4
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError> {
        if self.is_empty() {
            let middle = (canvas.width() / 2, 30);
            return canvas.label(NO_SAMPLES, middle, Align::Centre, Ink::Muted);
        }
        let width = canvas.width();
        for ((outcome, text), (x, y)) in self.legend.iter().zip(self.legend_places(width)) {
            draw_mark(canvas, *outcome, (x, y - 7), 15)?;
            canvas.label(text, (x + 22, y), Align::Left, Ink::Text)?;
        }
        let layout = self.layout(width);
        let mut top = self.top(width);
        for mark in self.ticks(&layout) {
            let x = layout.left + mark as i32 * layout.side + layout.side / 2;
            let seed = self.seed_of(mark).to_string();
            canvas.label(&seed, (x, top + LINE / 2), Align::Centre, Ink::Muted)?;
        }
        top += LINE;
        for row in &self.rows {
            draw_row(canvas, row, &layout, top)?;
            top += Self::row_height(&layout);
        }
        Ok(())
    }
}

fn draw_row<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    row: &Row,
    layout: &Layout,
    top: i32,
) -> Result<(), PlotError> {
    let Layout { left, names_above, side, per_line, .. } = *layout;
    let top = match names_above {
        true => {
            let name = fitting(&row.name, canvas.width() - 24, Weight::Regular);
            canvas.label(&name, (12, top + 7), Align::Left, Ink::Text)?;
            top + LINE - 4
        }
        false => {
            let name = fitting(&row.name, left - 22, Weight::Regular);
            let middle = top + side.max(12) / 2;
            canvas.label(&name, (left - 10, middle), Align::Right, Ink::Text)?;
            top + (12 - side * layout.lines).max(0) / 2
        }
    };
    for (line, marks) in row.marks.chunks(per_line).enumerate() {
        let y = top + line as i32 * side;
        let mut place = 0;
        while place < marks.len() {
            let x = left + place as i32 * side;
            let held = marks[place..].iter().take_while(|mark| **mark == Some(Outcome::Held));
            let held = held.count();
            if side < APART && held > 0 {
                let to = x + held as i32 * side - 1;
                canvas.fill_box((x, y + 1), (to, y + side - 2), Ink::Third, 1.0)?;
                place += held;
            } else {
                draw_mark(canvas, marks[place], (x, y), side - 2)?;
                place += 1;
            }
        }
    }
    Ok(())
}

/// A mark whose upper left corner and side are given: each outcome has a shape of its own.
fn draw_mark<DB: DrawingBackend>(
    canvas: &Canvas<DB>,
    outcome: Option<Outcome>,
    (x, y): Point,
    side: i32,
) -> Result<(), PlotError> {
    let (right, bottom) = (x + side, y + side);
    let stroke = if side < 10 { 1 } else { 2 };
    match outcome {
        Some(Outcome::Held) => canvas.fill_box((x, y), (right, bottom), Ink::Third, 1.0),
        Some(Outcome::Expected) => {
            canvas.fill_box((x, y), (right, bottom), Ink::Third, 1.0)?;
            let inset = (side / 4).max(1);
            let (from, to) = ((x + inset, y + inset), (right - inset, bottom - inset));
            canvas.fill_box(from, to, Ink::Paper, 1.0)
        }
        Some(Outcome::Undecided) => {
            let triangle = [(x + side / 2, y), (right, bottom), (x, bottom)];
            canvas.fill_shape(&triangle, Ink::Fault, 1.0)
        }
        Some(Outcome::NotTested) => {
            canvas.fill_box((x, y), (right, bottom), Ink::Grid, 1.0)?;
            let dot = (side / 3).max(1);
            canvas.fill_box((x + dot, y + dot), (right - dot, bottom - dot), Ink::Text, 1.0)
        }
        Some(Outcome::BoundMissed) => {
            canvas.frame((x, y), (right, bottom), Ink::Show)?;
            let half = [(x, bottom), (right, y), (right, bottom)];
            canvas.fill_shape(&half, Ink::Show, 1.0)
        }
        Some(Outcome::Broken) => {
            canvas.fill_box((x, y), (right, bottom), Ink::Show, 0.22)?;
            // The smallest crosses need all the room there is.
            let inset = if side < APART - 2 { 0 } else { side / 6 + 1 };
            let (x, y, right, bottom) = (x + inset, y + inset, right - inset, bottom - inset);
            canvas.path(&[(x, y), (right, bottom)], Ink::Show, stroke + 1)?;
            canvas.path(&[(x, bottom), (right, y)], Ink::Show, stroke + 1)
        }
        Some(Outcome::Failed) => {
            canvas.fill_box((x, y), (right, bottom), Ink::Text, 1.0)?;
            let middle = y + side / 2;
            let inset = (side / 5).max(1);
            let line = [(x + inset, middle), (right - inset, middle)];
            canvas.path(&line, Ink::Paper, stroke)
        }
        None => canvas.frame((x, y), (right, bottom), Ink::Grid),
    }
}

/// An outcome in a word or two.
fn said(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("not run", crate::campaign::said)
}
