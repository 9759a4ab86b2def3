//! From faults as they are written, and as the swarm draws them, to the list of what is done.
//!
//! What is left to chance in a fault comes from a random stream of its own, named by its origin:
//! no fault moves another one.

use im::env::Nanos;
use im::units::Span;

use super::{Act, Drawn, OfMaster, On, Origin, swarm};
use crate::engine::rng::{self, Stream};
use crate::scenario::{
    Fault, Halves, Links, NodeRef, Partition, Role, Scenario, Swizzle, Target, Targets, Way,
};

/// Every fault of the run with that seed: those that are written, in the order of the file, then
/// those of the swarm, in the order of their beginnings.
pub fn draw(scenario: &Scenario, seed: u64) -> Vec<Drawn> {
    let mut drawn = Vec::new();
    for (number, fault) in scenario.faults.iter().enumerate() {
        let origin = Origin::Written(number as u32);
        drawn.extend(parts(scenario, origin, fault, seed));
    }
    let swarm = swarm::draw(scenario, seed).into_iter();
    let mut swarm: Vec<Drawn> =
        swarm.flat_map(|(origin, fault)| parts(scenario, origin, &fault, seed)).collect();
    swarm.sort_by_key(|fault| fault.at);
    drawn.extend(swarm);
    drawn
}

/// A fault as the parts that are done, each with its times.
fn parts(scenario: &Scenario, origin: Origin, fault: &Fault, seed: u64) -> Vec<Drawn> {
    let mut rng = rng::stream(seed, &format!("fault {origin}"));
    let (at, until) = (fault.at().0, fault.end(scenario).0);
    let timed: Vec<(Nanos, Nanos, Act)> = match fault {
        Fault::Swizzle(swizzle) => swizzled(scenario, swizzle, &mut rng),
        Fault::RollingRestart(restart) => (0..scenario.nodes(restart.role))
            .map(|index| {
                let from = restart.kill_at(index).0;
                let node = restart.role.node(index);
                (from, from + restart.down.0, Act::Crash { node, point: None })
            })
            .collect(),
        _ => acts(scenario, fault, &mut rng).into_iter().map(|act| (at, until, act)).collect(),
    };
    let part = |(at, until, act)| Drawn {
        origin,
        family: fault.family(),
        at,
        until,
        act,
        require_effect: fault.require_effect(),
    };
    timed.into_iter().map(part).collect()
}

