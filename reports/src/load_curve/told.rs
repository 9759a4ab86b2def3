//! A load curve in words and rounded figures, for page and terminal alike.
//!
//! Must not know how the words are laid out.

use super::{AIM, Accuracy, Errors, LoadCurve, LoadMeasured, LoadPoint, SATURATED_BELOW, error};
use crate::figures;
use crate::record::Verdict;

/// What stands where there is no figure.
const NONE: &str = "–";

/// What both engines had alike.
pub const EQUAL: [&str; 5] = [
    "Nodes: the same code, with every operation of the same plan at the same time.",
    "Processors: as many cores as the machine has, shared by all nodes and devices; the cost of \
     work comes from the calibration.",
    "Network: loopback, with the delay that the calibration measured; no loss, no limit of rate.",
    "Disks: a sync takes the median that the calibration measured.",
    "Faults: none.",
];

/// What only the real machine has.
pub const NOT_MODELLED: [&str; 4] = [
    "The kernel's scheduler: time slices, a queue per core, processes moved between cores.",
    "Caches that grow cold, cores that slow each other down or change their clock.",
    "Other programs on the machine, and what measuring itself costs.",
    "Delays of loopback and disk that differ from one time to the next: the model takes medians.",
];

/// One load of the table.
#[derive(serde::Serialize)]
pub struct Row {
    /// Whether the real engine could not take this load.
    pub past: bool,
    /// Messages offered per second.
    pub offered: String,
    /// Accepted per second, p50 and p99 of the time to show: modelled, real and error of each.
    pub compared: [[String; 3]; 3],
    /// Busy processors: modelled and real.
    pub busy: [String; 2],
}

/// The table: one row per load.
pub fn rows(curve: &LoadCurve) -> Vec<Row> {
    let Some((modelled, real)) = curve.compared() else { return Vec::new() };
    curve.points.iter().map(|point| row(curve, point, modelled, real)).collect()
}

fn row(curve: &LoadCurve, point: &LoadPoint, modelled: &str, real: &str) -> Row {
    let of = |engine: &str, text: fn(&LoadMeasured) -> String| {
        point.by_engine.get(engine).map_or_else(|| NONE.to_owned(), text)
    };
    let accepted = |engine: &str| Some(point.by_engine.get(engine)?.accepted_per_s);
    let off = accepted(modelled).zip(accepted(real)).map(|(modelled, real)| error(modelled, real));
    let latency = |text: fn(&LoadMeasured) -> String, ns: fn(&LoadMeasured) -> u64| {
        [of(modelled, text), of(real, text), signed(point.error(modelled, real, ns))]
    };
    let rate: fn(&LoadMeasured) -> String = |measured| figures::rate(measured.accepted_per_s);
    let busy: fn(&LoadMeasured) -> String = |measured| format!("{:.2}", measured.processor_share);
    Row {
        past: !curve.below_saturation(point, real),
        offered: figures::rate(point.offered_per_s),
        compared: [
            [of(modelled, rate), of(real, rate), signed(off)],
            latency(|it| duration(it, it.show_p50_ns), |it| it.show_p50_ns),
            latency(|it| duration(it, it.show_p99_ns), |it| it.show_p99_ns),
        ],
        busy: [of(modelled, busy), of(real, busy)],
    }
}

fn duration(measured: &LoadMeasured, ns: u64) -> String {
    if measured.samples == 0 { NONE.to_owned() } else { figures::duration(ns) }
}

/// The answer over the whole curve: whether it was within the aim, and in a sentence how far off.
pub fn headline(curve: &LoadCurve) -> (Verdict, String) {
    let judged = judged(&curve.accuracy());
    let Some((modelled, real)) = curve.compared().filter(|_| !judged.is_empty()) else {
        return (Verdict::Unknown, "How far off the simulator is cannot be told".to_owned());
    };
    let modelled = if modelled == "sim" { "The simulator" } else { modelled };
    let (met, missed): (Vec<_>, Vec<_>) = judged.into_iter().partition(|(_, off)| *off <= AIM);
    let names = |list: &[(&str, f64)]| listed(list.iter().map(|(name, _)| (*name).to_owned()));
    let within = met.iter().map(|(_, off)| *off).fold(0.0, f64::max);
    let offs = listed(missed.iter().map(|(name, off)| format!("{name} ({})", percent(*off))));
    if missed.is_empty() {
        let sentence =
            format!("{modelled} is within {} of {real} for {}", percent(within), names(&met));
        return (Verdict::Valid, sentence);
    }
    let sentence = match met.is_empty() {
        true => format!("{modelled} is off {real} by more than {}: {offs}", percent(AIM)),
        false => format!(
            "{modelled} is within {} of {real} for {}, but not for {offs}",
            percent(within),
            names(&met)
        ),
    };
    (Verdict::Invalid, sentence)
}

/// What the headline rests on, in one line.
pub fn because(curve: &LoadCurve) -> String {
    let accuracy = curve.accuracy();
    let below = curve.compared().map_or(0, |(_, real)| {
        curve.points.iter().filter(|point| curve.below_saturation(point, real)).count()
    });
    let errors = |errors: Option<Errors>| match errors {
        None => NONE.to_owned(),
        Some(Errors { median, worst }) => {
            format!("{} (worst {})", percent(median), percent(worst))
        }
    };
    let loads = if below == 1 { "load" } else { "loads" };
    format!(
        "Median error over {below} {loads} below saturation: send→show p50 {}, p99 {}; saturation \
         rate {}. Aim: {}.",
        errors(accuracy.p50),
        errors(accuracy.p99),
        accuracy.saturation.map_or_else(|| "not reached".to_owned(), percent),
        percent(AIM)
    )
}

