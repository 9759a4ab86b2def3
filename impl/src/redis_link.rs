//! A node's link to Redis: the `redis` crate's multiplexed connection over an Env stream.
//!
//! Redis is a cache in this cluster: whatever it fails to do costs time, never a message. So a
//! failed or late command is `None`, and while Redis is away commands fail at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, Pipeline, RedisConnectionInfo};
use tokio::sync::Notify;

use crate::env::{Addr, Env};
use crate::node::Node;
use crate::stats;
use crate::topology::REDIS_PORT;
use crate::units::Span;

/// How long a command or a connection attempt may take.
const TIMEOUT: Span = Span::ms(250);
/// How long the link waits before it dials again.
const REDIAL: Span = Span::ms(500);

struct Inner<E: Env> {
    node: Node<E>,
    /// The connection, and what makes the link give it up.
    connection: RefCell<Option<(MultiplexedConnection, Rc<Notify>)>>,
    /// Rises with every new connection: what Redis held before may be gone.
    generation: Cell<u64>,
    connected: Notify,
}

/// A link to Redis. Clones share one connection.
pub struct RedisLink<E: Env>(Rc<Inner<E>>);

impl<E: Env> Clone for RedisLink<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: Env> RedisLink<E> {
    /// A link that dials at once and keeps dialling.
    pub fn start(node: Node<E>) -> Self {
        let link = Self(Rc::new(Inner {
            node,
            connection: RefCell::new(None),
            generation: Cell::new(0),
            connected: Notify::new(),
        }));
        let inner = link.0.clone();
        link.0.node.env.spawn(async move { inner.keep_connected().await });
        link
    }

    /// Runs the commands in one round trip; `None` when Redis is away, late or refuses one.
    pub async fn run<T: FromRedisValue>(&self, commands: Pipeline) -> Option<T> {
        let inner = &self.0;
        let count = commands.len() as u64;
        stats::add(&inner.node.stats.redis_commands, count);
        let connection = inner.connection.borrow().clone();
        let Some((mut connection, give_up)) = connection else {
            stats::add(&inner.node.stats.redis_failures, count);
            return None;
        };
        match inner.node.env.timeout(TIMEOUT.0, commands.query_async(&mut connection)).await {
            Some(Ok(value)) => return Some(value),
            Some(Err(error)) if !error.is_unrecoverable_error() => {}
            // The stream is dead, or silent: dial again.
            Some(Err(_)) | None => give_up.notify_one(),
        }
        stats::add(&inner.node.stats.redis_failures, count);
        None
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
    async fn keep_connected(&self) {
        let env = &self.node.env;
        let to = Addr { node: self.node.topology.redis, port: REDIS_PORT };
        let info = RedisConnectionInfo::default();
        loop {
            let handshake = async {
                let stream = env.connect(to).await.ok()?;
                // The crate's own timeout would ask for a tokio runtime's clock.
                let config = AsyncConnectionConfig::new().set_response_timeout(None);
                MultiplexedConnection::new_with_config(&info, stream, config).await.ok()
            };
            if let Some(Some((connection, driver))) = env.timeout(TIMEOUT.0, handshake).await {
                let give_up = Rc::new(Notify::new());
                self.connection.replace(Some((connection, give_up.clone())));
                self.generation.set(self.generation.get() + 1);
                self.connected.notify_waiters();
                tokio::select! {
                    biased;
                    () = driver => {}
                    () = give_up.notified() => {}
                }
                self.connection.replace(None);
            }
            env.sleep(REDIAL.0).await;
        }
    }
}