/// What is done from the fault's beginning to its end.
fn acts(scenario: &Scenario, fault: &Fault, rng: &mut Stream) -> Vec<Act> {
    let act = match fault {
        Fault::Loss(fault) => {
            let on = on(fault.links, fault.on.as_ref());
            let rate = fault.rate.map(|rate| Act::Lose { on: on.clone(), rate });
            let bursts = fault.bursts.map(|bursts| Act::LoseInBursts { on, bursts });
            return rate.into_iter().chain(bursts).collect();
        }
        Fault::DelaySpike(fault) => {
            Act::Delay { on: on(fault.links, fault.on.as_ref()), by: fault.by }
        }
        Fault::Clog(fault) => Act::Delay { on: On::Nodes(fault.on.0.clone()), by: fault.by },
        Fault::Bandwidth(fault) => {
            let on = on(fault.links, fault.on.as_ref());
            Act::Narrow { on, rate: fault.rate, queue: fault.queue }
        }
        Fault::Partition(fault) => cut(scenario, fault, rng),
        Fault::ResetStorm(fault) => Act::Reset {
            on: fault.on.0.clone(),
            with: fault.with.as_ref().map(|with| with.0.clone()),
            every: fault.every,
        },
        Fault::ReconnectStorm(fault) => {
            let users = scenario.nodes(Role::Device);
            let share = fault.share.per_million();
            let hit = |_: &u32| rng::chance_ppm(rng, share);
            let on = match share == 1_000_000 {
                true => vec![Target::Role(Role::Device)],
                false => (0..users).filter(hit).map(device).collect(),
            };
            Act::Reset { on, with: None, every: None }
        }
        Fault::Crash(fault) => Act::Crash {
            node: fault.node,
            point: fault.point.map(|point| (point, fault.nth.unwrap_or(1))),
        },
        Fault::PowerLoss(fault) => Act::PowerLoss { node: fault.node, torn: fault.torn },
        Fault::Pause(fault) => Act::Pause { node: fault.node },
        Fault::ClockStep(fault) => Act::StepClock { node: fault.node, by: fault.by },
        Fault::ClockDrift(fault) => Act::DriftClock { node: fault.node, ppm: fault.ppm },
        Fault::DiskSlow(fault) => {
            Act::SlowDisk { node: fault.node, times: fault.times, by: fault.by }
        }
        Fault::DiskFull(fault) => Act::FillDisk { node: fault.node },
        Fault::DiskFailing(fault) => Act::FailDisk { node: fault.node },
        Fault::MembershipChurn(fault) => {
            Act::Churn { workload: fault.workload.clone(), rate: fault.rate }
        }
        Fault::RedisMasterCrash(_) => Act::OfRedisMaster(OfMaster::Crash),
        Fault::RedisMasterPause(_) => Act::OfRedisMaster(OfMaster::Pause),
        Fault::RedisMasterSlow(fault) => Act::OfRedisMaster(OfMaster::Slow { by: fault.by }),
        Fault::RedisMasterCut(fault) => {
            let with = fault.with.as_ref().map_or_else(Vec::new, |with| with.0.clone());
            Act::OfRedisMaster(OfMaster::Cut { with })
        }
        Fault::Swizzle(_) | Fault::RollingRestart(_) => unreachable!("their parts have own times"),
    };
    vec![act]
}

fn device(user: u32) -> Target {
    Target::Node(Role::Device.node(user))
}

fn on(links: Option<Links>, nodes: Option<&Targets>) -> On {
    match (links, nodes) {
        (Some(links), None) => On::Links(links),
        (None, Some(nodes)) => On::Nodes(nodes.0.clone()),
        _ => unreachable!("validated: one of the two"),
    }
}

fn cut(scenario: &Scenario, fault: &Partition, rng: &mut Stream) -> Act {
    let (side, from) = match (&fault.between, fault.halves) {
        (Some([one, other]), None) => (vec![one.clone()], vec![other.clone()]),
        (None, Some(halves)) => {
            let all = halves == Halves::All;
            let dealt = scenario.all_nodes().filter(|node| all || node.role != Role::Device);
            let mut nodes: Vec<Target> = dealt.map(Target::from).collect();
            shuffle(&mut nodes, rng);
            let mut other = nodes.split_off(nodes.len() / 2);
            nodes.sort();
            other.sort();
            (nodes, other)
        }
        _ => unreachable!("validated: one of the two"),
    };
    Act::Cut { side, from: Some(from), way: fault.way }
}

/// Each node of a random subset is cut off at a random moment of the first half, and let back at
/// one of the second.
fn swizzled(scenario: &Scenario, fault: &Swizzle, rng: &mut Stream) -> Vec<(Nanos, Nanos, Act)> {
    let covered = |node: &NodeRef| fault.on.0.iter().any(|target| scenario.covers(target, *node));
    let mut nodes: Vec<NodeRef> = scenario.all_nodes().filter(covered).collect();
    shuffle(&mut nodes, rng);
    let half = fault.lasts.0 / 2;
    let count = 1 + rng::below(rng, nodes.len() as u64) as usize;
    let mut moment = |start: Span| start.0 + rng::below(rng, half.max(1));
    let cut_off = |node: &NodeRef| {
        let from = moment(fault.at);
        let until = moment(Span(fault.at.0 + half)) + 1;
        let side = vec![Target::from(*node)];
        (from, until, Act::Cut { side, from: None, way: Way::Both })
    };
    nodes[..count].iter().map(cut_off).collect()
}

