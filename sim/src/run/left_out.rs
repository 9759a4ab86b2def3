//! What an engine cannot do of a scenario, and why. It is left out of the run, and said.

use im_reports::record::LeftOut;

use crate::engine::Kind;
use crate::faults::Act;
use crate::scenario::{Choice, Probability, Profile, Scenario, Schedule};

/// Why the engine cannot do what a fault does, if it cannot.
pub fn fault(engine: Kind, act: &Act) -> Option<&'static str> {
    match (engine, act) {
        (Kind::Sim, _) => None,
        (Kind::Turmoil, Act::Lose { .. } | Act::LoseInBursts { .. }) => {
            Some("turmoil never sends a lost segment again, so its stream would hang for good")
        }
        (Kind::Live, Act::Lose { .. } | Act::LoseInBursts { .. }) => {
            Some("loopback loses nothing, and relays carry streams, not packets")
        }
        (Kind::Turmoil | Kind::Live, Act::Narrow { .. }) => Some("its links have no bandwidth"),
        (Kind::Turmoil | Kind::Live, _) => None,
    }
}

/// What else of the scenario the engine does not do.
pub fn of_scenario(engine: Kind, scenario: &Scenario) -> Vec<LeftOut> {
    let mut left_out = of_common(engine, scenario);
    let mut leave = |what: &str, why: &str| {
        left_out.push(LeftOut { what: what.to_owned(), why: why.to_owned() });
    };
    match engine {
        Kind::Sim => return left_out,
        Kind::Turmoil => {
            leave("jitter and bandwidth of links", "each pair has the median latency, in whole ms");
        }
        Kind::Live => {
            leave("network.clients and network.backend", "links are the loopback of the kernel");
            leave("disk", "files of this machine");
        }
    }
    if scenario.cpu.calibration != Choice::Nothing {
        leave(
            "cpu.calibration",
            match engine {
                Kind::Live => "nodes run on the processors of this machine",
                Kind::Sim | Kind::Turmoil => "nodes compute in no time",
            },
        );
    }
    if scenario.schedule == Schedule::Random {
        leave("schedule = \"random\"", "tokio chooses which task runs");
    }
    left_out
}

/// Of these, what a verdict may rest on: it is left out on all engines that are compared with one
/// that cannot do it.
pub fn of_common(engine: Kind, scenario: &Scenario) -> Vec<LeftOut> {
    let why = match engine {
        Kind::Sim => return Vec::new(),
        Kind::Turmoil => "turmoil never sends a lost segment again",
        Kind::Live => "loopback loses nothing",
    };
    let links = &scenario.network;
    let profiles = [("network.clients", &links.clients), ("network.backend", &links.backend)];
    let lossy = profiles.into_iter().filter(|(_, profile)| loses(profile));
    lossy.map(|(key, _)| LeftOut { what: format!("loss of {key}"), why: why.to_owned() }).collect()
}

fn loses(profile: &Profile) -> bool {
    profile.loss != Probability::percent(0) || profile.bursts.can_begin()
}

/// The scenario without what one of the engines cannot do of it, faults aside.
pub fn common(scenario: &Scenario, engines: &[Kind]) -> Scenario {
    let mut common = scenario.clone();
    if engines.iter().any(|engine| *engine != Kind::Sim) {
        for profile in [&mut common.network.clients, &mut common.network.backend] {
            profile.loss = Probability::percent(0);
            profile.bursts.enter = Probability::percent(0);
        }
    }
    common
}
