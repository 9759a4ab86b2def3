//! The standard check, in short: some seeds of the swarm, each of which must hold and repeat.

use std::path::Path;

use im_reports::record::Outcome;
use imsim::campaign::summary;
use imsim::engine::Kind;
use imsim::run::{self, Progress};
use imsim::scenario::{Family, Role, Scenario};

fn standard() -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/faults/swarm.toml");
    Scenario::load(&file, &[]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_standard_check_is_12_nodes_50_users_30_seconds_and_every_family() {
    let scenario = standard();
    let servers = Role::ALL.into_iter().filter(|role| *role != Role::Device);
    assert_eq!(servers.map(|role| scenario.nodes(role)).sum::<u32>(), 12);
    assert_eq!((scenario.population.users, scenario.duration.as_secs_f64()), (50, 30.0));
    assert_eq!(scenario.swarm.expect("a swarm").families, Family::ALL);
}

#[test]
fn some_seeds_hold_repeat_and_are_full_of_faults() {
    let scenario = standard();
    let mut drawn = std::collections::BTreeMap::new();
    for seed in 1..=4 {
        let live = || {
            let observed = run::live_through(&scenario, seed, Kind::Sim, &Progress::default());
            run::judge(&scenario, seed, &observed.unwrap_or_else(|error| panic!("{error}")))
        };
        let record = live();
        assert_eq!(record.outcome, Outcome::Held, "seed {seed}: {:#?}", record.findings);
        assert_eq!(record, live(), "seed {seed}");
        summary::add(&mut drawn, summary::faults(&record));
    }
    assert!(drawn.len() > 12, "{drawn:#?}");
    for family in ["clog", "rolling-restart", "swizzle"] {
        assert!(drawn[family].faults_effective > 0, "{family}: {drawn:#?}");
    }
}
