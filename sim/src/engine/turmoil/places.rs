//! Which hosts share a turmoil host.
//!
//! Servers have one each. Devices share one as far as no fault tells them apart: a condition on the
//! network is for whole turmoil hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::engine::{Condition, Foreseen, HostId, HostSpec, LinkKind, Where};

/// Where hosts lie.
pub struct Places {
    /// The turmoil host of each host.
    of_hosts: Rc<[usize]>,
    members: Vec<Vec<HostId>>,
    devices: BTreeSet<HostId>,
}

/// Turmoil's name of a place.
pub fn name(place: usize) -> String {
    format!("place-{place}")
}

/// What tells a host apart from others.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Traits {
    Alone(HostId),
    /// In which of the groups of hosts that conditions name it is.
    Sharing(Vec<bool>),
}

impl Places {
    pub fn of(specs: &[HostSpec], foreseen: &Foreseen) -> Self {
        let mut places: BTreeMap<Traits, usize> = BTreeMap::new();
        let mut members: Vec<Vec<HostId>> = Vec::new();
        let mut of_hosts = Vec::with_capacity(specs.len());
        for (host, spec) in specs.iter().enumerate() {
            let host = host as HostId;
            let alone = spec.link == LinkKind::Backend || foreseen.power_losses.contains(&host);
            let traits = match alone {
                true => Traits::Alone(host),
                false => Traits::Sharing(
                    foreseen.conditions.iter().flat_map(|each| groups(each, host)).collect(),
                ),
            };
            let place = *places.entry(traits).or_insert(members.len());
            if place == members.len() {
                members.push(Vec::new());
            }
            members[place].push(host);
            of_hosts.push(place);
        }
        let links = specs.iter().enumerate().filter(|(_, spec)| spec.link == LinkKind::Client);
        let devices = links.map(|(host, _)| host as HostId).collect();
        Self { of_hosts: of_hosts.into(), members, devices }
    }

    /// The hosts of each place.
    pub fn members(&self) -> &[Vec<HostId>] {
        &self.members
    }

    /// Whether the host is a device.
    pub fn is_device(&self, host: HostId) -> bool {
        self.devices.contains(&host)
    }

    /// The place of each host.
    pub fn of_hosts(&self) -> &Rc<[usize]> {
        &self.of_hosts
    }
}

/// In which of the groups that a condition names a host is.
fn groups(condition: &Condition, host: HostId) -> Vec<bool> {
    match condition {
        Condition::Loss(on, _)
        | Condition::BurstLoss(on, _)
        | Condition::Delay(on, _)
        | Condition::Bandwidth(on, _) => match on {
            Where::Links(_) => Vec::new(),
            Where::Hosts(hosts) => vec![hosts.contains(&host)],
            Where::Between(a, b) => vec![a.contains(&host), b.contains(&host)],
        },
        Condition::Cut(a, b) | Condition::CutOneWay(a, b) => {
            vec![a.contains(&host), b.contains(&host)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DiskProfile;

    #[test]
    fn devices_share_a_place_unless_a_fault_tells_them_apart() {
        let spec = |link| HostSpec {
            name: String::new(),
            link,
            disk: DiskProfile::from(0),
            costs: None,
            tier: 0,
        };
        let specs: Vec<HostSpec> =
            [LinkKind::Backend; 2].into_iter().chain([LinkKind::Client; 5]).map(spec).collect();
        let places = |foreseen| Places::of(&specs, &foreseen).members;
        let together = places(Foreseen::default());
        assert_eq!(together, [vec![0], vec![1], vec![2, 3, 4, 5, 6]]);
        let apart = places(Foreseen {
            conditions: vec![Condition::Cut([0, 3, 4].into(), [1, 5].into())],
            power_losses: [4].into(),
            ..Foreseen::default()
        });
        assert_eq!(apart, [vec![0], vec![1], vec![2, 6], vec![3], vec![4], vec![5]]);
    }
}
