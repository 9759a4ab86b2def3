//! The `[redis_clients]` table: programs that write to Redis themselves, beside the IM.

use im::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::Rate;

/// The `[redis_clients]` table: `redis-client-0` and so on. Each has one operation under way at a
/// time (`SADD`, `ZADD`, `SET`, `INCR` in turn), finds the master through the Sentinels, and looks
/// for it again when it hears nothing for 0.5 s, loses its connection or is refused as by a replica.
/// The record tells what became of what they were told was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisClients {
    /// How many there are.
    #[schemars(range(min = 1))]
    pub count: u32,
    /// Operations over all of them together, at most; evenly spaced.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub rate: Rate,
    /// A write counts as acknowledged once `WAIT` has told of so many replicas. By default it
    /// counts at once.
    #[serde(default)]
    pub wait_replicas: u32,
    /// How long `WAIT` waits, in whole milliseconds.
    #[serde(default = "default_wait")]
    pub wait_timeout: Span,
}

fn default_wait() -> Span {
    Span::ms(100)
}
