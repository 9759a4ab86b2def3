//! What became of the writes of clients that write to Redis themselves: the part of the record, and
//! its words.
//!
//! Must not know how it was found out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of the writes of `[redis_clients]`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RedisWrites {
    /// Writes that were acknowledged, increments aside.
    pub acked: u64,
    /// Writes and increments that were refused without effect.
    pub refused: u64,
    /// Those of which nobody knows what became of them.
    pub unknown: u64,
    /// Acknowledged writes that the last master does not have; absent when no master answered at
    /// the end.
    pub lost: Option<u64>,
    /// Values of the counter that were given out more than once.
    pub repeated: u64,
    /// The longest time in which no operation was acknowledged, in nanoseconds.
    pub longest_silence_ns: u64,
    /// Why, the most frequent first.
    pub causes: Vec<RedisCause>,
    /// One bucket per second from the start of `duration`.
    pub timeline: Vec<RedisBucket>,
    /// What happened to the Redis nodes, in the order of time.
    pub events: Vec<RedisEvent>,
}

/// Effects that were lost or repeated for the same reason.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RedisCause {
    /// `lost` or `repeated`.
    pub effect: String,
    /// Where: `master-to-replica`, `diverged-master`, `restart` or `unknown`.
    pub hop: String,
    /// When they were acknowledged: `before-fault`, `cut-before-promotion`, and so on.
    pub window: String,
    /// What would have prevented it: `wait`, `min-replicas`, `aof-always` or `epoch-or-floor`.
    pub guard: String,
    /// How many.
    pub count: u64,
}

/// What was acknowledged within one second of the engine's clock, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RedisBucket {
    /// Start of the second, from the start of `duration`.
    pub second: u64,
    /// Writes and increments that were acknowledged.
    pub acked: u64,
    /// Writes among them that were lost later.
    pub lost: u64,
    /// Increments among them whose value somebody else got too.
    pub repeated: u64,
}

/// Something that happened to a Redis node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RedisEvent {
    /// When, in nanoseconds from the start of `duration`.
    pub at_ns: u64,
    /// To whom.
    pub node: String,
    /// What: `killed`, `restarted`, `cut off`, `healed`, `promoted`, `demoted`.
    pub what: String,
}

impl RedisWrites {
    /// The outcome in one sentence.
    pub(crate) fn outcome(&self) -> String {
        let count = crate::figures::count;
        let lost = match self.lost {
            Some(lost) => {
                format!("{} lost ({})", count(lost), crate::figures::share(lost, self.acked))
            }
            None => "no master answered at the end: nobody knows what was lost".to_owned(),
        };
        format!(
            "{} writes acknowledged, {lost}; {} INCR values given out again; nothing acknowledged \
             for {} at most",
            count(self.acked),
            count(self.repeated),
            crate::figures::duration(self.longest_silence_ns)
        )
    }
}
