//! `[[changes]]`: what is configured anew while the cluster runs.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One `[[changes]]`: all chat nodes have the new value at once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When, from the start of `duration`.
    pub at: Span,
    /// `im.hybrid_threshold` from then on.
    pub hybrid_threshold: u32,
}
