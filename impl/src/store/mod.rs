//! A store shard: timelines of its conversations; inboxes, conversation lists and cursors of its
//! users; durable on the Env disk.
//!
//! One rule makes it safe: a request changes the state in memory and appends to the write-ahead
//! log at once, and no reply, to a write or to a read, leaves before everything it rests on is
//! synced. In reading order: `timeline` and `mailbox` (the state), `state` (what a request does),
//! `relay` (the outbox).

mod mailbox;
mod relay;
mod state;
mod timeline;

use std::cell::RefCell;
use std::rc::Rc;

use crate::call;
use crate::env::{Env, Work};
use crate::journal::Journal;
use crate::node::{Node, Roster};
use crate::proto::store::{Reply, Request, Store};
use crate::topology::{CALL_PORT, Role};

use state::{Mutation, State};

/// Runs a store shard.
///
/// # Panics
/// When its write-ahead log cannot be opened.
pub async fn run<E: Env>(node: Node<E>) {
    let (journal, records) =
        Journal::<E, Mutation>::open(node.env.clone(), "store.wal", node.stats.clone())
            .await
            .expect("the write-ahead log opens");
    let mut state = State::new(node.config.sabotage, node.stats.clone());
    for record in &records {
        state.replay(record);
    }
    let state = Rc::new(RefCell::new(state));
    Roster::join(&node, Role::Store);
    relay::start(&node, &state, &journal);
    let env = node.env.clone();
    let handle = move |request| answer(&env, &state, &journal, request);
    call::serve::<E, Store, _>(node.env, CALL_PORT, handle).await;
}

/// Applies the request now; the future is the reply, once all it rests on is durable.
fn answer<E: Env>(
    env: &E,
    state: &Rc<RefCell<State>>,
    journal: &Journal<E, Mutation>,
    request: Request,
) -> impl Future<Output = Reply> + use<E> {
    let (reply, mutation) = state.borrow_mut().handle(request);
    env.work(Work::StoreRow, state.borrow_mut().take_rows_touched());
    let appended = mutation.map_or(Ok(()), |mutation| {
        let position = journal.append(&mutation)?;
        state.borrow_mut().committed_at(&mutation, position);
        Ok::<(), std::io::Error>(())
    });
    let (position, journal) = (journal.position(), journal.clone());
    async move {
        if appended.is_err() || journal.durable(position).await.is_err() {
            return Reply::Failed;
        }
        reply
    }
}
