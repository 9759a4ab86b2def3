//! Sync: reads a timeline for a device, from the recent-message cache or from the store.

use super::conversation::ensure_owned;
use super::{ChatNode, conversation::Conversation};
use crate::config::{Commit, Sabotage};
use crate::env::Env;
use crate::model::{ConversationId, Row, Seq, UserId};
use crate::proto::chat::Reply;
use crate::proto::device::Page;
use crate::proto::store;
use crate::stats;

/// What `user` may see of the conversation after `after`, and before `before` if that is given. When
/// the device has heard of a later seq than this node knows, somebody else has owned the conversation
/// meanwhile: it is taken over again, so that a node that was cut off cannot answer from the past for
/// ever.
pub async fn sync<E: Env>(
    chat: &ChatNode<E>,
    user: UserId,
    id: ConversationId,
    after: Seq,
    heard_of: Seq,
    before: Option<Seq>,
) -> Reply {
    stats::bump(&chat.node.stats.syncs);
    let conversation = chat.conversation(id);
    conversation.heard_of(heard_of);
    if !ensure_owned(chat, id, &conversation).await {
        return Reply::Unavailable;
    }
    let Some(mut head) = head(&conversation) else { return Reply::Unavailable };
    let end = before.map_or(head, |before| head.min(before.saturating_sub(1)));
    if after >= end {
        return Reply::Page(Page { rows: Vec::new(), covered: end, head });
    }
    let limit = chat.node.config.sync_rows;
    let count = limit.min((end - after) as usize);
    let Some(mut rows) = read(chat, id, after, count).await else {
        return Reply::Unavailable;
    };
    if chat.node.config.commit == Commit::Log && rows.len() < count {
        // The rest is in the log and not yet in the store; devices are told of it once it is there.
        head = after + rows.len() as Seq;
    }
    let covered = rows.last().map_or(head.min(end), |row| row.seq);
    let owned = conversation.owned.borrow();
    let Some(owned) = owned.as_ref() else { return Reply::Unavailable };
    let versioned = !chat.node.config.sabotaged(Sabotage::UnversionedMembers);
    rows.retain(|row| match versioned {
        true => owned.members.may_see(user, row.seq),
        false => owned.members.contains(user),
    });
    Reply::Page(Page { rows, covered, head })
}

fn head(conversation: &Conversation) -> Option<Seq> {
    conversation.owned.borrow().as_ref().map(|owned| owned.head)
}

/// At most `limit` rows after `after`, all of which are committed.
async fn read<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    after: Seq,
    limit: usize,
) -> Option<Vec<Row>> {
    if let Some(rows) = chat.recent.read(id, after, limit).await {
        stats::add(&chat.node.stats.rows_from_cache, rows.len() as u64);
        return Some(rows);
    }
    let request = store::Request::Timeline { conversation: id, after, limit };
    match chat.ask_store(id, request).await {
        Ok(store::Reply::Rows(rows)) => {
            stats::add(&chat.node.stats.rows_from_store, rows.len() as u64);
            Some(rows)
        }
        _ => None,
    }
}
