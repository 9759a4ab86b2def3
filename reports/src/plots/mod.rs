//! The plots of runs, load curves, comparisons and campaigns, each as SVG and as PNG from one drawing.
//!
//! The same record gives the same bytes on every machine: the fonts are bundled, nothing is asked
//! of the system. Must not know where the plots are put.

mod campaign;
mod canvas;
mod comparison;
mod fonts;
mod ink;
mod lanes;
mod latency;
mod load;
mod panel;
mod png;
mod redis;
mod scale;
mod sequence;
mod svg;
mod timeline;

use crate::campaign::Campaign;
use crate::comparison::Comparison;
use crate::engine;
use crate::load_curve::LoadCurve;
use crate::record::Record;
use canvas::Canvas;
use plotters::prelude::DrawingBackend;

/// Width of the plots that stand on their own, in pixels.
const WIDE: i32 = 960;
/// Width of the plots that a telephone shows, in pixels.
const NARROW: i32 = 400;

/// A plot, drawn for every place it is shown in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plot {
    /// File name without extension.
    pub name: String,
    /// What is plotted, in a few words.
    pub title: String,
    /// What to see in it, in one or two sentences.
    pub caption: String,
    /// The plot on its own: light, on white.
    pub svg: String,
    /// The same with two pixels for each of the SVG's.
    pub png: Vec<u8>,
    /// Width of the plot on a wide screen, in pixels.
    pub width: i32,
    /// For a page on a wide screen: transparent, coloured by the `--plot-…` properties of the page.
    pub inline_wide: String,
    /// The same, drawn for a narrow screen; empty where that shows a part of the wide one at a time.
    pub inline_narrow: String,
}

/// A plot that could not be drawn.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot draw the plot: {reason}")]
pub struct PlotError {
    reason: String,
}

impl PlotError {
    fn new(reason: impl std::fmt::Display) -> Self {
        PlotError { reason: reason.to_string() }
    }
}

/// Percentile curves of every latency in the record.
pub fn latency(record: &Record) -> Result<Plot, PlotError> {
    plot("latency", &latency::LatencyChart::new(&record.latencies))
}

/// Rates and latency over the run's time, with the faults.
pub fn timeline(record: &Record) -> Result<Plot, PlotError> {
    plot("timeline", &timeline::TimelineChart::new(record))
}

/// What Redis acknowledged and lost over the run's time; `None` when nobody wrote to it.
pub fn redis(record: &Record) -> Result<Option<Plot>, PlotError> {
    let Some(writes) = &record.redis else { return Ok(None) };
    let time = engine::words(record).time;
    plot("redis", &redis::RedisChart::new(writes, time)).map(Some)
}

/// Latency of two engines against the load.
pub fn load_latency(curve: &LoadCurve) -> Result<Plot, PlotError> {
    plot("load-latency", &load::LatencyChart::new(curve))
}

/// What two engines accepted of what was offered.
pub fn load_accepted(curve: &LoadCurve) -> Result<Plot, PlotError> {
    plot("load-accepted", &load::AcceptedChart::new(curve))
}

/// Every seed of every variant.
pub fn seeds(of: &Comparison) -> Result<Plot, PlotError> {
    plot("seeds", &comparison::SeedsChart::new(of))
}

/// Latency against cost; `None` without both.
pub fn pareto(of: &Comparison) -> Result<Option<Plot>, PlotError> {
    comparison::ParetoChart::new(of).map(|chart| plot("pareto", &chart)).transpose()
}

/// Where two variants change places; `None` when that was not searched for.
pub fn crossover(of: &Comparison) -> Result<Option<Plot>, PlotError> {
    comparison::CrossoverChart::new(of).map(|chart| plot("crossover", &chart)).transpose()
}

/// Draws figures against the varied key whose values are numbers, if there is one.
pub fn curves(of: &Comparison) -> Result<Option<Plot>, PlotError> {
    comparison::CurvesChart::new(of).map(|chart| plot("curves", &chart)).transpose()
}

/// How every run of a campaign ended.
pub fn matrix(of: &Campaign) -> Result<Plot, PlotError> {
    plot("matrix", &campaign::MatrixChart::new(of))
}

/// How far latencies spread over the seeds of a campaign.
pub fn spread(of: &Campaign) -> Result<Plot, PlotError> {
    plot("spread", &campaign::SpreadChart::new(of))
}

/// Who did what when, on the way to a violation: one diagram for each finding.
pub fn sequences(record: &Record) -> Result<Vec<Plot>, PlotError> {
    let drawn = record.findings.iter().enumerate().map(|(place, finding)| {
        let chart = sequence::SequenceChart::new(place + 1, finding);
        let width = chart.width();
        Ok(Plot {
            name: format!("finding-{:02}", place + 1),
            title: chart.title().to_owned(),
            caption: chart.caption(),
            svg: svg::alone(&chart, width)?,
            png: png::alone(&chart, width)?,
            width,
            inline_wide: svg::inline(&chart, width, "wide")?,
            inline_narrow: String::new(),
        })
    });
    drawn.collect()
}

