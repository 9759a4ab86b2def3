//! Writes the history: the harness' ear on every device, whichever thread the device lives on.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use im::client::{Invoked, Observer, Question, Shown};
use im::env::{Env, Nanos};
use im::model::{ClientMsgId, ConversationId, DeviceId, MessageId, SendKey, Seq, UserId};
use im::proto::device::{Operation as Asked, Refusal};

use crate::history::{Event, History, Operation, Promised, What};

/// How far a member must get in a conversation, for nothing to be owed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Goal {
    /// A member: to the last seq that anybody has seen.
    Head,
    /// Has left at that seq.
    Left(Seq),
}

#[derive(Default)]
struct Book {
    history: History,
    /// Operations without an outcome, for their conversation and kind.
    open: BTreeMap<SendKey, (ConversationId, Operation)>,
    heads: BTreeMap<ConversationId, Seq>,
    goals: BTreeMap<(UserId, ConversationId), Goal>,
}

/// The history in the making. Clones write into the same one, from any thread; an event is written
/// down while its time is read, so that times never go back.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Book>>);

impl Recorder {
    /// The ear on one device, whose world is `env`.
    pub fn on(&self, device: DeviceId, env: impl Env) -> Rc<dyn Observer> {
        Rc::new(Ear { recorder: self.clone(), device, env })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no holder panics")
    }

    /// What of the device's shows and operations the history has already.
    fn known_of(
        &self,
        device: DeviceId,
    ) -> (BTreeSet<(ConversationId, Seq)>, BTreeSet<ClientMsgId>) {
        let (mut shown, mut invoked) = (BTreeSet::new(), BTreeSet::new());
        for event in self.book().history.events.iter().filter(|event| event.device == device) {
            match &event.what {
                What::Shown { conversation, seq, .. } => drop(shown.insert((*conversation, *seq))),
                What::Invoked { client_msg_id, .. } => drop(invoked.insert(*client_msg_id)),
                _ => {}
            }
        }
        (shown, invoked)
    }

    /// Writes an event of the harness' own.
    pub fn note(&self, now: Nanos, device: DeviceId, what: What) {
        self.book().note(now, device, what);
    }

    /// Takes the history out.
    pub fn finish(&self, complete: bool, promised: Option<Promised>) -> History {
        let history = std::mem::take(&mut self.book().history);
        History { complete, promised, ..history }
    }

    /// Conversations in which a device with these cursors still lacks rows, as far as acks and
    /// shows so far tell. Only a reason to open them, or to end a run early; checkers judge by the
    /// history.
    pub fn lacking(&self, user: UserId, cursors: &[(ConversationId, Seq)]) -> Vec<ConversationId> {
        let book = self.book();
        let of_user = (user, ConversationId(0))..=(user, ConversationId(u64::MAX));
        book.goals
            .range(of_user)
            .filter(|((_, conversation), goal)| {
                let known = cursors.binary_search_by_key(conversation, |(id, _)| *id);
                let cursor = known.map_or(0, |place| cursors[place].1);
                let head = book.heads.get(conversation).copied().unwrap_or(0);
                cursor < if let Goal::Left(seq) = goal { *seq } else { head }
            })
            .map(|((_, conversation), _)| *conversation)
            .collect()
    }

    fn settle(&self, key: SendKey, seq: Option<Seq>) {
        let book = &mut *self.book();
        let Some((conversation, operation)) = book.open.remove(&key) else { return };
        let Some(seq) = seq else { return };
        let head = book.heads.entry(conversation).or_default();
        *head = seq.max(*head);
        match operation {
            Operation::Create(members) => {
                for member in members {
                    book.goals.insert((member, conversation), Goal::Head);
                }
            }
            Operation::Join => {
                book.goals.insert((key.sender, conversation), Goal::Head);
            }
            Operation::Leave => {
                book.goals.insert((key.sender, conversation), Goal::Left(seq));
            }
            Operation::Send(_) => {}
        }
    }
}

impl Book {
    /// A program that works on a busy processor is a little ahead of the others: its clock has the
    /// work in it that it has already done. No event is before the one that stands before it.
    fn note(&mut self, now: Nanos, device: DeviceId, what: What) {
        let at = self.history.events.last().map_or(now, |last| now.max(last.at));
        self.history.events.push(Event { at, device, what });
    }
}

struct Ear<E> {
    recorder: Recorder,
    device: DeviceId,
    env: E,
}

impl<E: Env> Ear<E> {
    fn note(&self, what: What) {
        let mut book = self.recorder.book();
        book.note(self.env.now(), self.device, what);
    }

    fn key(&self, client_msg_id: ClientMsgId) -> SendKey {
        SendKey { sender: self.device.user, client_msg_id }
    }
}

impl<E: Env> Observer for Ear<E> {
    fn logged_in(&self) {
        self.note(What::LoggedIn);
    }

    fn recovered(&self, shown: Vec<Shown>, invoked: Vec<Invoked>) {
        if shown.is_empty() && invoked.is_empty() {
            return;
        }
        let (known_shown, known_invoked) = self.recorder.known_of(self.device);
        for operation in invoked.into_iter().filter(|found| !known_invoked.contains(&found.id)) {
            self.invoked(operation);
        }
        for row in
            shown.into_iter().filter(|row| !known_shown.contains(&(row.conversation, row.seq)))
        {
            self.shown(row);
        }
    }

    fn invoked(&self, Invoked { id, to, operation, intended }: Invoked) {
        let operation = match operation {
            Asked::Create(members) => Operation::Create(members),
            Asked::Join => Operation::Join,
            Asked::Leave => Operation::Leave,
            Asked::Send(content) => Operation::Send(content.len() as u32),
        };
        let open = (to, operation.clone());
        self.recorder.book().open.insert(self.key(id), open);
        self.note(What::Invoked { client_msg_id: id, conversation: to, operation, intended });
    }

    fn attempted(&self, id: ClientMsgId, attempt: u32) {
        self.note(What::Attempted { client_msg_id: id, attempt });
    }

    fn acked(&self, id: ClientMsgId, seq: Seq, message_id: MessageId) {
        self.note(What::Acked { client_msg_id: id, seq, message_id });
        self.recorder.settle(self.key(id), Some(seq));
    }

    fn refused(&self, id: ClientMsgId, reason: Refusal) {
        self.note(What::Refused { client_msg_id: id, reason: reason.to_string() });
        self.recorder.settle(self.key(id), None);
    }

    fn shown(&self, row: Shown) {
        self.note(What::Shown {
            conversation: row.conversation,
            seq: row.seq,
            message_id: row.message_id,
            key: row.key,
        });
        let book = &mut *self.recorder.book();
        let head = book.heads.entry(row.conversation).or_default();
        *head = row.seq.max(*head);
    }

    fn answered(&self, question: Question, of: ConversationId, asked: Nanos, rows: u32) {
        self.note(What::Answered { question, conversation: of, asked, rows });
    }
}
