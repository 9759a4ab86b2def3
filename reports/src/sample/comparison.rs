//! A comparison made up for tests: three strategies on six seeds, and a crossover in group size.

use std::collections::BTreeMap;

use crate::comparison::{
    Better, COMPARISON_VERSION, Comparison, Contrast, Crossover, CrossoverPoint, Estimate, Metric,
    Pareto, Variant, Varied,
};

const NAMES: [&str; 3] = ["write", "read", "hybrid"];
const SEEDS: u64 = 6;

/// Name, unit, and the figure of each strategy.
const METRICS: [(&str, &str, [f64; 3]); 3] = [
    ("show_p50", "ms", [12.0, 15.0, 12.1]),
    ("show_p99", "ms", [40.0, 60.0, 41.0]),
    ("rows_written", "rows/message", [50.0, 2.0, 51.0]),
];

/// Three strategies on six seeds.
pub fn comparison() -> Comparison {
    let [write, rest @ ..] = NAMES;
    let contrasts = METRICS.iter().flat_map(|(metric, _, values)| {
        rest.iter().enumerate().map(|(place, variant)| {
            let ratio = values[place + 1] / values[0];
            Contrast {
                metric: (*metric).to_owned(),
                variant: (*variant).to_owned(),
                pairs: SEEDS,
                ratio: Some(around(ratio)),
                p: if place == 0 { 0.0312 } else { 0.4 },
                p_alone: if place == 0 { 0.0052 } else { 0.4 },
            }
        })
    });
    Comparison {
        schema_version: COMPARISON_VERSION,
        imsim_version: "0.1.0".to_owned(),
        scenario: "mixed-groups".to_owned(),
        about: "Groups of all sizes".to_owned(),
        seeds: (1..=SEEDS).collect(),
        seeds_asked: SEEDS,
        questions: (METRICS.len() * (NAMES.len() - 1)) as u64,
        seeds_needed: SEEDS,
        varied: vec![Varied {
            key: "im.fanout".to_owned(),
            values: NAMES.map(str::to_owned).into(),
        }],
        metrics: METRICS.iter().map(metric).collect(),
        variants: NAMES.iter().enumerate().map(variant).collect(),
        reference: write.to_owned(),
        contrasts: contrasts.collect(),
        pareto: Some(Pareto {
            latency: "show_p99".to_owned(),
            cost: "rows_written".to_owned(),
            front: ["read", "write"].map(str::to_owned).into(),
        }),
        crossover: Some(crossover()),
        reproduce: "imsim compare scenarios/fanout/mixed-groups.toml --vary \
                    im.fanout=write,read,hybrid --seeds 1..=6"
            .to_owned(),
        expanded: serde_json::json!({ "duration": "60s" }),
    }
}

fn metric((name, unit, _): &(&str, &str, [f64; 3])) -> Metric {
    Metric {
        name: (*name).to_owned(),
        unit: (*unit).to_owned(),
        better: Better::Lower,
        about: format!("What {name} is"),
    }
}

fn variant((place, name): (usize, &&str)) -> Variant {
    let seeds = |value: f64| -> Vec<Option<f64>> {
        (0..SEEDS).map(|seed| Some(value * (0.95 + 0.02 * seed as f64))).collect()
    };
    let by_metric = |of: &dyn Fn(f64) -> Estimate| -> BTreeMap<String, Estimate> {
        METRICS
            .iter()
            .map(|(metric, _, values)| ((*metric).to_owned(), of(values[place])))
            .collect()
    };
    Variant {
        name: (*name).to_owned(),
        sets: vec![format!("im.fanout={name}")],
        digest: format!("{:016x}", 7 + place),
        failed: Vec::new(),
        overloaded: Vec::new(),
        values: METRICS
            .iter()
            .map(|(name, _, of)| ((*name).to_owned(), seeds(of[place])))
            .collect(),
        medians: by_metric(&around),
    }
}

fn around(mid: f64) -> Estimate {
    Estimate { mid, low: mid * 0.96, high: mid * 1.04 }
}

fn crossover() -> Crossover {
    let point = |value: f64| {
        let ratio = around((60.0 / value).sqrt());
        CrossoverPoint { value, ratio, p: if ratio.holds(1.0) { 0.4 } else { 0.0312 } }
    };
    Crossover {
        key: "workload.groups.members".to_owned(),
        unit: String::new(),
        metric: "server_cpu".to_owned(),
        variant: "read".to_owned(),
        points: [3.0, 12.0, 50.0, 60.0, 70.0, 200.0, 1_000.0].map(point).into(),
        at: Some(Estimate { mid: 60.0, low: 50.0, high: 70.0 }),
    }
}
