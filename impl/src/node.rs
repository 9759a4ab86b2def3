//! What every server node is started with, and what it knows of the others.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::call::{Caller, Service};
use crate::config::Config;
use crate::env::{Env, Nanos};
use crate::proto::registry::{Registry, View};
use crate::stats::Stats;
use crate::topology::{Role, Topology, call_addr};

/// A node's world, configuration, number and counters.
pub struct Node<E: Env> {
    /// The outside world.
    pub env: E,
    /// The `[im]` table.
    pub config: Arc<Config>,
    /// Who is in the cluster.
    pub topology: Arc<Topology>,
    /// This node's number.
    pub number: u32,
    /// This node's counters.
    pub stats: Arc<Stats>,
}

impl<E: Env> Clone for Node<E> {
    fn clone(&self) -> Self {
        Self {
            env: self.env.clone(),
            config: self.config.clone(),
            topology: self.topology.clone(),
            number: self.number,
            stats: self.stats.clone(),
        }
    }
}

impl<E: Env> Node<E> {
    /// A caller of the service on node `to`.
    pub fn caller<S: Service>(&self, to: u32) -> Caller<E, S> {
        self.caller_within(to, self.config.call_timeout.0)
    }

    /// A caller that waits no longer than `timeout` for a server that says nothing.
    pub fn caller_within<S: Service>(&self, to: u32, timeout: Nanos) -> Caller<E, S> {
        Caller::new(self.env.clone(), call_addr(to), timeout, self.config.call_patience.0)
    }

    /// How often a lease of this length is renewed: three tries within it.
    pub fn renewal(lease: Nanos) -> Nanos {
        lease / 3
    }
}

/// Callers by node, made when first needed.
pub struct Callers<E: Env, S: Service> {
    node: Node<E>,
    callers: RefCell<BTreeMap<u32, Caller<E, S>>>,
}

impl<E: Env, S: Service> Callers<E, S> {
    /// No callers yet.
    pub fn new(node: Node<E>) -> Self {
        Self { node, callers: RefCell::new(BTreeMap::new()) }
    }

    /// The caller of node `to`.
    pub fn to(&self, to: u32) -> Caller<E, S> {
        self.callers.borrow_mut().entry(to).or_insert_with(|| self.node.caller(to)).clone()
    }
}

/// Who is alive, as the registry last told this node.
#[derive(Clone, Default)]
pub struct Roster {
    alive: Rc<RefCell<Vec<(Role, u32)>>>,
}

impl Roster {
    /// Starts to announce this node to the registry under `role` and to listen who else is there.
    pub fn join<E: Env>(node: &Node<E>, role: Role) -> Self {
        let roster = Self::default();
        let (task, node) = (roster.clone(), node.clone());
        node.env.clone().spawn(async move {
            let renewal = Node::<E>::renewal(node.config.lease.0);
            let registry = node.caller_within::<Registry>(node.topology.registry, renewal);
            loop {
                let next = node.env.now() + renewal;
                if let Ok(view) = registry.call((role, node.number)).await {
                    task.take(view);
                }
                node.env.sleep_until(next).await;
            }
        });
        roster
    }

    /// An unsettled registry has only begun to hear of nodes: it may add, not take away.
    fn take(&self, view: View) {
        let mut alive = self.alive.borrow_mut();
        if view.settled {
            *alive = view.alive;
        } else {
            alive.extend(view.alive);
            alive.sort_unstable();
            alive.dedup();
        }
    }

    /// Nodes of the role believed alive, in order.
    pub fn alive(&self, role: Role) -> Vec<u32> {
        self.alive.borrow().iter().filter(|(of, _)| *of == role).map(|(_, node)| *node).collect()
    }
}
