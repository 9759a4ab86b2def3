//! The standard check, in short: some seeds of the swarm, each of which must hold and repeat.

use im_reports::record::Outcome;
use imsim::campaign::summary;
use imsim::scenario::{Family, Role, Scenario};

use crate::lived;

fn standard() -> Scenario {
    lived::shipped("faults/swarm", &[])
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
        let live = || lived::record(&scenario, seed);
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
