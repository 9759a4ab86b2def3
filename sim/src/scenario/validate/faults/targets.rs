//! Rules of targets: nodes and regions that there are, and exactly one way to name them.

use super::Rules;
use crate::scenario::explain::{did_you_mean, one_of};
use crate::scenario::{Links, NodeRef, Role, Scenario, Target, Targets};

/// Demands that the targets of `key.part` exist, and that there are any.
pub(super) fn demand_all(
    scenario: &Scenario,
    key: &str,
    part: &str,
    targets: &Targets,
    rules: &mut Rules,
) {
    let key = format!("{key}.{part}");
    rules.demand(!targets.0.is_empty(), &[&key], || {
        "an empty list is aimed at nothing; write a role, a node or a region, as in [\"gateway-0\"]"
            .to_owned()
    });
    for (place, target) in targets.0.iter().enumerate() {
        // What was written as one word has no places.
        let of_list = if targets.0.len() == 1 { key.clone() } else { format!("{key}.{place}") };
        demand(scenario, &of_list, target, rules);
    }
}

/// Demands that a fault is aimed at either links or nodes.
pub(super) fn demand_one_aim(
    scenario: &Scenario,
    key: &str,
    links: Option<Links>,
    on: Option<&Targets>,
    rules: &mut Rules,
) {
    let [links_key, on_key] = ["links", "on"].map(|part| format!("{key}.{part}"));
    rules.demand(links.is_some() != on.is_some(), &[&links_key, &on_key], || {
        "it is aimed at a kind of link or at nodes, not at both or neither; write either \
         links = \"clients\" or on = \"gateway-0\""
            .to_owned()
    });
    if let Some(targets) = on {
        demand_all(scenario, key, "on", targets, rules);
    }
}

/// Demands that a target exists.
pub(super) fn demand(scenario: &Scenario, key: &str, target: &Target, rules: &mut Rules) {
    match target {
        Target::Role(_) => {}
        Target::Node(node) => demand_exists(scenario, key, *node, rules),
        Target::Region(name) => {
            let known = &scenario.cluster.regions;
            rules.demand(known.contains(name), &[key, "cluster.regions"], || {
                let names = || known.iter().map(String::as_str);
                let hint = Some(did_you_mean(name, names())).filter(|hint| !hint.is_empty());
                let remedy = || match known.is_empty() {
                    true => format!("; write cluster.regions = [\"{name}\", \"...\"]"),
                    false => format!("; write {}", one_of(&names().collect::<Vec<_>>())),
                };
                format!("there is no region `{name}`{}", hint.unwrap_or_else(remedy))
            });
        }
    }
}

/// Demands that a node exists.
pub(super) fn demand_exists(scenario: &Scenario, key: &str, node: NodeRef, rules: &mut Rules) {
    let count = scenario.nodes(node.role);
    let counted_by = match node.role {
        Role::Registry => return,
        Role::Redis => "cluster.redis.replicas",
        Role::Sentinel => "cluster.redis.sentinels",
        Role::Lock => "cluster.redis.lock_masters",
        Role::Log => "cluster.log.brokers",
        Role::Store => "cluster.store.shards",
        Role::Chat => "cluster.chats",
        Role::Dispatcher => "cluster.dispatchers",
        Role::Gateway => "cluster.gateways",
        Role::RedisClient => "redis_clients.count",
        Role::Device => "population.users",
    };
    let optional = matches!(node.role, Role::Sentinel | Role::Lock | Role::RedisClient);
    if count == 0 && !optional {
        return; // Refused already, where the count stands.
    }
    rules.demand(node.index < count, &[key, counted_by], || {
        // The master is counted by nobody.
        let counted = count - u32::from(node.role == Role::Redis);
        let remedy = match count {
            0 => format!("raise {counted_by}"),
            1 => format!("write \"{}\"", node.role.node(0)),
            _ => format!("write \"{}\" or less", node.role.node(count - 1)),
        };
        format!("there is no {node}: {counted_by} is {counted}; {remedy}")
    });
}
