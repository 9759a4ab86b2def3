//! Estimates and tests over paired seeds. The seed is the sample: what varies within a run is not
//! independent, and is never counted as more than one observation.

use im_reports::comparison::{Estimate, SIGNIFICANT_BELOW};

use crate::engine::rng::{self, Stream};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 10_000;

/// Share of resamples outside of an interval, on both sides together.
const OUTSIDE: f64 = 0.05;

/// The median with its 95 % interval by the percentile bootstrap; nothing without samples. The
/// resamples are drawn from the stream `name`, so that they repeat.
///
/// Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, chapter 13.
pub fn median(samples: &[f64], name: &str) -> Option<Estimate> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mid = middle(&sorted)?;
    let mut rng = rng::stream(0, &format!("bootstrap {name}"));
    let mut medians: Vec<f64> = (0..RESAMPLES).map(|_| resampled(&sorted, &mut rng)).collect();
    medians.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| medians[((RESAMPLES - 1) as f64 * share).round() as usize];
    Some(Estimate { mid, low: at(OUTSIDE / 2.0), high: at(1.0 - OUTSIDE / 2.0) })
}

/// The median of as many samples drawn with replacement. Drawing places of the sorted samples makes
/// sorting a matter of counting.
fn resampled(sorted: &[f64], rng: &mut Stream) -> f64 {
    let mut drawn = vec![0_u32; sorted.len()];
    for _ in sorted {
        drawn[rng::below(rng, sorted.len() as u64) as usize] += 1;
    }
    let nth = |rank: usize| {
        let mut left = rank as u32;
        let place = drawn.iter().position(|times| match left.checked_sub(*times) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        sorted[place.expect("the rank lies among the samples")]
    };
    let count = sorted.len();
    (nth((count - 1) / 2) + nth(count / 2)) / 2.0
}

/// The median of sorted samples: between the two in the middle, if there are two.
fn middle(sorted: &[f64]) -> Option<f64> {
    let count = sorted.len();
    let upper = sorted.get(count / 2)?;
    Some((sorted[(count - 1) / 2] + upper) / 2.0)
}

/// Two-sided p value of Wilcoxon's signed-rank test: the differences lie around 0. Exact, by counting
/// all choices of signs; differences of 0 say nothing and are left out, equal ones share their rank.
pub fn signed_rank_p(differences: &[f64]) -> f64 {
    let mut sizes: Vec<(f64, bool)> =
        differences.iter().filter(|d| **d != 0.0).map(|d| (d.abs(), *d > 0.0)).collect();
    sizes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Ranks are doubled, so that shared ones stay whole.
    let mut ranks: Vec<usize> = Vec::with_capacity(sizes.len());
    while ranks.len() < sizes.len() {
        let first = ranks.len();
        let tied = sizes[first..].iter().take_while(|(size, _)| *size == sizes[first].0).count();
        ranks.extend(std::iter::repeat_n(2 * first + tied + 1, tied));
    }
    let total: usize = ranks.iter().sum();
    let risen = ranks.iter().zip(&sizes).filter(|(_, (_, up))| *up).map(|(rank, _)| rank);
    let extreme = risen.sum::<usize>();
    let extreme = extreme.min(total - extreme);
    // Share of the choices of signs whose rising ranks add up to each sum.
    let mut share = vec![0.0; total + 1];
    share[0] = 1.0;
    for rank in &ranks {
        for sum in (0..=total).rev() {
            let with = if sum >= *rank { share[sum - rank] } else { 0.0 };
            share[sum] = (share[sum] + with) / 2.0;
        }
    }
    (2.0 * share[..=extreme].iter().sum::<f64>()).min(1.0)
}

/// P values corrected by Holm's method for how many questions were asked together.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![1.0; p_values.len()];
    let mut least = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        least = least.max((p_values.len() - place) as f64 * p_values[index]).min(1.0);
        corrected[index] = least;
    }
    corrected
}

