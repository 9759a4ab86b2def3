//! The one way out of a gateway to a device: what is said to the device leaves in the order in which it was
//! said, whether it leaves at once or pushes are gathered (`im.merge`).
//!
//! What is said at once takes along what has been gathered before it. So a device hears nothing that an older
//! message takes back: that a conversation is read from its timeline, say, behind which a copy would come
//! that was pushed earlier. Nobody else holds the outlet.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::sessions::Session;
use crate::config::{Merge, Pull};
use crate::env::{Env, Nanos};
use crate::fanout;
use crate::model::{ConversationId, Seq};
use crate::node::Node;
use crate::proto::device::ToDevice;
use crate::proto::gateway::What;
use crate::stats;
use crate::wire::{Outlet, Refused};

/// The way to one device.
pub struct WayOut<E: Env> {
    out: Outlet<E, ToDevice>,
    /// Pushes that wait to leave together.
    gathered: RefCell<Vec<What>>,
    /// How often such pushes have left: tells whether those that somebody waits for have.
    left: Cell<u64>,
}

impl<E: Env> WayOut<E> {
    pub fn new(out: Outlet<E, ToDevice>) -> Self {
        Self { out, gathered: RefCell::default(), left: Cell::new(0) }
    }

    /// See [`Outlet::written`].
    pub fn written(&self) -> u64 {
        self.out.written()
    }

    /// See [`Outlet::heard`].
    pub fn heard(&self) -> Nanos {
        self.out.heard()
    }

    /// See [`Outlet::poll_rest`].
    pub fn poll_rest(&self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.out.poll_rest(cx)
    }
}

impl<E: Env> Session<E> {
    /// Says something at once, if there is room.
    pub fn say(&self, node: &Node<E>, frame: &ToDevice) -> Result<(), Refused> {
        self.leave_together(node);
        self.way.out.send(frame)
    }

    /// Answers a question of the device, however much waits to leave. The device may be gone by now.
    pub fn answer(&self, node: &Node<E>, frame: &ToDevice) {
        self.leave_together(node);
        let _ = self.way.out.answer(frame);
    }

    /// Sends what was pushed and waits for nothing else.
    pub fn flush(&self) {
        self.way.out.flush();
    }

    /// Adds a push to what leaves when the session is flushed, or to those that wait for others; false when
    /// there is no room.
    pub fn add_push(self: &Rc<Self>, node: &Node<E>, what: &What) -> bool {
        stats::add(&node.stats.rows_pushed, u64::from(matches!(what, What::Row(_))));
        if let What::Row(row) = what
            && node.config.pull == Pull::OnOpen
            && fanout::copies(row)
        {
            self.note_written(row.conversation);
        }
        match &node.config.merge {
            Some(merge) => {
                self.gather(node, merge, what.clone());
                true
            }
            None => self.add_frame(node, &frame(what), &[what.place()]),
        }
    }

    fn gather(self: &Rc<Self>, node: &Node<E>, merge: &Merge, what: What) {
        self.way.gathered.borrow_mut().push(what);
        let count = self.way.gathered.borrow().len();
        if count >= merge.max {
            self.leave_together(node);
            self.flush();
        } else if count == 1 {
            let (window, left) = (merge.window.0, self.way.left.get());
            let (node, session) = (node.clone(), self.clone());
            node.env.clone().spawn(async move {
                node.env.sleep(window).await;
                if session.way.left.get() == left {
                    session.leave_together(&node);
                    session.flush();
                }
            });
        }
    }

    /// What is gathered leaves with the next flush, in one frame.
    fn leave_together(&self, node: &Node<E>) {
        if self.way.gathered.borrow().is_empty() {
            return;
        }
        self.way.left.set(self.way.left.get() + 1);
        let pushes = self.way.gathered.take();
        let places: Vec<_> = pushes.iter().map(What::place).collect();
        if !self.add_frame(node, &ToDevice::Pushes(pushes), &places) {
            stats::add(&node.stats.pushes_left_to_sync, places.len() as u64);
            places.into_iter().for_each(|place| self.give_up(place));
        }
    }

    fn add_frame(
        &self,
        node: &Node<E>,
        frame: &ToDevice,
        places: &[(ConversationId, Seq)],
    ) -> bool {
        let added = self.way.out.add(frame).is_ok();
        if added {
            let end = self.way.out.position();
            places.iter().for_each(|place| self.handed_over(*place, end));
        }
        stats::add(&node.stats.push_frames, u64::from(added));
        added
    }
}

fn frame(what: &What) -> ToDevice {
    match what {
        What::Row(row) => ToDevice::Push(row.clone()),
        What::Head(conversation, seq) => {
            ToDevice::Notify { conversation: *conversation, seq: *seq }
        }
    }
}
