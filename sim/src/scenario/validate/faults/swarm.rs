//! Rules of the `[swarm]` table.

use im::units::Span;

use super::Rules;
use crate::scenario::{Probability, Scenario};

pub(super) fn check(scenario: &Scenario, rules: &mut Rules) {
    let Some(swarm) = &scenario.swarm else { return };
    rules.demand(!swarm.families.is_empty(), &["swarm.families"], || {
        "a swarm without families draws nothing; write some, as in [\"crash\"], or leave [swarm] out"
            .to_owned()
    });
    for (place, family) in swarm.families.iter().enumerate() {
        let twice = swarm.families[..place].contains(family);
        rules.demand(!twice, &[&format!("swarm.families.{place}")], || {
            format!("`{}` stands here twice; write it once", family.name())
        });
    }
    rules.demand(swarm.chance > Probability::NEVER, &["swarm.chance"], || {
        "a chance of 0% draws nothing; write more, or leave [swarm] out".to_owned()
    });
    rules.demand_some("swarm.faults", swarm.faults as usize, "no fault to draw");
    let (shortest, longest) = (swarm.shortest, swarm.longest);
    rules.demand(shortest >= Span::ms(1), &["swarm.shortest"], || {
        format!("a fault of {shortest} is over before anything happens; write 1ms or more")
    });
    rules.demand(shortest <= longest, &["swarm.shortest", "swarm.longest"], || {
        format!("the shortest fault ({shortest}) is longer than the longest ({longest}); swap them")
    });
    let duration = scenario.duration;
    rules.demand(Span(longest.0.saturating_mul(2)) <= duration, &["swarm.longest", "duration"], || {
        format!(
            "faults of {longest} leave no room in a run of {duration}; write half of it or less, \
             or raise duration"
        )
    });
}
