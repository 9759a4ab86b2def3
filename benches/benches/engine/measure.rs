//! Repeating a measurement, and showing what came out. It must not know what is measured.

use comfy_table::{CellAlignment, Table, presets};
use cpu_time::ThreadTime;

/// How often everything is measured. Odd, so that the median is one of them.
pub const REPETITIONS: usize = 5;

/// What [`REPETITIONS`] measurements gave.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    pub median: f64,
    min: f64,
    max: f64,
}

impl Sample {
    /// Calls `measure` once unmeasured, to fill the caches, and then [`REPETITIONS`] times.
    pub fn of(mut measure: impl FnMut() -> f64) -> Self {
        measure();
        Self::from(std::array::from_fn(|_| measure()))
    }

    /// The sum of what was measured.
    pub fn from(mut values: [f64; REPETITIONS]) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self { median: values[REPETITIONS / 2], min: values[0], max: values[REPETITIONS - 1] }
    }

    /// The sample in units of `unit`: `1.52 (1.49–1.55)`.
    pub fn show(&self, unit: f64) -> String {
        let [median, min, max] = [self.median, self.min, self.max].map(|value| value / unit);
        let digits = if median < 1.0 {
            3
        } else if median < 100.0 {
            2
        } else {
            0
        };
        format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
    }
}

/// Seconds of processor time that this thread spends on `work`. Other programs on the machine do
/// not count, although they do compete for its caches.
pub fn cpu_seconds(work: impl FnOnce()) -> f64 {
    let start = ThreadTime::now();
    work();
    start.elapsed().as_secs_f64()
}

/// A table whose first column is text and whose others are numbers.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
