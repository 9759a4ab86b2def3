//! A node's link to Redis: the `redis` crate's multiplexed connection over an Env stream, to the
//! master, wherever it is.
//!
//! A link that lost its connection looks for the master until it has one; meanwhile commands fail
//! at once, definitely. One on which nothing is said asks for a sign of life now and then, since a
//! Redis without power, or behind a cut, tells nobody that it is gone. It must not know what the
//! commands are for.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Pipeline};
use tokio::sync::Notify;

use super::batch::Batch;
use super::finder::Finder;
use super::outcome::{Doubt, Effect, Failure};
use crate::config::{RedisWait, Sabotage};
use crate::env::{Env, Nanos};
use crate::node::Node;
use crate::stats;

struct Inner<E: Env> {
    node: Node<E>,
    finder: Finder,
    /// The connection, and what makes the link give it up.
    connection: RefCell<Option<(MultiplexedConnection, Rc<Notify>)>>,
    /// Rises with every new connection: what Redis held before may be gone.
    generation: Cell<u64>,
    connected: Notify,
    /// When Redis last answered anything.
    heard: Cell<Nanos>,
}

/// A link to Redis. Clones share one connection.
pub struct RedisLink<E: Env>(Rc<Inner<E>>);

impl<E: Env> Clone for RedisLink<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: Env> RedisLink<E> {
    /// A link that looks for the master at once and keeps looking.
    pub fn start(node: Node<E>) -> Self {
        let finder = Finder::new(&node.topology);
        Self::with(node, finder)
    }

    /// A link to the Redis on node `to`, which is a master for good.
    pub fn to(node: Node<E>, to: u32) -> Self {
        Self::with(node, Finder::fixed(to))
    }

    fn with(node: Node<E>, finder: Finder) -> Self {
        let link = Self(Rc::new(Inner {
            finder,
            node,
            connection: RefCell::new(None),
            generation: Cell::new(0),
            connected: Notify::new(),
            heard: Cell::new(0),
        }));
        let inner = link.0.clone();
        link.0.node.env.spawn(async move { inner.keep_connected().await });
        link
    }

    /// Runs the commands in one round trip: one try, without a guard. For caches, which take any
    /// failure for "not there".
    ///
    /// A plain pipeline may be done in part; one that is `atomic()` is done or not, unless Redis
    /// refuses one of its commands while it executes.
    pub async fn run<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, Failure> {
        self.0.attempt(commands, None).await
    }

    /// Runs the commands, again after failures as far as that is safe and useful: at most
    /// `im.redis_tries` times. What writes is guarded by `im.redis_wait`, if that is set.
    pub async fn call<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        effect: Effect,
    ) -> Result<T, Failure> {
        let inner = &self.0;
        let guard = inner.node.config.redis_wait.as_ref().filter(|_| effect.writes());
        let mut maybe_done = false;
        for tried in 1.. {
            let seen = self.0.generation.get();
            let failure = match inner.attempt(commands, guard).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let last = tried >= inner.node.config.redis_tries;
            if last || !failure.may_pass() || !effect.may_follow(&failure) {
                let hidden = maybe_done && failure.is_definite();
                return Err(if hidden { Failure::Unknown(Doubt::EarlierTry) } else { failure });
            }
            maybe_done |= effect.writes() && !failure.had_no_effect();
            stats::bump(&inner.node.stats.redis_retries);
            // Whoever lost the master need not wait longer than until there is one.
            let redial = inner.node.config.redis_redial.0;
            inner.node.env.timeout(redial, self.connected_after(seen)).await;
        }
        unreachable!("the last try returns")
    }

    /// How often the link has connected.
    pub fn generation(&self) -> u64 {
        self.0.generation.get()
    }

    /// Waits until the link has connected more often than `seen`; the new count.
    pub async fn connected_after(&self, seen: u64) -> u64 {
        loop {
            let connected = self.0.connected.notified();
            if self.0.generation.get() > seen {
                return self.0.generation.get();
            }
            connected.await;
        }
    }
}

impl<E: Env> Inner<E> {
    /// Runs the commands once, and counts.
    async fn attempt<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        guard: Option<&RedisWait>,
    ) -> Result<T, Failure> {
        let (stats, count) = (&self.node.stats, commands.len() as u64);
        stats::add(&stats.redis_commands, count);
        let outcome = self.exchange(commands, guard).await;
        if let Err(failure) = &outcome {
            stats::add(&stats.redis_failures, count);
            stats::bump(match failure.is_definite() {
                true => &stats.redis_failures_definite,
                false => &stats.redis_failures_indefinite,
            });
        }
        outcome
    }

    async fn exchange<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        guard: Option<&RedisWait>,
    ) -> Result<T, Failure> {
        let connection = self.connection.borrow().clone();
        let Some((mut connection, give_up)) = connection else { return Err(Failure::NotSent) };
        let batch = Batch::new(commands, guard);
        let sent = connection.send_packed_commands(&batch.wire, 0, batch.wire.len());
        let outcome = match self.node.env.timeout(self.patience(), sent).await {
            Some(Ok(replies)) => {
                self.heard.set(self.node.env.now());
                batch.judge(replies)
            }
            Some(Err(error)) => Err(Failure::Unknown(Doubt::Broken(error.to_string()))),
            None => Err(Failure::Unknown(Doubt::Late)),
        };
        if let Err(failure) = &outcome {
            let dead = matches!(failure, Failure::Unknown(Doubt::Late | Doubt::Broken(_)));
            if dead || failure.lost_master() {
                give_up.notify_one();
            }
        }
        outcome
    }

    /// How long an answer may take. Where writes are guarded, any command may stand behind a `WAIT`.
    fn patience(&self) -> Nanos {
        let config = &self.node.config;
        config.redis_timeout.0 + config.redis_wait.as_ref().map_or(0, |guard| guard.timeout.0)
    }

    /// Asks Redis for a sign of life whenever the link has been idle; one that does not come makes the link give
    /// the connection up, as an answer that does not.
    async fn ask_for_signs(&self) {
        let (env, config) = (&self.node.env, &self.node.config);
        if config.sabotaged(Sabotage::IdleRedisLink) {
            pending::<()>().await;
        }
        let mut sign = redis::pipe();
        sign.cmd("PING");
        loop {
            let due = self.heard.get() + config.redis_heartbeat.0;
            if env.now() < due {
                env.sleep_until(due).await;
                continue;
            }
            // What fails here gives the connection up, unless it is an answer as well.
            let _ = self.exchange::<(String,)>(&sign, None).await;
            self.heard.set(env.now());
        }
    }

    async fn keep_connected(&self) {
        let (env, config) = (&self.node.env, &self.node.config);
        loop {
            if let Some((connection, driver)) =
                self.finder.connect(env, config.redis_timeout.0).await
            {
                let give_up = Rc::new(Notify::new());
                self.connection.replace(Some((connection, give_up.clone())));
                if self.generation.get() > 0 {
                    stats::bump(&self.node.stats.redis_reconnects);
                }
                self.generation.set(self.generation.get() + 1);
                self.heard.set(env.now());
                self.connected.notify_waiters();
                tokio::select! {
                    biased;
                    () = driver => {}
                    () = give_up.notified() => {}
                    () = self.ask_for_signs() => {}
                }
                self.connection.replace(None);
            }
            env.sleep(config.redis_redial.0).await;
        }
    }
}
