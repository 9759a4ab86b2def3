//! Campaigns made up for tests: a small one with every outcome, and large ones.

use std::collections::BTreeMap;

use crate::campaign::{
    CAMPAIGN_VERSION, Campaign, Checked, FaultKind, Outcome, RunFigures, RunSummary,
};

const MS: u64 = 1_000_000;

/// Two scenarios on twelve seeds; three runs are not as expected, one of them ended in a bug.
pub fn campaign() -> Campaign {
    let mut campaign = made("faults", &["power-loss", "redlock"], 12);
    let [power_loss, redlock] = &mut campaign.scenarios[..] else { unreachable!("two are made") };
    let why = "a1 (nothing is lost) is invalid: message u1.d0#2 was never shown on u2.d0";
    fail(&mut power_loss.runs[4], "power-loss", Outcome::Broken, why);
    fail(&mut power_loss.runs[8], "power-loss", Outcome::Undecided, "a2 is unknown");
    fail(&mut redlock.runs[10], "redlock", Outcome::Failed, "a bug in imsim: no such shard");
    redlock.runs[10].digest = None;
    redlock.runs[10].figures = None;
    for run in &mut redlock.runs[..6] {
        run.outcome = Outcome::Expected;
    }
    power_loss.faults = BTreeMap::from([
        ("clock-step".to_owned(), kind(12, 0, &[], (1..=12).collect())),
        ("power-loss".to_owned(), kind(12, 11, &[("unsynced_bytes_lost", 51_200)], vec![3])),
    ]);
    redlock.faults.insert("pause".to_owned(), kind(12, 12, &[("tasks_paused", 60)], Vec::new()));
    campaign
}

/// So many scenarios on so many seeds; some runs are not as expected.
pub fn large_campaign(scenarios: usize, seeds: u64) -> Campaign {
    let names: Vec<String> = (0..scenarios).map(|n| format!("scenario-number-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut campaign = made("many", &names, seeds);
    for (place, scenario) in campaign.scenarios.iter_mut().enumerate() {
        for run in &mut scenario.runs {
            if (run.seed * 31 + place as u64 * 17).is_multiple_of(97) {
                fail(run, "many", Outcome::Broken, "a1 is invalid");
            }
        }
    }
    campaign
}

fn made(name: &str, scenarios: &[&str], seeds: u64) -> Campaign {
    let checked = |(place, name): (usize, &&str)| Checked {
        name: (*name).to_owned(),
        about: format!("What {name} is about"),
        digest: format!("{:016x}", 11 + place),
        runs: (1..=seeds).map(|seed| run(seed, place as u64)).collect(),
        faults: BTreeMap::new(),
    };
    Campaign {
        schema_version: CAMPAIGN_VERSION,
        imsim_version: "0.1.0".to_owned(),
        name: name.to_owned(),
        seed_first: 1,
        seeds_asked: seeds,
        scenarios_asked: scenarios.len() as u64,
        sets: vec!["im.fanout=read".to_owned()],
        scenarios: scenarios.iter().enumerate().map(checked).collect(),
        reproduce: format!("imsim check scenarios/{name} --seeds 1..{}", seeds + 1),
    }
}

fn run(seed: u64, place: u64) -> RunSummary {
    let wave = seed * 7_919 % 23;
    let figures = RunFigures {
        ack_p50_ns: Some((80 + wave) * MS),
        ack_p99_ns: Some((400 + 60 * wave) * MS),
        show_p50_ns: Some((120 + wave + 40 * place) * MS),
        show_p99_ns: Some((900 + 90 * wave) * MS),
        shown: 5_000 + 11 * wave,
        send_retries: wave,
        push_retries: 3 * wave,
        duplicates_suppressed: 2 * wave,
        settle_ns: (500 + 10 * wave) * MS,
    };
    RunSummary {
        seed,
        digest: Some(format!("{:016x}", seed * 31 + place)),
        outcome: Outcome::Held,
        overloaded: false,
        why: None,
        replay: None,
        figures: Some(figures),
    }
}

fn fail(run: &mut RunSummary, scenario: &str, outcome: Outcome, why: &str) {
    run.outcome = outcome;
    run.why = Some(why.to_owned());
    run.replay = Some(format!("imsim run scenarios/{scenario}.toml --seed {}", run.seed));
}

fn kind(drawn: u64, effective: u64, touched: &[(&str, u64)], seeds_idle: Vec<u64>) -> FaultKind {
    FaultKind {
        seeds_drawn: drawn,
        seeds_effective: effective,
        faults_drawn: 2 * drawn,
        faults_effective: 2 * effective,
        touched: super::named(touched),
        seeds_idle,
    }
}
