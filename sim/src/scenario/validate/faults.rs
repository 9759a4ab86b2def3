//! Rules of the `[[faults]]` tables: faults outside of the run or of the cluster, faults that
//! contradict each other, and faults that do nothing.

use im::units::Span;

use super::Rules;
use super::workload::demand_group;
use crate::scenario::{Fault, NodeRef, Partition, Role, Scenario, Target};

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    for (index, fault) in scenario.faults.iter().enumerate() {
        let key = format!("faults.{index}");
        check_times(scenario, &key, fault, rules);
        check_downs(scenario, index, rules);
        check_kind(scenario, &key, fault, rules);
    }
}

fn check_times(scenario: &Scenario, key: &str, fault: &Fault, rules: &mut Rules) {
    let lasts_key = format!("{key}.lasts");
    rules.demand(fault.lasts() > Span::default(), &[&lasts_key], || {
        "a fault of no length does nothing; write a span of time, as in \"5s\"".to_owned()
    });
    let at_key = format!("{key}.at");
    let (at, end, duration) = (fault.at(), fault.end(), scenario.duration);
    rules.demand(end <= duration, &[&lasts_key, &at_key, "duration"], || {
        format!(
            "from {at} on it would last until {end}, and the run's duration ends at {duration}; \
             let it begin earlier or last shorter, or raise duration"
        )
    });
}

/// A node can only go down while it is up, and must come up before it goes down again.
fn check_downs(scenario: &Scenario, index: usize, rules: &mut Rules) {
    let fault = &scenario.faults[index];
    let Some(node) = fault.downs() else { return };
    let key = format!("faults.{index}.node");
    demand_exists(scenario, &key, node, rules);
    for (earlier, other) in scenario.faults[..index].iter().enumerate() {
        let overlap =
            other.downs() == Some(node) && other.at() <= fault.end() && fault.at() <= other.end();
        let at_key = format!("faults.{index}.at");
        let other_key = format!("faults.{earlier}.at");
        rules.demand(!overlap, &[&at_key, &other_key], || {
            format!(
                "{node} is down from {} to {} already (faults.{earlier}), so it cannot go down \
                 at {}; let it come back first, or name another node",
                other.at(),
                other.end(),
                fault.at()
            )
        });
    }
}

fn check_kind(scenario: &Scenario, key: &str, fault: &Fault, rules: &mut Rules) {
    let rate = format!("{key}.rate");
    match fault {
        Fault::Loss(loss) => {
            rules.demand(loss.rate.per_million() > 0, &[&rate], || {
                "a loss of 0% does nothing; write more, or leave this fault out".to_owned()
            });
        }
        Fault::DelaySpike(spike) => {
            rules.demand(spike.by > Span::default(), &[&format!("{key}.by")], || {
                "a delay of 0 does nothing; write more, or leave this fault out".to_owned()
            });
        }
        Fault::Partition(partition) => check_partition(scenario, key, partition, rules),
        Fault::Crash(_) | Fault::PowerLoss(_) => {}
        Fault::MembershipChurn(churn) => {
            rules.demand(!churn.rate.is_zero(), &[&rate], || {
                "nobody would join or leave; write more than 0, or leave this fault out".to_owned()
            });
            demand_group(scenario, &format!("{key}.workload"), &churn.workload, rules);
        }
    }
}

fn check_partition(scenario: &Scenario, key: &str, partition: &Partition, rules: &mut Rules) {
    let [one, other] = partition.between;
    let between = format!("{key}.between");
    let overlap = one == other
        || match (one, other) {
            (Target::Role(role), target) | (target, Target::Role(role)) => target.role() == role,
            (Target::Node(_), Target::Node(_)) => false,
        };
    rules.demand(!overlap, &[&between], || {
        format!(
            "`{one}` and `{other}` are the same side; write two that have no node in common, as \
             in [\"gateway\", \"chat\"]"
        )
    });
    for (side, target) in partition.between.into_iter().enumerate() {
        if let Target::Node(node) = target {
            demand_exists(scenario, &format!("{between}.{side}"), node, rules);
        }
    }
}

fn demand_exists(scenario: &Scenario, key: &str, node: NodeRef, rules: &mut Rules) {
    let count = scenario.nodes(node.role);
    if count == 0 {
        return; // Refused already, where the count stands.
    }
    let counted_by = match node.role {
        Role::Registry | Role::Redis => return,
        Role::Log => "cluster.log.brokers",
        Role::Store => "cluster.store.shards",
        Role::Chat => "cluster.chats",
        Role::Dispatcher => "cluster.dispatchers",
        Role::Gateway => "cluster.gateways",
        Role::Device => "population.users",
    };
    rules.demand(node.index < count, &[key, counted_by], || {
        let last = node.role.node(count - 1);
        let up_to = if count == 1 { "" } else { " or less" };
        format!("there is no {node}: {counted_by} is {count}; write \"{last}\"{up_to}")
    });
}
