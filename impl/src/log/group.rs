//! The consumer group: who is in it, by leases; which member consumes which partitions; and how
//! far each partition is done.

use std::collections::BTreeMap;

use crate::env::Nanos;
use crate::proto::log::Reply;

/// The consumer group.
pub struct Group {
    lease: Nanos,
    members: BTreeMap<u32, Nanos>,
    generation: u64,
    /// Committed offset of each partition.
    committed: Vec<u64>,
}

impl Group {
    /// An empty group over that many partitions.
    pub fn new(partitions: u32, lease: Nanos) -> Self {
        let committed = vec![0; partitions as usize];
        Self { lease, members: BTreeMap::new(), generation: 0, committed }
    }

    /// A member is there: renews its lease and tells it its share. The partition `p` of `n` members
    /// goes to member number `p mod n`.
    pub fn beat(&mut self, member: u32, now: Nanos) -> Reply {
        self.expire(now);
        if self.members.insert(member, now + self.lease).is_none() {
            self.generation += 1;
        }
        let place = self.members.keys().position(|known| *known == member).expect("just entered");
        let partitions = (0u32..)
            .zip(&self.committed)
            .filter(|(partition, _)| *partition as usize % self.members.len() == place)
            .map(|(partition, committed)| (partition, *committed))
            .collect();
        Reply::Assigned { generation: self.generation, partitions }
    }

    /// The current generation of the assignment.
    pub fn generation(&mut self, now: Nanos) -> u64 {
        self.expire(now);
        self.generation
    }

    /// The partition is done before `offset`. Never goes back. Returns how many records that finished.
    pub fn commit(&mut self, partition: u32, offset: u64) -> u64 {
        let committed = &mut self.committed[partition as usize];
        let before = *committed;
        *committed = before.max(offset);
        *committed - before
    }

    fn expire(&mut self, now: Nanos) {
        let before = self.members.len();
        self.members.retain(|_, until| *until > now);
        if self.members.len() != before {
            self.generation += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(reply: Reply) -> (u64, Vec<(u32, u64)>) {
        match reply {
            Reply::Assigned { generation, partitions } => (generation, partitions),
            other => panic!("not an assignment: {other:?}"),
        }
    }

    #[test]
    fn partitions_follow_the_members_and_offsets_stay() {
        let mut group = Group::new(3, 100);
        assert_eq!(share(group.beat(7, 0)), (1, vec![(0, 0), (1, 0), (2, 0)]));
        assert_eq!(share(group.beat(9, 50)), (2, vec![(1, 0)]));
        assert_eq!([group.commit(1, 40), group.commit(1, 30)], [40, 0]);
        assert_eq!(share(group.beat(9, 120)), (3, vec![(0, 0), (1, 40), (2, 0)]), "7 is gone");
        assert_eq!(group.generation(500), 4, "9 is gone too");
    }
}
