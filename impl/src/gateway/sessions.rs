//! Devices connected to this gateway, and the pushes that each of them has not acked.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use tokio::sync::Notify;

use super::asked::Asked;
use super::unacked::{Budget, Next, Unacked};
use super::way_out::WayOut;
use crate::config::{Config, Sabotage};
use crate::env::{Env, Nanos, Work};
use crate::model::{ConversationId, DeviceId, Seq};
use crate::node::Node;
use crate::proto::device::ToDevice;
use crate::proto::gateway::What;
use crate::stats::{self, Depth};
use crate::wire::Outlet;

/// Bytes that may wait for one device; what is pushed on top is left to sync.
pub const BACKLOG_BYTES: usize = 1 << 20;

/// Whether a session's cursors are being compared.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub enum Comparing {
    #[default]
    No,
    Yes,
    /// Another comparison was due meanwhile.
    OnceMore,
}

/// One device's connection.
pub struct Session<E: Env> {
    pub device: DeviceId,
    /// Tells this connection from earlier ones of the same device.
    pub number: u64,
    /// The way to it.
    pub way: WayOut<E>,
    /// Whether its cursors are being compared.
    pub comparing: Cell<Comparing>,
    /// How often they were compared.
    pub compared: Cell<u64>,
    /// The connection to Redis at the last comparison with the store.
    pub redis_seen: Cell<u64>,
    /// Conversations of which the device knows that they are read when they are opened.
    pub on_timeline: RefCell<BTreeSet<ConversationId>>,
    /// Conversations that have been pushed copies since that was last looked at.
    pub written: RefCell<BTreeSet<ConversationId>>,
    /// The rows that it has asked for.
    pub asked: Asked,
    unacked: RefCell<Unacked>,
    /// What all sessions of the gateway have not acked.
    unacked_depth: Rc<Depth>,
}

/// Pushes of a conversation to look at again.
struct Retry<E: Env> {
    due: Nanos,
    session: Rc<Session<E>>,
    conversation: ConversationId,
}

/// All sessions of a gateway.
pub struct Sessions<E: Env> {
    by_device: RefCell<BTreeMap<DeviceId, Rc<Session<E>>>>,
    opened: Cell<u64>,
    unacked_depth: Rc<Depth>,
    /// Of each session's budget for retries.
    reserve: u32,
    percent: u32,
    /// One queue per try: each has one wait, so its entries fall due in order.
    retries: Vec<(RefCell<VecDeque<Retry<E>>>, Notify)>,
}

impl<E: Env> Sessions<E> {
    /// No sessions.
    pub fn new(config: &Config, unacked_depth: Depth) -> Self {
        Self {
            reserve: config.retry_reserve,
            percent: config.retry_percent,
            by_device: RefCell::default(),
            opened: Cell::new(0),
            unacked_depth: Rc::new(unacked_depth),
            retries: config.push_retry.iter().map(|_| Default::default()).collect(),
        }
    }

    /// Opens a session; an older one of the same device is forgotten.
    pub fn open(&self, device: DeviceId, out: Outlet<E, ToDevice>) -> Rc<Session<E>> {
        self.opened.set(self.opened.get() + 1);
        let session = Rc::new(Session {
            device,
            number: self.opened.get(),
            way: WayOut::new(out),
            comparing: Cell::default(),
            compared: Cell::new(0),
            redis_seen: Cell::new(0),
            on_timeline: RefCell::default(),
            written: RefCell::default(),
            asked: Asked::default(),
            unacked: RefCell::new(Unacked::new(Budget::new(self.reserve, self.percent))),
            unacked_depth: self.unacked_depth.clone(),
        });
        self.by_device.borrow_mut().insert(device, session.clone());
        session
    }

    /// Closes a session; false when the device has a newer one here.
    pub fn close(&self, session: &Session<E>) -> bool {
        let mut sessions = self.by_device.borrow_mut();
        let current = sessions.get(&session.device).is_some_and(|s| s.number == session.number);
        if current {
            sessions.remove(&session.device);
        }
        current
    }

    /// The device's session.
    pub fn get(&self, device: DeviceId) -> Option<Rc<Session<E>>> {
        self.by_device.borrow().get(&device).cloned()
    }

    /// Devices connected here that have said something since then, in order.
    pub fn devices_heard_since(&self, since: Nanos) -> Vec<DeviceId> {
        let sessions = self.by_device.borrow();
        sessions.values().filter(|s| s.way.heard() >= since).map(|s| s.device).collect()
    }

    fn is_current(&self, session: &Session<E>) -> bool {
        self.by_device.borrow().get(&session.device).is_some_and(|s| s.number == session.number)
    }

    /// Sends something to a device, to be tried again until it is acked. It leaves when the session is
    /// flushed, with what else is pushed by then.
    pub fn push(&self, node: &Node<E>, session: &Rc<Session<E>>, what: What) {
        let place = what.place();
        node.env.work(Work::Push, 1);
        let waits = !node.config.sabotaged(Sabotage::PushOnce);
        if waits && session.change(|unacked| unacked.push(what.clone(), node.env.now())) {
            self.look_again(node, 0, session.clone(), place.0);
        }
        if !session.add_push(node, &what) {
            stats::bump(&node.stats.pushes_left_to_sync);
            session.give_up(place);
        }
    }