/// Something that can be drawn on any backend, at any width.
trait Chart {
    /// What is plotted, in a few words.
    fn title(&self) -> &str;
    /// What to see in it.
    fn caption(&self) -> String;
    /// Height that the drawing needs at a width, without its title.
    fn height(&self, width: i32) -> i32;
    /// Draws below and right of the canvas' origin.
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), PlotError>;
}

fn plot(name: &str, chart: &impl Chart) -> Result<Plot, PlotError> {
    Ok(Plot {
        name: name.to_owned(),
        title: chart.title().to_owned(),
        caption: chart.caption(),
        svg: svg::alone(chart, WIDE)?,
        png: png::alone(chart, WIDE)?,
        width: WIDE,
        inline_wide: svg::inline(chart, WIDE, "wide")?,
        inline_narrow: svg::inline(chart, NARROW, "narrow")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_same_record_gives_the_same_bytes() {
        let record = sample::valid();
        assert_eq!(latency(&record).unwrap(), latency(&record.clone()).unwrap());
        assert_eq!(timeline(&record).unwrap(), timeline(&record.clone()).unwrap());
    }

    #[test]
    fn what_is_empty_says_so() {
        for record in [sample::empty(), sample::nothing()] {
            for plot in [latency(&record).unwrap(), timeline(&record).unwrap()] {
                assert!(plot.svg.contains("no samples"), "{}", plot.name);
                assert!(plot.png.starts_with(b"\x89PNG"));
            }
        }
    }

    #[test]
    fn losses_of_redis_are_drawn_where_somebody_wrote_to_it() {
        assert!(redis(&sample::empty()).unwrap().is_none());
        let plot = redis(&sample::valid()).unwrap().expect("there are clients");
        assert!(plot.svg.contains("redis-1 promoted") && plot.svg.contains("lost"));
    }

    #[test]
    fn inline_plots_leave_every_colour_to_the_page() {
        let record = sample::valid();
        for plot in [latency(&record).unwrap(), timeline(&record).unwrap()] {
            for svg in [&plot.inline_wide, &plot.inline_narrow] {
                assert!(!svg.contains("\"#"), "a colour is fixed in {}", plot.name);
                assert!(svg.contains("role=\"img\"") && svg.contains("aria-label=\""));
            }
        }
    }

    #[test]
    fn a_finding_is_drawn_with_all_that_led_there() {
        let record = sample::invalid();
        let plots = sequences(&record).unwrap();
        assert_eq!(plots.len(), record.findings.len());
        for (plot, finding) in plots.iter().zip(&record.findings) {
            for event in &finding.events {
                assert!(plot.svg.contains(&event.actor), "no lifeline of {}", event.actor);
            }
            assert!(!plot.inline_wide.contains("\"#"), "a colour is fixed in {}", plot.name);
            assert!(plot.caption.contains("never shown") && plot.caption.contains("not to scale"));
        }
        assert!(sequences(&sample::valid()).unwrap().is_empty());
    }

    #[test]
    fn findings_of_earlier_builds_are_drawn_without_arrows() {
        let mut record = sample::invalid();
        for event in record.findings.iter_mut().flat_map(|finding| &mut finding.events) {
            (event.brief, event.until_ns, event.origin) = (None, None, None);
        }
        record.findings[0].events[0].text = "much to say ".repeat(20);
        let plots = sequences(&record).unwrap();
        assert!(!plots[0].caption.contains("rrow") && plots[0].svg.contains('…'));
        assert!(plots[0].width < 1_200);
        record.findings[0].events.clear();
        assert!(sequences(&record).is_ok());
    }

    #[test]
    fn text_is_escaped() {
        let mut record = sample::valid();
        record.faults[0].target = "<gateway & co>".to_owned();
        let plot = timeline(&record).unwrap();
        assert!(plot.svg.contains("&lt;gateway &amp; co&gt;"));
    }

    #[test]
    fn a_fault_left_out_is_hollow_and_shades_nothing() {
        let mut record = sample::turmoil();
        let filled = |record: &Record| {
            let plot = timeline(record).unwrap();
            let fault = format!("fill=\"{}\"", ink::Ink::Fault.hex());
            (plot.svg.matches(&fault).count(), plot.caption.contains("hollow"))
        };
        let (hollow, said) = filled(&record);
        assert!(said);
        record.faults[1].left_out = None;
        let (done, said) = filled(&record);
        assert!(!said);
        // Its bar, and its window in panels where no other one touches it.
        assert!(hollow < done, "{hollow} {done}");
    }

    #[test]
    fn many_faults_stay_within_the_sheet() {
        let record = sample::busy();
        let plot = timeline(&record).unwrap();
        let shown = plot.svg.matches("crash").count();
        assert!(shown <= record.faults.len());
        assert!(plot.svg.len() < 200_000);
    }
}
