//! The `[expect]` table: the verdict that each promise must get.
//!
//! A claim is a scenario that expects something else than `valid`. Knows no checker.

use im_reports::record::Verdict;
use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// The `[expect]` table. By default every promise holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Every message owed to a device is shown on it.
    #[schemars(schema_with = "verdict")]
    pub delivery: Verdict,
    /// No device shows a message twice.
    #[schemars(schema_with = "verdict")]
    pub duplicates: Verdict,
    /// Every device shows a conversation in its order.
    #[schemars(schema_with = "verdict")]
    pub order: Verdict,
    /// Every owed row is shown, pending, or dropped for a reason.
    #[schemars(schema_with = "verdict")]
    pub ledger: Verdict,
}

impl Expect {
    /// The verdict that the promise of a checker must get; `id` is the checker's.
    pub fn of(&self, id: &str) -> Verdict {
        match id {
            "A1" => self.delivery,
            "A2" => self.duplicates,
            "A3" => self.order,
            "ledger" => self.ledger,
            other => unreachable!("no checker `{other}`"),
        }
    }
}

impl Default for Expect {
    fn default() -> Self {
        let valid = Verdict::Valid;
        Self { delivery: valid, duplicates: valid, order: valid, ledger: valid }
    }
}

fn verdict(_: &mut SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ["valid", "invalid", "unknown"] })
}
