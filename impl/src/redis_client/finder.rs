//! How the master is found: it has one address, or the Sentinels know it.
//!
//! It must not know what is asked of the master afterwards.

use std::cell::Cell;
use std::future::Future;
use std::net::Ipv4Addr;
use std::pin::Pin;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ErrorKind, FromRedisValue, Pipeline, RedisConnectionInfo, RedisResult,
    Value,
};

use super::names::Names;
use crate::env::{Addr, Env, Nanos};
use crate::topology::{REDIS_MASTER, REDIS_PORT, SENTINEL_PORT, Topology};

/// What moves the bytes of a connection; the connection ends when it is dropped.
pub type Driver = Pin<Box<dyn Future<Output = ()>>>;

/// A connection and what drives it.
pub type Connected = (MultiplexedConnection, Driver);

/// Where the master is, or who knows.
pub enum Finder {
    /// The master never moves.
    Fixed(Addr),
    /// The Sentinels tell, in their names for nodes.
    Sentinels {
        /// Where they answer.
        sentinels: Vec<Addr>,
        /// What they call nodes.
        names: Names,
        /// The Sentinel to ask first: the last one that told the truth.
        first: Cell<usize>,
    },
}

impl Finder {
    /// The way to the master that the topology describes.
    pub fn new(topology: &Topology) -> Self {
        if topology.sentinels.is_empty() {
            return Self::fixed(topology.redis[0]);
        }
        let addr = |node: &u32| Addr { node: *node, port: SENTINEL_PORT };
        Self::Sentinels {
            sentinels: topology.sentinels.iter().map(addr).collect(),
            names: topology.redis_names,
            first: Cell::new(0),
        }
    }

    /// The way to a master that never moves from node `node`.
    pub fn fixed(node: u32) -> Self {
        Self::Fixed(Addr { node, port: REDIS_PORT })
    }

    /// A connection to the master; `None` when nobody knows one that answers. Asks each Sentinel at
    /// most once; each question and each handshake takes `timeout` at most.
    pub async fn connect<E: Env>(&self, env: &E, timeout: Nanos) -> Option<Connected> {
        let (sentinels, names, first) = match self {
            Self::Fixed(master) => return env.timeout(timeout, dial(env, *master)).await?,
            Self::Sentinels { sentinels, names, first } => (sentinels, names, first),
        };
        for turn in 0..sentinels.len() {
            let place = (first.get() + turn) % sentinels.len();
            let told = env.timeout(timeout, ask(env, sentinels[place], *names)).await.flatten();
            let Some(master) = told else { continue };
            let dialled = env.timeout(timeout, dial_master(env, master)).await.flatten();
            if dialled.is_some() {
                first.set(place);
                return dialled;
            }
        }
        None
    }
}

/// A connection to whatever Redis answers at `to`.
async fn dial<E: Env>(env: &E, to: Addr) -> Option<Connected> {
    let stream = env.connect(to).await.ok()?;
    // The crate's own timeout would ask for a tokio runtime's clock.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let info = RedisConnectionInfo::default();
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&info, stream, config).await.ok()?;
    Some((connection, Box::pin(driver)))
}

/// A connection to `to`, if it calls itself a master: a Sentinel may not have heard yet.
async fn dial_master<E: Env>(env: &E, to: Addr) -> Option<Connected> {
    let mut connected = dial(env, to).await?;
    let mut role = redis::pipe();
    role.cmd("ROLE");
    let (answer,): (Vec<Value>,) = query(&mut connected, &role).await.ok()?;
    let master = String::from_redis_value_ref(answer.first()?).is_ok_and(|role| role == "master");
    master.then_some(connected)
}

/// Who a Sentinel thinks is the master.
async fn ask<E: Env>(env: &E, sentinel: Addr, names: Names) -> Option<Addr> {
    let mut connected = dial(env, sentinel).await?;
    let mut question = redis::pipe();
    question.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(REDIS_MASTER);
    let (told,): (Option<(String, u16)>,) = query(&mut connected, &question).await.ok()?;
    let (ip, port) = told?;
    Some(Addr { node: names.node(ip.parse::<Ipv4Addr>().ok()?)?, port })
}

/// Asks on a connection that nobody drives yet.
async fn query<T: FromRedisValue>(
    (connection, driver): &mut Connected,
    commands: &Pipeline,
) -> RedisResult<T> {
    tokio::select! {
        biased;
        answer = commands.query_async(connection) => answer,
        () = driver => Err((ErrorKind::Io, "the connection ended").into()),
    }
}
