//! The registry: who is alive, by leases. It keeps nothing on disk; nodes that renew their leases
//! fill it again after a restart, and until a whole lease has passed it says so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::call;
use crate::env::{Env, Nanos};
use crate::node::Node;
use crate::proto::registry::{Registry, View};
use crate::topology::{CALL_PORT, Role};

/// Runs the registry.
pub async fn run<E: Env>(node: Node<E>) {
    let leases: Rc<RefCell<BTreeMap<(Role, u32), Nanos>>> = Rc::default();
    let lease = node.config.lease.0;
    let settled_at = node.env.now() + lease;
    let env = node.env.clone();
    let slow = node.config.slow_call();
    call::serve::<E, Registry, _>(node.env, CALL_PORT, slow, move |who| {
        let now = env.now();
        let mut leases = leases.borrow_mut();
        leases.insert(who, now + lease);
        leases.retain(|_, until| *until > now);
        let view = View { alive: leases.keys().copied().collect(), settled: now >= settled_at };
        std::future::ready(view)
    })
    .await;
}
