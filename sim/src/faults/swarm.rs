//! The swarm: faults that nobody wrote, drawn per seed.
//!
//! Each family draws from a stream of its own and looks at no other family's draws, so that naming
//! one more moves nothing in the others. Yet a node must not be killed while it is down: who may
//! take hold of which node is therefore dealt out beforehand, by slots of time ([`Deal`]).
//!
//! Nothing here can destroy the only synced copy of anything: a loss of power takes what was not
//! synced, a failing or full disk refuses what is new, and no disk is ever taken away.

mod deal;
mod kinds;

use im::units::Span;

use super::Origin;
use crate::engine::rng::{self, Stream};
use crate::scenario::{Family, Fault, Scenario, Swarm};

use deal::Deal;

/// How often a family tries to draw a fault that is free to happen.
const TRIES_MAX: u32 = 64;

/// What a family draws from: the world as far as it is known before the run, and its own stream.
pub(super) struct Drawing<'a> {
    scenario: &'a Scenario,
    swarm: &'a Swarm,
    deal: &'a Deal,
    family: Family,
    rng: Stream,
}

/// The faults of the swarm for this seed, without those that contradict what is written.
pub(super) fn draw(scenario: &Scenario, seed: u64) -> Vec<(Origin, Fault)> {
    let Some(swarm) = &scenario.swarm else { return Vec::new() };
    let deal = Deal::new(scenario, swarm, seed);
    let mut drawn = Vec::new();
    for family in Family::ALL.into_iter().filter(|family| swarm.families.contains(family)) {
        let rng = rng::stream(seed, &format!("swarm/{}", family.name()));
        let mut drawing = Drawing { scenario, swarm, deal: &deal, family, rng };
        let numbered = (0..).map(|number| Origin::Swarm(family, number));
        drawn.extend(numbered.zip(drawing.of_family()));
    }
    drawn
}

impl Drawing<'_> {
    /// The faults of one family: none, or 1 to `faults`.
    fn of_family(&mut self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        if !rng::chance_ppm(&mut self.rng, self.swarm.chance.per_million()) {
            return faults;
        }
        for _ in 0..=self.below(u64::from(self.swarm.faults)) {
            for _ in 0..TRIES_MAX {
                let Some(fault) = self.one() else { continue };
                if self.is_free(&fault, &faults) {
                    faults.push(fault);
                    break;
                }
            }
        }
        faults
    }

    /// Whether the fault contradicts neither what is written nor what the family has drawn.
    fn is_free(&self, fault: &Fault, drawn: &[Fault]) -> bool {
        let holds = fault.holds(self.scenario);
        self.scenario.faults.iter().chain(drawn).all(|other| {
            let others = other.holds(self.scenario);
            !holds.iter().any(|hold| others.iter().any(|other| hold.contradicts(other)))
        })
    }

    fn below(&mut self, bound: u64) -> u64 {
        rng::below(&mut self.rng, bound)
    }

    /// A number from `least` to `most`, inclusive.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A whole number of milliseconds from `least` to `most`, inclusive.
    fn span(&mut self, least: Span, most: Span) -> Span {
        Span::ms(self.between(least.0 / 1_000_000, most.0 / 1_000_000))
    }

    /// When a fault that holds no node begins and how long it lasts, anywhere in `duration`.
    fn times(&mut self) -> (Span, Span) {
        let lasts = self.length();
        let at = self.span(Span::default(), Span(self.scenario.duration.0 - lasts.0));
        (at, lasts)
    }

    fn length(&mut self) -> Span {
        self.span(self.swarm.shortest, self.swarm.longest)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::scenario::Probability;

    fn scenario(swarm: &str) -> Scenario {
        let text = format!(
            "duration = \"30s\"\nworkload = [{{ kind = \"group\", name = \"g\", groups = 2, \
             members = 3, rate = \"1/s\" }}]\nfaults = [{{ kind = \"crash\", node = \"chat-0\", \
             at = \"1s\", lasts = \"20s\" }}]\n[cluster.redis]\nreplicas = 2\nsentinels = 3\n\
             [swarm]\n{swarm}"
        );
        Scenario::from_str("test", &text, &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    fn by_family(scenario: &Scenario, seed: u64) -> BTreeMap<Family, Vec<Fault>> {
        let mut found: BTreeMap<Family, Vec<Fault>> = BTreeMap::new();
        for (origin, fault) in draw(scenario, seed) {
            assert!(matches!(origin, Origin::Swarm(family, _) if family == fault.family()));
            found.entry(fault.family()).or_default().push(fault);
        }
        found
    }

    #[test]
    fn every_family_is_on_in_about_its_share_of_seeds_and_off_in_the_others() {
        let scenario = scenario("");
        let mut on: BTreeMap<Family, u32> = BTreeMap::new();
        for seed in 0..200 {
            for (family, faults) in by_family(&scenario, seed) {
                *on.entry(family).or_default() += 1;
                assert!(faults.len() <= 2);
            }
        }
        for family in Family::ALL {
            let seeds = on.get(&family).copied().unwrap_or(0);
            assert!((70..=130).contains(&seeds), "{family:?}: {seeds} of 200");
        }
    }

    #[test]
    fn a_family_draws_the_same_whatever_the_others_are() {
        let all = scenario("chance = \"100%\"");
        for seed in 0..20 {
            let together = by_family(&all, seed);
            for family in Family::ALL {
                let keys = format!("chance = \"100%\"\nfamilies = [\"{}\"]", family.name());
                let alone = by_family(&scenario(&keys), seed);
                assert_eq!(alone.get(&family), together.get(&family), "{family:?} of {seed}");
            }
        }
    }

    /// Written into a scenario, what was drawn must pass for something that a person could write.
    #[test]
    fn what_is_drawn_is_valid_and_contradicts_nothing() {
        let all = scenario("chance = \"100%\"\nfaults = 5");
        for seed in 0..100 {
            let mut written = all.clone();
            written.swarm = None;
            written.faults.extend(draw(&all, seed).into_iter().map(|(_, fault)| fault));
            let again = Scenario::from_expanded("drawn", &written.expanded());
            again.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }

    #[test]
    fn lengths_keep_to_their_bounds() {
        let all = scenario("chance = \"100%\"\nshortest = \"1s\"\nlongest = \"3s\"");
        assert_eq!(all.swarm.as_ref().expect("written").chance, Probability::ALWAYS);
        for (_, fault) in (0..50).flat_map(|seed| draw(&all, seed)) {
            let lasts = fault.lasts(&all);
            let instant = lasts == Span::default();
            assert!(instant || (Span::s(1)..=Span::s(3)).contains(&lasts), "{fault:?}");
            assert!(fault.aftermath() <= fault.family().aftermath_max(), "{fault:?}");
        }
    }
}
