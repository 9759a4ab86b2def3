//! Operations until their outcome: into the database, then to the gateway until it is known.
//!
//! Per conversation one operation is under way at a time, so that a device's sends keep their
//! order also when one of them must be sent again.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use tokio::sync::{mpsc, oneshot};

use super::Device;
use super::opener::Opener;
use super::retries::Retries;
use crate::config::{Config, Sabotage};
use crate::env::{Env, Nanos};
use crate::model::{ClientMsgId, ConversationId};
use crate::proto::device::{Operation, ToDevice, ToGateway};
use crate::wire::Outlet;

/// An operation as the user asked for it.
pub struct Intended {
    pub to: ConversationId,
    pub operation: Operation,
    pub intended: Nanos,
}

/// What the user does.
pub enum Deed {
    /// Asks for an operation.
    Ask(Intended),
    /// Opens a conversation.
    Open(ConversationId),
}

type Queue = VecDeque<(ClientMsgId, Operation)>;

struct Shared<E: Env> {
    device: Rc<Device<E>>,
    opener: Opener<E>,
    queues: RefCell<BTreeMap<ConversationId, Queue>>,
    waiting: RefCell<BTreeMap<ClientMsgId, oneshot::Sender<ToDevice>>>,
    retries: Retries,
}

/// The sending half of a device.
pub struct Sender<E: Env>(Rc<Shared<E>>);

impl<E: Env> Sender<E> {
    pub fn new(device: Rc<Device<E>>, opener: Opener<E>) -> Self {
        let (queues, waiting) = (RefCell::default(), RefCell::default());
        let retries = Retries::new(device.node.config.retry_reserve);
        Self(Rc::new(Shared { device, opener, queues, waiting, retries }))
    }

    /// Resumes what the database holds, then takes in what the user does.
    pub fn start(&self, deeds: mpsc::Receiver<Deed>) {
        for (id, to, operation) in self.0.device.db.outbox() {
            self.0.enqueue(id, to, operation);
        }
        let shared = self.0.clone();
        self.0.device.node.env.spawn(async move { shared.take_in(deeds).await });
    }

    /// The gateway has told the outcome of an operation.
    pub fn outcome(&self, frame: ToDevice) {
        let (ToDevice::Accepted { client_msg_id, .. } | ToDevice::Refused { client_msg_id, .. }) =
            frame
        else {
            return;
        };
        if let Some(waiting) = self.0.waiting.borrow_mut().remove(&client_msg_id) {
            self.0.retries.outcome();
            let _ = waiting.send(frame);
        }
    }

    /// The gateway has answered a heartbeat.
    pub fn heartbeat(&self) {
        self.0.retries.heartbeat();
    }
}

impl<E: Env> Shared<E> {
    /// Makes operations durable, those that come together with one sync, before they leave.
    async fn take_in(self: Rc<Self>, mut deeds: mpsc::Receiver<Deed>) {
        let device = &self.device;
        while let Some(first) = deeds.recv().await {
            let mut batch = Vec::new();
            let mut next = Some(first);
            while let Some(deed) = next {
                match deed {
                    Deed::Ask(intended) => batch.push(intended),
                    Deed::Open(conversation) => self.opener.open(conversation),
                }
                next = deeds.try_recv().ok();
            }
            if batch.is_empty() {
                continue;
            }
            let mut invoked = Vec::with_capacity(batch.len());
            for next in batch {
                invoked.push(device.db.queue(next.to, next.operation, next.intended).await);
            }
            device.db.durable().await;
            for invoked in invoked {
                device.observer.invoked(invoked.clone());
                self.enqueue(invoked.id, invoked.to, invoked.operation);
            }
        }
    }

    fn enqueue(self: &Rc<Self>, id: ClientMsgId, to: ConversationId, operation: Operation) {
        let shared = self.clone();
        if self.device.node.config.sabotaged(Sabotage::SendsUnordered) {
            let send = async move { shared.settle(id, to, operation).await };
            return drop(self.device.node.env.spawn(send));
        }
        let mut queues = self.queues.borrow_mut();
        let idle = !queues.contains_key(&to);
        queues.entry(to).or_default().push_back((id, operation));
        if idle {
            self.device.node.env.spawn(async move { shared.send_all(to).await });
        }
    }

    /// Sends a conversation's operations one by one, until none is left.
    async fn send_all(&self, to: ConversationId) {
        loop {
            let next = self.queues.borrow().get(&to).and_then(|queue| queue.front().cloned());
            let Some((id, operation)) = next else { break };
            self.settle(id, to, operation).await;
            self.queues.borrow_mut().get_mut(&to).expect("this task's queue").pop_front();
        }
        self.queues.borrow_mut().remove(&to);
    }

    /// Sends one operation until its outcome is known, and notes that.
    async fn settle(&self, id: ClientMsgId, to: ConversationId, operation: Operation) {
        match self.send_until_settled(id, to, operation).await {
            ToDevice::Accepted { seq, message_id, .. } => {
                self.device.observer.acked(id, seq, message_id);
            }
            ToDevice::Refused { reason, .. } => self.device.observer.refused(id, reason),
            other => unreachable!("not an outcome: {other:?}"),
        }
        self.device.db.settle(id);
    }

    async fn send_until_settled(
        &self,
        id: ClientMsgId,
        conversation: ConversationId,
        operation: Operation,
    ) -> ToDevice {
        let (env, config) = (&self.device.node.env, &self.device.node.config);
        let (told, mut outcome) = oneshot::channel();
        self.waiting.borrow_mut().insert(id, told);
        for attempt in 0.. {
            let out = self.device.online().await;
            self.device.observer.attempted(id, attempt as u32 + 1);
            let operation = operation.clone();
            let frame = ToGateway::Submit { client_msg_id: id, conversation, operation };
            // Where it ends here, or has no room, this is an attempt without an answer.
            let _ = out.send(&frame);
            let (patience, end) = (Config::backoff(&config.send_retry, attempt), out.position());
            let time_is_up = async {
                env.sleep(patience.0).await;
                // What still waits to leave is not sent once more behind itself.
                while out.waits(end) {
                    env.sleep(patience.0).await;
                }
                self.may_retry(&out).await;
            };
            tokio::select! {
                biased;
                told = &mut outcome => return told.expect("who tells stays until it has told"),
                () = time_is_up => {}
            }
        }
        unreachable!("tries are not counted out")
    }

    /// Completes when there is budget for one more try on this connection, or another connection.
    async fn may_retry(&self, out: &Outlet<E, ToGateway>) {
        let came_online = self.device.came_online.notified();
        if out.is_open() {
            tokio::select! {
                biased;
                () = came_online => {}
                () = self.retries.withdraw() => {}
            }
        }
    }
}
