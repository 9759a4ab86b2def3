//! One conversation on its chat node: operations queue, and one commit is under way at a time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use tokio::sync::oneshot;

use super::ChatNode;
use crate::config::Sabotage;
use crate::env::Env;
use crate::members::Members;
use crate::model::{Body, ConversationId, MessageId, Row, SendKey, Seq};
use crate::proto::chat::Reply;
use crate::proto::device::{Operation, Refusal};
use crate::proto::store;
use crate::stats;

/// Times a batch is tried again after another node was found to own the conversation.
const TRIES: usize = 3;

/// What an owner knows of its conversation.
pub struct Owned {
    pub epoch: u64,
    pub head: Seq,
    pub members: Members,
    /// Operations that this owner has committed, or the store has said are.
    known: BTreeMap<SendKey, (Seq, MessageId)>,
}

struct Waiting {
    key: SendKey,
    operation: Operation,
    /// Dropped without a word, it tells the gateway "unavailable".
    reply_to: Option<oneshot::Sender<Reply>>,
}

impl Waiting {
    /// Answers, if nobody has; the gateway may have given up meanwhile.
    fn answer(&mut self, reply: Reply) {
        if let Some(reply_to) = self.reply_to.take() {
            let _ = reply_to.send(reply);
        }
    }
}

/// One conversation.
#[derive(Default)]
pub struct Conversation {
    pub owned: RefCell<Option<Owned>>,
    queue: RefCell<VecDeque<Waiting>>,
    driven: Cell<bool>,
}

impl Conversation {
    /// The store has said that these operations are committed.
    fn learn(&self, keys: Vec<(SendKey, Seq, MessageId)>) {
        if let Some(owned) = self.owned.borrow_mut().as_mut() {
            owned.known.extend(keys.into_iter().map(|(key, seq, id)| (key, (seq, id))));
        }
    }
}

/// Queues an operation; the reply comes on the returned channel, or never.
pub fn submit<E: Env>(
    chat: &Rc<ChatNode<E>>,
    key: SendKey,
    id: ConversationId,
    operation: Operation,
) -> oneshot::Receiver<Reply> {
    stats::bump(&chat.node.stats.submits_received);
    let conversation = chat.conversation(id);
    let (reply_to, reply) = oneshot::channel();
    if conversation.queue.borrow().len() < chat.node.config.chat_queue {
        let waiting = Waiting { key, operation, reply_to: Some(reply_to) };
        conversation.queue.borrow_mut().push_back(waiting);
        if !conversation.driven.replace(true) {
            let chat = chat.clone();
            chat.node.env.clone().spawn(async move { drive(&chat, id, &conversation).await });
        }
    }
    reply
}

/// Commits what is queued, batch after batch, until the queue is empty.
async fn drive<E: Env>(chat: &ChatNode<E>, id: ConversationId, conversation: &Conversation) {
    while !conversation.queue.borrow().is_empty() {
        let mut batch = next_batch(conversation, chat.node.config.commit_rows);
        for _ in 0..TRIES {
            if !ensure_owned(chat, id, conversation).await
                || commit(chat, id, conversation, &mut batch).await
            {
                break;
            }
        }
    }
    conversation.driven.set(false);
}

/// The next operations to commit together. A membership change stands alone, so that every row of
/// a batch has the same members.
fn next_batch(conversation: &Conversation, limit: usize) -> Vec<Waiting> {
    let mut queue = conversation.queue.borrow_mut();
    let sends = |waiting: &&Waiting| matches!(waiting.operation, Operation::Send(_));
    let count = queue.iter().take(limit).take_while(sends).count().max(1);
    queue.drain(..count).collect()
}

/// Takes the conversation over unless it is owned; false when the store cannot be asked.
pub async fn ensure_owned<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
) -> bool {
    if conversation.owned.borrow().is_some() {
        return true;
    }
    match chat.ask_store(id, store::Request::Acquire(id)).await {
        Ok(store::Reply::Owned { epoch, head, members }) => {
            stats::bump(&chat.node.stats.ownerships_taken);
            let owned = Owned { epoch, head, members, known: BTreeMap::new() };
            // Another task may have taken it over meanwhile; the higher epoch is the valid one.
            let mut place = conversation.owned.borrow_mut();
            if place.as_ref().is_none_or(|other| other.epoch < epoch) {
                *place = Some(owned);
            }
            true
        }
        _ => false,
    }
}

/// Commits the batch; true when every operation in it has its final answer or must be sent again
/// by its device, false when the conversation must be taken over first.
async fn commit<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
    batch: &mut Vec<Waiting>,
) -> bool {
    let mut asked_for = BTreeSet::new();
    loop {
        if !look_up_doubtful(chat, id, conversation, batch, &mut asked_for).await {
            return true;
        }
        let Some((epoch, rows)) = prepare(chat, id, conversation, batch) else { return false };
        if rows.is_empty() {
            return true;
        }
        if chat.node.config.sabotaged(Sabotage::AckBeforeCommit) {
            answer(batch, &rows);
        }
        let request = store::Request::Append { conversation: id, epoch, rows: rows.clone() };
        let reply = chat.ask_store(id, request).await;
        if reply == Ok(store::Reply::Done) {
            stats::add(&chat.node.stats.commits, rows.len() as u64);
            committed(conversation, epoch, &rows);
            answer(batch, &rows);
            chat.recent.keep(&chat.node, &rows);
            return true;
        }
        if let Ok(store::Reply::Taken(keys)) = reply {
            conversation.learn(keys);
            continue;
        }
        // Whether the rows were appended is not known, or somebody else owns the conversation:
        // what this node believes of it is worth nothing now.
        conversation.owned.replace(None);
        let fenced = reply == Ok(store::Reply::Fenced);
        stats::add(&chat.node.stats.appends_fenced, u64::from(fenced));
        return !fenced;
    }
}

