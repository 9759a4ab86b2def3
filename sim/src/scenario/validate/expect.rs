//! Rules of `[expect]`: bounds on workloads that are there, and on figures that a workload has.

use super::Rules;
use crate::metrics::{self, Metric};
use crate::scenario::Scenario;
use crate::scenario::explain::list;

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    let names: Vec<&str> = scenario.workload.iter().map(|workload| workload.name()).collect();
    for (name, limits) in &scenario.expect.workload {
        let key = format!("expect.workload.{name}");
        rules.demand(names.contains(&name.as_str()), &[&key], || match &names[..] {
            [] => "there is no workload".to_owned(),
            names => format!("there is no such workload; there is {}", list(names.iter().copied())),
        });
        for metric in limits.keys() {
            let alone = Metric::named(metric).is_some_and(Metric::by_workload);
            rules.demand(alone, &[&format!("{key}.{metric}")], || {
                let some = metrics::ALL.iter().filter(|metric| metric.by_workload());
                let some: Vec<&str> = some.map(|metric| metric.name).collect();
                format!(
                    "it is a figure of the whole run; write it into [expect], or bound one of {}",
                    list(some)
                )
            });
        }
    }
}
