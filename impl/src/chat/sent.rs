//! Send keys in Redis, in place of the store's uniqueness: a hash per conversation, key → seq and id.
//!
//! The row and its key are two writes. A crash between them, or a Redis that forgets, makes the next
//! try of a send a second message.

use crate::config::{Config, Idempotency};
use crate::env::Env;
use crate::model::{ConversationId, MessageId, Row, SendKey, Seq};
use crate::redis_client::{Effect, Failure, RedisLink};

/// Send keys, as a chat node sees them.
pub struct Sent<E: Env> {
    redis: RedisLink<E>,
    on: bool,
}

impl<E: Env> Sent<E> {
    pub fn new(redis: RedisLink<E>, config: &Config) -> Self {
        Self { redis, on: config.idempotency == Idempotency::Redis }
    }

    /// Those of the keys that Redis knows; none where the store is asked.
    pub async fn known(
        &self,
        id: ConversationId,
        keys: Vec<SendKey>,
    ) -> Result<Vec<(SendKey, Seq, MessageId)>, Failure> {
        if !self.on || keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::pipe();
        command.cmd("HMGET").arg(place(id));
        for key in &keys {
            command.arg(field(*key));
        }
        let (found,): (Vec<Option<String>>,) = self.redis.call(&command, Effect::Read).await?;
        let known = keys.into_iter().zip(found).filter_map(|(key, value)| {
            let value = value?;
            let (seq, message_id) = value.split_once(' ')?;
            Some((key, seq.parse().ok()?, MessageId(message_id.parse().ok()?)))
        });
        Ok(known.collect())
    }

    /// Notes the keys of rows that are committed.
    pub async fn note(&self, rows: &[Row]) {
        let Some(first) = rows.first().filter(|_| self.on) else { return };
        let mut command = redis::pipe();
        for row in rows {
            let value = format!("{} {}", row.seq, row.message_id.0);
            command.hset(place(first.conversation), field(row.key), value).ignore();
        }
        // What could not be noted is known to this owner, and to nobody after it.
        let _ = self.redis.call::<()>(&command, Effect::Idempotent).await;
    }
}

fn place(id: ConversationId) -> String {
    format!("sent:{}", id.0)
}

fn field(key: SendKey) -> String {
    format!("{}:{}", key.sender.0, key.client_msg_id.0)
}
