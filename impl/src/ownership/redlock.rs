//! Redlock: a lock on most of several Redis masters that know nothing of each other. Source of the
//! algorithm: the Redis documentation, "Distributed Locks with Redis".
//!
//! Time that passes while masters are asked is taken off the lock's time, by this node's monotonic
//! clock. Masters let locks expire by their wall clocks: two nodes hold a lock at once when the
//! clock of a master jumps, when a master restarts without it, or when the holder stands still
//! (Kleppmann, "How to do distributed locking", 2016). Only fencing makes that harmless.

use futures_util::future::join_all;
use redis::Pipeline;

use super::commands;
use super::held::{Held, Lender, Lengthened};
use crate::config::Config;
use crate::env::{Env, Nanos};
use crate::model::ConversationId;
use crate::node::Node;
use crate::redis_client::{Failure, RedisLink};
use crate::stats;
use crate::units::Span;

/// Clocks of masters and holders drift apart by one part in so many of a lock's time, as the
/// algorithm's implementations assume,
const DRIFT: Nanos = 100;
/// and expiry is exact to within this: a millisecond for Redis, and one for small times.
const EXPIRY_PRECISION: Span = Span::ms(2);

/// Locks on most of the masters.
pub struct Redlock<E: Env> {
    node: Node<E>,
    masters: Vec<RedisLink<E>>,
}

/// What the masters answered, together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Votes {
    masters: usize,
    granted: usize,
    refused: usize,
}

impl Votes {
    /// Counts answers: granted, refused, or none.
    fn count(answers: &[Option<bool>]) -> Self {
        let of = |what| answers.iter().filter(|answer| **answer == Some(what)).count();
        Self { masters: answers.len(), granted: of(true), refused: of(false) }
    }

    /// Whether most of all masters granted it, those that did not answer included in the count.
    fn won(self) -> bool {
        self.granted > self.masters / 2
    }

    /// Whether no answers that are missing could have won it.
    fn lost(self) -> bool {
        self.masters - self.refused <= self.masters / 2
    }
}

impl<E: Env> Redlock<E> {
    pub fn new(node: &Node<E>) -> Self {
        let masters = &node.topology.lock_masters;
        assert!(!masters.is_empty(), "a cluster with redlock has masters for it");
        let masters = masters.iter().map(|to| RedisLink::to(node.clone(), *to)).collect();
        Self { node: node.clone(), masters }
    }

    /// One try on all masters at once; each has `im.redis_timeout` to answer.
    async fn try_once(&self, id: ConversationId) -> Result<Held, Votes> {
        let env = &self.node.env;
        let (token, asked) = (commands::token(env), env.now());
        let command = commands::take(id, &token, &self.node.config);
        let granted = |(answer,): (Option<String>,)| answer.is_some();
        let votes = self.ask(&command, granted).await;
        let until = trusted_until(&self.node.config, asked);
        if votes.won() && env.now() < until {
            return Ok(Held { token, until });
        }
        stats::add(&self.node.stats.lock_votes_split, u64::from(votes.granted > 0));
        self.give_back(id, &token).await;
        Err(votes)
    }

    /// Lets go on all masters, also on those that did not answer: they may have granted it.
    async fn give_back(&self, id: ConversationId, token: &str) {
        let command = commands::give_back(id, token);
        // What cannot be given back expires.
        self.ask(&command, |(_,): (i64,)| true).await;
    }

    /// Asks all masters at once, each with one try.
    async fn ask<T: redis::FromRedisValue>(
        &self,
        command: &Pipeline,
        granted: impl Fn(T) -> bool,
    ) -> Votes {
        let answers = self.masters.iter().map(|master| master.run(command));
        let answers: Vec<Result<T, Failure>> = join_all(answers).await;
        let votes: Vec<Option<bool>> =
            answers.into_iter().map(|answer| answer.ok().map(&granted)).collect();
        Votes::count(&votes)
    }
}

impl<E: Env> Lender for Redlock<E> {
    async fn take(&self, id: ConversationId, expired: Option<Held>) -> Option<Held> {
        let (env, config) = (&self.node.env, &self.node.config);
        if let Some(expired) = expired {
            // Where it still stands it would keep this node out.
            self.give_back(id, &expired.token).await;
        }
        for tried in 1.. {
            match self.try_once(id).await {
                Ok(held) => return Some(held),
                Err(votes) if votes.lost() || tried >= config.redis_tries => return None,
                // Those who split the masters between them must not meet again at once.
                Err(_) => env.sleep(env.rand_below(config.redis_redial.0)).await,
            }
        }
        unreachable!("the last try returns")
    }

    async fn lengthen(&self, id: ConversationId, held: &Held) -> Lengthened {
        let asked = self.node.env.now();
        let command = commands::lengthen(id, &held.token, &self.node.config);
        let votes = self.ask(&command, |(lengthened,): (i64,)| lengthened == 1).await;
        let until = trusted_until(&self.node.config, asked);
        match votes {
            _ if votes.won() && self.node.env.now() < until => Lengthened::Until(until),
            _ if votes.lost() => Lengthened::Lost,
            _ => Lengthened::Unknown,
        }
    }
}

/// Until when a lock may be trusted that was asked for at `asked`.
fn trusted_until(config: &Config, asked: Nanos) -> Nanos {
    let ttl = config.lock_ttl.0;
    asked + ttl.saturating_sub(ttl / DRIFT + EXPIRY_PRECISION.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_all_masters_decide_also_when_some_are_silent() {
        let (yes, no, silent) = (Some(true), Some(false), None);
        for (answers, won, lost) in [
            ([yes, yes, yes, silent, silent], true, false),
            ([yes, yes, silent, silent, silent], false, false),
            ([yes, yes, no, no, silent], false, false),
            ([yes, yes, no, no, no], false, true),
            ([no, no, no, silent, silent], false, true),
            ([silent; 5], false, false),
        ] {
            let votes = Votes::count(&answers);
            assert_eq!((votes.won(), votes.lost()), (won, lost), "{answers:?}");
        }
        let half = Votes::count(&[yes, yes, no, no]);
        assert_eq!((half.won(), half.lost()), (false, true), "half of an even number is not most");
    }

    #[test]
    fn asking_for_a_lock_uses_up_its_time_and_so_may_drift() {
        let config = |lock_ttl| Config { lock_ttl, ..Config::default() };
        let until = trusted_until(&config(Span::s(10)), 7_000_000);
        assert_eq!(until, Span::s(10).0 + 7_000_000 - Span::ms(102).0);
        assert_eq!(trusted_until(&config(Span::ms(1)), 5), 5, "never trusted");
    }
}
