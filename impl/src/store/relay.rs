//! The outbox relay: reads the shard's commit order and brings it into the log.
//!
//! Only durable commits are relayed. Each carries its number in the commit order, by which the log
//! drops what a restarted relay sends again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::join_all;

use super::state::{Mutation, State};
use crate::call::{BACKOFF, Caller};
use crate::env::Env;
use crate::journal::Journal;
use crate::model::Row;
use crate::node::Node;
use crate::proto::log::{Log, Reply, Request};

/// Starts the relay of this shard.
pub fn start<E: Env>(node: &Node<E>, state: &Rc<RefCell<State>>, journal: &Journal<E, Mutation>) {
    let (node, state, journal) = (node.clone(), state.clone(), journal.clone());
    node.env.clone().spawn(async move {
        let log = node.caller::<Log>(node.topology.log);
        loop {
            let batch = state.borrow().to_relay(journal.synced(), node.config.fetch_records);
            let Some((last, _)) = batch.last() else {
                journal.advanced().await;
                continue;
            };
            let next = last + 1;
            if !produce(&node, &log, &batch).await {
                node.env.sleep(BACKOFF.0).await;
                continue;
            }
            let mutation = state.borrow_mut().relayed(next);
            // Lost with the power, or for lack of room, it costs the log some repeats; nobody waits
            // for it.
            let _ = journal.append(&mutation);
        }
    });
}

/// Brings a batch into its partitions; true when all of it is durable there.
async fn produce<E: Env>(node: &Node<E>, log: &Caller<E, Log>, batch: &[(u64, Row)]) -> bool {
    let mut partitions: BTreeMap<u32, Vec<(u64, Row)>> = BTreeMap::new();
    for (number, row) in batch {
        let partition = node.topology.log_partition(row.conversation);
        partitions.entry(partition).or_default().push((*number, row.clone()));
    }
    let calls = partitions.into_iter().map(|(partition, records)| {
        log.call(Request::Produce { producer: node.number, partition, records })
    });
    join_all(calls).await.iter().all(|reply| *reply == Ok(Reply::Done))
}
