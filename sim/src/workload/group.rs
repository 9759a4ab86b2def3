//! Group conversations of random members; sizes follow the scenario.

use im::model::UserId;

use super::draw_users;
use crate::engine::rng::Stream;
use crate::scenario::{Group, Scenario};

/// The members of each group.
pub fn conversations(spec: &Group, scenario: &Scenario, rng: &mut Stream) -> Vec<Vec<UserId>> {
    let sizes = spec.members.sizes(spec.groups);
    sizes.into_iter().map(|size| draw_users(size, scenario.population.users, rng)).collect()
}