/// Before an operation is refused for good, the store is asked whether an earlier try of it was
/// committed under another owner. False when the store cannot be asked.
async fn look_up_doubtful<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
    batch: &[Waiting],
    asked_for: &mut BTreeSet<SendKey>,
) -> bool {
    let doubtful: Vec<SendKey> = match conversation.owned.borrow().as_ref() {
        Some(owned) => batch
            .iter()
            .filter(|waiting| !owned.known.contains_key(&waiting.key))
            .filter(|waiting| admit(owned, waiting, owned.head + 1).is_err())
            .map(|waiting| waiting.key)
            .filter(|key| asked_for.insert(*key))
            .collect(),
        None => Vec::new(),
    };
    if doubtful.is_empty() {
        return true;
    }
    let Ok(store::Reply::Taken(keys)) =
        chat.ask_store(id, store::Request::Find(id, doubtful)).await
    else {
        return false;
    };
    conversation.learn(keys);
    true
}

/// Answers what needs no commit and makes rows of the rest; `None` when the conversation is not
/// owned any more.
fn prepare<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
    batch: &mut Vec<Waiting>,
) -> Option<(u64, Vec<Row>)> {
    let owned = conversation.owned.borrow();
    let owned = owned.as_ref()?;
    let dedupe = !chat.node.config.sabotaged(Sabotage::NoDedupe);
    let mut rows: Vec<Row> = Vec::with_capacity(batch.len());
    batch.retain_mut(|waiting| {
        if dedupe && let Some((seq, message_id)) = owned.known.get(&waiting.key) {
            stats::bump(&chat.node.stats.server_duplicates);
            waiting.answer(Reply::Accepted(*seq, *message_id));
            return false;
        }
        if dedupe && rows.iter().any(|row| row.key == waiting.key) {
            // Two tries of one operation queued together: the later one's gateway gets no answer,
            // and the device hears from the earlier one.
            stats::bump(&chat.node.stats.server_duplicates);
            return false;
        }
        let seq = owned.head + 1 + rows.len() as Seq;
        match admit(owned, waiting, seq) {
            Ok((body, members, members_version)) => {
                rows.push(Row {
                    conversation: id,
                    seq,
                    message_id: chat.ids.next(chat.node.env.wall_ms()),
                    key: waiting.key,
                    delivery: chat.strategy.delivery(members),
                    members_version,
                    body,
                });
                true
            }
            Err(reason) => {
                stats::bump(&chat.node.stats.refusals);
                waiting.answer(Reply::Refused(reason));
                false
            }
        }
    });
    Some((owned.epoch, rows))
}

/// Whether the operation may be committed at `seq`: its body, the members it is for, and their
/// version.
fn admit(owned: &Owned, waiting: &Waiting, seq: Seq) -> Result<(Body, u32, Seq), Refusal> {
    let (members, sender) = (&owned.members, waiting.key.sender);
    if let Operation::Create(users) = &waiting.operation {
        if owned.head > 0 {
            return Err(Refusal::Exists);
        }
        return match users.contains(&sender) {
            true => Ok((Body::Created(users.clone()), users.len() as u32, seq)),
            false => Err(Refusal::NotAMember),
        };
    }
    if owned.head == 0 {
        return Err(Refusal::NoConversation);
    }
    match (&waiting.operation, members.contains(sender)) {
        (Operation::Send(content), true) => {
            Ok((Body::Content(content.clone()), members.count(), members.version))
        }
        (Operation::Join, false) => Ok((Body::Joined, members.count() + 1, seq)),
        (Operation::Join, true) => Err(Refusal::AlreadyAMember),
        (Operation::Leave, true) => Ok((Body::Left, members.count() - 1, seq)),
        (_, false) => Err(Refusal::NotAMember),
        (Operation::Create(_), _) => unreachable!("handled above"),
    }
}

fn committed(conversation: &Conversation, epoch: u64, rows: &[Row]) {
    let mut owned = conversation.owned.borrow_mut();
    let Some(owned) = owned.as_mut().filter(|owned| owned.epoch == epoch) else { return };
    for row in rows {
        owned.members.apply(row);
        owned.known.insert(row.key, (row.seq, row.message_id));
        owned.head = row.seq;
    }
}

fn answer(batch: &mut [Waiting], rows: &[Row]) {
    for (waiting, row) in batch.iter_mut().zip(rows) {
        waiting.answer(Reply::Accepted(row.seq, row.message_id));
    }
}
