//! Many runs of one or more scenarios, each over the same seeds: which of them were as expected, how
//! far their figures spread, and which faults touched what.
//!
//! Must not know how the runs were made, nor how the figures are laid out. Of each run there is a
//! small summary; its record is made again by the command that replays it.

mod csv;
mod page;
mod spread;
mod told;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::{Error, Files, failed, json};
use crate::plots;
pub use crate::record::Outcome;

pub use spread::Spread;
pub(crate) use told::outcome as said;

/// Version of the shape of `campaign.json`; raised when a field changes its meaning or goes away.
pub const CAMPAIGN_VERSION: u32 = 2;

/// Many runs (`campaign.json`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Campaign {
    /// [`CAMPAIGN_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of the program.
    pub imsim_version: String,
    /// What was checked: a scenario, or a folder of them.
    pub name: String,
    /// The first seed.
    pub seed_first: u64,
    /// How many seeds were asked for, from the first one on.
    pub seeds_asked: u64,
    /// How many scenarios were asked for; more than `scenarios` when it ended early.
    pub scenarios_asked: u64,
    /// Keys that were changed in every scenario, as arguments of `--set`.
    pub sets: Vec<String>,
    /// The scenarios, in the order in which they ran.
    pub scenarios: Vec<Checked>,
    /// The command that gives this campaign again.
    pub reproduce: String,
}

/// A scenario and its runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// The scenario's name; with its folder, where two have the same.
    pub name: String,
    /// The scenario's own one-line description.
    pub about: String,
    /// One hash over the digests of all runs.
    pub digest: String,
    /// The runs that ended, by their seeds.
    pub runs: Vec<RunSummary>,
    /// What the faults touched in all runs together, by kind.
    pub faults: BTreeMap<String, FaultKind>,
}

/// What is kept of one run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    /// The seed.
    pub seed: u64,
    /// Its digest; absent when the run did not come to its end.
    pub digest: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it does not count as held, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The command that replays it, if it does not count as held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// Whether the cluster was offered more than it could take.
    #[serde(default)]
    pub overloaded: bool,
    /// What was measured; absent when the run did not come to its end.
    pub figures: Option<RunFigures>,
}

/// Figures of one run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RunFigures {
    /// Median of send→ack; absent without samples, as the three below.
    pub ack_p50_ns: Option<u64>,
    /// 99th percentile of send→ack.
    pub ack_p99_ns: Option<u64>,
    /// Median of send→show.
    pub show_p50_ns: Option<u64>,
    /// 99th percentile of send→show.
    pub show_p99_ns: Option<u64>,
    /// (message, device) pairs shown.
    pub shown: u64,
    /// Tries of a send after its first, by devices.
    pub send_retries: u64,
    /// Tries of a push after its first, by gateways.
    pub push_retries: u64,
    /// Repeats recognised by servers and by devices.
    pub duplicates_suppressed: u64,
    /// From the end of the load until nothing was owed, or the end of the run.
    pub settle_ns: u64,
}

/// What the faults of one kind touched.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct FaultKind {
    /// Runs with such a fault.
    pub seeds_drawn: u64,
    /// Runs in which one of them touched something.
    pub seeds_effective: u64,
    /// Faults.
    pub faults_drawn: u64,
    /// Faults that touched something.
    pub faults_effective: u64,
    /// What they touched, by name (`packets_lost`, `connections_reset`, …).
    pub touched: BTreeMap<String, u64>,
    /// Seeds in which there was such a fault and none of them touched anything.
    pub seeds_idle: Vec<u64>,
}

impl Campaign {
    /// All runs, each with its scenario.
    pub fn runs(&self) -> impl Iterator<Item = (&Checked, &RunSummary)> {
        self.scenarios.iter().flat_map(|one| one.runs.iter().map(move |run| (one, run)))
    }

    /// The runs that were not as expected, the worst first.
    pub fn failing(&self) -> Vec<(&Checked, &RunSummary)> {
        let mut failing: Vec<_> =
            self.runs().filter(|(_, run)| !run.outcome.is_as_expected()).collect();
        // Stable: alike ones stay in the order of scenarios and seeds.
        failing.sort_by_key(|(_, run)| std::cmp::Reverse(run.outcome));
        failing
    }

    /// Runs with that outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.runs().filter(|(_, run)| run.outcome == outcome).count() as u64
    }

    /// Runs that were asked for.
    pub fn runs_asked(&self) -> u64 {
        self.scenarios_asked * self.seeds_asked
    }
}

impl Checked {
    /// How far a figure spreads over the seeds; absent where no run has it.
    pub fn spread(&self, of: impl Fn(&RunFigures) -> Option<u64>) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| of(run.figures.as_ref()?)).collect())
    }
}

/// Everything that is drawn from a campaign; the same bytes for the same campaign.
pub fn render(campaign: &Campaign) -> Result<Files, Error> {
    let mut files = Files::default();
    files.add("campaign.json", json("campaign.json", campaign)?);
    files.add_table("campaign", csv::table(campaign))?;
    let matrix = plots::matrix(campaign).map_err(|error| failed("plots/matrix", error))?;
    let spread = plots::spread(campaign).map_err(|error| failed("plots/spread", error))?;
    let page = page::html(campaign, &matrix, &spread);
    files.add("report.html", page.map_err(|error| failed("report.html", error))?.into_bytes());
    files.add_plot(matrix);
    files.add_plot(spread);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_campaign_leaves_all_its_files() {
        let campaign = sample::campaign();
        let files = render(&campaign).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name).collect();
        let expected = [
            "campaign.csv",
            "campaign.json",
            "plots/matrix.png",
            "plots/matrix.svg",
            "plots/spread.png",
            "plots/spread.svg",
            "report.html",
        ];
        // The tables as Parquet stand beside them where this build can write them.
        let names: Vec<&str> = names.into_iter().filter(|n| !n.ends_with(".parquet")).collect();
        assert_eq!(names, expected);
        let read: Campaign = serde_json::from_slice(files.get("campaign.json").unwrap()).unwrap();
        assert_eq!(read, campaign);
        assert_eq!(render(&campaign).unwrap(), files);
    }

    #[test]
    fn the_worst_runs_come_first() {
        let campaign = sample::campaign();
        let failing = campaign.failing();
        let outcomes: Vec<Outcome> = failing.iter().map(|(_, run)| run.outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Broken, Outcome::Undecided]);
    }
}
