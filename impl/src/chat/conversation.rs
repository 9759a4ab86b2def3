//! One conversation on its chat node: operations queue, and one commit is under way at a time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use tokio::sync::oneshot;

use super::ChatNode;
use crate::call::CallError;
use crate::config::Sabotage;
use crate::env::{Env, Work};
use crate::fanout::Consumption;
use crate::members::Members;
use crate::model::{Body, ConversationId, MessageId, Row, SendKey, Seq};
use crate::ownership::Standing;
use crate::points::Point;
use crate::proto::chat::Reply;
use crate::proto::commit;
use crate::proto::device::{Operation, Refusal};
use crate::stats;

/// Times a batch is tried again after another node was found to own the conversation.
const TRIES: usize = 3;

/// What an owner knows of its conversation.
pub struct Owned {
    pub epoch: u64,
    pub head: Seq,
    pub members: Members,
    /// Operations that this owner has committed, or was told are.
    known: BTreeMap<SendKey, (Seq, MessageId)>,
    /// Operations that are refused for good, durably.
    refused: BTreeMap<SendKey, Refusal>,
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
    /// What this node has heard of it, whoever owned the conversation meanwhile.
    pub consumption: RefCell<Consumption>,
    queue: RefCell<VecDeque<Waiting>>,
    driven: Cell<bool>,
    /// Told the outcome of the takeover under way, if there is one.
    taking_over: RefCell<Option<Vec<oneshot::Sender<bool>>>>,
}

impl Conversation {
    /// A device has heard of this seq. If this node knows less and commits nothing itself, of which it may not know
    /// yet, somebody else has owned the conversation meanwhile.
    pub fn heard_of(&self, seq: Seq) {
        let knows = |owned: &Owned| owned.head >= seq;
        if !self.driven.get() && !self.owned.borrow().as_ref().is_none_or(knows) {
            self.owned.replace(None);
        }
    }

    /// Whoever commits has said that these operations are committed.
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
    chat.node.env.work(Work::Operation, 1);
    let conversation = chat.conversation(id);
    let (reply_to, reply) = oneshot::channel();
    if conversation.queue.borrow().len() < chat.node.config.chat_queue {
        let waiting = Waiting { key, operation, reply_to: Some(reply_to) };
        conversation.queue.borrow_mut().push_back(waiting);
        chat.waiting.rise(1);
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
        chat.waiting.fall(batch.len() as u64);
        for _ in 0..TRIES {
            if !may_write(chat, id, conversation).await
                || !ensure_owned(chat, id, conversation).await
                || commit(chat, id, conversation, &mut batch).await
            {
                break;
            }
        }
    }
    conversation.driven.set(false);
}

/// Whether this node may write, as far as its lock says. One that it got just now makes worthless
/// what it believes of the conversation: others may have written meanwhile.
async fn may_write<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
) -> bool {
    let standing = chat.ownership.hold(id).await;
    if standing != Standing::Still {
        conversation.owned.replace(None);
    }
    standing != Standing::Not
}

/// The next operations to commit together. A membership change stands alone, so that every row of
/// a batch has the same members.
fn next_batch(conversation: &Conversation, limit: usize) -> Vec<Waiting> {
    let mut queue = conversation.queue.borrow_mut();
    let sends = |waiting: &&Waiting| matches!(waiting.operation, Operation::Send(_));
    let count = queue.iter().take(limit).take_while(sends).count().max(1);
    queue.drain(..count).collect()
}

/// Takes the conversation over unless it is owned; false when whoever commits cannot be asked. Who comes while
/// that is under way joins it: another takeover would only make the first one worthless.
pub async fn ensure_owned<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
) -> bool {
    if conversation.owned.borrow().is_some() {
        return true;
    }
    let joined = conversation.taking_over.borrow_mut().as_mut().map(|others| {
        let (tell, told) = oneshot::channel();
        others.push(tell);
        told
    });
    if let Some(told) = joined {
        return told.await.unwrap_or(false);
    }
    conversation.taking_over.replace(Some(Vec::new()));
    let taken = take_over(chat, id, conversation).await;
    for joined in conversation.taking_over.take().into_iter().flatten() {
        // It may not wait any more.
        let _ = joined.send(taken);
    }
    taken
}

