//! Members who join and leave while the workload runs.

use std::collections::BTreeSet;

use im::env::Nanos;
use im::model::{ConversationId, DeviceId, UserId};

use super::{Action, Conversation, Planned};
use crate::engine::rng::{self, Stream};
use crate::history::Operation;

/// A room never falls below this many members: somebody must be left to talk to.
const MEMBERS_MIN: usize = 2;

/// A conversation with its planned changes of membership.
pub struct Room {
    /// Its id.
    pub id: ConversationId,
    /// Planned members from a time on, in the order of the times.
    members: Vec<(Nanos, Vec<UserId>)>,
}

impl Room {
    pub fn new(conversation: &Conversation) -> Self {
        Self { id: conversation.id, members: vec![(0, conversation.members.clone())] }
    }

    /// Who is meant to be a member at that time.
    pub fn members_at(&self, at: Nanos) -> &[UserId] {
        let next = self.members.partition_point(|(from, _)| *from <= at);
        &self.members[next - 1].1
    }

    /// Everybody who is ever meant to be a member.
    pub fn ever_members(&self) -> BTreeSet<UserId> {
        self.members.iter().flat_map(|(_, members)| members.iter().copied()).collect()
    }

    fn change(&mut self, at: Nanos, members: Vec<UserId>) {
        self.members.push((at, members));
        self.members.sort_by_key(|(from, _)| *from);
    }
}

/// Joins and leaves at the times of the fault: a random user joins or leaves a random room. A user
/// changes a room at most once per fault, on their first device.
pub fn changes(
    times: Vec<Nanos>,
    users: u32,
    rooms: &mut [Room],
    rng: &mut Stream,
) -> Vec<Planned> {
    let mut changed: BTreeSet<(ConversationId, UserId)> = BTreeSet::new();
    let mut planned = Vec::new();
    for at in times {
        let room = &mut rooms[rng::below(rng, rooms.len() as u64) as usize];
        let user = UserId(rng::below(rng, u64::from(users)) as u32);
        let leave_instead = rng::chance_ppm(rng, 500_000);
        let members = room.members_at(at);
        // Half of the changes are leaves, of a random member.
        let user = match leave_instead {
            true => members[rng::below(rng, members.len() as u64) as usize],
            false => user,
        };
        let mut after = members.to_vec();
        let operation = match members.iter().position(|member| *member == user) {
            Some(place) if members.len() > MEMBERS_MIN => {
                after.remove(place);
                Operation::Leave
            }
            Some(_) => continue,
            None => {
                after.push(user);
                Operation::Join
            }
        };
        if !changed.insert((room.id, user)) {
            continue;
        }
        room.change(at, after);
        let device = DeviceId { user, index: 0 };
        let action = Action::Ask(operation);
        planned.push(Planned { at, device, conversation: room.id, action, fault: None });
    }
    planned
}
