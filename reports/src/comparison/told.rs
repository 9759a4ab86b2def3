//! A comparison in words and rounded figures, for page and terminal alike.
//!
//! Must not know how the words are laid out.

use serde::Serialize;

use super::{Answer, Comparison, Crossover, Estimate, Metric, Variant};
use crate::figures;
use crate::record::Verdict;

/// What stands where there is no figure.
const NONE: &str = "–";

/// What stands where chance explains the difference.
const ALIKE: &str = "~";
/// What stands where chance does not explain a difference that nobody would notice.
const HARDLY: &str = "≈";

/// What the figures rest on.
pub const METHOD: [&str; 4] = [
    "The seed is the sample: every variant ran on the same seeds, so each seed gives one pair. \
     Devices, conversations, sends and the times of faults are the same within a pair.",
    "Figures are medians over seeds; ± is the farther end of the 95 % interval (percentile \
     bootstrap, 10,000 resamples).",
    "Ratios are medians of the pairs' ratios. ~ stands where chance explains the difference: p ≥ 0.05 \
     by Wilcoxon's signed-rank test, or 1 within the interval. ≈ stands where it does not, and the ratio \
     is within 0.05 % of 1.",
    "Every variant is held against the reference by every metric, so many questions are asked together: \
     p values are corrected for all of them by Holm's method. At the points of a crossover, whose metric \
     was named before, they are not corrected.",
];

/// The verdict over all runs, and the answer in one line.
pub fn headline(comparison: &Comparison) -> (Verdict, String) {
    let failed: usize = comparison.variants.iter().map(|variant| variant.failed.len()).sum();
    let verdict = if failed == 0 { Verdict::Valid } else { Verdict::Invalid };
    let variants = figures::count(comparison.variants.len() as u64);
    let seeds = figures::count(comparison.seeds.len() as u64);
    let few = if comparison.too_few_seeds() {
        ": too few to tell any difference from chance"
    } else {
        ""
    };
    (verdict, format!("{variants} variants on {seeds} seeds{few}"))
}

/// Why nothing can be told from chance, if nothing can.
pub fn too_few(comparison: &Comparison) -> Option<String> {
    let of = |count: usize, what: &str| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{} {what}{plural}", figures::count(count as u64))
    };
    comparison.too_few_seeds().then(|| {
        format!(
            "No difference can be told from chance: {} by {} are {} questions asked together, for which \
             it takes {} seeds or more (Holm's method, p < 0.05). Ratios are shown, and say nothing sure.",
            of(comparison.variants.len().saturating_sub(1), "contrast"),
            of(comparison.metrics.len(), "metric"),
            figures::count(comparison.questions),
            figures::count(comparison.seeds_needed),
        )
    })
}

/// Whether the promises held, without which no figure counts.
pub fn because(comparison: &Comparison) -> String {
    let runs = comparison.variants.len() * comparison.seeds.len();
    let broken: Vec<String> = comparison.variants.iter().filter_map(broken).collect();
    let mut text = match broken.is_empty() {
        true => format!(
            "Every promise was as the scenario expects in all {} runs.",
            figures::count(runs as u64)
        ),
        false => format!(
            "A promise was not as the scenario expects: {}. Figures of such runs say little.",
            broken.join("; ")
        ),
    };
    let overloaded: Vec<String> = comparison
        .variants
        .iter()
        .filter(|variant| !variant.overloaded.is_empty())
        .map(|variant| format!("{} on {} seeds", variant.name, variant.overloaded.len()))
        .collect();
    if !overloaded.is_empty() {
        text += &format!(
            " Overloaded: {}. A variant that could not take its load is not called better.",
            overloaded.join(", ")
        );
    }
    if comparison.seeds_asked > comparison.seeds.len() as u64 {
        text += &format!(
            " Interrupted: {} of {} seeds ran on every variant.",
            comparison.seeds.len(),
            comparison.seeds_asked
        );
    }
    text
}