async fn take_over<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
) -> bool {
    match chat.committer.ask(id, commit::Request::Acquire).await {
        Ok(commit::Reply::Owned { epoch, head, members }) => {
            stats::bump(&chat.node.stats.ownerships_taken);
            let (known, refused) = Default::default();
            let owned = Owned { epoch, head, members, known, refused };
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
    let keys = batch.iter().map(|waiting| waiting.key).collect();
    match chat.sent.known(id, keys).await {
        Ok(known) => conversation.learn(known),
        Err(_) => return true,
    }
    loop {
        match refuse(chat, id, conversation, batch).await {
            Ok(commit::Reply::Done) => {}
            Ok(commit::Reply::Taken(keys)) => {
                conversation.learn(keys);
                continue;
            }
            Ok(commit::Reply::Fenced) => {
                conversation.owned.replace(None);
                return false;
            }
            _ => return true,
        }
        if chat.ids.ready(batch.len()).await.is_err() {
            return true;
        }
        let Some((epoch, rows)) = prepare(chat, id, conversation, batch) else { return false };
        if rows.is_empty() {
            return true;
        }
        chat.node.env.point(Point::ChatAppending).await;
        if chat.node.config.sabotaged(Sabotage::AckBeforeCommit) {
            answer(batch, &rows);
        }
        let request = commit::Request::Append { epoch, rows: rows.clone() };
        let reply = chat.committer.ask(id, request).await;
        if reply == Ok(commit::Reply::Done) {
            stats::add(&chat.node.stats.commits, rows.len() as u64);
            chat.node.env.point(Point::ChatCommitted).await;
            chat.committer.publish(&rows).await;
            committed(conversation, epoch, &rows);
            chat.sent.note(&rows).await;
            answer(batch, &rows);
            chat.recent.keep(&chat.node, &rows);
            return true;
        }
        if reply == Ok(commit::Reply::NoRoom) {
            return true;
        }
        if let Ok(commit::Reply::Taken(keys)) = reply {
            conversation.learn(keys);
            continue;
        }
        if let Ok(commit::Reply::Refused(keys)) = reply {
            if let Some(owned) = conversation.owned.borrow_mut().as_mut() {
                owned.refused.extend(keys);
            }
            continue;
        }
        // Whether the rows were appended is not known, or somebody else owns the conversation:
        // what this node believes of it is worth nothing now.
        conversation.owned.replace(None);
        let fenced = reply == Ok(commit::Reply::Fenced);
        stats::add(&chat.node.stats.appends_fenced, u64::from(fenced));
        return !fenced;
    }
}

/// Makes refusals durable before anybody hears of them: an earlier try may have been committed
/// under another owner, and a later one must not be. Done when there are none.
async fn refuse<E: Env>(
    chat: &ChatNode<E>,
    id: ConversationId,
    conversation: &Conversation,
    batch: &[Waiting],
) -> Result<commit::Reply, CallError> {
    let (epoch, refusals) = match conversation.owned.borrow().as_ref() {
        Some(owned) => (owned.epoch, owned.refusals(batch)),
        None => return Ok(commit::Reply::Fenced),
    };
    if refusals.is_empty() || chat.node.config.sabotaged(Sabotage::ForgetRefusals) {
        return Ok(commit::Reply::Done);
    }
    let request = commit::Request::Refuse { epoch, refusals: refusals.clone() };
    let reply = chat.committer.ask(id, request).await;
    if reply == Ok(commit::Reply::Done)
        && let Some(owned) = conversation.owned.borrow_mut().as_mut()
        && owned.epoch == epoch
    {
        owned.refused.extend(refusals);
    }
    reply
}

impl Owned {
    /// Operations of the batch that must be refused and are not yet.
    fn refusals(&self, batch: &[Waiting]) -> Vec<(SendKey, Refusal)> {
        let open = batch.iter().filter(|waiting| {
            !self.known.contains_key(&waiting.key) && !self.refused.contains_key(&waiting.key)
        });
        open.filter_map(|waiting| {
            admit(self, waiting, self.head + 1).err().map(|reason| (waiting.key, reason))
        })
        .collect()
    }
}

/// Answers what needs no commit and makes rows of the rest; `None` when the conversation is not
/// owned any more, or has been taken over again.
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
    let mut settled = true;
    batch.retain_mut(|waiting| {
        if let Some((seq, message_id)) = owned.known.get(&waiting.key)
            && (dedupe || admit(owned, waiting, owned.head + 1).is_err())
        {
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
        if let Some(reason) = owned.refused.get(&waiting.key) {
            stats::bump(&chat.node.stats.refusals);
            waiting.answer(Reply::Refused(*reason));
            return false;
        }
        let seq = owned.head + 1 + rows.len() as Seq;
        match admit(owned, waiting, seq) {
            Ok((body, members, members_version)) => {
                rows.push(Row {
                    conversation: id,
                    seq,
                    message_id: chat.ids.next(),
                    key: waiting.key,
                    delivery: chat.strategy.delivery(members, &conversation.consumption.borrow()),
                    members_version,
                    body,
                });
                true
            }
            Err(reason) if chat.node.config.sabotaged(Sabotage::ForgetRefusals) => {
                waiting.answer(Reply::Refused(reason));
                false
            }
            // The conversation was taken over again meanwhile, and the refusal is not durable yet.
            Err(_) => {
                settled = false;
                true
            }
        }
    });
    settled.then_some((owned.epoch, rows))
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
        if matches!(row.body, Body::Content(_)) {
            conversation.consumption.borrow_mut().committed();
        }
    }
}

fn answer(batch: &mut [Waiting], rows: &[Row]) {
    for (waiting, row) in batch.iter_mut().zip(rows) {
        waiting.answer(Reply::Accepted(row.seq, row.message_id));
    }
}
