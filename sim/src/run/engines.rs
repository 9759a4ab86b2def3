//! The engine that a scenario runs on, made ready for it.

use std::io;

use crate::cluster;
use crate::engine::live::Live;
use crate::engine::sim::{AcceptQueue, Sim};
use crate::engine::turmoil::Turmoil;
use crate::scenario::{Scenario, Schedule};

/// The simulator.
pub fn sim(scenario: &Scenario, seed: u64) -> Sim {
    let mut sim = Sim::new(seed, cluster::network(scenario));
    sim.set_accept_queue(AcceptQueue {
        backlog: scenario.network.backlog,
        syn_cookies: scenario.network.syn_cookies,
    });
    sim.set_restart_after(scenario.cluster.restart_after.0);
    if let Some(cores) = scenario.cpu.cores {
        sim.share_cores(cores);
    }
    if scenario.schedule == Schedule::Random {
        sim.schedule_randomly();
    }
    sim
}

/// Turmoil.
pub fn turmoil(scenario: &Scenario, seed: u64) -> Turmoil {
    Turmoil::new(seed, cluster::network(scenario), scenario.cluster.restart_after.0)
}

/// Threads, sockets and files of this machine.
pub fn live(scenario: &Scenario, seed: u64) -> io::Result<Live> {
    Live::new(seed, scenario.cluster.restart_after.0)
}
