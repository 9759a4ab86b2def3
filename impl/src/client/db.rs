//! The device's own database, on the Env disk. What a user would miss waits until there is room; a
//! disk that fails ends the process.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::status::Status;
use super::{Invoked, Shown};
use crate::env::{Env, Nanos};
use crate::journal::Journal;
use crate::model::{ClientMsgId, ConversationId, DeviceId, MessageId, Row, SendKey, Seq};
use crate::node::Node;
use crate::proto::device::Operation;
use crate::units::Span;

/// How long a full disk is left alone before the next try.
const ROOM_WAIT: Span = Span::ms(200);

#[derive(Serialize, Deserialize)]
enum Record {
    Queued(Invoked),
    Settled(ClientMsgId),
    /// Rows shown, and the cursor after them.
    Shown(ConversationId, Vec<(Seq, MessageId, SendKey)>, Seq),
}

/// What a database held when it was opened.
#[derive(Default)]
pub struct Recovered {
    pub shown: Vec<Shown>,
    pub invoked: Vec<Invoked>,
}

/// A device's database: what it has asked for and what it has shown.
pub struct Db<E: Env> {
    env: E,
    journal: Journal<E, Record>,
    device: DeviceId,
    /// Operations used so far; numbers the next one.
    operations: Cell<u64>,
    outbox: RefCell<BTreeMap<ClientMsgId, (ConversationId, Operation)>>,
    status: Arc<Status>,
}

impl<E: Env> Db<E> {
    /// Opens the database of `device`, which tells `status` of itself.
    pub async fn open(node: &Node<E>, device: DeviceId, status: Arc<Status>) -> (Self, Recovered) {
        let (journal, records) =
            Journal::open(node.env.clone(), "device.db", node.stats.clone()).await;
        let db = Self {
            env: node.env.clone(),
            journal,
            device,
            operations: Cell::new(0),
            outbox: RefCell::default(),
            status,
        };
        let mut recovered = Recovered::default();
        for record in records {
            db.recover(record, &mut recovered);
        }
        (db, recovered)
    }

    fn recover(&self, record: Record, recovered: &mut Recovered) {
        match record {
            Record::Queued(invoked) => {
                self.enter(&invoked);
                recovered.invoked.push(invoked);
            }
            Record::Settled(id) => {
                self.forget(id);
            }
            Record::Shown(conversation, rows, cursor) => {
                self.shown(conversation, cursor);
                recovered.shown.extend(rows.into_iter().map(|(seq, message_id, key)| Shown {
                    conversation,
                    seq,
                    message_id,
                    key,
                }));
            }
        }
    }

    /// Writes as soon as there is room.
    async fn write(&self, record: &Record) {
        while self.journal.append(record).is_err() {
            self.env.sleep(ROOM_WAIT.0).await;
        }
    }

    fn enter(&self, invoked: &Invoked) {
        self.operations.set(self.operations.get() + 1);
        let entry = (invoked.to, invoked.operation.clone());
        let mut outbox = self.outbox.borrow_mut();
        outbox.insert(invoked.id, entry);
        self.status.set_unsettled(outbox.len());
    }

    fn forget(&self, id: ClientMsgId) {
        let mut outbox = self.outbox.borrow_mut();
        outbox.remove(&id);
        self.status.set_unsettled(outbox.len());
    }

    /// Completes once everything written so far is durable.
    pub async fn durable(&self) {
        self.journal.durable(self.journal.position()).await;
    }

    /// Notes an operation and gives it its number.
    pub async fn queue(
        &self,
        to: ConversationId,
        operation: Operation,
        intended: Nanos,
    ) -> Invoked {
        let id = ClientMsgId::new(self.device.index, self.operations.get());
        let invoked = Invoked { id, to, operation, intended };
        self.write(&Record::Queued(invoked.clone())).await;
        self.enter(&invoked);
        invoked
    }

    /// The outcome of an operation is known. Where that finds no room, the operation is sent once
    /// more after a restart, and its outcome is the same.
    pub fn settle(&self, id: ClientMsgId) {
        let _ = self.journal.append(&Record::Settled(id));
        self.forget(id);
    }

    /// Operations whose outcome is not known, in the order in which they were asked for.
    pub fn outbox(&self) -> Vec<(ClientMsgId, ConversationId, Operation)> {
        let outbox = self.outbox.borrow();
        outbox.iter().map(|(id, (to, operation))| (*id, *to, operation.clone())).collect()
    }

    /// Writes rows and the conversation's cursor after them. They count once they are durable:
    /// then [`Db::shown`] tells.
    pub async fn show(&self, conversation: ConversationId, rows: &[Row], cursor: Seq) {
        let rows = rows.iter().map(|row| (row.seq, row.message_id, row.key)).collect();
        self.write(&Record::Shown(conversation, rows, cursor)).await;
    }

    /// What [`Db::show`] wrote for the conversation is durable.
    pub fn shown(&self, conversation: ConversationId, cursor: Seq) {
        self.status.cursors().insert(conversation, cursor);
    }

    /// The conversation's cursor; 0 when nothing was shown.
    pub fn cursor(&self, conversation: ConversationId) -> Seq {
        self.status.cursors().get(&conversation).copied().unwrap_or(0)
    }

    /// All cursors.
    pub fn cursors(&self) -> Vec<(ConversationId, Seq)> {
        self.status.cursors().iter().map(|(id, seq)| (*id, *seq)).collect()
    }
}
