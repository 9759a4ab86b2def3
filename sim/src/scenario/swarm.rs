//! The `[swarm]` table: which faults each seed draws on its own, beside those of `[[faults]]`.
//!
//! Only its keys and their bounds; what is drawn is [`crate::faults`]' affair.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::Family;
use super::units::Probability;

/// The `[swarm]` table. Its presence draws extra faults, anew for each seed: each family is on or
/// off, and one that is on brings 1 to `faults` faults. Each family draws from a random stream of
/// its own, so that naming one more moves nothing in the others.
///
/// It never destroys the only synced copy of anything: a loss of power takes what was not synced,
/// torn or not; a failing disk refuses what is new; disks are never taken away. So every promise
/// must hold, whatever is drawn. All of it is healed at the end of `duration`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Swarm {
    /// The families that it draws from: kinds of `[[faults]]`. By default all of them.
    pub families: Vec<Family>,
    /// Probability that a family is on.
    pub chance: Probability,
    /// The most faults that a family brings.
    #[schemars(range(min = 1))]
    pub faults: u32,
    /// How short a fault may be.
    pub shortest: Span,
    /// How long a fault may be.
    pub longest: Span,
    /// Whether it is an error (exit code 1) when one of its faults touched nothing.
    pub require_effect: bool,
}

impl Default for Swarm {
    fn default() -> Self {
        Self {
            families: Family::ALL.to_vec(),
            chance: Probability::percent(50),
            faults: 2,
            shortest: Span::ms(300),
            longest: Span::s(5),
            require_effect: false,
        }
    }
}
