//! How a client of a study finds the master: it asks the Sentinels in turn and checks the role of
//! whoever they name; without Sentinels there is one address. It does not subscribe to anything.

use std::net::Ipv4Addr;

use im::env::{Addr, Env, Nanos};
use im::redis_client::Names;

use super::resp::Connection;

/// Who knows where the master is.
#[derive(Clone, Debug)]
pub struct Finder {
    /// Where the master is when there are no Sentinels.
    pub fixed: Addr,
    /// Where the Sentinels answer.
    pub sentinels: Vec<Addr>,
    /// What they call the master.
    pub master: String,
    /// What they call nodes.
    pub names: Names,
}

impl Finder {
    /// A connection to a node that calls itself master, and that node; `None` when nobody knows
    /// one that answers. Every question and every handshake takes `timeout` at most.
    pub async fn connect<E: Env>(
        &self,
        env: &E,
        timeout: Nanos,
    ) -> Option<(Addr, Connection<E::Stream>)> {
        if self.sentinels.is_empty() {
            let dialled = env.timeout(timeout, env.connect(self.fixed)).await?.ok();
            return dialled.map(|stream| (self.fixed, Connection::new(stream)));
        }
        for sentinel in &self.sentinels {
            let told = env.timeout(timeout, self.ask(env, *sentinel)).await.flatten();
            let Some(master) = told else { continue };
            let dialled = env.timeout(timeout, dial_master(env, master)).await.flatten();
            if let Some(connection) = dialled {
                return Some((master, connection));
            }
        }
        None
    }

    /// Whom a Sentinel takes for the master.
    async fn ask<E: Env>(&self, env: &E, sentinel: Addr) -> Option<Addr> {
        let mut connection = Connection::new(env.connect(sentinel).await.ok()?);
        let question = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &self.master];
        let told = connection.call(&question).await.ok()?;
        let [ip, port] = told.items() else { return None };
        let node = self.names.node(ip.text()?.parse::<Ipv4Addr>().ok()?)?;
        Some(Addr { node, port: port.text()?.parse().ok()? })
    }
}

async fn dial_master<E: Env>(env: &E, to: Addr) -> Option<Connection<E::Stream>> {
    let mut connection = Connection::new(env.connect(to).await.ok()?);
    let role = connection.call(&["ROLE"]).await.ok()?;
    (role.items().first()?.text()? == "master").then_some(connection)
}
