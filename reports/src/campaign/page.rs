//! `report.html` of a campaign: one offline file, in the house of the report of a run.
//!
//! Must not know HTML beyond its template.

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::{Campaign, Checked, RunSummary, told};
use crate::figures;
use crate::page::{self, Fact, PageError, Template};
use crate::plots::Plot;
use crate::words;

const TEMPLATE: Template =
    Template { name: "campaign.html", text: include_str!("page/campaign.html") };

/// Failing runs of a scenario on the page; all of them are in the CSV.
const FAILURES_SHOWN: usize = 20;

/// Everything on the page but the plots.
#[derive(Serialize)]
struct View {
    title: String,
    about: String,
    mood: &'static str,
    headline: String,
    because: String,
    run: Vec<Fact>,
    failing: Vec<Failing>,
    columns: [&'static str; 10],
    rows: Vec<told::Row>,
    faults: Vec<told::Fault>,
    idle: Vec<String>,
    digests: Vec<Fact>,
    reproduce: String,
}

/// A scenario of which runs were not as expected.
#[derive(Serialize)]
struct Failing {
    scenario: String,
    /// How many of how many.
    count: String,
    worst: Failure,
    others: Vec<Failure>,
    more: String,
    /// Seeds of the others, those that are not listed among them.
    seeds: String,
    left_out: Option<String>,
}

/// A run that was not as expected.
#[derive(Serialize)]
struct Failure {
    seed: String,
    mood: &'static str,
    answer: &'static str,
    why: String,
    replay: String,
}

/// The page of a campaign and its plots.
pub fn html(campaign: &Campaign, matrix: &Plot, spread: &Plot) -> Result<String, PageError> {
    page::render(
        TEMPLATE,
        context! {
            view => Serde(View::new(campaign)),
            matrix => page::plot(matrix),
            spread => page::plot(spread),
        },
    )
}

impl View {
    fn new(campaign: &Campaign) -> Self {
        let (verdict, headline) = told::headline(campaign);
        let mut run = vec![page::fact("Seeds", told::seeds(campaign), "")];
        run.extend(campaign.sets.iter().map(|set| page::fact("Set", &**set, "")));
        run.push(page::fact("imsim", &*campaign.imsim_version, ""));
        let about = match &campaign.scenarios[..] {
            [one] => one.about.clone(),
            _ => String::new(),
        };
        let digest = |one: &Checked| page::fact(&one.name, &*one.digest, "");
        View {
            title: campaign.name.clone(),
            about,
            mood: page::mood(verdict),
            headline,
            because: told::because(campaign),
            run,
            failing: failing(campaign),
            columns: told::COLUMNS,
            rows: told::rows(campaign),
            faults: told::faults(campaign),
            idle: told::idle(campaign),
            digests: campaign.scenarios.iter().map(digest).collect(),
            reproduce: campaign.reproduce.clone(),
        }
    }
}

/// The scenarios of which runs were not as expected, the one with the worst run first.
fn failing(campaign: &Campaign) -> Vec<Failing> {
    let mut scenarios: Vec<(&Checked, Vec<&RunSummary>)> = Vec::new();
    for (scenario, run) in campaign.failing() {
        match scenarios.iter_mut().find(|(one, _)| std::ptr::eq(*one, scenario)) {
            Some((_, runs)) => runs.push(run),
            None => scenarios.push((scenario, vec![run])),
        }
    }
    let told = |(scenario, runs): (&Checked, Vec<&RunSummary>)| {
        let (worst, others) = runs.split_first().expect("each came with a run");
        let left_out = others.len().saturating_sub(FAILURES_SHOWN) as u64;
        let seeds: Vec<u64> = others.iter().map(|run| run.seed).collect();
        Failing {
            scenario: scenario.name.clone(),
            count: format!(
                "{} of {} runs",
                figures::count(runs.len() as u64),
                figures::count(scenario.runs.len() as u64)
            ),
            worst: failure(worst),
            others: others.iter().take(FAILURES_SHOWN).map(|run| failure(run)).collect(),
            more: figures::count(others.len() as u64),
            seeds: told::seeds_named(&seeds),
            left_out: (left_out > 0).then(|| figures::count(left_out)),
        }
    };
    scenarios.into_iter().map(told).collect()
}

fn failure(run: &RunSummary) -> Failure {
    Failure {
        seed: run.seed.to_string(),
        mood: page::mood(words::mood(run.outcome)),
        answer: told::outcome(run.outcome),
        why: run.why.clone().unwrap_or_default(),
        replay: run.replay.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::text;
    use crate::{campaign, sample};

    fn page(campaign: &Campaign) -> String {
        let files = campaign::render(campaign).unwrap();
        String::from_utf8(files.get("report.html").unwrap().to_vec()).unwrap()
    }

    #[test]
    fn text_of_the_page() {
        insta::assert_snapshot!(text(&page(&sample::campaign())));
    }

    #[test]
    fn what_the_campaign_says_is_escaped() {
        let campaign = Campaign { name: "<b>&\"".to_owned(), ..sample::campaign() };
        assert!(page(&campaign).contains("&lt;b&gt;&amp;&quot;"));
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        page::tests::assert_offline(&page(&sample::campaign()));
    }

    #[test]
    fn what_failed_comes_before_all_else() {
        let page = page(&sample::campaign());
        let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("no {words}"));
        assert!(place("--seed 5") < place("id=\"matrix\""));
        assert!(place("id=\"matrix\"") < place("id=\"table\""));
    }

    #[test]
    fn many_failing_runs_of_a_scenario_take_little_room() {
        let campaign = sample::large_campaign(1, 5_000);
        let page = page(&campaign);
        let listed = page.matches("Replay scenario-number-0, seed").count();
        assert_eq!(listed, 1 + FAILURES_SHOWN);
        assert!(page.contains("more are in <code>campaign.csv</code>"));
    }

    #[test]
    fn a_campaign_that_ran_nothing_says_so() {
        let campaign = Campaign { scenarios: Vec::new(), ..sample::campaign() };
        assert!(page(&campaign).contains("Nothing ran"));
    }
}
