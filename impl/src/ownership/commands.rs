//! What is asked of one Redis master for a lock. Source of the scheme: the Redis documentation of
//! `SET`, "Patterns", and "Distributed Locks with Redis".
//!
//! It must not know how many masters there are, nor what their answers mean together.

use redis::Pipeline;

use crate::config::Config;
use crate::env::Env;
use crate::model::ConversationId;

/// Lengthens the lock if it still has the token.
const LENGTHEN: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then \
                        return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end";

/// Lets go of the lock if it still has the token.
const GIVE_BACK: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then \
                         return redis.call('del', KEYS[1]) else return 0 end";

/// A token that nobody else has.
pub fn token(env: &impl Env) -> String {
    format!("{:016x}{:016x}", env.rand_u64(), env.rand_u64())
}

/// Takes the lock if nobody has it; answers nil if somebody does.
pub fn take(id: ConversationId, token: &str, config: &Config) -> Pipeline {
    let mut command = redis::pipe();
    command.cmd("SET").arg(key(id)).arg(token).arg("NX").arg("PX").arg(ttl_ms(config));
    command
}

/// Lengthens the lock if it is still this token's; answers 1 if it was.
pub fn lengthen(id: ConversationId, token: &str, config: &Config) -> Pipeline {
    let mut command = redis::pipe();
    command.cmd("EVAL").arg(LENGTHEN).arg(1).arg(key(id)).arg(token).arg(ttl_ms(config));
    command
}

/// Lets go of the lock if it is still this token's.
pub fn give_back(id: ConversationId, token: &str) -> Pipeline {
    let mut command = redis::pipe();
    command.cmd("EVAL").arg(GIVE_BACK).arg(1).arg(key(id)).arg(token);
    command
}

fn ttl_ms(config: &Config) -> u64 {
    (config.lock_ttl.0 / 1_000_000).max(1)
}

fn key(id: ConversationId) -> String {
    format!("lock:{}", id.0)
}
