//! Devices connected to this gateway, and the pushes that each of them has not acked.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use tokio::sync::Notify;

use super::merge::{self, Gathered};
use crate::config::Sabotage;
use crate::env::{Env, Nanos, Work};
use crate::model::{ConversationId, DeviceId, Seq};
use crate::node::Node;
use crate::proto::device::ToDevice;
use crate::proto::gateway::What;
use crate::stats::{self, Depth};
use crate::wire::Outlet;

/// Bytes that may wait for one device; what is pushed on top is left to sync.
pub const BACKLOG_BYTES: usize = 1 << 20;

/// One device's connection.
pub struct Session<E: Env> {
    pub device: DeviceId,
    /// Tells this connection from earlier ones of the same device.
    pub number: u64,
    pub out: Outlet<E, ToDevice>,
    /// When the device last said anything.
    pub heard: Cell<Nanos>,
    /// How often its cursors were compared.
    pub compared: Cell<u64>,
    /// The connection to Redis at the last comparison with the store.
    pub redis_seen: Cell<u64>,
    /// Conversations of which the device knows that they are read when they are opened.
    pub on_timeline: RefCell<BTreeSet<ConversationId>>,
    /// Conversations that have been pushed copies since that was last looked at.
    pub written: RefCell<BTreeSet<ConversationId>>,
    unacked: RefCell<BTreeMap<(ConversationId, Seq), What>>,
    /// What all sessions of the gateway have not acked.
    unacked_depth: Rc<Depth>,
    /// Pushes that wait to leave together.
    pub gathered: Gathered,
}

/// A push to look at again.
struct Retry<E: Env> {
    due: Nanos,
    session: Rc<Session<E>>,
    place: (ConversationId, Seq),
}

/// All sessions of a gateway.
pub struct Sessions<E: Env> {
    by_device: RefCell<BTreeMap<DeviceId, Rc<Session<E>>>>,
    opened: Cell<u64>,
    unacked_depth: Rc<Depth>,
    /// One queue per try: each has one wait, so its entries fall due in order.
    retries: Vec<(RefCell<VecDeque<Retry<E>>>, Notify)>,
}

impl<E: Env> Sessions<E> {
    /// No sessions; pushes are retried up to `tries` times.
    pub fn new(tries: usize, unacked_depth: Depth) -> Self {
        Self {
            by_device: RefCell::default(),
            opened: Cell::new(0),
            unacked_depth: Rc::new(unacked_depth),
            retries: (0..tries).map(|_| Default::default()).collect(),
        }
    }

    /// Opens a session; an older one of the same device is forgotten.
    pub fn open(&self, device: DeviceId, out: Outlet<E, ToDevice>, now: Nanos) -> Rc<Session<E>> {
        self.opened.set(self.opened.get() + 1);
        let session = Rc::new(Session {
            device,
            number: self.opened.get(),
            out,
            heard: Cell::new(now),
            compared: Cell::new(0),
            redis_seen: Cell::new(0),
            on_timeline: RefCell::default(),
            written: RefCell::default(),
            unacked: RefCell::default(),
            unacked_depth: self.unacked_depth.clone(),
            gathered: Gathered::default(),
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
        sessions.values().filter(|s| s.heard.get() >= since).map(|s| s.device).collect()
    }

    fn is_current(&self, session: &Session<E>) -> bool {
        self.by_device.borrow().get(&session.device).is_some_and(|s| s.number == session.number)
    }

    /// Sends something to a device, to be tried again until it is acked. It leaves when the session's outlet is
    /// flushed, with what else is pushed by then.
    pub fn push(&self, node: &Node<E>, session: &Rc<Session<E>>, what: What) {
        let place = what.place();
        node.env.work(Work::Push, 1);
        if !merge::add(node, session, &what) {
            return stats::bump(&node.stats.pushes_left_to_sync);
        }
        if !node.config.sabotaged(Sabotage::PushOnce) {
            session.wait_for_ack(place, what);
            self.look_again(node, 0, session.clone(), place);
        }
    }

    fn look_again(
        &self,
        node: &Node<E>,
        tried: usize,
        session: Rc<Session<E>>,
        place: (ConversationId, Seq),
    ) {
        let due = node.env.now() + node.config.push_retry[tried].0;
        let (queue, added) = &self.retries[tried];
        queue.borrow_mut().push_back(Retry { due, session, place });
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
            sent.iter().for_each(|session| session.out.flush());
        }
    }

    /// When the first push is due that is still waited for. Those before it are forgotten: most are acked long
    /// before they are due.
    fn next_unacked(&self, queue: &mut VecDeque<Retry<E>>) -> Option<Nanos> {
        while let Some(retry) = queue.front() {
            if retry.session.is_on_its_way(retry.place) && self.is_current(&retry.session) {
                return Some(retry.due);
            }
            queue.pop_front();
        }
        None
    }

    fn try_again(&self, node: &Node<E>, tried: usize, retry: Retry<E>) {
        let Retry { session, place, .. } = retry;
        let what = session.unacked.borrow().get(&place).cloned().expect("it was looked at");
        stats::bump(&node.stats.push_retries);
        if merge::add(node, &session, &what) && tried + 1 < self.retries.len() {
            self.look_again(node, tried + 1, session, place);
        } else {
            session.give_up(place);
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

    /// The device has everything of the conversation up to `upto`; what was on its way of that.
    pub fn acked(&self, conversation: ConversationId, upto: Seq) -> Vec<What> {
        let mut unacked = self.unacked.borrow_mut();
        let covered: Vec<_> = unacked
            .range((conversation, 0)..=(conversation, upto))
            .map(|(place, _)| *place)
            .collect();
        self.unacked_depth.fall(covered.len() as u64);
        covered.iter().filter_map(|place| unacked.remove(place)).collect()
    }

    fn wait_for_ack(&self, place: (ConversationId, Seq), what: What) {
        let known = self.unacked.borrow_mut().insert(place, what).is_some();
        self.unacked_depth.rise(u64::from(!known));
    }

    /// A push is left to sync: it had no room, or no more tries.
    pub fn give_up(&self, place: (ConversationId, Seq)) {
        let known = self.unacked.borrow_mut().remove(&place).is_some();
        self.unacked_depth.fall(u64::from(known));
    }

    /// Whether a push for that place is on its way.
    pub fn is_on_its_way(&self, place: (ConversationId, Seq)) -> bool {
        self.unacked.borrow().contains_key(&place)
    }
}

impl<E: Env> Drop for Session<E> {
    fn drop(&mut self) {
        self.unacked_depth.fall(self.unacked.borrow().len() as u64);
    }
}
