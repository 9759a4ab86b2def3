//! Conditions imposed on the network while a fault lasts, and how much traffic each one touched.

use im::env::Nanos;

use crate::engine::HostId;
use crate::engine::network::{Condition, ConditionId, LinkKind, Rate, Where};
use crate::engine::rng::{self, Stream};

struct Imposed {
    id: ConditionId,
    condition: Condition,
    touched: u64,
}

/// What the conditions in force do to a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It goes on, this much later.
    Delayed(Nanos),
    /// It is lost on the way; sending it again may help.
    Lost,
    /// A partition swallows it.
    Swallowed,
}

/// The conditions in force.
#[derive(Default)]
pub struct Conditions {
    imposed: Vec<Imposed>,
    next: u32,
}

impl Conditions {
    pub fn impose(&mut self, condition: Condition) -> ConditionId {
        let id = ConditionId(self.next);
        self.next += 1;
        self.imposed.push(Imposed { id, condition, touched: 0 });
        id
    }

    /// Ends the condition; returns how many packets it touched.
    pub fn lift(&mut self, id: ConditionId) -> u64 {
        let place = self.imposed.iter().position(|imposed| imposed.id == id);
        self.imposed.remove(place.expect("a condition is lifted once")).touched
    }

    pub fn is_empty(&self) -> bool {
        self.imposed.is_empty()
    }

    /// What happens to a packet on `hosts`, from the first to the second. `bad` is where the chain
    /// of burst loss stands on that direction of its connection.
    pub fn touch(
        &mut self,
        hosts: (HostId, HostId),
        kind: LinkKind,
        bad: &mut bool,
        rng: &mut Stream,
    ) -> Effect {
        let mut delay: Nanos = 0;
        for Imposed { condition, touched, .. } in &mut self.imposed {
            let effect = match condition {
                cut if cut.cuts(hosts) => Effect::Swallowed,
                Condition::Loss(on, ppm)
                    if on.covers(hosts, kind) && rng::chance_ppm(rng, *ppm) =>
                {
                    Effect::Lost
                }
                Condition::BurstLoss(on, bursts)
                    if on.covers(hosts, kind) && bursts.lose(bad, rng) =>
                {
                    Effect::Lost
                }
                Condition::Delay(on, by) if on.covers(hosts, kind) => {
                    delay = delay.saturating_add(*by);
                    *touched += 1;
                    continue;
                }
                _ => continue,
            };
            *touched += 1;
            return effect;
        }
        Effect::Delayed(delay)
    }

    /// What the link of a host carries while conditions are in force, and the one that caps it.
    pub fn rate(
        &self,
        host: HostId,
        kind: LinkKind,
        own: Option<Rate>,
    ) -> (Option<Rate>, Option<usize>) {
        let mut rate = (own, None);
        for (place, Imposed { condition, .. }) in self.imposed.iter().enumerate() {
            let Condition::Bandwidth(on, cap) = condition else { continue };
            let applies = match on {
                Where::Links(links) => *links == kind,
                Where::Hosts(hosts) => hosts.contains(&host),
                Where::Between(a, b) => a.contains(&host) || b.contains(&host),
            };
            if applies && rate.0.is_none_or(|rate| rate.bytes_per_s > cap.bytes_per_s) {
                rate = (Some(*cap), Some(place));
            }
        }
        rate
    }

    /// A packet had to wait for the cap at this place, or was dropped there.
    pub fn note_wait(&mut self, place: usize) {
        self.imposed[place].touched += 1;
    }
}