fn shuffle<T>(items: &mut [T], rng: &mut Stream) {
    for place in 1..items.len() {
        items.swap(place, rng::below(rng, place as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn scenario(faults: &str) -> Scenario {
        let text = format!(
            "duration = \"60s\"\n[cluster]\nregions = [\"eu\", \"us\"]\n[population]\nusers = 40\n{faults}"
        );
        Scenario::from_str("test", &text, &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    const HALVES: &str =
        "[[faults]]\nkind = \"partition\"\nhalves = \"all\"\nat = \"5s\"\nlasts = \"5s\"\n";
    const SWIZZLE: &str = "[[faults]]\nkind = \"swizzle\"\non = [\"gateway\", \"chat\"]\nat = \"9s\"\nlasts = \"8s\"\n";

    #[test]
    fn halves_hold_every_node_once_and_change_with_the_seed() {
        let scenario = scenario(HALVES);
        let sides = |seed| match &draw(&scenario, seed)[0].act {
            Act::Cut { side, from: Some(from), .. } => (side.clone(), from.clone()),
            other => panic!("{other:?}"),
        };
        let (one, other) = sides(1);
        assert!(one.len().abs_diff(other.len()) <= 1);
        let mut all = [one.clone(), other].concat();
        all.sort();
        let mut nodes: Vec<Target> = scenario.all_nodes().map(Target::from).collect();
        nodes.sort();
        assert_eq!(all, nodes);
        assert_ne!(one, sides(2).0);
    }

    #[test]
    fn swizzling_cuts_in_the_first_half_and_heals_in_the_second_in_another_order() {
        let scenario = scenario(SWIZZLE);
        let mut sizes = BTreeSet::new();
        let mut orders_differ = false;
        for seed in 0..40 {
            let drawn = draw(&scenario, seed);
            assert!(drawn.iter().all(|fault| (9_000..13_000).contains(&(fault.at / 1_000_000))));
            assert!(drawn.iter().all(|f| (13_000..=17_000).contains(&(f.until / 1_000_000))));
            sizes.insert(drawn.len());
            orders_differ |= !drawn.is_sorted_by_key(|fault| fault.until);
        }
        assert_eq!(sizes, BTreeSet::from([1, 2, 3, 4]));
        assert!(orders_differ);
    }

    #[test]
    fn a_rolling_restart_is_one_crash_after_the_other() {
        let drawn = draw(
            &scenario(
                "[[faults]]\nkind = \"rolling-restart\"\nrole = \"chat\"\nat = \"1s\"\n\
                 down = \"2s\"\ngap = \"3s\"\n",
            ),
            1,
        );
        let crash = |index| Act::Crash { node: Role::Chat.node(index), point: None };
        let timed: Vec<(Nanos, Nanos, Act)> = drawn
            .into_iter()
            .map(|f| (f.at / 1_000_000_000, f.until / 1_000_000_000, f.act))
            .collect();
        assert_eq!(timed, [(1, 3, crash(0)), (6, 8, crash(1))]);
    }

    #[test]
    fn what_one_fault_draws_moves_nothing_in_another() {
        let alone = draw(&scenario(HALVES), 3);
        let both = draw(&scenario(&format!("{HALVES}{SWIZZLE}")), 3);
        assert_eq!(alone[0], both[0]);
        assert_eq!(both, draw(&scenario(&format!("{HALVES}{SWIZZLE}")), 3));
    }

    #[test]
    fn the_list_is_data_that_reads_back() {
        let drawn = draw(&scenario(&format!("{HALVES}{SWIZZLE}[swarm]\nchance = \"100%\"\n")), 3);
        let written = drawn.partition_point(|fault| matches!(fault.origin, Origin::Written(_)));
        assert!(drawn[written..].is_sorted_by_key(|fault| fault.at) && drawn.len() > 18);
        let text = serde_json::to_string(&drawn).expect("JSON");
        assert_eq!(serde_json::from_str::<Vec<Drawn>>(&text).expect("JSON"), drawn);
    }
}