fn broken(variant: &Variant) -> Option<String> {
    const SHOWN: usize = 5;
    let failed = &variant.failed;
    if failed.is_empty() {
        return None;
    }
    let seeds: Vec<String> = failed.iter().take(SHOWN).map(u64::to_string).collect();
    let more = if failed.len() > SHOWN { ", …" } else { "" };
    Some(format!("{} on seeds {}{more} ({} in all)", variant.name, seeds.join(", "), failed.len()))
}

/// One metric of the table.
#[derive(Serialize)]
pub struct Row {
    /// The metric's name and unit.
    pub name: String,
    /// What it is.
    pub about: String,
    /// One cell for each variant.
    pub cells: Vec<Cell>,
}

/// One variant by one metric.
#[derive(Serialize)]
pub struct Cell {
    /// Median and margin.
    pub figure: String,
    /// How many times the reference's; empty for the reference.
    pub ratio: String,
    /// `better` or `worse` than the reference, or nothing.
    pub mark: &'static str,
}

/// The table: one row per metric that any run has.
pub fn rows(comparison: &Comparison) -> Vec<Row> {
    let measured = |metric: &&Metric| {
        comparison.variants.iter().any(|variant| variant.medians.contains_key(&metric.name))
    };
    let row = |metric: &Metric| Row {
        name: format!("{}, {}", metric.name, metric.unit),
        about: metric.about.clone(),
        cells: comparison
            .variants
            .iter()
            .map(|variant| cell(comparison, metric, variant))
            .collect(),
    };
    comparison.metrics.iter().filter(measured).map(row).collect()
}

fn cell(comparison: &Comparison, metric: &Metric, variant: &Variant) -> Cell {
    let figure = variant.medians.get(&metric.name);
    let figure = figure.map_or(NONE.to_owned(), |one| figures::with_margin(one.mid, one.margin()));
    let (ratio, mark) = match comparison.contrast(&metric.name, &variant.name) {
        None => (String::new(), ""),
        Some(contrast) => match (comparison.answer(contrast), contrast.ratio) {
            (Some(Answer::Chance), Some(ratio)) if comparison.too_few_seeds() => {
                (format!("{ALIKE} {}", short(&ratio)), "")
            }
            (Some(Answer::Chance), _) => (ALIKE.to_owned(), ""),
            (Some(Answer::Hardly), _) => (HARDLY.to_owned(), ""),
            (Some(Answer::Overloaded(ratio)), _) => (short(&ratio), ""),
            (Some(Answer::Better(ratio)), _) => (short(&ratio), "better"),
            (Some(Answer::Worse(ratio)), _) => (short(&ratio), "worse"),
            (None, _) => (NONE.to_owned(), ""),
        },
    };
    Cell { figure, ratio, mark }
}

/// A ratio for a table; what is near 1 must not be rounded to it.
fn short(ratio: &Estimate) -> String {
    match (ratio.mid - 1.0).abs() < 0.05 {
        true => format!("{:.3}×", ratio.mid),
        false => format!("{}×", figures::rate(ratio.mid)),
    }
}

/// One sentence for each metric and variant that differ, the most different first, and one for all
/// that do not. With too few seeds, that nothing can be told, and what was seen all the same.
pub fn sentences(comparison: &Comparison) -> Vec<String> {
    let reference = &comparison.reference;
    if let Some(too_few) = too_few(comparison) {
        let seen = comparison.contrasts.iter().filter_map(|contrast| {
            let ratio = times(&contrast.ratio?);
            let (metric, variant) = (&contrast.metric, &contrast.variant);
            Some(format!("{metric}: {variant} was seen at {ratio} times {reference}."))
        });
        return std::iter::once(too_few).chain(seen).collect();
    }
    let mut told: Vec<(f64, String)> = Vec::new();
    let (mut alike, mut nearly) = (Vec::new(), Vec::new());
    for contrast in &comparison.contrasts {
        let name = format!("{} of {}", contrast.metric, contrast.variant);
        match comparison.answer(contrast) {
            None => {}
            Some(Answer::Chance) => alike.push(name),
            Some(Answer::Hardly) => nearly.push(name),
            Some(Answer::Better(ratio) | Answer::Worse(ratio) | Answer::Overloaded(ratio)) => told
                .push((
                    ratio.mid.ln().abs(),
                    format!(
                        "{}: {} is {} times {reference}.",
                        contrast.metric,
                        contrast.variant,
                        times(&ratio)
                    ),
                )),
        }
    }
    told.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut sentences: Vec<String> = told.into_iter().map(|(_, sentence)| sentence).collect();
    for (sign, names) in [(HARDLY, nearly), (ALIKE, alike)] {
        if !names.is_empty() {
            sentences.push(format!("{sign} {reference}: {}.", names.join(", ")));
        }
    }
    sentences
}

