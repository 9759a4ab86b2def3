//! Where two variants change places as a key grows: bisection on the logarithm of the key, with both
//! variants on the same seeds at every step.

use im_reports::comparison::{Crossover, CrossoverPoint, Estimate};

/// The key, and between which values it is searched.
#[derive(Clone, PartialEq, Debug)]
pub struct Search {
    /// The key, as `--set` takes it.
    pub key: String,
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// What the scenario writes after the number.
    pub unit: String,
    /// Whether only whole numbers make sense.
    pub whole: bool,
}

/// Looks at no more values of the key than this.
const LOOKS: usize = 14;

/// Values that are closer than this are not told apart.
const CLOSE: f64 = 1.04;

impl Search {
    /// Reads `KEY=LOW..HIGH`, as in `workload.groups.members=3..1000` or
    /// `workload.groups.consume_rate=0.1/s..10/s`.
    pub fn parse(argument: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{argument}` is no key with two values above 0; write key=low..high, as in \
                 workload.groups.members=3..1000 or workload.groups.rate=1/s..100/s"
            )
        };
        let (key, range) = argument.split_once('=').ok_or_else(refuse)?;
        let (low, high) = range.split_once("..").ok_or_else(refuse)?;
        let ((low, low_unit), (high, unit)) = (number(low), number(high));
        let (low, high) = (low.ok_or_else(refuse)?, high.ok_or_else(refuse)?);
        let fits = low_unit.is_empty() || low_unit == unit;
        if key.trim().is_empty() || !fits || low.0 <= 0.0 || high.0 <= low.0 {
            return Err(refuse());
        }
        Ok(Self {
            key: key.trim().to_owned(),
            low: low.0,
            high: high.0,
            unit: unit.to_owned(),
            whole: low.1 && high.1 && unit.is_empty(),
        })
    }

    /// The argument of `--set` for a value.
    pub fn set(&self, value: f64) -> String {
        format!("{}={value}{}", self.key, self.unit)
    }

    /// A value as the scenario can write it: whole, or with four digits.
    fn rounded(&self, value: f64) -> f64 {
        if self.whole {
            return value.round();
        }
        let scale = 10f64.powi(3 - value.log10().floor() as i32);
        (value * scale).round() / scale
    }

    /// Between two values, by their logarithms.
    fn between(&self, low: f64, high: f64) -> Option<f64> {
        let middle = self.rounded((low * high).sqrt());
        let apart = if self.whole { high - low > 1.0 } else { high / low > CLOSE };
        (apart && middle > low && middle < high).then_some(middle)
    }
}

/// A number, whether it was written without a point, and what follows it.
fn number(text: &str) -> (Option<(f64, bool)>, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits.parse().ok().map(|value: f64| (value, !digits.contains('.'))), unit)
}

/// Searches. `look` measures the ratio of the two variants at a value of the key, or says why it
/// cannot; `metric`, `variant` name what the ratio is of.
pub fn search<E>(
    search: &Search,
    metric: &str,
    variant: &str,
    mut look: impl FnMut(f64) -> Result<CrossoverPoint, E>,
) -> Result<Crossover, E> {
    let mut points = vec![look(search.low)?, look(search.high)?];
    while points.len() < LOOKS {
        let Some(next) = next(search, &points) else { break };
        let place = points.partition_point(|point| point.value < next);
        points.insert(place, look(next)?);
    }
    Ok(Crossover {
        key: search.key.clone(),
        unit: search.unit.clone(),
        metric: metric.to_owned(),
        variant: variant.to_owned(),
        at: found(&points),
        points,
    })
}

/// The value to look at next: between the two on whose sides different variants are ahead; then, to
/// narrow the interval, next to its ends.
fn next(search: &Search, points: &[CrossoverPoint]) -> Option<f64> {
    let place = crossing(points)?;
    let between = |left: usize| search.between(points[left].value, points[left + 1].value);
    let (low, high) = sure_sides(points, place);
    let narrower = || {
        let ends = [low.filter(|low| *low < place), high.map(|high| high - 1)];
        ends.into_iter().flatten().filter(|left| *left != place).find_map(between)
    };
    between(place).or_else(narrower)
}

/// The place of the last point before the ratio crosses 1; nothing if both ends are on one side.
fn crossing(points: &[CrossoverPoint]) -> Option<usize> {
    let side = |point: &CrossoverPoint| point.ratio.mid < 1.0;
    let (first, last) = (points.first()?, points.last()?);
    if side(first) == side(last) {
        return None;
    }
    points.iter().rposition(|point| side(point) == side(first))
}

/// The places nearest to the crossing, below and above it, at which chance does not explain the
/// difference.
fn sure_sides(points: &[CrossoverPoint], place: usize) -> (Option<usize>, Option<usize>) {
    let low = points[..=place].iter().rposition(|point| !point.undecided());
    let high = points[place + 1..].iter().position(|point| !point.undecided());
    (low, high.map(|above| place + 1 + above))
}

/// Where the ratio is 1, by interpolation of the logarithms, and the values around it at which one
/// variant is surely ahead, or the ends of the search.
fn found(points: &[CrossoverPoint]) -> Option<Estimate> {
    let place = crossing(points)?;
    let (before, after) = (&points[place], &points[place + 1]);
    let (from, to) = (before.ratio.mid.ln(), after.ratio.mid.ln());
    let share = from / (from - to);
    let mid = (before.value.ln() + share * (after.value.ln() - before.value.ln())).exp();
    let (low, high) = sure_sides(points, place);
    let low = low.unwrap_or(0);
    let high = high.unwrap_or(points.len() - 1);
    Some(Estimate { mid, low: points[low].value, high: points[high].value })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn searched(argument: &str, ratio: impl Fn(f64) -> (f64, f64)) -> Crossover {
        let look = |value| {
            let (mid, margin) = ratio(value);
            let ratio = Estimate { mid, low: mid - margin, high: mid + margin };
            let p = if ratio.holds(1.0) { 0.5 } else { 0.001 };
            Ok::<_, Infallible>(CrossoverPoint { value, ratio, p })
        };
        search(&Search::parse(argument).unwrap(), "cost", "read", look).unwrap()
    }

    #[test]
    fn a_crossing_is_found_with_its_interval() {
        let found = searched("members=3..1000", |members| (60.0 / members, 0.05));
        let at = found.at.unwrap();
        assert!((at.mid - 60.0).abs() < 1.0, "{at:?}");
        // 60/n ± 0.05 holds 1 from 57.1 to 63.2.
        assert!((55.0..=57.1).contains(&at.low) && (63.2..=66.0).contains(&at.high), "{at:?}");
        assert!(found.points.len() <= LOOKS);
        assert!(found.points.windows(2).all(|pair| pair[0].value < pair[1].value));
    }

    #[test]
    fn rates_keep_their_unit_and_their_digits() {
        let found = searched("w.rate=0.1/s..10/s", |rate| (rate / 0.8123, 0.01));
        let at = found.at.unwrap();
        assert!((at.mid - 0.8123).abs() < 0.02, "{at:?}");
        assert_eq!(Search::parse("w.rate=0.1/s..10/s").unwrap().set(0.5), "w.rate=0.5/s");
    }

    #[test]
    fn without_a_crossing_two_looks_are_enough() {
        let found = searched("members=3..1000", |_| (0.5, 0.1));
        assert_eq!((found.at, found.points.len()), (None, 2));
    }

    #[test]
    fn noise_at_the_ends_leaves_the_interval_as_wide_as_the_search() {
        let found = searched("members=3..1000", |members| (60.0 / members, 100.0));
        let at = found.at.unwrap();
        assert_eq!((at.low, at.high), (3.0, 1000.0));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for wrong in ["members", "members=3", "members=9..3", "m=0..5", "m=1/s..2/m", "=1..2"] {
            assert!(Search::parse(wrong).is_err(), "{wrong}");
        }
        let whole = Search::parse("m=3..9").unwrap();
        assert!(whole.whole && !Search::parse("m=3.0..9").unwrap().whole);
    }
}
