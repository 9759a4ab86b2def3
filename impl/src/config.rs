//! The `[im]` table: variants, timings and bounds of the reference IM.
//!
//! Every bound and every timing of the nodes has its name here; nodes hold no constants of their
//! own for what a reader may want to change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::env::Nanos;
use crate::units::Span;

/// How a committed row reaches its recipients.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fanout {
    /// Write fan-out: a copy into each member's inbox.
    Write,
    /// Read fan-out: only the timeline; devices pull with their cursors.
    Read,
    /// Write fan-out below `hybrid_threshold` members, read fan-out from there on; or by how often members open
    /// the conversation (`hybrid_opens_percent`).
    #[default]
    Hybrid,
}

/// What online devices are sent of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Push {
    /// The row itself if it is written, that there is one if it is read.
    #[default]
    ByFanout,
    /// The row itself.
    Content,
    /// That there is one; devices pull.
    Notify,
}

/// When devices ask for rows that read fan-out left in the timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pull {
    /// When they hear of them.
    #[default]
    OnNotify,
    /// When their user opens the conversation. Nobody tells them of new rows before.
    OnOpen,
}

/// How a per-member inbox keeps its copies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inbox {
    /// A copy for every member, deleted when all of the member's devices have acked it.
    #[default]
    CopyUntilAck,
    /// A queue in Redis for every user, and nowhere else: what Redis loses at the end of a
    /// conversation nobody finds. Gaps are still filled from the timeline.
    RedisQueue,
    /// A queue in Redis that is read first, over copies in the store: those are read at login, when
    /// Redis may have lost something, and now and then.
    RedisQueueOverStore,
}

impl Inbox {
    /// Whether copies go into the store.
    pub fn in_store(self) -> bool {
        self != Self::RedisQueue
    }

    /// Whether rows go into queues in Redis.
    pub fn in_redis(self) -> bool {
        self != Self::CopyUntilAck
    }
}

/// How message ids are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ids {
    /// 41 bits of milliseconds, 10 bits of node, 12 bits of counter.
    #[default]
    Snowflake,
    /// The value of a Redis counter, and nothing else: ids repeat when the counter comes back with a
    /// lower value.
    RedisIncr,
    /// A Redis counter behind an epoch, which the store raises whenever a node connects to Redis.
    RedisIncrEpoch,
    /// Blocks of a Redis counter, each of which the store must find above all earlier ones.
    RedisIncrFloor,
}

/// Where a message is committed: what is durable there will be shown to every member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Commit {
    /// In the store, whose relay brings it into the log.
    #[default]
    Store,
    /// In the log. Dispatchers write it into the store before they fan it out, and the ack does not
    /// wait for that.
    Log,
    /// In the store, and the chat node writes it into the log besides: a classic mistake, since a
    /// crash between the two leaves a row that no dispatcher hears of.
    Dual,
}

/// What a chat node must hold before it writes to a conversation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// Nothing but the epoch that the store gives.
    #[default]
    StoreEpoch,
    /// A lock on one Redis master too.
    RedisLock,
    /// A lock on most of several Redis masters that know nothing of each other too
    /// (`cluster.redis.lock_masters`).
    Redlock,
}

/// Who recognises a send that was committed before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Idempotency {
    /// The store, in which a send key is unique.
    #[default]
    Store,
    /// Chat nodes, from the send keys in Redis. The store appends whatever comes.
    Redis,
}

/// Where a dispatcher looks the members of a version up before it asks the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberCache {
    /// Nowhere but in its own memory.
    #[default]
    None,
    /// In Redis too, by conversation and version.
    Redis,
}

/// Where the recent rows of a conversation are read before the store is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecentCache {
    /// Nowhere.
    None,
    /// In Redis, as far as no seq is missing there.
    #[default]
    Redis,
}

/// Where a phone has the list of its conversations from, the latest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conversations {
    /// Phones do not ask for one.
    #[default]
    None,
    /// From the store: the user's shard and the shards of all their timelines.
    Store,
    /// From a sorted set in Redis, and from the store when that is not there.
    Redis,
}