/// A ratio that is not 1. Where the farther end of its interval is as far away as 1, both ends are told, so that
/// nobody reads 1 into it.
fn times(ratio: &Estimate) -> String {
    if (ratio.mid - 1.0).abs() > ratio.margin() {
        return figures::with_margin(ratio.mid, ratio.margin());
    }
    format!("{:.4} ({:.4} to {:.4})", ratio.mid, ratio.low, ratio.high)
}

/// Who is on the front, and who is not.
pub fn front(comparison: &Comparison) -> Option<String> {
    let pareto = comparison.pareto.as_ref()?;
    if comparison.too_few_seeds() {
        return Some(
            "With so few seeds chance may decide which variants no other beats; none is named."
                .to_owned(),
        );
    }
    let off: Vec<&str> = comparison
        .variants
        .iter()
        .map(|variant| variant.name.as_str())
        .filter(|name| !pareto.front.iter().any(|one| one == name))
        .collect();
    let (latency, cost) = (&pareto.latency, &pareto.cost);
    let on = pareto.front.join(", ");
    Some(match off.is_empty() {
        true => format!("By its medians, no variant beats another in both {latency} and {cost}."),
        false => {
            format!(
                "By their medians, best in {latency} for their {cost}: {on}. Beaten in both: {}.",
                off.join(", ")
            )
        }
    })
}

/// Where two variants change places.
pub fn crossover(comparison: &Comparison) -> Option<String> {
    let found = comparison.crossover.as_ref()?;
    let (variant, reference) = (&found.variant, &comparison.reference);
    let (Some(first), Some(last)) = (found.points.first(), found.points.last()) else {
        return None;
    };
    if comparison.too_few_seeds() {
        return Some(format!(
            "With so few seeds it cannot be told from chance whether {variant} and {reference} change places: \
             the ratio of {} was seen at {} where {} is {}, and at {} where it is {}.",
            found.metric,
            figures::rate(first.ratio.mid),
            found.key,
            value(found, first.value),
            figures::rate(last.ratio.mid),
            value(found, last.value),
        ));
    }
    let Some(at) = found.at else {
        return Some(format!(
            "{variant} and {reference} do not change places in {} between {} and {}: the ratio of {} \
             goes from {} to {}.",
            found.key,
            value(found, first.value),
            value(found, last.value),
            found.metric,
            figures::rate(first.ratio.mid),
            figures::rate(last.ratio.mid),
        ));
    };
    let less = if first.ratio.mid < 1.0 { variant } else { reference };
    let more = if first.ratio.mid < 1.0 { reference } else { variant };
    Some(format!(
        "By {}, {less} has less below {} = {} and {more} above it; between {} and {} they cannot be \
         told apart.",
        found.metric,
        found.key,
        value(found, at.mid),
        value(found, at.low),
        value(found, at.high),
    ))
}

/// A value of the key with its unit.
pub fn value(crossover: &Crossover, value: f64) -> String {
    format!("{}{}", figures::rate(value), crossover.unit)
}

#[cfg(test)]
mod tests {
    use super::super::Contrast;
    use super::*;
    use crate::sample;

    #[test]
    fn an_interval_that_leaves_one_out_does_not_read_as_if_it_held_it() {
        let ratio = Estimate { mid: 0.999, low: 0.996, high: 0.9995 };
        assert_eq!(times(&ratio), "0.9990 (0.9960 to 0.9995)");
        assert_eq!(times(&Estimate { mid: 2.0, low: 1.9, high: 2.1 }), "2.00 ± 0.10");
    }

