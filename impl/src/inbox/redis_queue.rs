//! The offline queue: what a user has not acked, in a sorted set of Redis, by its arrival there.
//!
//! A queue is a user's, not a device's: the first device that acks a row takes it out. What Redis
//! loses is in no queue any more, and nothing here can tell.

use crate::env::Env;
use crate::model::{Row, UserId};
use crate::redis_client::{Effect, Failure, RedisLink};
use crate::wire;

/// The queues of all users.
pub struct RedisQueue<E: Env> {
    redis: RedisLink<E>,
}

impl<E: Env> RedisQueue<E> {
    /// Queues on this link.
    pub fn new(redis: RedisLink<E>) -> Self {
        Self { redis }
    }

    /// Puts rows into users' queues.
    pub async fn put(
        &self,
        copies: &[(&Row, Vec<UserId>)],
        arrived_ms: u64,
    ) -> Result<(), Failure> {
        let mut commands = redis::pipe();
        for (row, users) in copies {
            let member = wire::encode(row);
            for user in users {
                commands.zadd(key(*user), member.as_ref(), arrived_ms).ignore();
            }
        }
        if commands.is_empty() {
            return Ok(());
        }
        self.redis.call(&commands, Effect::Idempotent).await
    }

    /// At most `limit` rows of the user's queue, the oldest `skip` left out.
    pub async fn read(&self, user: UserId, skip: usize, limit: usize) -> Result<Vec<Row>, Failure> {
        let mut command = redis::pipe();
        command.zrange(key(user), skip as isize, (skip + limit) as isize - 1);
        let (found,): (Vec<Vec<u8>>,) = self.redis.call(&command, Effect::Read).await?;
        let rows = found.iter().map(|bytes| wire::decode(bytes));
        rows.collect::<Result<_, _>>().map_err(|_| Failure::Misread("not a row".to_owned()))
    }

    /// Takes rows out of the user's queue. What stays is pushed again, and acked again.
    pub async fn remove(&self, user: UserId, rows: &[Row]) {
        let mut command = redis::pipe();
        for row in rows {
            command.zrem(key(user), wire::encode(row).as_ref()).ignore();
        }
        let _ = self.redis.run::<()>(&command).await;
    }

    /// See [`RedisLink::generation`].
    pub fn generation(&self) -> u64 {
        self.redis.generation()
    }
}

fn key(user: UserId) -> String {
    format!("queue:{}", user.0)
}
