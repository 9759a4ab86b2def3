//! Axes: where a value stands between two ends, and which values get a tick.
//!
//! Must not know pixels or backends.

use crate::figures;

/// How values spread along an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Spread {
    /// Evenly.
    Linear,
    /// By powers of ten.
    Log,
    /// Percentiles, by how rare their tail is: each step divides it by ten.
    Tail,
}

/// One axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    spread: Spread,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From zero to at least a value, with about as many ticks as asked for.
    pub fn from_zero(high: f64, ticks: usize) -> Self {
        let high = if high.is_finite() && high > 0.0 { high } else { 1.0 };
        let step = step_at_least(high / ticks.max(1) as f64);
        let steps = (high / step - 1e-9).ceil().max(1.0);
        let ticks = marks(step, steps as usize);
        Axis { spread: Spread::Linear, low: 0.0, high: step * steps, ticks }
    }

    /// From zero to exactly a value, ticks in seconds, minutes or hours; with the unit's name.
    pub fn time(seconds: f64, ticks: usize) -> (Self, &'static str) {
        const UNITS: [(&str, f64); 3] = [("h", 3_600.0), ("min", 60.0), ("s", 1.0)];
        let seconds = seconds.max(1.0);
        let (unit, size) =
            *UNITS.iter().find(|(_, size)| seconds >= 5.0 * size).unwrap_or(&UNITS[2]);
        let (unit, size) = if unit == "min" && seconds < 600.0 { ("s", 1.0) } else { (unit, size) };
        let step = step_at_least(seconds / size / ticks.max(1) as f64);
        let steps = (seconds / size / step + 1e-9).floor();
        let ticks = marks(step, steps as usize);
        let ticks = ticks.into_iter().map(|(value, text)| (value * size, text)).collect();
        (Axis { spread: Spread::Linear, low: 0.0, high: seconds, ticks }, unit)
    }

    /// For latencies: by powers of ten when they spread more than twentyfold, else from zero.
    pub fn latency_ms(low: f64, high: f64, ticks: usize) -> Self {
        match low > 0.0 && high > 20.0 * low {
            true => Axis::by_powers(low, high),
            false => Axis::from_zero(high, ticks),
        }
    }

    /// By powers of ten, between two values above zero.
    pub fn by_powers(low: f64, high: f64) -> Self {
        assert!(low > 0.0 && high >= low, "no powers of ten from {low} to {high}");
        let powers = log10(low).floor() as i32..=log10(high).ceil() as i32;
        let parts = |power| [1.0, 2.0, 5.0].map(|part| (part, part * 10f64.powi(power)));
        let steps: Vec<(f64, f64)> = powers.flat_map(parts).collect();
        let from = steps.iter().rposition(|(_, value)| *value <= low).unwrap_or(0);
        let to = steps.iter().position(|(_, value)| *value >= high).unwrap_or(steps.len() - 1);
        // Two ends that are one would leave no room for a value between them.
        let (from, to) = if from < to { (from, to) } else { (from.saturating_sub(1), from + 1) };
        let to = to.min(steps.len() - 1);
        let steps = &steps[from..=to];
        // Between powers of ten stand lines without words, unless there are too few powers.
        let powers = steps.iter().filter(|(part, _)| *part == 1.0).count();
        let words = |part: f64, value| match part == 1.0 || powers < 3 {
            true => figures::rate(value),
            false => String::new(),
        };
        let ticks = steps.iter().map(|(part, value)| (*value, words(*part, *value))).collect();
        let (low, high) = (steps[0].1, steps[steps.len() - 1].1);
        Axis { spread: Spread::Log, low, high, ticks }
    }

    /// Percentiles up to the rarest that so many samples can show.
    pub fn tail(samples: u64) -> Self {
        const MARKS: [f64; 9] = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999, 99.99999];
        let rarest = 100.0 - 100.0 / samples.max(20) as f64;
        let high = rarest.min(MARKS[MARKS.len() - 1]);
        let ticks = MARKS.iter().filter(|mark| **mark <= high);
        let ticks = ticks.map(|mark| (*mark, format!("{mark}"))).collect();
        Axis { spread: Spread::Tail, low: 0.0, high, ticks }
    }

    /// Where a value stands, from 0 at the low end to 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        let (low, high) = (self.spread(self.low), self.spread(self.high));
        let value = self.spread(value.clamp(self.low, self.high));
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// The ticks: values and their words; no words on ticks that only get a line.
    pub fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// Whether the values stand by powers of ten.
    pub fn is_log(&self) -> bool {
        self.spread == Spread::Log
    }

    /// The axis' name, which says so where values stand by powers of ten.
    pub fn named(&self, name: &str) -> String {
        format!("{name}{}", if self.is_log() { " (log scale)" } else { "" })
    }

    fn spread(&self, value: f64) -> f64 {
        match self.spread {
            Spread::Linear => value,
            Spread::Log => log10(value),
            Spread::Tail => -log10(1.0 - value / 100.0),
        }
    }
}

