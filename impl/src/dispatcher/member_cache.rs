//! The membership cache: the members of a conversation at a version, in Redis.
//!
//! The version is part of the key, and members at a version never change: what is there is right, and
//! what is not there is asked of the store.

use crate::env::Env;
use crate::model::{ConversationId, Seq, UserId};
use crate::redis_client::RedisLink;
use crate::units::Span;
use crate::wire;

/// How long an entry lives. The default is assumed.
const LIFE: Span = Span::s(600);

/// The cache, as a dispatcher sees it.
pub struct MemberCache<E: Env> {
    redis: RedisLink<E>,
}

impl<E: Env> MemberCache<E> {
    pub fn new(redis: RedisLink<E>) -> Self {
        Self { redis }
    }

    /// The members at that version, if they are there.
    pub async fn read(&self, id: ConversationId, version: Seq) -> Option<Vec<UserId>> {
        let mut command = redis::pipe();
        command.get(key(id, version));
        let (found,): (Option<Vec<u8>>,) = self.redis.run(&command).await.ok()?;
        wire::decode(&found?).ok()
    }

    /// Keeps the members at a version.
    pub async fn keep(&self, id: ConversationId, version: Seq, members: &Vec<UserId>) {
        let mut command = redis::pipe();
        let bytes = wire::encode(members);
        command.pset_ex(key(id, version), bytes.as_ref(), LIFE.0 / 1_000_000).ignore();
        // Without it the store is asked again.
        let _ = self.redis.run::<()>(&command).await;
    }
}

fn key(id: ConversationId, version: Seq) -> String {
    format!("members:{}:{version}", id.0)
}
