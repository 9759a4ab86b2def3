//! A store shard: timelines of its conversations; inboxes, conversation lists and cursors of its
//! users; durable on the Env disk.
//!
//! One rule makes it safe: a change is appended to the write-ahead log and applied in memory at
//! once, and no reply, to a write or to a read, leaves before everything it rests on is synced. In
//! reading order: `timeline` and `mailbox` (the state), `state` (what a request does),
//! `relay` (the outbox).

mod mailbox;
mod relay;
mod state;
mod timeline;

use std::cell::RefCell;
use std::rc::Rc;

use crate::call;
use crate::config::{Commit, Sabotage};
use crate::env::{Env, Work};
use crate::journal::{Journal, NoRoom};
use crate::node::{Node, Roster};
use crate::points::Point;
use crate::proto::store::{Reply, Request, Store};
use crate::topology::{CALL_PORT, Role};
use crate::units::Span;

use state::{Decision, Mutation, State};

/// How often a store syncs that does not before it replies, which is a planted bug.
const SABOTAGED_SYNC: Span = Span::s(1);

/// Runs a store shard.
pub async fn run<E: Env>(node: Node<E>) {
    let (journal, records) =
        Journal::<E, Mutation>::open(node.env.clone(), "store.wal", node.stats.clone()).await;
    let mut state = State::new(&node.config, node.stats.clone());
    for record in &records {
        state.replay(record);
    }
    let state = Rc::new(RefCell::new(state));
    Roster::join(&node, Role::Store);
    if node.config.commit == Commit::Store {
        relay::start(&node, &state, &journal);
    }
    if node.config.sabotaged(Sabotage::AckBeforeSync) {
        let (env, journal) = (node.env.clone(), journal.clone());
        node.env.spawn(async move {
            loop {
                env.sleep(SABOTAGED_SYNC.0).await;
                journal.durable(journal.position()).await;
            }
        });
    }
    let (env, slow) = (node.env.clone(), node.config.slow_call());
    let handle = move |request| answer(&node, &state, &journal, request);
    call::serve::<E, Store, _>(env, CALL_PORT, slow, handle).await;
}

/// Applies the request now; the future is the reply, once all it rests on is durable.
fn answer<E: Env>(
    node: &Node<E>,
    state: &Rc<RefCell<State>>,
    journal: &Journal<E, Mutation>,
    request: Request,
) -> impl Future<Output = Reply> + use<E> {
    let touched_before = state.borrow().rows_touched();
    let decision = state.borrow().decide(request);
    let (reply, changes) = match decision {
        Decision::Reply(reply) => (reply, false),
        Decision::Change(mutation) => match journal.append(&mutation) {
            Ok(position) => (state.borrow_mut().change(&mutation, position), true),
            Err(NoRoom) => (Reply::NoRoom, false),
        },
    };
    node.env.work(Work::StoreRow, state.borrow().rows_touched() - touched_before);
    let (position, journal, env) = (journal.position(), journal.clone(), node.env.clone());
    let early = node.config.sabotaged(Sabotage::AckBeforeSync);
    async move {
        if changes {
            env.point(Point::StoreAppended).await;
        }
        if !early {
            journal.durable(position).await;
        }
        if changes {
            env.point(Point::StoreSynced).await;
        }
        reply
    }
}