/// The logarithm without its last digits, in which mathematical libraries differ between systems.
fn log10(value: f64) -> f64 {
    (value.log10() * 1e9).round() / 1e9
}

/// The smallest of 1, 2, 5, 10, 20, 50, … (and their tenths) that is not below a value.
fn step_at_least(value: f64) -> f64 {
    let power = 10f64.powi(log10(value.max(1e-9)).floor() as i32);
    let fits = [1.0, 2.0, 5.0]
        .map(|part| part * power)
        .into_iter()
        .find(|step| *step >= value * 0.999_999);
    fits.unwrap_or(10.0 * power)
}

/// Ticks at the multiples of a step, 0 included.
fn marks(step: f64, steps: usize) -> Vec<(f64, String)> {
    (0..=steps)
        .map(|index| step * index as f64)
        .map(|value| (value, tick_text(value, step)))
        .collect()
}

fn tick_text(value: f64, step: f64) -> String {
    if step >= 1.0 {
        return figures::count(value.round() as u64);
    }
    let decimals = (-log10(step)).ceil() as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks().iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(texts(&Axis::from_zero(230.0, 4)), ["0", "100", "200", "300"]);
        assert_eq!(texts(&Axis::from_zero(0.0, 2)), ["0.0", "0.5", "1.0"]);
        assert_eq!(texts(&Axis::from_zero(4_100.0, 3)), ["0", "2,000", "4,000", "6,000"]);
    }

    #[test]
    fn time_takes_the_unit_that_suits_it() {
        let (axis, unit) = Axis::time(65.0, 7);
        assert_eq!((texts(&axis), unit), (vec!["0", "10", "20", "30", "40", "50", "60"], "s"));
        assert_eq!(Axis::time(1_800.0, 6).1, "min");
        assert_eq!(Axis::time(40_000.0, 6).1, "h");
        assert_eq!(Axis::time(0.0, 6).1, "s");
    }

    #[test]
    fn latencies_spread_by_powers_of_ten_when_they_must() {
        assert!(!Axis::latency_ms(10.0, 100.0, 4).is_log());
        let axis = Axis::latency_ms(3.0, 4_000.0, 4);
        assert!(axis.is_log());
        let words: Vec<&str> = texts(&axis).into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(words, ["10", "100", "1,000"]);
        assert_eq!((axis.place(2.0), axis.place(5_000.0)), (0.0, 1.0));
    }

    #[test]
    fn powers_of_ten_are_named_as_such() {
        assert_eq!(Axis::by_powers(1.0, 100.0).named("ms"), "ms (log scale)");
        assert_eq!(Axis::from_zero(100.0, 4).named("ms"), "ms");
    }

    #[test]
    fn the_tail_stretches_what_is_rare() {
        let axis = Axis::tail(10_000);
        assert_eq!(texts(&axis), ["0", "50", "90", "99", "99.9", "99.99"]);
        assert_eq!(axis.place(99.0), 0.5);
        assert_eq!(axis.place(100.0), 1.0);
    }
}
