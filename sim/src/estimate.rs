//! How much memory and wall time a run will take, reckoned before anything of it is drawn.
//!
//! The constants come from three runs of `scenarios/capacity/speed-*.toml` on one core of a virtual machine
//! (AMD EPYC, 2026-11): 1,000 devices and 100,566 shown pairs took 190 MB and 2.7 s, 10,000 devices and 395,396
//! pairs 660 MB and 18 s, 100,000 devices and 80,532 pairs (in 2 s of load) 2.6 GB and
//! 25 s. They are for an order of magnitude:
//! faults, retries and other machines move them.

use std::ops::{Add, Mul};

use crate::scenario::{Role, Scenario, Workload};

/// What a run takes.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Estimate {
    /// Most memory at a time, in bytes.
    pub memory_bytes: f64,
    /// Wall time, in seconds.
    pub wall_s: f64,
}

/// The program itself, with the plots that it draws.
const BASE: Estimate = Estimate { memory_bytes: 80e6, wall_s: 0.3 };
/// A device: its connection, its database, its set-up.
const DEVICE: Estimate = Estimate { memory_bytes: 24_500.0, wall_s: 220e-6 };
/// A server costs what some devices do. Assumed.
const SERVER: Estimate = Estimate { memory_bytes: 500e3, wall_s: 1e-3 };
/// A log partition, or a processor core. Assumed.
const PART: Estimate = Estimate { memory_bytes: 20e3, wall_s: 10e-6 };
/// A member of a conversation: membership on the servers, a cursor on each device. Assumed.
const MEMBER: Estimate = Estimate { memory_bytes: 1e3, wall_s: 40e-6 };
/// A (message, device) pair, with its part of the send.
const PAIR: Estimate = Estimate { memory_bytes: 845.0, wall_s: 30e-6 };
/// A heartbeat, at which cursors are compared. Assumed: a round trip, as for a pair.
const HEARTBEAT: Estimate = Estimate { memory_bytes: 0.0, wall_s: 30e-6 };

impl Add for Estimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes + other.memory_bytes,
            wall_s: self.wall_s + other.wall_s,
        }
    }
}

impl Mul<f64> for Estimate {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self { memory_bytes: self.memory_bytes * times, wall_s: self.wall_s * times }
    }
}

/// What one run of the scenario takes.
pub fn of_run(scenario: &Scenario) -> Estimate {
    let per_user = 1.0 + scenario.population.second_device.as_f64();
    let devices = f64::from(scenario.population.users) * per_user;
    let seconds = scenario.duration.as_secs_f64();
    let pairs: f64 = scenario
        .workload
        .iter()
        .map(|workload| workload.rate().hertz() * seconds * members(workload) * per_user)
        .sum();
    let heartbeats = devices * seconds / scenario.im.heartbeat.as_secs_f64();
    let servers: f64 = Role::ALL
        .into_iter()
        .filter(|role| *role != Role::Device)
        .map(|role| f64::from(scenario.nodes(role)))
        .sum();
    let parts =
        f64::from(scenario.cluster.log.partitions) + f64::from(scenario.cpu.cores.unwrap_or(0));
    let joined: f64 = scenario
        .workload
        .iter()
        .map(|workload| conversations(workload) * members(workload) * per_user)
        .sum();
    BASE + DEVICE * devices
        + MEMBER * joined
        + PART * parts
        + SERVER * servers
        + PAIR * pairs
        + HEARTBEAT * heartbeats
}

fn conversations(workload: &Workload) -> f64 {
    f64::from(match workload {
        Workload::OneToOne(pairs) => pairs.pairs,
        Workload::Group(groups) => groups.groups,
    })
}

/// How many members a conversation has on average.
fn members(workload: &Workload) -> f64 {
    match workload {
        Workload::OneToOne(_) => 2.0,
        Workload::Group(groups) => groups.members.mean(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str, sets: &[&str]) -> Estimate {
        let file = format!("{}/../scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        of_run(&Scenario::load(file.as_ref(), &sets).unwrap_or_else(|error| panic!("{error}")))
    }

    #[test]
    fn what_was_measured_is_met_within_a_half() {
        for (name, sets, memory_bytes, wall_s) in [
            ("capacity/speed-1k", &[][..], 190e6, 2.7),
            ("capacity/speed-10k", &[], 660e6, 18.0),
            ("capacity/speed-100k", &["duration=2s"], 2.6e9, 25.0),
        ] {
            let estimate = shipped(name, sets);
            let off = [estimate.memory_bytes / memory_bytes, estimate.wall_s / wall_s];
            assert!(off.iter().all(|off| (0.66..1.5).contains(off)), "{name}: {estimate:?}");
        }
    }

    #[test]
    fn absurd_sizes_are_reckoned_and_not_drawn() {
        let many = shipped("quickstart", &["population.users=1000000000"]);
        assert!(many.memory_bytes > 1e13, "{many:?}");
        for set in [
            "workload.pairs.rate=1000000000/s",
            "workload.groups.groups=4000000000",
            "cluster.log.partitions=4000000000",
            "cluster.gateways=4000000000",
            "duration=100000h",
        ] {
            let large = shipped("quickstart", &[set]);
            assert!(large.memory_bytes > 1e13, "{set}: {large:?}");
        }
    }
}
