//! What follows from the figures of the variants: who differs from the reference by how much, and
//! whom nobody beats.

use im_reports::comparison::{Contrast, Metric, Pareto, Variant};

use super::statistics;

/// Every variant but the reference against it, metric by metric. All of these questions are asked
/// together, and their p values corrected together.
pub fn contrasts(metrics: &[Metric], variants: &[Variant], reference: usize) -> Vec<Contrast> {
    let others: Vec<&Variant> = variants
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != reference)
        .map(|(_, one)| one)
        .collect();
    let of_metric = |metric: &Metric| -> Vec<Contrast> {
        others.iter().map(|one| contrast(&metric.name, one, &variants[reference])).collect()
    };
    let mut contrasts: Vec<Contrast> = metrics.iter().flat_map(of_metric).collect();
    let alone: Vec<f64> = contrasts.iter().map(|one| one.p_alone).collect();
    for (contrast, p) in contrasts.iter_mut().zip(statistics::holm(&alone)) {
        contrast.p = p;
    }
    contrasts
}

/// One variant against another, seed by seed, by one metric; the p value is not corrected.
pub fn contrast(metric: &str, variant: &Variant, reference: &Variant) -> Contrast {
    let values = |of: &Variant| of.values.get(metric).cloned().unwrap_or_default();
    let pairs = values(variant).into_iter().zip(values(reference));
    let ratios: Vec<f64> = pairs
        .filter_map(|(one, other)| Some((one?, other?)))
        .filter(|(one, other)| *one > 0.0 && *other > 0.0)
        .map(|(one, other)| one / other)
        .collect();
    let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let name = format!("{metric} {} over {}", variant.name, reference.name);
    let p_alone = statistics::signed_rank_p(&logarithms);
    Contrast {
        metric: metric.to_owned(),
        variant: variant.name.clone(),
        pairs: ratios.len() as u64,
        ratio: statistics::median(&ratios, &name),
        p: p_alone,
        p_alone,
    }
}

/// The variants that no other beats in both metrics, from the cheapest; nothing when fewer than two
/// variants have both. One that could not take its load is not among them.
pub fn pareto(variants: &[Variant], latency: &str, cost: &str) -> Option<Pareto> {
    let of = |variant: &Variant, metric: &str| Some(variant.medians.get(metric)?.mid);
    let mut measured: Vec<(f64, f64, &str)> = variants
        .iter()
        .filter(|one| one.overloaded.is_empty())
        .filter_map(|one| Some((of(one, cost)?, of(one, latency)?, one.name.as_str())))
        .collect();
    if measured.len() < 2 {
        return None;
    }
    measured.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut fastest = f64::INFINITY;
    let front = measured.iter().filter(|(_, latency, _)| {
        let better = *latency < fastest;
        fastest = fastest.min(*latency);
        better
    });
    Some(Pareto {
        latency: latency.to_owned(),
        cost: cost.to_owned(),
        front: front.map(|(_, _, name)| (*name).to_owned()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use im_reports::comparison::{Better, Estimate};

    use super::*;

    fn variant(name: &str, values: &[(&str, &[f64])]) -> Variant {
        let all = |of: &[f64]| of.iter().copied().map(Some).collect::<Vec<_>>();
        let values = values.iter().map(|(metric, of)| ((*metric).to_owned(), all(of)));
        let values: std::collections::BTreeMap<_, _> = values.collect();
        let medians = values.iter().map(|(metric, of): (&String, &Vec<Option<f64>>)| {
            let mid = of[of.len() / 2].unwrap();
            (metric.clone(), Estimate { mid, low: mid, high: mid })
        });
        Variant {
            name: name.to_owned(),
            sets: Vec::new(),
            digest: String::new(),
            failed: Vec::new(),
            overloaded: Vec::new(),
            medians: medians.collect(),
            values,
        }
    }

    #[test]
    fn pairs_tell_what_noise_between_seeds_hides() {
        // Seeds differ tenfold, the variants by a tenth.
        let noisy = [1.0, 10.0, 3.0, 7.0, 2.0, 5.0, 9.0, 4.0];
        let slower: Vec<f64> = noisy.iter().map(|value| value * 1.1).collect();
        let (base, other) = (variant("a", &[("m", &noisy)]), variant("b", &[("m", &slower)]));
        let found = contrast("m", &other, &base);
        let ratio = found.significant().expect("eight of eight seeds agree");
        assert!((ratio.mid - 1.1).abs() < 1e-9 && ratio.margin() < 1e-9);
        assert_eq!(contrast("m", &base, &base).significant(), None);
        assert_eq!(contrast("absent", &other, &base).ratio, None);
    }

    #[test]
    fn the_more_variants_and_metrics_the_weaker_each_difference() {
        let of = |name: &str| Metric {
            name: name.into(),
            unit: "ms".into(),
            better: Better::Lower,
            about: String::new(),
        };
        let metric = of("m");
        let base = variant("a", &[("m", &[1.0; 6])]);
        let twice = |name| variant(name, &[("m", &[2.0; 6])]);
        let one = contrasts(std::slice::from_ref(&metric), &[base.clone(), twice("b")], 0);
        assert!(one[0].significant().is_some(), "p is 1/32");
        let two = contrasts(&[of("m"), of("absent")], &[base.clone(), twice("b")], 0);
        assert!(two.iter().all(|one| one.significant().is_none()), "p is 2/32");
        assert_eq!((two[0].p_alone, two[0].p), (1.0 / 32.0, 2.0 / 32.0));
        let two = contrasts(&[metric], &[base, twice("b"), twice("c")], 0);
        assert!(two.iter().all(|one| one.significant().is_none()), "p is 2/32");
    }

    #[test]
    fn the_front_leaves_out_who_is_beaten_in_both() {
        let of = |name, latency: f64, cost: f64| {
            variant(name, &[("latency", &[latency]), ("cost", &[cost])])
        };
        let variants = [of("slow", 9.0, 1.0), of("fast", 1.0, 9.0), of("bad", 9.5, 5.0)];
        let found = pareto(&variants, "latency", "cost").unwrap();
        assert_eq!(found.front, ["slow", "fast"]);
        assert!(pareto(&variants[..1], "latency", "cost").is_none());
        assert!(pareto(&variants, "latency", "absent").is_none());
    }
}
