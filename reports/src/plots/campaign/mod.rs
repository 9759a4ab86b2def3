//! The plots of a campaign: how every run ended, and how far latencies spread over seeds.
//!
//! Outcomes differ in shape as well as in colour.

mod matrix;
mod spread;

use super::canvas::LABEL_EM;
use super::fonts::{self, Weight};

pub use matrix::MatrixChart;
pub use spread::SpreadChart;

/// Room for the scenarios' names left of a chart; `None` where the sheet is too narrow for both.
fn names_beside<'a>(names: impl Iterator<Item = &'a str>, width: i32) -> Option<i32> {
    let widest = names.map(wide).max().unwrap_or(0) + 24;
    (width >= 600).then_some(widest.min(width / 3))
}

fn wide(text: &str) -> i32 {
    fonts::width(text, LABEL_EM, Weight::Regular).ceil() as i32
}

#[cfg(test)]
mod tests {
    use crate::campaign::Outcome;
    use crate::plots::{matrix, spread};
    use crate::sample;

    #[test]
    fn every_outcome_of_a_campaign_stands_in_the_legend() {
        let plot = matrix(&sample::campaign()).unwrap();
        for words in ["held", "broken, as expected", "undecided", "not as expected", "no verdict"] {
            assert!(plot.svg.contains(words), "{words}");
        }
        assert!(!plot.svg.contains("not run"));
        for name in ["power-loss", "redlock"] {
            assert!(plot.svg.contains(name), "{name}");
        }
    }

    #[test]
    fn a_hundred_seeds_of_thirty_scenarios_stay_within_the_sheet() {
        let plot = matrix(&sample::large_campaign(30, 100)).unwrap();
        assert!(plot.svg.len() < 300_000, "{}", plot.svg.len());
        let plot = matrix(&sample::large_campaign(2, 5_000)).unwrap();
        assert!(plot.caption.contains("stands for 5 seeds"), "{}", plot.caption);
    }

    #[test]
    fn the_worst_of_seeds_that_share_a_mark_is_seen() {
        let mut campaign = sample::large_campaign(1, 5_000);
        for run in &mut campaign.scenarios[0].runs {
            run.outcome = Outcome::Held;
        }
        campaign.scenarios[0].runs[777].outcome = Outcome::Broken;
        assert!(matrix(&campaign).unwrap().svg.contains("not as expected"));
    }

    #[test]
    fn what_is_empty_says_so() {
        let mut campaign = sample::campaign();
        campaign.scenarios.clear();
        assert!(matrix(&campaign).unwrap().svg.contains("no samples"));
        assert!(spread(&campaign).unwrap().svg.contains("no samples"));
    }

    #[test]
    fn inline_plots_leave_every_colour_to_the_page() {
        let campaign = sample::campaign();
        for plot in [matrix(&campaign).unwrap(), spread(&campaign).unwrap()] {
            for svg in [&plot.inline_wide, &plot.inline_narrow] {
                assert!(!svg.contains("\"#"), "a colour is fixed in {}", plot.name);
            }
        }
    }
}