/// The least number of pairs with which any of so many questions can be told from chance when all are
/// asked together: with all pairs on one side the p value is 2 · 2⁻ⁿ, and Holm's method takes the least
/// of them times the number of questions.
pub fn pairs_needed(questions: u64) -> u64 {
    let least = |pairs: &u64| 2.0 * 0.5_f64.powi(*pairs as i32) * questions as f64;
    (1..).find(|pairs| least(pairs) < SIGNIFICANT_BELOW).expect("it halves with each pair")
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;

    #[test]
    fn a_median_lies_within_its_interval_and_repeats() {
        let samples: Vec<f64> = (1..=20).map(f64::from).collect();
        let estimate = median(&samples, "test").unwrap();
        assert_eq!(estimate.mid, 10.5);
        // The exact interval by order statistics (6th to 15th) covers 95.9 %.
        assert!((5.0..=7.5).contains(&estimate.low), "{estimate:?}");
        assert!((13.5..=16.0).contains(&estimate.high), "{estimate:?}");
        assert_eq!(median(&samples, "test"), Some(estimate));
        assert_eq!(median(&[], "test"), None);
        let one = Estimate { mid: 3.0, low: 3.0, high: 3.0 };
        assert_eq!(median(&[3.0], "test"), Some(one));
    }

    #[test]
    fn about_19_of_20_intervals_hold_the_true_median() {
        let mut rng = rng::stream(1, "coverage");
        let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
        let holds = (0..200).filter(|trial| {
            let samples: Vec<f64> = (0..20).map(|_| uniform()).collect();
            let found = median(&samples, &format!("coverage {trial}")).unwrap();
            (found.low..=found.high).contains(&0.5)
        });
        let holds = holds.count();
        assert!((180..=200).contains(&holds), "{holds} of 200");
    }

    #[test]
    fn p_values_are_those_of_tables() {
        // All of one sign: 2 of 2^n choices are as extreme.
        assert_eq!(signed_rank_p(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 2.0 / 64.0);
        assert_eq!(signed_rank_p(&[-1.0, -1.0, -1.0, -1.0, -1.0]), 2.0 / 32.0);
        // n = 10, the lesser sum is 8: p = 0.0488 (D. Rey, M. Neuhäuser, Wilcoxon-Signed-Rank
        // Test, in: International Encyclopedia of Statistical Science).
        let mut differences: Vec<f64> = (1..=10).map(f64::from).collect();
        differences[7] = -8.0;
        assert!((signed_rank_p(&differences) - 50.0 / 1024.0).abs() < 1e-12);
        assert_eq!(signed_rank_p(&[0.0, 0.0]), 1.0);
        assert_eq!(signed_rank_p(&[]), 1.0);
        assert_eq!(signed_rank_p(&[1.0, -1.0]), 1.0);
    }

    #[test]
    fn the_least_number_of_pairs_just_decides() {
        for questions in [1, 2, 20, 21, 63, 1_000] {
            let needed = pairs_needed(questions) as usize;
            let best = |pairs: usize| {
                let rising: Vec<f64> = (1..=pairs).map(|size| size as f64).collect();
                let mut asked = vec![1.0; questions as usize];
                asked[0] = signed_rank_p(&rising);
                holm(&asked)[0]
            };
            assert!(best(needed) < SIGNIFICANT_BELOW, "{questions} questions");
            assert!(best(needed - 1) >= SIGNIFICANT_BELOW, "{questions} questions");
        }
        assert_eq!(pairs_needed(1), 6);
    }

    #[test]
    fn asking_more_makes_each_answer_weaker() {
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(&holm(&[0.01, 0.04, 0.03]), &[0.03, 0.06, 0.06]));
        assert!(close(&holm(&[0.9, 0.8]), &[1.0, 1.0]));
        assert!(holm(&[]).is_empty());
    }
}