    fn look_again(
        &self,
        node: &Node<E>,
        tried: usize,
        session: Rc<Session<E>>,
        conversation: ConversationId,
    ) {
        let due = node.env.now() + node.config.push_retry[tried].0;
        let (queue, added) = &self.retries[tried];
        queue.borrow_mut().push_back(Retry { due, session, conversation });
        added.notify_one();
    }

    /// Tries pushes again that have been tried `tried` times after the first, for ever.
    pub async fn retry(&self, node: &Node<E>, tried: usize) {
        let (queue, added) = &self.retries[tried];
        loop {
            let Some(due) = self.next_unacked(&mut queue.borrow_mut()) else {
                added.notified().await;
                continue;
            };
            node.env.sleep_until(due).await;
            let mut sent = Vec::new();
            while self
                .next_unacked(&mut queue.borrow_mut())
                .is_some_and(|due| due <= node.env.now())
            {
                let retry = queue.borrow_mut().pop_front().expect("only this task takes from it");
                sent.push(retry.session.clone());
                self.try_again(node, tried, retry);
            }
            sent.iter().for_each(|session| session.flush());
        }
    }

    /// When the first conversation is due of which something is still waited for. Those before it are forgotten:
    /// most are acked long before they are due.
    fn next_unacked(&self, queue: &mut VecDeque<Retry<E>>) -> Option<Nanos> {
        while let Some(retry) = queue.front() {
            let Retry { session, conversation, .. } = retry;
            if self.is_current(session) && session.change(|all| all.is_waited_for(*conversation)) {
                return Some(retry.due);
            }
            queue.pop_front();
        }
        None
    }

    fn try_again(&self, node: &Node<E>, tried: usize, retry: Retry<E>) {
        let Retry { session, conversation, .. } = retry;
        let (now, wait) = (node.env.now(), node.config.push_retry[tried].0);
        let (written, heads) = (session.way.written(), session.may_hear_heads(node));
        let next = session.change(|all| all.look(conversation, (now, wait), written, heads));
        match next {
            Next::Done => {}
            Next::Wait => self.look_again(node, tried, session, conversation),
            Next::Anew => self.look_again(node, 0, session, conversation),
            Next::Retry(what) => {
                stats::bump(&node.stats.push_retries);
                if session.add_push(node, &what) && tried + 1 < self.retries.len() {
                    self.look_again(node, tried + 1, session, conversation);
                } else {
                    session.change(|all| all.leave_to_sync(conversation));
                }
            }
            Next::LeaveToSync => {
                stats::bump(&node.stats.push_retries_denied);
                session.change(|all| all.leave_to_sync(conversation));
            }
        }
    }
}

impl<E: Env> Session<E> {
    /// The device is pushed a copy and will find the rest of the conversation with itself, until it is told
    /// again to ask for it.
    pub fn note_written(&self, conversation: ConversationId) {
        self.on_timeline.borrow_mut().remove(&conversation);
        self.written.borrow_mut().insert(conversation);
    }

    /// Whether a seq can stand for rows. From queues in Redis, rows leave by the ack of their push.
    pub fn may_hear_heads(&self, node: &Node<E>) -> bool {
        !node.config.inbox.in_redis()
    }

    /// The device has everything of the conversation up to `upto`; what was on its way of that.
    pub fn acked(&self, conversation: ConversationId, upto: Seq) -> Vec<What> {
        self.change(|unacked| unacked.acked(conversation, upto))
    }

    /// A push was handed to the stream, in which it ends there.
    pub fn handed_over(&self, place: (ConversationId, Seq), end: u64) {
        self.unacked.borrow_mut().handed_over(place, end);
    }

    /// A push had no room, and is left to sync.
    pub fn give_up(&self, place: (ConversationId, Seq)) {
        self.change(|unacked| unacked.give_up(place));
    }

    /// Whether a push for that place is on its way.
    pub fn is_on_its_way(&self, place: (ConversationId, Seq)) -> bool {
        self.unacked.borrow().is_on_its_way(place)
    }

    /// The device's cursors are compared.
    pub fn compare(&self) {
        self.unacked.borrow_mut().compared();
    }

    /// What a comparison pushes for a row that the device has not acked. What was handed to this very stream
    /// before is not pushed once more: the device is told how far the conversation is.
    pub fn again(&self, node: &Node<E>, what: What) -> What {
        let (conversation, seq) = what.place();
        let left = self.unacked.borrow().left_to_sync(conversation);
        match left.filter(|left| seq <= *left && self.may_hear_heads(node)) {
            Some(left) => What::Head(conversation, left),
            None => what,
        }
    }

    /// Changes what is not acked, and tells how much it is now.
    fn change<T>(&self, change: impl FnOnce(&mut Unacked) -> T) -> T {
        let mut unacked = self.unacked.borrow_mut();
        let before = unacked.len() as u64;
        let result = change(&mut unacked);
        let now = unacked.len() as u64;
        match now > before {
            true => self.unacked_depth.rise(now - before),
            false => self.unacked_depth.fall(before - now),
        }
        result
    }
}

impl<E: Env> Drop for Session<E> {
    fn drop(&mut self) {
        self.unacked_depth.fall(self.unacked.borrow().len() as u64);
    }
}
