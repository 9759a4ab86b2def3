//! 1:1 conversations between random pairs of users.

use im::model::UserId;

use super::draw_users;
use crate::engine::rng::Stream;
use crate::scenario::{OneToOne, Scenario};

/// The members of each conversation.
pub fn conversations(spec: &OneToOne, scenario: &Scenario, rng: &mut Stream) -> Vec<Vec<UserId>> {
    (0..spec.pairs).map(|_| draw_users(2, scenario.population.users, rng)).collect()
}
