//! One scenario at several loads, simulated and live on the same machine: how far is the model off?
//!
//! The simulation takes over what lies under the live nodes: the machine's cores and costs, its
//! loopback, its disk. Faults are left out, since what they bring about is another question.

use std::collections::BTreeMap;

use im::units::Span;
use im_reports::record::{Latency, Record};
use im_reports::{LoadMeasured, LoadPoint};

use crate::engine::{Kind, ProcessorStats};
use crate::run::{self, Observed, Progress};
use crate::scenario::{
    Bandwidth, Calibration, Choice, Machine, Probability, Profile, Scenario, Workload,
};

/// The scenario as it is on the machine of the calibration. Fails where that does not say what lies
/// under live nodes there.
pub fn on_machine(scenario: &Scenario, calibration: &Calibration) -> Result<Scenario, String> {
    let Some(machine) = &calibration.live else {
        return Err(format!(
            "the calibration `{}` has no [live] table; `imsim calibrate` measures one",
            calibration.name
        ));
    };
    let mut here = scenario.clone();
    here.faults.clear();
    here.swarm = None;
    here.network.between_regions = Span(0);
    for profile in [&mut here.network.clients, &mut here.network.backend] {
        loopback(profile, machine);
    }
    here.cpu.calibration = Choice::Own(Box::new(calibration.clone()));
    here.cpu.cores = Some(machine.cores.get());
    // Devices are threads of the same machine.
    here.cpu.device_factor = Some(1);
    let disk = &mut here.disk;
    (disk.fsync, disk.device_fsync) = (machine.fsync.median, machine.fsync.median);
    (disk.write_mb_per_s, disk.device_write_mb_per_s) = (u32::MAX, u32::MAX);
    Ok(here)
}

fn loopback(profile: &mut Profile, machine: &Machine) {
    let latency = machine.loopback.median;
    (profile.median, profile.min, profile.max) = (latency, latency, latency);
    profile.sd = Span(0);
    profile.loss = Probability::NEVER;
    profile.bursts.enter = Probability::NEVER;
    profile.bandwidth = Bandwidth::Unlimited;
}

/// The scenario with so many hundredths of its load.
pub fn at_load(scenario: &Scenario, percent: u32) -> Scenario {
    let mut loaded = scenario.clone();
    for workload in &mut loaded.workload {
        let rate = match workload {
            Workload::OneToOne(pairs) => &mut pairs.rate,
            Workload::Group(groups) => &mut groups.rate,
        };
        *rate = rate.percent(percent);
    }
    loaded
}

/// Runs the scenario on each of the engines, one after the other.
pub fn point(
    scenario: &Scenario,
    percent: u32,
    seed: u64,
    engines: &[Kind],
    progress: &Progress,
) -> Result<LoadPoint, String> {
    let loaded = at_load(scenario, percent);
    let mut by_engine = BTreeMap::new();
    let mut offered_per_s = 0.0;
    for engine in engines {
        let observed = run::live_through(&loaded, seed, *engine, progress);
        let observed = observed.map_err(|error| format!("{engine}: {error}"))?;
        let record = run::judge(&loaded, seed, &observed);
        offered_per_s = record.totals.offered_per_s;
        by_engine.insert(engine.to_string(), measured(&loaded, &observed, &record));
    }
    Ok(LoadPoint { load: f64::from(percent) / 100.0, offered_per_s, by_engine })
}

fn measured(scenario: &Scenario, observed: &Observed, record: &Record) -> LoadMeasured {
    let latency = |name: &str| record.latencies.iter().find(|latency| latency.name == name);
    let of = |name: &str, percentile| {
        latency(name).map_or(0, |latency: &Latency| latency.percentile_ns(percentile))
    };
    let busy = |hosts: &Vec<ProcessorStats>| hosts.iter().map(|host| host.busy_ns).sum::<u64>();
    let busy_ns: u64 = observed.processors.values().map(busy).sum();
    let expected =
        |promise: &im_reports::record::Promise| promise.verdict == scenario.expect.of(&promise.id);
    LoadMeasured {
        accepted_per_s: record.totals.accepted_per_s,
        shown_per_s: record.totals.shown_per_s,
        ack_p50_ns: of("send→ack", 50.0),
        show_p50_ns: of("send→show", 50.0),
        show_p90_ns: of("send→show", 90.0),
        show_p99_ns: of("send→show", 99.0),
        samples: latency("send→show").map_or(0, |latency| latency.count),
        processor_share: busy_ns as f64 / scenario.duration.0.max(1) as f64,
        held: record.promises.iter().all(expected),
    }
}

/// The most that each engine accepted in a second, at any load.
pub fn saturation(points: &[LoadPoint]) -> BTreeMap<String, f64> {
    let mut most: BTreeMap<String, f64> = BTreeMap::new();
    for (engine, measured) in points.iter().flat_map(|point| &point.by_engine) {
        let of_engine = most.entry(engine.clone()).or_default();
        *of_engine = of_engine.max(measured.accepted_per_s);
    }
    most
}
