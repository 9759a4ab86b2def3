//! Rules of the faults of the network.

use im::units::Span;

use super::Rules;
use super::targets::{demand, demand_all, demand_one_aim};
use crate::scenario::validate::cluster::check_bursts;
use crate::scenario::{
    Bandwidth, Clog, Collapse, DelaySpike, Loss, Partition, Probability, ReconnectStorm,
    ResetStorm, Scenario, Target,
};

/// A queue holds two full packets at least, or nothing gets through it.
pub(in crate::scenario::validate) const QUEUE_BYTES_MIN: u64 = 2 * 1_500;

pub(super) fn check_loss(scenario: &Scenario, key: &str, loss: &Loss, rules: &mut Rules) {
    demand_one_aim(scenario, key, loss.links, loss.on.as_ref(), rules);
    let [rate, bursts] = ["rate", "bursts"].map(|part| format!("{key}.{part}"));
    rules.demand(loss.rate.is_some() || loss.bursts.is_some(), &[&rate, &bursts], || {
        "it is missing, and so is `bursts`; add one of them, as in `rate = \"5%\"`".to_owned()
    });
    rules.demand(loss.rate != Some(Probability::NEVER), &[&rate], || {
        "a loss of 0% does nothing; write more, or leave this fault out".to_owned()
    });
    if let Some(chain) = &loss.bursts {
        rules.demand(chain.can_begin(), &[&format!("{bursts}.enter")], || {
            "bursts that never begin do nothing; write more than 0%, or leave `bursts` out"
                .to_owned()
        });
        check_bursts(&bursts, chain, rules);
    }
}

pub(super) fn check_delay(scenario: &Scenario, key: &str, spike: &DelaySpike, rules: &mut Rules) {
    demand_one_aim(scenario, key, spike.links, spike.on.as_ref(), rules);
    check_by(key, spike.by, rules);
}

pub(super) fn check_clog(scenario: &Scenario, key: &str, clog: &Clog, rules: &mut Rules) {
    demand_all(scenario, key, "on", &clog.on, rules);
    check_by(key, clog.by, rules);
}

pub(super) fn check_by(key: &str, by: Span, rules: &mut Rules) {
    rules.demand(by > Span::default(), &[&format!("{key}.by")], || {
        "a delay of 0 does nothing; write more, or leave this fault out".to_owned()
    });
}

pub(super) fn check_bandwidth(
    scenario: &Scenario,
    key: &str,
    collapse: &Collapse,
    rules: &mut Rules,
) {
    demand_one_aim(scenario, key, collapse.links, collapse.on.as_ref(), rules);
    let [rate, queue] = ["rate", "queue"].map(|part| format!("{key}.{part}"));
    let Collapse { rate: carried, queue: waits, .. } = collapse;
    rules.demand(*carried != Bandwidth::Unlimited, &[&rate], || {
        "a link without a limit does not collapse; write a bandwidth, as in \"64kbit/s\"".to_owned()
    });
    rules.demand(carried.bytes_per_s() != Some(0), &[&rate], || {
        format!(
            "`{carried}` carries nothing, ever; write 8bit/s or more, or cut the network with a \
             fault of kind \"partition\""
        )
    });
    rules.demand(*waits >= QUEUE_BYTES_MIN, &[&queue], || {
        format!(
            "a queue of {waits} bytes has no room for two packets; write {QUEUE_BYTES_MIN} or more"
        )
    });
}

pub(super) fn check_partition(
    scenario: &Scenario,
    key: &str,
    partition: &Partition,
    rules: &mut Rules,
) {
    let between = format!("{key}.between");
    let one_aim = partition.between.is_some() != partition.halves.is_some();
    rules.demand(one_aim, &[&between, &format!("{key}.halves")], || {
        "a partition is between two sides or between random halves, not both or neither; write \
         either between = [\"gateway\", \"chat\"] or halves = \"servers\""
            .to_owned()
    });
    let Some([one, other]) = &partition.between else { return };
    let both = |node| scenario.covers(one, node) && scenario.covers(other, node);
    rules.demand(!scenario.all_nodes().any(both), &[&between], || {
        format!(
            "`{one}` and `{other}` are the same side; write two that have no node in common, as \
             in [\"gateway\", \"chat\"]"
        )
    });
    let targets: [&Target; 2] = [one, other];
    for (side, target) in targets.into_iter().enumerate() {
        demand(scenario, &format!("{between}.{side}"), target, rules);
    }
}

pub(super) fn check_resets(scenario: &Scenario, key: &str, storm: &ResetStorm, rules: &mut Rules) {
    demand_all(scenario, key, "on", &storm.on, rules);
    if let Some(with) = &storm.with {
        demand_all(scenario, key, "with", with, rules);
    }
    let [every, lasts] = ["every", "lasts"].map(|part| format!("{key}.{part}"));
    let repeats = storm.lasts > Span::default();
    rules.demand(!repeats || storm.every.is_some(), &[&every, &lasts], || {
        "it is missing: resets that go on for a while come again and again; add it, as in \
         `every = \"500ms\"`, or leave `lasts` out"
            .to_owned()
    });
    if let Some(span) = storm.every {
        rules.demand(span > Span::default(), &[&every], || {
            "a span of 0 would repeat without end at one instant; write more".to_owned()
        });
        rules.demand(repeats, &[&lasts, &every], || {
            "it is missing: resets that come again need an end; add it, as in `lasts = \"5s\"`, or \
             leave `every` out"
                .to_owned()
        });
    }
}

pub(super) fn check_reconnects(key: &str, storm: &ReconnectStorm, rules: &mut Rules) {
    rules.demand(storm.share > Probability::NEVER, &[&format!("{key}.share")], || {
        "a share of 0% is nobody; write more, or leave this fault out".to_owned()
    });
}