/// Who counts a user's sends. What is too many gets no answer, and the device sends it again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Limits {
    /// Nobody.
    #[default]
    None,
    /// Each gateway for itself: a user has the limit on each of them.
    Local,
    /// Redis, for all gateways.
    Redis,
}

/// What a limit in Redis means while Redis does not answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WithoutRedis {
    /// Every send is let in: there is no limit.
    #[default]
    Open,
    /// No send is let in: devices wait until Redis is back.
    Closed,
}

macro_rules! sabotages {
    ($($(#[$doc:meta])+ $bug:ident = $name:literal,)+) => {
        /// A planted bug, on by name, to show that the checkers can fail.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Sabotage {
            /// No bug.
            #[default]
            None,
            $($(#[$doc])+ $bug,)+
        }

        impl Sabotage {
            /// Every bug.
            pub const ALL: &[Self] = &[$(Self::$bug,)+];

            /// The name in scenarios and records.
            pub const fn name(self) -> &'static str {
                match self {
                    Self::None => "none",
                    $(Self::$bug => $name,)+
                }
            }
        }
    };
}

sabotages! {
    /// The chat node acks a send before the store has committed it.
    AckBeforeCommit = "ack-before-commit",
    /// The store replies at once and syncs its write-ahead log once a second.
    AckBeforeSync = "ack-before-sync",
    /// Neither servers nor devices recognise a message they have seen before.
    NoDedupe = "no-dedupe",
    /// The chat node refuses on its own: the store neither keeps the refusal nor says that an earlier
    /// try was committed.
    ForgetRefusals = "forget-refusals",
    /// The store appends what an owner of an outdated epoch sends behind what is there.
    NoFencing = "no-fencing",
    /// A node counts its message ids from 1 again whenever its process starts.
    ReuseIds = "reuse-ids",
    /// A row goes to today's members, and a sync asks for them, whatever the row's version.
    UnversionedMembers = "unversioned-members",
    /// Recent rows in Redis count as all there are, also when some are missing.
    TrustCache = "trust-cache",
    /// A row is pushed once: no retry, no sync.
    PushOnce = "push-once",
    /// Devices show rows as they arrive, whatever their seq, and pull only the row they were told
    /// of.
    NoHoldBack = "no-hold-back",
    /// A device does not wait for the outcome of an operation before the next one leaves.
    SendsUnordered = "sends-unordered",
    /// A device shows a row without a sync; the next operation of its user syncs both.
    ShowBeforeSync = "show-before-sync",
    /// A device begins with empty cursors whenever its program starts.
    ForgetCursors = "forget-cursors",
    /// Nobody notices that an idle link to Redis has fallen silent, until something is to be said on it.
    IdleRedisLink = "idle-redis-link",
}

/// A write to Redis counts once so many replicas have it (`WAIT`); otherwise nobody knows if it
/// will last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisWait {
    /// Replicas that must have the write.
    pub replicas: u32,
    /// How long the master waits for them, in whole milliseconds.
    pub timeout: Span,
}

/// Pushes to one device leave together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// So many leave at once.
    #[schemars(range(min = 1))]
    pub max: usize,
    /// Fewer leave so long after the first of them came.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub window: Span,
}