    #[test]
    fn what_chance_explains_is_not_called_better() {
        let comparison = sample::comparison();
        let rows = rows(&comparison);
        let p99 = rows.iter().find(|row| row.name.starts_with("show_p99")).unwrap();
        let ratios: Vec<&str> = p99.cells.iter().map(|cell| cell.ratio.as_str()).collect();
        assert_eq!(ratios, ["", "1.5×", "~"]);
        let marks: Vec<&str> = p99.cells.iter().map(|cell| cell.mark).collect();
        assert_eq!(marks, ["", "worse", ""]);
    }

    #[test]
    fn too_few_seeds_show_ratios_and_name_no_winner() {
        let mut comparison = sample::comparison();
        comparison.seeds_needed = comparison.seeds.len() as u64 + 1;
        assert!(headline(&comparison).1.ends_with("too few to tell any difference from chance"));
        for row in rows(&comparison) {
            assert!(row.cells.iter().all(|cell| cell.mark.is_empty()), "{}", row.name);
            assert!(row.cells[1].ratio.starts_with("~ ") && row.cells[1].ratio.ends_with('×'));
        }
        let told = sentences(&comparison).join("\n");
        assert!(told.starts_with("No difference can be told from chance"), "{told}");
        assert!(told.contains("show_p99: read was seen at 1.50 ± 0.06 times write."), "{told}");
        let front = front(&comparison).expect("a sentence");
        let crossover = crossover(&comparison).expect("a sentence");
        for sentence in [told, front, crossover] {
            for word in ["better", "worse", "est in", "Beaten", "less", "more below"] {
                assert!(!sentence.contains(word), "{word}: {sentence}");
            }
        }
        let contrasts = comparison.contrasts.iter();
        let answers: Vec<Option<Answer>> = contrasts.map(|one| comparison.answer(one)).collect();
        assert!(answers.iter().all(|answer| *answer == Some(Answer::Chance)), "{answers:?}");
    }

    #[test]
    fn what_rounds_to_one_is_neither_better_nor_worse() {
        let mut comparison = sample::comparison();
        let of_read = |one: &&mut Contrast| one.variant == "read" && one.metric == "show_p99";
        let contrast = comparison.contrasts.iter_mut().find(of_read).unwrap();
        contrast.ratio = Some(Estimate { mid: 1.000_4, low: 1.000_3, high: 1.000_5 });
        let rows = rows(&comparison);
        let p99 = rows.iter().find(|row| row.name.starts_with("show_p99")).unwrap();
        assert_eq!((p99.cells[1].ratio.as_str(), p99.cells[1].mark), ("≈", ""));
        let sentences = sentences(&comparison);
        assert!(sentences.contains(&"≈ write: show_p99 of read.".to_owned()), "{sentences:?}");
    }

    #[test]
    fn runs_that_broke_a_promise_come_first() {
        let mut comparison = sample::comparison();
        assert_eq!(headline(&comparison).0, Verdict::Valid);
        comparison.variants[1].failed = vec![3, 5];
        assert_eq!(headline(&comparison).0, Verdict::Invalid);
        assert!(because(&comparison).contains("read on seeds 3, 5 (2 in all)"));
    }

    #[test]
    fn a_crossover_names_who_wins_on_which_side() {
        let mut comparison = sample::comparison();
        let told = crossover(&comparison).unwrap();
        assert!(told.contains("write has less below workload.groups.members = 60"), "{told}");
        comparison.crossover.as_mut().unwrap().at = None;
        assert!(crossover(&comparison).unwrap().contains("do not change places"));
    }

    #[test]
    fn a_front_without_losers_says_so() {
        let mut comparison = sample::comparison();
        assert!(front(&comparison).unwrap().contains("Beaten in both: hybrid"));
        let names = comparison.variants.iter().map(|variant| variant.name.clone()).collect();
        comparison.pareto.as_mut().unwrap().front = names;
        assert!(front(&comparison).unwrap().contains("no variant beats"));
    }
}
