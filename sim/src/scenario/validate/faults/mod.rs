//! Rules of the `[[faults]]` tables and of `[swarm]`: faults outside of the run or of the cluster,
//! faults that contradict each other, and faults that do nothing.

mod hosts;
mod network;
mod swarm;
mod targets;

use im::units::Span;

pub(super) use network::QUEUE_BYTES_MIN;

use super::Rules;
use super::workload::demand_group;
use crate::scenario::{Fault, Held, Hold, NodeRef, Role, Scenario};

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    for (index, fault) in scenario.faults.iter().enumerate() {
        let key = format!("faults.{index}");
        check_times(scenario, &key, fault, rules);
        check_kind(scenario, &key, fault, rules);
        check_holds(scenario, index, rules);
    }
    swarm::check(scenario, rules);
}

fn check_times(scenario: &Scenario, key: &str, fault: &Fault, rules: &mut Rules) {
    let (at_key, lasts_key) = (format!("{key}.at"), format!("{key}.lasts"));
    let (lasts, end) = (fault.lasts(scenario), fault.end(scenario));
    // These have no `lasts`, or may do without.
    let instant =
        matches!(fault, Fault::ReconnectStorm(_) | Fault::ResetStorm(_) | Fault::RollingRestart(_));
    rules.demand(lasts > Span::default() || instant, &[&lasts_key], || {
        "a fault of no length does nothing; write a span of time, as in \"5s\"".to_owned()
    });
    let (at, duration) = (fault.at(), scenario.duration);
    let length_keys: &[&str] = match fault {
        Fault::RollingRestart(_) => &["down", "gap"],
        Fault::ReconnectStorm(_) => &[],
        _ => &["lasts"],
    };
    let lengths: Vec<String> = length_keys.iter().map(|part| format!("{key}.{part}")).collect();
    let mut keys: Vec<&str> = lengths.iter().map(String::as_str).collect();
    keys.extend([at_key.as_str(), "duration"]);
    rules.demand(end <= duration, &keys, || {
        format!(
            "from {at} on it would last until {end}, and the run's duration ends at {duration}; \
             let it begin earlier or last shorter, or raise duration"
        )
    });
}

/// A node can only be taken hold of while no other fault holds it in a way that contradicts.
fn check_holds(scenario: &Scenario, index: usize, rules: &mut Rules) {
    let holds = scenario.faults[index].holds(scenario);
    for (earlier, other) in scenario.faults[..index].iter().enumerate() {
        let others = other.holds(scenario);
        let clash = holds.iter().find_map(|hold| {
            others.iter().find(|other| hold.contradicts(other)).map(|other| (hold, other))
        });
        let Some((hold, held)) = clash else { continue };
        let at_key = format!("faults.{index}.at");
        let other_key = format!("faults.{earlier}.at");
        rules.demand(false, &[&at_key, &other_key], || contradiction(hold, held, earlier));
    }
}

fn contradiction(hold: &Hold, held: &Hold, earlier: usize) -> String {
    let Hold { node, .. } = hold;
    let state = match held.held {
        Held::Down | Held::Off => format!("{node} is down"),
        Held::Paused => format!("{node} is paused"),
        Held::Disk => format!("the disk of {node} is faulty"),
        Held::Drifts => format!("the clock of {node} drifts"),
    };
    let cannot = match hold.held {
        Held::Down | Held::Off => "go down",
        Held::Paused => "be paused",
        Held::Disk => "get a faulty disk",
        Held::Drifts => "get another drift",
    };
    let (from, until, at) = (held.from, held.until, hold.from);
    format!(
        "{state} from {from} to {until} already (faults.{earlier}), so it cannot {cannot} at {at}; \
         let it come back first, or name another node"
    )
}

fn check_kind(scenario: &Scenario, key: &str, fault: &Fault, rules: &mut Rules) {
    match fault {
        Fault::Loss(loss) => network::check_loss(scenario, key, loss, rules),
        Fault::DelaySpike(spike) => network::check_delay(scenario, key, spike, rules),
        Fault::Bandwidth(collapse) => network::check_bandwidth(scenario, key, collapse, rules),
        Fault::Partition(partition) => network::check_partition(scenario, key, partition, rules),
        Fault::Clog(clog) => network::check_clog(scenario, key, clog, rules),
        Fault::Swizzle(swizzle) => targets::demand_all(scenario, key, "on", &swizzle.on, rules),
        Fault::ResetStorm(storm) => network::check_resets(scenario, key, storm, rules),
        Fault::ReconnectStorm(storm) => network::check_reconnects(key, storm, rules),
        Fault::Crash(crash) => hosts::check_crash(scenario, key, crash, rules),
        Fault::PowerLoss(fault) => hosts::demand_node(scenario, key, fault.node, rules),
        Fault::Pause(fault) => hosts::demand_node(scenario, key, fault.node, rules),
        Fault::RollingRestart(restart) => hosts::check_rolling(key, restart, rules),
        Fault::ClockStep(step) => hosts::check_step(scenario, key, step, rules),
        Fault::ClockDrift(drift) => hosts::check_drift(scenario, key, drift, rules),
        Fault::DiskSlow(slow) => hosts::check_slow(scenario, key, slow, rules),
        Fault::DiskFull(fault) => hosts::demand_disk(scenario, key, fault.node, rules),
        Fault::DiskFailing(fault) => hosts::demand_disk(scenario, key, fault.node, rules),
        Fault::RedisMasterCrash(_) | Fault::RedisMasterPause(_) => {}
        Fault::RedisMasterSlow(slow) => network::check_by(key, slow.by, rules),
        Fault::RedisMasterCut(cut) => {
            let Some(with) = &cut.with else { return };
            targets::demand_all(scenario, key, "with", with, rules);
            let redis = |node: NodeRef| {
                node.role == Role::Redis && with.0.iter().any(|one| scenario.covers(one, node))
            };
            rules.demand(!scenario.all_nodes().any(redis), &[&format!("{key}.with")], || {
                "it is not known beforehand which Redis is the master; name others, as in \
                 [\"chat-0\"]"
                    .to_owned()
            });
        }
        Fault::MembershipChurn(churn) => {
            rules.demand(!churn.rate.is_zero(), &[&format!("{key}.rate")], || {
                "nobody would join or leave; write more than 0, or leave this fault out".to_owned()
            });
            demand_group(scenario, &format!("{key}.workload"), &churn.workload, rules);
        }
    }
}