/// The `[im]` table of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Fan-out strategy.
    pub fanout: Fanout,
    /// Members from which hybrid fan-out reads instead of writes, at first.
    pub hybrid_threshold: u32,
    /// Opens per member and 100 messages of a conversation from which hybrid fan-out writes instead of reads.
    /// Until enough is known of a conversation, and without this key, it goes by members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hybrid_opens_percent: Option<u32>,
    /// What online devices are sent of a row, however it is stored.
    pub push: Push,
    /// Pushes that leave a gateway as one frame; without it, each is a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<Merge>,
    /// When devices ask for what read fan-out left in the timeline.
    pub pull: Pull,
    /// Storage scheme of write fan-out.
    pub inbox: Inbox,
    /// Id generator.
    pub ids: Ids,
    /// Ids in one block of `redis-incr-floor`.
    #[schemars(range(min = 1))]
    pub id_block: u64,
    /// Where a message is committed.
    pub commit: Commit,
    /// What a chat node must hold before it writes to a conversation.
    pub ownership: Ownership,
    /// Whether the store refuses what an owner of an outdated epoch appends. Without it the store
    /// trusts the lock and puts messages behind what is there.
    pub fencing: bool,
    /// How long a lock on a conversation lives without renewal. With `redlock`, far longer than
    /// `redis_timeout`, in which each master must answer.
    pub lock_ttl: Span,
    /// Who recognises a send that was committed before.
    pub idempotency: Idempotency,
    /// Where a dispatcher looks the members of a version up before it asks the store.
    pub member_cache: MemberCache,
    /// Where the recent rows of a conversation are read before the store is asked.
    pub recent_cache: RecentCache,
    /// Where a phone has the list of its conversations from.
    pub conversations: Conversations,
    /// Conversations in such a list; older ones are left out.
    #[schemars(range(min = 1))]
    pub conversations_kept: usize,
    /// How long a list in Redis lives before it is filled from the store again, and so how long it
    /// may be out of date after Redis could not be reached.
    pub conversations_life: Span,
    /// Who counts a user's sends.
    pub limits: Limits,
    /// Sends of a user within one window, repeats included; the others must wait.
    #[schemars(range(min = 1))]
    pub limit_sends: u32,
    /// How long a window lasts: it begins with the first send after the last one.
    pub limit_window: Span,
    /// What a limit in Redis means while Redis does not answer.
    pub limit_without_redis: WithoutRedis,
    /// Waits of a device between tries of an unacked send; the last one repeats.
    #[schemars(length(min = 1), extend("items" = { "$ref": "#/$defs/Span", "pattern": "[1-9]" }))]
    pub send_retry: Vec<Span>,
    /// Waits of a gateway between tries of an unacked push; after the last the row is left to sync.
    #[schemars(length(min = 1), extend("items" = { "$ref": "#/$defs/Span", "pattern": "[1-9]" }))]
    pub push_retry: Vec<Span>,
    /// Retries of pushes that one device may be sent between two comparisons of its cursors, however few pushes it
    /// acks; what has no budget is left to sync. Also retries of sends that a device makes between two heartbeats,
    /// at least one, beside two for each outcome; what has no budget waits for it.
    pub retry_reserve: u32,
    /// Retries of pushes on top of that, per 100 pushes that the device acks.
    pub retry_percent: u32,
    /// How often a device compares its cursors with the servers.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub heartbeat: Span,
    /// Silence after which either side of a device's connection calls it dead.
    pub idle_timeout: Span,
    /// How long one call between servers may take, and a dial between them, unless the server says that it is at
    /// work on it.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub call_timeout: Span,
    /// How long a call may take whose server says so: what is slow but alive is waited for, since the same request
    /// once more would make it slower.
    pub call_patience: Span,
    /// How long a device waits for a connection to a gateway, for a sign of life while it logs in (twice as long),
    /// and for the answer when it asks for rows, before it tries again. It spans the round trip of a phone.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub device_timeout: Span,
    /// How long a device waits before it dials again; doubled up to eight times this.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub reconnect: Span,
    /// Silence after which the registry drops a server.
    pub lease: Span,
    /// How long a presence entry lives without renewal.
    pub presence_lease: Span,
    /// How long a round trip to Redis, a connection attempt and a question to a Sentinel may take
    /// each; round trips `redis_wait.timeout` longer.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub redis_timeout: Span,
    /// How long a link to Redis may be idle before Redis is asked for a sign of life (`PING`). A Redis that has
    /// fallen silent is noticed after this and `redis_timeout` by all who hold a link.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub redis_heartbeat: Span,
    /// How long a node waits before it looks for the Redis master again, and at most between tries
    /// of a command.
    #[schemars(extend("pattern" = "[1-9]"))]
    pub redis_redial: Span,
    /// Tries of a Redis command, the first included, where another is safe.
    #[schemars(range(min = 1))]
    pub redis_tries: u32,
    /// How many replicas must have a write that is not for a cache; without it, none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_wait: Option<RedisWait>,
    /// How long a gateway gathers delivery acks before it stores them.
    pub ack_flush: Span,
    /// Recipients in one push shard.
    #[schemars(range(min = 1))]
    pub push_shard: usize,
    /// Rows of a conversation kept in the recent-message cache.
    #[schemars(range(min = 1))]
    pub recent_rows: usize,
    /// Rows in one sync reply.
    #[schemars(range(min = 1))]
    pub sync_rows: usize,
    /// Early rows a device holds back per conversation.
    #[schemars(range(min = 1))]
    pub hold_back_rows: usize,
    /// Sends waiting in a chat node per conversation; more get no answer and are sent again.
    #[schemars(range(min = 1))]
    pub chat_queue: usize,
    /// Rows in one commit.
    #[schemars(range(min = 1))]
    pub commit_rows: usize,
    /// Records in one fetch from the log.
    #[schemars(range(min = 1))]
    pub fetch_records: usize,
    /// The planted bug, if any.
    pub sabotage: Sabotage,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            fanout: Fanout::default(),
            hybrid_threshold: 50,
            hybrid_opens_percent: None,
            push: Push::default(),
            merge: None,
            pull: Pull::default(),
            inbox: Inbox::default(),
            ids: Ids::default(),
            id_block: 100,
            commit: Commit::default(),
            ownership: Ownership::default(),
            fencing: true,
            lock_ttl: Span::s(3),
            idempotency: Idempotency::default(),
            member_cache: MemberCache::default(),
            recent_cache: RecentCache::default(),
            conversations: Conversations::default(),
            conversations_kept: 100,
            conversations_life: Span::s(600),
            limits: Limits::default(),
            limit_sends: 20,
            limit_window: Span::s(1),
            limit_without_redis: WithoutRedis::default(),
            send_retry: vec![Span::s(1), Span::s(3), Span::s(5)],
            push_retry: vec![Span::s(1), Span::s(3), Span::s(5)],
            retry_reserve: 10,
            retry_percent: 20,
            heartbeat: Span::s(10),
            idle_timeout: Span::s(30),
            call_timeout: Span::s(2),
            call_patience: Span::s(300),
            device_timeout: Span::s(2),
            reconnect: Span::ms(500),
            lease: Span::s(3),
            presence_lease: Span::s(30),
            redis_timeout: Span::ms(250),
            redis_heartbeat: Span::s(1),
            redis_redial: Span::ms(500),
            redis_tries: 4,
            redis_wait: None,
            ack_flush: Span::ms(50),
            push_shard: 100,
            recent_rows: 100,
            sync_rows: 200,
            hold_back_rows: 1_000,
            chat_queue: 1_000,
            commit_rows: 64,
            fetch_records: 256,
            sabotage: Sabotage::None,
        }
    }
}

