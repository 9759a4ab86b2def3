//! The client SDK: what runs in a device.
//!
//! It keeps a database on the device's disk: operations that wait for their outcome, rows shown,
//! and a cursor per conversation. In reading order: `db` (the database), `connection` (staying
//! logged in), `sender` (operations until their outcome), `retries` (how many of them are sent once
//! more), `receiver` (rows until they are shown), `opener` (conversations that the user looks at),
//! `status` (what others may know of it).

mod connection;
mod db;
mod opener;
mod queue;
mod receiver;
mod retries;
mod sender;
mod status;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};

use crate::env::{Env, Nanos};
use crate::model::{ClientMsgId, ConversationId, DeviceId, MessageId, Row, SendKey, Seq};
use crate::node::Node;
use crate::proto::device::{Operation, Refusal, ToDevice, ToGateway};
use crate::wire::Outlet;

use db::Db;
use opener::Opener;
use receiver::Receiver;
use sender::{Deed, Intended, Sender};
use status::Status;
pub use status::{LoginFailure, Logins};

/// Operations or frames that may wait inside the device.
const QUEUE: usize = 100_000;

/// A row as the device's database has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Its id.
    pub message_id: MessageId,
    /// Which operation it is.
    pub key: SendKey,
}

/// What a device asks its gateway for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Question {
    /// The rows after its cursor, since it has heard of some.
    Sync,
    /// The same, since its user opens the conversation.
    Open,
}

/// Told of everything a user would notice, at the instant at which it becomes true.
pub trait Observer {
    /// The device has started from this database. What it had written but not yet told of when it
    /// crashed is true from now on.
    fn recovered(&self, shown: Vec<Shown>, invoked: Vec<Invoked>);
    /// A login was acked.
    fn logged_in(&self);
    /// The operation is synced into the database: it may take effect from now on.
    fn invoked(&self, operation: Invoked);
    /// The operation is sent off, for the `attempt`-th time since the device started.
    fn attempted(&self, id: ClientMsgId, attempt: u32);
    /// The send ack has come.
    fn acked(&self, id: ClientMsgId, seq: Seq, message_id: MessageId);
    /// The operation is refused for good.
    fn refused(&self, id: ClientMsgId, reason: Refusal);
    /// The row is synced into the database.
    fn shown(&self, row: Shown);
    /// The answer to a question that was first asked at `asked` has come, with so many rows; they are not
    /// synced yet.
    fn answered(&self, question: Question, of: ConversationId, asked: Nanos, rows: u32);
}

/// An operation as the device's database has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Invoked {
    /// The device's own number of it.
    pub id: ClientMsgId,
    /// Where it applies.
    pub to: ConversationId,
    /// What it asks for.
    pub operation: Operation,
    /// When the user intended it.
    pub intended: Nanos,
}

impl From<&Row> for Shown {
    fn from(row: &Row) -> Self {
        let Row { conversation, seq, message_id, key, .. } = *row;
        Self { conversation, seq, message_id, key }
    }
}

/// What the parts of a device share.
struct Device<E: Env> {
    node: Node<E>,
    id: DeviceId,
    db: Db<E>,
    observer: Rc<dyn Observer>,
    /// Frames to the gateway, while the device is logged in.
    online: RefCell<Option<Outlet<E, ToGateway>>>,
    came_online: Notify,
    /// How often conversations were opened since the last heartbeat, where that is told.
    open_counts: RefCell<BTreeMap<ConversationId, u32>>,
    status: Arc<Status>,
}

/// A running device, for the app above it, which may call from any thread. Clones are handles to the
/// same device.
#[derive(Clone)]
pub struct Client {
    deeds: mpsc::Sender<Deed>,
    status: Arc<Status>,
}

impl Client {
    /// Starts the device from what its disk holds.
    pub async fn start<E: Env>(node: Node<E>, id: DeviceId, observer: Rc<dyn Observer>) -> Self {
        let env = node.env.clone();
        let status = Arc::<Status>::default();
        let (db, recovered) = Db::open(&node, id, status.clone()).await;
        observer.recovered(recovered.shown, recovered.invoked);
        let device = Rc::new(Device {
            node,
            id,
            db,
            observer,
            online: RefCell::new(None),
            came_online: Notify::new(),
            open_counts: RefCell::default(),
            status: status.clone(),
        });
        let (deeds, done) = mpsc::channel(QUEUE);
        let (frames, received) = queue::bounded(QUEUE);
        let opener = Opener::new(device.clone());
        let sender = Sender::new(device.clone(), opener.clone());
        sender.start(done);
        env.spawn(Receiver::new(device.clone(), opener).run(received));
        env.spawn(connection::stay_logged_in(device.clone(), move |frame| match frame {
            ToDevice::Accepted { .. } | ToDevice::Refused { .. } => sender.outcome(frame),
            ToDevice::Heartbeat => sender.heartbeat(),
            // The gateway tells once, behind the copies that it pushed before.
            ToDevice::OnTimeline(_) => frames.put(frame),
            // A full queue loses the frame; the gateway pushes again, or sync finds the row.
            _ => drop(frames.send(frame)),
        }));
        Self { deeds, status }
    }

    /// Asks for an operation that the user intended at `intended`.
    pub fn submit(&self, to: ConversationId, operation: Operation, intended: Nanos) {
        self.queue(Deed::Ask(Intended { to, operation, intended }));
    }

    /// The user opens a conversation.
    pub fn open(&self, conversation: ConversationId) {
        self.queue(Deed::Open(conversation));
    }

    fn queue(&self, deed: Deed) {
        let queued = self.deeds.try_send(deed);
        assert!(queued.is_ok(), "more than {QUEUE} operations wait in one device");
    }

    /// The device's cursors: for each conversation the last seq of its gap-free prefix.
    pub fn cursors(&self) -> Vec<(ConversationId, Seq)> {
        self.status.cursors().iter().map(|(id, seq)| (*id, *seq)).collect()
    }

    /// Operations whose outcome the device does not know yet.
    pub fn unsettled(&self) -> usize {
        self.status.unsettled()
    }

    /// How its tries to log in have gone since it was last online.
    pub fn logins(&self) -> Logins {
        self.status.logins()
    }

    /// Whether the device is logged in.
    pub fn is_online(&self) -> bool {
        self.status.is_online()
    }
}

impl<E: Env> Device<E> {
    /// Waits until the device is logged in.
    async fn online(&self) -> Outlet<E, ToGateway> {
        loop {
            let came_online = self.came_online.notified();
            if let Some(out) = self.online.borrow().clone() {
                return out;
            }
            came_online.await;
        }
    }

    /// Sends a frame if the device is logged in and there is room; it leaves with the next [`Device::flush`].
    fn add(&self, frame: &ToGateway) {
        if let Some(out) = self.online.borrow().as_ref() {
            // What cannot leave now is asked for again by heartbeat or retry.
            let _ = out.add(frame);
        }
    }

    fn flush(&self) {
        if let Some(out) = self.online.borrow().as_ref() {
            out.flush();
        }
    }
}
