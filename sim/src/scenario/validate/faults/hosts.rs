//! Rules of the faults of hosts.

use im::units::Span;

use super::Rules;
use super::targets::demand_exists;
use crate::scenario::explain::one_of;
use crate::scenario::{
    ClockDrift, ClockStep, Crash, DiskSlow, NodeRef, Point, Role, RollingRestart, Scenario, role_of,
};

/// Beyond a gain or loss of a tenth nobody would take it for a clock.
const PPM_MAX: u32 = 100_000;

/// Roles whose nodes keep anything on their disks.
pub(super) const WITH_DISK: [Role; 3] = [Role::Log, Role::Store, Role::Device];

pub(super) fn demand_node(scenario: &Scenario, key: &str, node: NodeRef, rules: &mut Rules) {
    demand_exists(scenario, &format!("{key}.node"), node, rules);
}

pub(super) fn demand_disk(scenario: &Scenario, key: &str, node: NodeRef, rules: &mut Rules) {
    demand_node(scenario, key, node, rules);
    rules.demand(WITH_DISK.contains(&node.role), &[&format!("{key}.node")], || {
        format!(
            "{node} keeps nothing on its disk; write {}",
            one_of(&WITH_DISK.map(|role| role.node(0).to_string()).each_ref().map(String::as_str))
        )
    });
}

pub(super) fn check_crash(scenario: &Scenario, key: &str, crash: &Crash, rules: &mut Rules) {
    demand_node(scenario, key, crash.node, rules);
    let [point_key, nth_key, node_key] =
        ["point", "nth", "node"].map(|part| format!("{key}.{part}"));
    rules.demand(crash.nth.is_none() || crash.point.is_some(), &[&point_key, &nth_key], || {
        "it is missing, and `nth` counts how often it is reached; add it, as in \
         `point = \"chat-committed\"`, or leave `nth` out"
            .to_owned()
    });
    rules.demand(crash.nth != Some(0), &[&nth_key], || {
        "times are counted from 1; write 1 or more".to_owned()
    });
    let Some(point) = crash.point else { return };
    let role = crash.node.role;
    rules.demand(role_of(point) == role, &[&point_key, &node_key], || {
        let of_role = Point::ALL.iter().copied().filter(|point| role_of(*point) == role);
        let known: Vec<&str> = of_role.map(Point::name).collect();
        let remedy = match known.as_slice() {
            [] => format!("leave `point` out: a {role} has none"),
            names => format!("write {}", one_of(names)),
        };
        format!(
            "{} is a point of a {}, not of {}; {remedy}",
            point.name(),
            role_of(point),
            crash.node
        )
    });
}

pub(super) fn check_rolling(key: &str, restart: &RollingRestart, rules: &mut Rules) {
    rules.demand(restart.role != Role::Device, &[&format!("{key}.role")], || {
        "devices are nobody's to update; write a role of servers, as in \"gateway\"".to_owned()
    });
    rules.demand(restart.down > Span::default(), &[&format!("{key}.down")], || {
        "a fault of no length does nothing; write a span of time, as in \"5s\"".to_owned()
    });
}

pub(super) fn check_step(scenario: &Scenario, key: &str, step: &ClockStep, rules: &mut Rules) {
    demand_node(scenario, key, step.node, rules);
    rules.demand(step.by.ms != 0, &[&format!("{key}.by")], || {
        "a step of 0 does nothing; write more, or leave this fault out".to_owned()
    });
}

pub(super) fn check_drift(scenario: &Scenario, key: &str, drift: &ClockDrift, rules: &mut Rules) {
    demand_node(scenario, key, drift.node, rules);
    let ppm = drift.ppm;
    rules.demand(ppm != 0 && ppm.unsigned_abs() <= PPM_MAX, &[&format!("{key}.ppm")], || {
        format!(
            "`{ppm}` is no drift of a clock; write 1 to {PPM_MAX} microseconds a second, or -1 to \
             -{PPM_MAX}"
        )
    });
}

pub(super) fn check_slow(scenario: &Scenario, key: &str, slow: &DiskSlow, rules: &mut Rules) {
    demand_disk(scenario, key, slow.node, rules);
    let slower = slow.times > 1 || slow.by > Span::default();
    let [times, by] = ["times", "by"].map(|part| format!("{key}.{part}"));
    rules.demand(slower && slow.times > 0, &[&times, &by], || {
        "the disk would be as fast as before; write times = 2 or more, or by = \"5ms\"".to_owned()
    });
}
