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
use crate::env::{Env, Work};
use crate::journal::{Journal, NoRoom};
use crate::node::{Node, Roster};
use crate::points::Point;
use crate::proto::store::{Reply, Request, Store};
use crate::topology::{CALL_PORT, Role};

use state::{Decision, Mutation, State};

/// Runs a store shard.
pub async fn run<E: Env>(node: Node<E>) {
    let (journal, records) =
        Journal::<E, Mutation>::open(node.env.clone(), "store.wal", node.stats.clone()).await;
    let mut state = State::new(node.config.sabotage, node.stats.clone());
    for record in &records {
        state.replay(record);
    }
    let state = Rc::new(RefCell::new(state));
    Roster::join(&node, Role::Store);
    relay::start(&node, &state, &journal);
    let env = node.env.clone();
    let handle = move |request| answer(&node.env, &state, &journal, request);
    call::serve::<E, Store, _>(env, CALL_PORT, handle).await;
}

/// Applies the request now; the future is the reply, once all it rests on is durable.
fn answer<E: Env>(
    env: &E,
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
    env.work(Work::StoreRow, state.borrow().rows_touched() - touched_before);
    let (position, journal, env) = (journal.position(), journal.clone(), env.clone());
    async move {
        if changes {
            env.point(Point::StoreAppended).await;
        }
        journal.durable(position).await;
        if changes {
            env.point(Point::StoreSynced).await;
        }
        reply
    }
}
