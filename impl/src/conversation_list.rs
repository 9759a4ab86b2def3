//! Conversation lists in Redis: a sorted set per user, the conversations by their last message id,
//! the newest `im.conversations_kept` of them. Gateways read and fill them, dispatchers keep them
//! up to date.
//!
//! A list counts only when it was filled from the store since Redis last forgot it, which a member
//! of its own says (`WHOLE`); what touches a list that is not there is dropped. Before the store is
//! read, another one (`FILLING`) makes the list, so that no row falls between the two. A list that
//! missed a touch is out of date for `im.conversations_life` at most, after which it is filled
//! anew. Nothing but what a phone draws rests on it. It must not know the store.

use crate::config::Config;
use crate::env::Env;
use crate::model::{ConversationId, MessageId, UserId};
use crate::node::Node;
use crate::redis_client::RedisLink;

/// Stands in a list that has everything, before all conversations.
const WHOLE: &str = "whole";
/// Stands in a list that is being filled.
const FILLING: &str = "filling";

/// Enters a conversation into those of the lists that are there, and drops the oldest ones.
const TOUCH: &str = "for _, list in ipairs(KEYS) do \
                     if redis.call('exists', list) == 1 then \
                     redis.call('zadd', list, 'GT', ARGV[1], ARGV[2]) \
                     redis.call('zremrangebyrank', list, 0, ARGV[3]) \
                     end end";

/// Ends the filling of a list, if Redis has not forgotten it meanwhile.
const FILL: &str = "if not redis.call('zscore', KEYS[1], 'filling') then return 0 end \
                    for place = 2, #ARGV, 2 do \
                    redis.call('zadd', KEYS[1], 'GT', ARGV[place], ARGV[place + 1]) end \
                    redis.call('zrem', KEYS[1], 'filling') \
                    redis.call('zadd', KEYS[1], '+inf', 'whole') \
                    redis.call('zremrangebyrank', KEYS[1], 0, ARGV[1]) \
                    return 1";

/// A conversation and its last message.
pub type Latest = (ConversationId, MessageId);

/// The lists of all users.
pub struct ConversationLists<E: Env> {
    redis: RedisLink<E>,
    kept: usize,
    life_ms: u64,
    push_shard: usize,
}

impl<E: Env> ConversationLists<E> {
    /// Lists as the node's configuration wants them.
    pub fn new(node: &Node<E>) -> Self {
        let Config { conversations_kept, conversations_life, push_shard, .. } = *node.config;
        Self {
            redis: RedisLink::start(node.clone()),
            kept: conversations_kept,
            life_ms: (conversations_life.0 / 1_000_000).max(1),
            push_shard,
        }
    }

    /// The user's conversations, the latest first, if the list is there and whole.
    pub async fn read(&self, user: UserId) -> Option<Vec<ConversationId>> {
        let mut command = redis::pipe();
        command.zrevrange(key(user), 0, self.kept as isize);
        let (found,): (Vec<String>,) = self.redis.run(&command).await.ok()?;
        listed(&found)
    }

    /// From now on rows enter the user's list, until it is filled.
    pub async fn begin_to_fill(&self, user: UserId) {
        let (mut commands, key) = (redis::pipe(), key(user));
        commands.atomic();
        commands.zadd(&key, FILLING, "+inf").ignore();
        commands.cmd("PEXPIRE").arg(&key).arg(self.life_ms).ignore();
        // Without it the list is not filled.
        let _ = self.redis.run::<()>(&commands).await;
    }

    /// Fills the user's list with what the store has said after [`Self::begin_to_fill`].
    pub async fn fill(&self, user: UserId, latest: &[Latest]) {
        let mut command = redis::pipe();
        let fill = command.cmd("EVAL").arg(FILL).arg(1).arg(key(user)).arg(self.too_old());
        for (conversation, message) in latest {
            fill.arg(message.0).arg(conversation.0);
        }
        // Without it the list stays one that is being filled.
        let _ = self.redis.run::<(i64,)>(&command).await;
    }

    /// A message has come for these users.
    pub async fn touch(&self, users: &[UserId], (conversation, message): Latest) {
        let mut commands = redis::pipe();
        for users in users.chunks(self.push_shard) {
            let touch = commands.cmd("EVAL").arg(TOUCH).arg(users.len());
            for user in users {
                touch.arg(key(*user));
            }
            touch.arg(message.0).arg(conversation.0).arg(self.too_old()).ignore();
        }
        // Lists that miss it are out of date until their lives end.
        let _ = self.redis.run::<()>(&commands).await;
    }

    /// The last rank, from the oldest, that has no place beside one marker.
    fn too_old(&self) -> i64 {
        -(self.kept as i64) - 2
    }
}

/// The conversations of a list as Redis has it; `None` unless it is whole.
fn listed(found: &[String]) -> Option<Vec<ConversationId>> {
    let (marker, conversations) = found.split_first()?;
    if marker != WHOLE {
        return None;
    }
    conversations.iter().map(|id| id.parse().ok().map(ConversationId)).collect()
}

fn key(user: UserId) -> String {
    format!("conversations:{}", user.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_list_counts() {
        let list =
            |members: &[&str]| listed(&members.iter().map(|m| m.to_string()).collect::<Vec<_>>());
        let both = Some(vec![ConversationId(7), ConversationId(3)]);
        assert_eq!(list(&[WHOLE, "7", "3"]), both);
        assert_eq!(list(&[WHOLE]), Some(Vec::new()), "nobody talks to this user");
        assert_eq!(list(&[FILLING, "7"]), None);
        assert_eq!(list(&["7", "3"]), None, "made by nobody who knows all of it");
        assert_eq!(list(&[WHOLE, FILLING, "7"]), None, "begun again: two fill it");
        assert_eq!(list(&[]), None);
    }

    #[test]
    fn scripts_and_code_call_markers_the_same() {
        for marker in [WHOLE, FILLING] {
            assert!(FILL.contains(&format!("'{marker}'")));
        }
    }
}
