//! Who commits: the store or the log (`im.commit`), asked in the same words.

use crate::call::{CallError, Caller};
use crate::config::Commit;
use crate::env::Env;
use crate::model::{ConversationId, Row};
use crate::node::Node;
use crate::proto::commit::{Reply, Request};
use crate::proto::log::{self, Log};
use crate::proto::store::{self, Store};
use crate::stats;

/// Whoever commits, as a chat node sees it.
pub struct Committer<E: Env> {
    node: Node<E>,
    stores: Vec<Caller<E, Store>>,
    /// Where chat nodes write into the log themselves.
    log: Option<Caller<E, Log>>,
}

impl<E: Env> Committer<E> {
    pub fn new(node: &Node<E>, stores: Vec<Caller<E, Store>>) -> Self {
        let written = node.config.commit != Commit::Store;
        let log = written.then(|| node.caller(node.topology.log));
        Self { node: node.clone(), stores, log }
    }

    /// Asks who decides on the conversation.
    pub async fn ask(&self, id: ConversationId, request: Request) -> Result<Reply, CallError> {
        match (&self.log, self.node.config.commit) {
            (Some(log), Commit::Log) => {
                let partition = self.node.topology.log_partition(id);
                let request = log::Request::Decide { partition, conversation: id, request };
                match log.call(request).await? {
                    log::Reply::Decided(reply) => Ok(reply),
                    _ => Err(CallError::NoReply),
                }
            }
            _ => {
                let shard = &self.stores[self.node.topology.timeline_shard(id)];
                from_store(shard.call(to_store(id, request)).await?)
            }
        }
    }

    /// With dual writes: the second one, of rows that the store has committed. Nobody asks what
    /// became of it.
    pub async fn publish(&self, rows: &[Row]) {
        let (Some(first), Commit::Dual) = (rows.first(), self.node.config.commit) else { return };
        let partition = self.node.topology.log_partition(first.conversation);
        let request = log::Request::Publish { partition, rows: rows.to_vec() };
        let log = self.log.as_ref().expect("there is one unless the store relays");
        if log.call(request).await != Ok(log::Reply::Done) {
            stats::add(&self.node.stats.rows_unpublished, rows.len() as u64);
        }
    }
}

fn to_store(conversation: ConversationId, request: Request) -> store::Request {
    match request {
        Request::Acquire => store::Request::Acquire(conversation),
        Request::Append { epoch, rows } => store::Request::Append { conversation, epoch, rows },
        Request::Refuse { epoch, refusals } => {
            store::Request::Refuse { conversation, epoch, refusals }
        }
    }
}

fn from_store(reply: store::Reply) -> Result<Reply, CallError> {
    Ok(match reply {
        store::Reply::Done => Reply::Done,
        store::Reply::Owned { epoch, head, members } => Reply::Owned { epoch, head, members },
        store::Reply::Fenced => Reply::Fenced,
        store::Reply::Taken(keys) => Reply::Taken(keys),
        store::Reply::Refused(keys) => Reply::Refused(keys),
        store::Reply::NoRoom => Reply::NoRoom,
        _ => return Err(CallError::NoReply),
    })
}
