//! Members who open their conversations and look at what is there.

use im::env::Nanos;

use super::arrivals::poisson;
use super::churn::Room;
use super::{Action, Plan, Planned};
use crate::engine::rng::Stream;
use crate::scenario::Rate;

/// Each device of each member opens each room at that rate, while the user is a member.
pub fn draw(
    plan: &Plan,
    rooms: &[Room],
    rate: Rate,
    until: Nanos,
    rng: &mut Stream,
) -> Vec<Planned> {
    let mut opens = Vec::new();
    for room in rooms {
        for user in room.ever_members() {
            for device in plan.devices_of(user) {
                let times = poisson(rate, 0, until, rng).into_iter();
                let times = times.filter(|at| room.members_at(*at).contains(&user));
                let open = |at| Planned {
                    at,
                    device: *device,
                    conversation: room.id,
                    action: Action::Open,
                    fault: None,
                };
                opens.extend(times.map(open));
            }
        }
    }
    opens
}
