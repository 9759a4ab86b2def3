//! The recent-message cache: the last rows of a conversation in Redis, as a sorted set by seq.
//!
//! Only committed rows go in, and what comes out counts only when no seq is missing: a cache that
//! was lost or missed a write is passed over.

use crate::config::{Config, Push, RecentCache, Sabotage};
use crate::env::Env;
use crate::model::{ConversationId, Delivery, Row, Seq};
use crate::node::Node;
use crate::redis_client::RedisLink;
use crate::wire;

/// The cache, as a chat node sees it.
pub struct Recent<E: Env> {
    redis: RedisLink<E>,
    on: bool,
    /// Rows of which there are copies are read from the timeline too.
    all: bool,
    rows_max: usize,
    /// A planted bug: what comes out counts also when seqs are missing.
    trusted: bool,
}

impl<E: Env> Recent<E> {
    /// A cache that keeps the last `im.recent_rows` rows of each conversation.
    pub fn new(redis: RedisLink<E>, config: &Config) -> Self {
        let trusted = config.sabotaged(Sabotage::TrustCache);
        let on = config.recent_cache == RecentCache::Redis;
        let all = config.push == Push::Notify;
        Self { redis, on, all, rows_max: config.recent_rows, trusted }
    }

    /// Keeps rows that devices will read from the timeline. Nobody waits for it.
    pub fn keep(&self, node: &Node<E>, rows: &[Row]) {
        let kept = |row: &&Row| self.on && (self.all || row.delivery == Delivery::Read);
        let read: Vec<&Row> = rows.iter().filter(kept).collect();
        let Some(first) = read.first() else { return };
        let key = key(first.conversation);
        let mut commands = redis::pipe();
        for row in &read {
            commands.zadd(&key, wire::encode(row).as_ref(), row.seq).ignore();
        }
        commands.zremrangebyrank(&key, 0, -(self.rows_max as isize) - 1).ignore();
        let redis = self.redis.clone();
        node.env.spawn(async move {
            // Rows that are missing are read from the store.
            let _ = redis.run::<()>(&commands).await;
        });
    }

    /// The `count` rows after `after`, if the cache has them all.
    pub async fn read(&self, id: ConversationId, after: Seq, count: usize) -> Option<Vec<Row>> {
        if !self.on {
            return None;
        }
        let mut command = redis::pipe();
        command.zrangebyscore(key(id), after + 1, after + count as Seq);
        let (found,): (Vec<Vec<u8>>,) = self.redis.run(&command).await.ok()?;
        let rows: Vec<Row> =
            found.iter().map(|bytes| wire::decode(bytes)).collect::<Result<_, _>>().ok()?;
        let seqs = rows.iter().map(|row| row.seq);
        (self.trusted || seqs.eq(after + 1..=after + count as Seq)).then_some(rows)
    }
}

fn key(id: ConversationId) -> String {
    format!("recent:{}", id.0)
}
