//! Pushes on their way to a device: each in a frame of its own, or several in one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::sessions::Session;
use crate::config::{Merge, Pull};
use crate::env::Env;
use crate::fanout;
use crate::node::Node;
use crate::proto::device::ToDevice;
use crate::proto::gateway::What;
use crate::stats;

/// Pushes to one device that wait to leave together.
#[derive(Default)]
pub struct Gathered {
    waiting: RefCell<Vec<What>>,
    /// How many frames have left: tells whether the one that somebody waits for has.
    left: Cell<u64>,
}

/// Adds a push to what leaves when the session's outlet is flushed, or to those that wait for others; false when
/// there is no room.
pub fn add<E: Env>(node: &Node<E>, session: &Rc<Session<E>>, what: &What) -> bool {
    stats::add(&node.stats.rows_pushed, u64::from(matches!(what, What::Row(_))));
    if let What::Row(row) = what
        && node.config.pull == Pull::OnOpen
        && fanout::copies(row)
    {
        session.note_written(row.conversation);
    }
    match &node.config.merge {
        Some(merge) => {
            gather(node, session, merge, what.clone());
            true
        }
        None => add_frame(node, session, &frame(what)),
    }
}

fn gather<E: Env>(node: &Node<E>, session: &Rc<Session<E>>, merge: &Merge, what: What) {
    let gathered = &session.gathered;
    gathered.waiting.borrow_mut().push(what);
    let count = gathered.waiting.borrow().len();
    if count >= merge.max {
        leave_together(node, session);
    } else if count == 1 {
        let (window, left) = (merge.window.0, gathered.left.get());
        let (node, session) = (node.clone(), session.clone());
        node.env.clone().spawn(async move {
            node.env.sleep(window).await;
            if session.gathered.left.get() == left {
                leave_together(&node, &session);
            }
        });
    }
}

fn leave_together<E: Env>(node: &Node<E>, session: &Session<E>) {
    let gathered = &session.gathered;
    gathered.left.set(gathered.left.get() + 1);
    let pushes = gathered.waiting.take();
    let places: Vec<_> = pushes.iter().map(What::place).collect();
    if !add_frame(node, session, &ToDevice::Pushes(pushes)) {
        stats::add(&node.stats.pushes_left_to_sync, places.len() as u64);
        places.into_iter().for_each(|place| session.give_up(place));
    }
    session.out.flush();
}

fn add_frame<E: Env>(node: &Node<E>, session: &Session<E>, frame: &ToDevice) -> bool {
    let added = session.out.add(frame).is_ok();
    stats::add(&node.stats.push_frames, u64::from(added));
    added
}

fn frame(what: &What) -> ToDevice {
    match what {
        What::Row(row) => ToDevice::Push(row.clone()),
        What::Head(conversation, seq) => {
            ToDevice::Notify { conversation: *conversation, seq: *seq }
        }
    }
}