impl Config {
    /// The wait after try number `attempt` (from 0) of a schedule whose last wait repeats.
    pub fn backoff(schedule: &[Span], attempt: usize) -> Span {
        schedule[attempt.min(schedule.len() - 1)]
    }

    /// How long a server takes for a request until it says that it is at work on it: less than its caller waits by
    /// what the way there and back may take, and longer than a fetch from the log waits for records.
    pub fn slow_call(&self) -> Nanos {
        self.call_timeout.0 / 8 * 5
    }

    /// Whether devices tell how often conversations are opened.
    pub fn counts_opens(&self) -> bool {
        self.fanout == Fanout::Hybrid && self.hybrid_opens_percent.is_some()
    }

    /// Whether whoever commits takes a send key once only.
    pub fn keys_are_unique(&self) -> bool {
        self.idempotency == Idempotency::Store && !self.sabotaged(Sabotage::NoDedupe)
    }

    /// Whether the named bug is planted.
    pub fn sabotaged(&self, by: Sabotage) -> bool {
        self.sabotage == by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_bugs_are_those_of_scenarios() {
        let schema = schemars::schema_for!(Sabotage).to_value().to_string();
        for bug in Sabotage::ALL {
            let quoted = format!("\"{}\"", bug.name());
            assert!(schema.contains(&quoted), "serde calls {bug:?} otherwise than {quoted}");
        }
    }
}