/// The saturation rates, in one sentence.
pub fn saturation(curve: &LoadCurve) -> Option<String> {
    let (modelled, real) = curve.compared()?;
    let [of_modelled, of_real] =
        [modelled, real].map(|engine| curve.saturation_per_s.get(engine).copied());
    let (of_modelled, of_real) = (of_modelled?, of_real?);
    let rates = format!(
        "Most accepted per second: {modelled} {}, {real} {}",
        figures::rate(of_modelled),
        figures::rate(of_real)
    );
    Some(match (curve.saturated(modelled), curve.saturated(real)) {
        (_, false) => format!("{rates}; no load was more than {real} could take."),
        (true, true) => format!("{rates}, error {}.", signed(Some(error(of_modelled, of_real)))),
        (false, true) => format!(
            "{rates}, error {}; {modelled} took every load, so it could take more still.",
            signed(Some(error(of_modelled, of_real)))
        ),
    })
}

/// What the marked rows are.
pub fn past_saturation(curve: &LoadCurve) -> Option<String> {
    let (_, real) = curve.compared()?;
    curve.saturated(real).then(|| {
        format!(
            "{real} accepted less than {} of this load: latency there is the length of a queue, \
             grows with the time of the run and says little.",
            percent(SATURATED_BELOW)
        )
    })
}

/// Where promises broke, if some did.
pub fn broken(curve: &LoadCurve) -> Option<String> {
    let runs = curve.points.iter().flat_map(|point| {
        let broken = point.by_engine.iter().filter(|(_, measured)| !measured.held);
        broken.map(|(engine, _)| format!("{engine} at ×{}", figures::rate(point.load)))
    });
    let runs: Vec<String> = runs.collect();
    (!runs.is_empty()).then(|| format!("Promises did not hold: {}.", runs.join(", ")))
}

/// The figures that could be judged, and how far off they are.
fn judged(accuracy: &Accuracy) -> Vec<(&'static str, f64)> {
    let all = [
        ("p50", accuracy.p50.map(|errors| errors.median)),
        ("p99", accuracy.p99.map(|errors| errors.median)),
        ("the saturation rate", accuracy.saturation),
    ];
    all.into_iter().filter_map(|(name, off)| Some((name, off?))).collect()
}

fn listed(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}

/// A share in percent, with a decimal where it has one; no line breaks before its sign.
fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "∞".to_owned();
    }
    let text = format!("{:.1}", share * 100.0);
    format!("{}\u{a0}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// An error with its sign, in whole percent.
fn signed(error: Option<f64>) -> String {
    let Some(error) = error else { return NONE.to_owned() };
    let sign = if error < 0.0 { "−" } else { "+" };
    if !error.is_finite() {
        return format!("{sign}∞");
    }
    match (error * 100.0).round().abs() as u64 {
        0 => "0 %".to_owned(),
        percent => format!("{sign}{} %", figures::count(percent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_headline_says_what_is_met_and_what_is_not() {
        let mut curve = sample::load_curve();
        let (verdict, sentence) = headline(&curve);
        assert_eq!(verdict, Verdict::Valid);
        assert!(sentence.ends_with("of live for p50, p99 and the saturation rate"), "{sentence}");
        curve.saturation_per_s.insert("sim".to_owned(), 50_000.0);
        let (verdict, sentence) = headline(&curve);
        assert_eq!(verdict, Verdict::Invalid);
        assert!(sentence.contains("but not for the saturation rate ("), "{sentence}");
        for measured in curve.points.iter_mut().filter_map(|it| it.by_engine.get_mut("sim")) {
            (measured.show_p50_ns, measured.show_p99_ns) = (1, 1);
        }
        let (_, sentence) = headline(&curve);
        assert!(sentence.starts_with("The simulator is off live by more than 25\u{a0}%: p50 ("));
    }

    #[test]
    fn a_simulator_that_was_never_full_is_said_to_have_room() {
        let mut curve = sample::load_curve();
        for point in &mut curve.points {
            point.by_engine.get_mut("sim").unwrap().accepted_per_s = point.offered_per_s;
        }
        assert!(saturation(&curve).unwrap().contains("could take more still"));
    }

    #[test]
    fn broken_promises_are_named() {
        let mut curve = sample::load_curve();
        assert_eq!(broken(&curve), None);
        curve.points[1].by_engine.get_mut("live").unwrap().held = false;
        assert_eq!(broken(&curve).as_deref(), Some("Promises did not hold: live at ×0.5."));
    }

    #[test]
    fn errors_are_told_in_percent() {
        assert_eq!(percent(0.2514), "25.1\u{a0}%");
        assert_eq!(percent(AIM), "25\u{a0}%");
        assert_eq!(percent(f64::INFINITY), "∞");
        assert_eq!(signed(Some(-0.076)), "−8 %");
        assert_eq!(signed(Some(f64::INFINITY)), "+∞");
        assert_eq!(signed(None), "–");
    }
}
