//! One scenario at several loads on two engines: what was measured, and how far one is from the
//! other.
//!
//! Must not know how the runs were made, nor how the figures are laid out.

mod csv;
mod page;
mod terminal;
mod told;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::{Error, Files, failed, json};
use crate::plots;

pub use terminal::summary;

/// Version of the shape of `load-curve.json`; raised when a field changes its meaning or goes away.
pub const LOAD_CURVE_VERSION: u32 = 1;

/// How far off the simulator may be, as a share of what is real.
pub const AIM: f64 = 0.25;

/// A load is past saturation when less than this share of what was offered is accepted.
pub const SATURATED_BELOW: f64 = 0.95;

/// One scenario at several loads on several engines (`load-curve.json`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LoadCurve {
    /// [`LOAD_CURVE_VERSION`] of the writer.
    pub schema_version: u32,
    /// The scenario's name: its file name without extension.
    pub scenario: String,
    /// The scenario's own one-line description.
    pub about: String,
    /// The seed, the same for every run.
    pub seed: u64,
    /// Name and date of the calibration that the modelled costs come from.
    pub calibration: String,
    /// The machine that the calibration and the real runs come from, in words.
    pub machine: String,
    /// The engines: the first is judged, and the last one is the truth. Tables and plots show
    /// these two.
    pub engines: Vec<String>,
    /// What was measured, from the lowest load to the highest.
    pub points: Vec<LoadPoint>,
    /// By engine, the most messages that were accepted per second at any load.
    pub saturation_per_s: BTreeMap<String, f64>,
    /// The command that measures this again.
    pub reproduce: String,
}

/// One load.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LoadPoint {
    /// The factor by which the scenario's rates were multiplied.
    pub load: f64,
    /// Messages per second that the workload asked for.
    pub offered_per_s: f64,
    /// What each engine made of it; an engine that was not run is absent.
    pub by_engine: BTreeMap<String, LoadMeasured>,
}

/// What was measured of one engine at one load, on that engine's own clock.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LoadMeasured {
    /// Messages accepted per second of the load.
    pub accepted_per_s: f64,
    /// (message, device) pairs shown per second of the load.
    pub shown_per_s: f64,
    /// Median time from the user's request to the ack of the send, in nanoseconds.
    pub ack_p50_ns: u64,
    /// Median time from the user's request until a device shows the message, in nanoseconds.
    pub show_p50_ns: u64,
    /// The time within which 90 of 100 were shown, in nanoseconds.
    pub show_p90_ns: u64,
    /// The time within which 99 of 100 were shown, in nanoseconds.
    pub show_p99_ns: u64,
    /// How many (message, device) pairs the times of showing rest on.
    pub samples: u64,
    /// Busy processor time of all hosts together over the load's time: in processors, so that 1.5
    /// is one and a half of them.
    pub processor_share: f64,
    /// Whether all promises held.
    pub held: bool,
}

/// How far a modelled figure is off, as a share of the real one: 0.1 is a tenth too high.
///
/// Infinite where nothing is real but something was modelled; 0 where both are nothing.
pub fn error(modelled: f64, real: f64) -> f64 {
    match (modelled == 0.0, real == 0.0) {
        (true, true) => 0.0,
        (false, true) => f64::INFINITY,
        _ => modelled / real - 1.0,
    }
}

/// How far off the judged engine is, each time as a share of what is real, without its sign.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Accuracy {
    /// The median time to show, over loads below saturation; absent without such loads.
    pub p50: Option<Errors>,
    /// The 99th percentile of the time to show, over the same loads.
    pub p99: Option<Errors>,
    /// The saturation rate; absent when the real engine was never driven past it.
    pub saturation: Option<f64>,
}

/// Errors of one figure at several loads, without their signs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Errors {
    /// Half of the loads are off by no more than this.
    pub median: f64,
    /// The worst load.
    pub worst: f64,
}

impl LoadCurve {
    /// The two engines that are compared: the one that is judged, and the truth.
    pub fn compared(&self) -> Option<(&str, &str)> {
        match &*self.engines {
            [modelled, .., real] => Some((modelled, real)),
            _ => None,
        }
    }

    /// Whether an engine accepted nearly all that was offered; what it was not asked it did not
    /// accept.
    pub fn below_saturation(&self, point: &LoadPoint, engine: &str) -> bool {
        let accepted = point.by_engine.get(engine).map(|measured| measured.accepted_per_s);
        accepted.is_some_and(|accepted| accepted >= SATURATED_BELOW * point.offered_per_s)
    }

    /// Whether any load was more than an engine could take.
    pub fn saturated(&self, engine: &str) -> bool {
        let ran = |point: &&LoadPoint| point.by_engine.contains_key(engine);
        self.points.iter().filter(ran).any(|point| !self.below_saturation(point, engine))
    }

    /// How far off the judged engine is.
    pub fn accuracy(&self) -> Accuracy {
        let Some((modelled, real)) = self.compared() else {
            return Accuracy { p50: None, p99: None, saturation: None };
        };
        let saturation = || {
            let of = |engine| self.saturation_per_s.get(engine).copied();
            Some(error(of(modelled)?, of(real)?).abs())
        };
        Accuracy {
            p50: self.errors(modelled, real, |measured| measured.show_p50_ns),
            p99: self.errors(modelled, real, |measured| measured.show_p99_ns),
            saturation: self.saturated(real).then(saturation).flatten(),
        }
    }

