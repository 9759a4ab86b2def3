//! The device's own database, on the Env disk.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::env::Env;
use crate::journal::Journal;
use crate::model::{ClientMsgId, ConversationId, DeviceId, MessageId, Row, Seq};
use crate::node::Node;
use crate::proto::device::Operation;

#[derive(Serialize, Deserialize)]
enum Record {
    Queued(ClientMsgId, ConversationId, Operation),
    Settled(ClientMsgId),
    /// Rows shown, and the cursor after them.
    Shown(ConversationId, Vec<(Seq, MessageId)>, Seq),
}

/// A device's database: what it has asked for and what it has shown.
pub struct Db<E: Env> {
    journal: Journal<E, Record>,
    device: DeviceId,
    /// Operations used so far; numbers the next one.
    operations: Cell<u64>,
    outbox: RefCell<BTreeMap<ClientMsgId, (ConversationId, Operation)>>,
    cursors: RefCell<BTreeMap<ConversationId, Seq>>,
}

impl<E: Env> Db<E> {
    /// Opens the database of `device`.
    pub async fn open(node: &Node<E>, device: DeviceId) -> Self {
        let (journal, records) = Journal::open(node.env.clone(), "device.db", node.stats.clone())
            .await
            .expect("the device's database opens");
        let db = Self {
            journal,
            device,
            operations: Cell::new(0),
            outbox: RefCell::default(),
            cursors: RefCell::default(),
        };
        for record in records {
            db.apply(record);
        }
        db
    }

    fn apply(&self, record: Record) {
        match record {
            Record::Queued(id, to, operation) => {
                self.operations.set(self.operations.get() + 1);
                self.outbox.borrow_mut().insert(id, (to, operation));
            }
            Record::Settled(id) => {
                self.outbox.borrow_mut().remove(&id);
            }
            Record::Shown(conversation, _, cursor) => {
                self.cursors.borrow_mut().insert(conversation, cursor);
            }
        }
    }

    fn write(&self, record: Record) {
        self.journal.append(&record).expect("a device's disk has room");
        self.apply(record);
    }

    /// Completes once everything written so far is durable.
    pub async fn durable(&self) {
        let synced = self.journal.durable(self.journal.position()).await;
        synced.expect("a device's disk works");
    }

    /// Notes an operation; returns its number.
    pub fn queue(&self, to: ConversationId, operation: Operation) -> ClientMsgId {
        let id = ClientMsgId::new(self.device.index, self.operations.get());
        self.write(Record::Queued(id, to, operation));
        id
    }

    /// The outcome of an operation is known.
    pub fn settle(&self, id: ClientMsgId) {
        self.write(Record::Settled(id));
    }

    /// Operations whose outcome is not known, in the order in which they were asked for.
    pub fn outbox(&self) -> Vec<(ClientMsgId, ConversationId, Operation)> {
        let outbox = self.outbox.borrow();
        outbox.iter().map(|(id, (to, operation))| (*id, *to, operation.clone())).collect()
    }

    /// Writes rows and the conversation's cursor after them. They count once they are durable:
    /// then [`Db::shown`] tells.
    pub fn show(&self, conversation: ConversationId, rows: &[Row], cursor: Seq) {
        let rows = rows.iter().map(|row| (row.seq, row.message_id)).collect();
        let record = Record::Shown(conversation, rows, cursor);
        self.journal.append(&record).expect("a device's disk has room");
    }

    /// What [`Db::show`] wrote for the conversation is durable.
    pub fn shown(&self, conversation: ConversationId, cursor: Seq) {
        self.cursors.borrow_mut().insert(conversation, cursor);
    }

    /// The conversation's cursor; 0 when nothing was shown.
    pub fn cursor(&self, conversation: ConversationId) -> Seq {
        self.cursors.borrow().get(&conversation).copied().unwrap_or(0)
    }

    /// All cursors.
    pub fn cursors(&self) -> Vec<(ConversationId, Seq)> {
        self.cursors.borrow().iter().map(|(id, seq)| (*id, *seq)).collect()
    }
}