    fn errors(&self, modelled: &str, real: &str, ns: fn(&LoadMeasured) -> u64) -> Option<Errors> {
        let below = self.points.iter().filter(|point| self.below_saturation(point, real));
        let mut errors: Vec<f64> =
            below.filter_map(|point| point.error(modelled, real, ns)).map(f64::abs).collect();
        errors.sort_by(f64::total_cmp);
        let worst = *errors.last()?;
        let (lower, upper) = (errors[(errors.len() - 1) / 2], errors[errors.len() / 2]);
        Some(Errors { median: (lower + upper) / 2.0, worst })
    }
}

impl LoadPoint {
    /// The error of a latency; absent where one of the engines has no samples.
    pub(crate) fn error(
        &self,
        modelled: &str,
        real: &str,
        ns: fn(&LoadMeasured) -> u64,
    ) -> Option<f64> {
        let of = |engine| {
            let measured = self.by_engine.get(engine).filter(|measured| measured.samples > 0);
            measured.map(|measured| ns(measured) as f64)
        };
        Some(error(of(modelled)?, of(real)?))
    }
}

/// Everything that is drawn from a load curve; the same bytes for the same curve.
pub fn render(curve: &LoadCurve) -> Result<Files, Error> {
    let mut files = Files::default();
    files.add("load-curve.json", json("load-curve.json", curve)?);
    files.add_table("load-curve", csv::table(curve))?;

    let latency = plots::load_latency(curve).map_err(|error| failed("plots", error))?;
    let accepted = plots::load_accepted(curve).map_err(|error| failed("plots", error))?;
    let page = page::html(curve, &latency, &accepted);
    files.add("report.html", page.map_err(|error| failed("report.html", error))?.into_bytes());
    files.add_plot(latency);
    files.add_plot(accepted);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn errors_have_a_sign_and_survive_nothing() {
        assert!((error(110.0, 100.0) - 0.1).abs() < 1e-12);
        assert!((error(50.0, 100.0) + 0.5).abs() < 1e-12);
        assert_eq!(error(0.0, 0.0), 0.0);
        assert_eq!(error(1.0, 0.0), f64::INFINITY);
    }

    #[test]
    fn only_loads_below_saturation_are_judged() {
        let mut curve = sample::load_curve();
        let before = curve.accuracy();
        let past = curve.points.last_mut().unwrap();
        past.by_engine.get_mut("sim").unwrap().show_p50_ns *= 100;
        assert_eq!(curve.accuracy(), before);
        curve.points[0].by_engine.get_mut("sim").unwrap().show_p50_ns *= 100;
        assert!(curve.accuracy().p50.unwrap().worst > before.p50.unwrap().worst);
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        let mut curve = sample::load_curve();
        curve.points.truncate(2);
        for (point, sim) in curve.points.iter_mut().zip([110, 130]) {
            point.by_engine.get_mut("sim").unwrap().show_p50_ns = sim;
            point.by_engine.get_mut("live").unwrap().show_p50_ns = 100;
        }
        let errors = curve.accuracy().p50.unwrap();
        assert!((errors.median - 0.2).abs() < 1e-9 && (errors.worst - 0.3).abs() < 1e-9);
    }

    #[test]
    fn a_saturation_rate_that_was_not_reached_is_not_judged() {
        let mut curve = sample::load_curve();
        assert!(curve.accuracy().saturation.is_some());
        curve.points.truncate(3);
        assert_eq!(curve.accuracy().saturation, None);
    }

    #[test]
    fn what_has_no_samples_is_not_judged() {
        let mut curve = sample::load_curve();
        for measured in curve.points.iter_mut().filter_map(|it| it.by_engine.get_mut("live")) {
            measured.samples = 0;
        }
        assert_eq!(curve.accuracy().p50, None);
    }

    #[test]
    fn a_load_curve_leaves_all_its_files() {
        let files = render(&sample::load_curve()).unwrap();
        let names: Vec<&str> = files.iter().map(|(name, _)| name).collect();
        let expected = [
            "load-curve.csv",
            "load-curve.json",
            "plots/load-accepted.png",
            "plots/load-accepted.svg",
            "plots/load-latency.png",
            "plots/load-latency.svg",
            "report.html",
        ];
        // The tables as Parquet stand beside them where this build can write them.
        let names: Vec<&str> = names.into_iter().filter(|n| !n.ends_with(".parquet")).collect();
        assert_eq!(names, expected);
        let read: LoadCurve =
            serde_json::from_slice(files.get("load-curve.json").unwrap()).unwrap();
        assert_eq!(read, sample::load_curve());
        assert_eq!(render(&sample::load_curve()).unwrap(), files);
    }

    #[test]
    fn a_curve_with_nothing_in_it_is_rendered_too() {
        for curve in [
            LoadCurve { points: Vec::new(), ..sample::load_curve() },
            LoadCurve { engines: Vec::new(), ..sample::load_curve() },
        ] {
            render(&curve).unwrap();
            assert!(summary(&curve, false).contains("cannot be told"));
        }
    }
}
