//! A bounded queue between two tasks of a device. An empty one has next to no memory, which counts where every
//! device has some; and it needs no locks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// What an empty queue keeps room for.
const KEPT: usize = 4;

struct Shared<T> {
    items: VecDeque<T>,
    limit: usize,
    closed: bool,
    receiver: Option<Waker>,
}

/// The end where things go in.
pub struct Sender<T>(Rc<RefCell<Shared<T>>>);

/// The end where things come out, in the order in which they went in.
pub struct Receiver<T>(Rc<RefCell<Shared<T>>>);

/// A queue with room for so many.
pub fn bounded<T>(limit: usize) -> (Sender<T>, Receiver<T>) {
    let (items, receiver) = Default::default();
    let shared = Rc::new(RefCell::new(Shared { items, limit, closed: false, receiver }));
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Sender<T> {
    /// Puts it in; false where there is no room, and it is dropped.
    pub fn send(&self, item: T) -> bool {
        let room = {
            let shared = self.0.borrow();
            shared.items.len() < shared.limit
        };
        if room {
            self.put(item);
        }
        room
    }

    /// Puts it in, also where there is no room: for what nobody would say again.
    pub fn put(&self, item: T) {
        let mut shared = self.0.borrow_mut();
        shared.items.push_back(item);
        shared.wake();
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut shared = self.0.borrow_mut();
        shared.closed = true;
        shared.wake();
    }
}

impl<T> Shared<T> {
    fn wake(&mut self) {
        self.receiver.take().into_iter().for_each(Waker::wake);
    }
}

impl<T> Receiver<T> {
    /// The next one; nothing once the sender is gone and the queue is empty.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| {
            if let Some(item) = self.try_recv() {
                return Poll::Ready(Some(item));
            }
            let mut shared = self.0.borrow_mut();
            if shared.closed {
                return Poll::Ready(None);
            }
            let known = shared.receiver.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
            if !known {
                shared.receiver = Some(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// The next one, if there is one now.
    pub fn try_recv(&mut self) -> Option<T> {
        let mut shared = self.0.borrow_mut();
        let item = shared.items.pop_front()?;
        if shared.items.is_empty() {
            shared.items.shrink_to(KEPT);
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn things_come_out_in_their_order_and_room_is_bounded() {
        let (sender, mut receiver) = bounded(2);
        assert_eq!([1, 2, 3].map(|item| sender.send(item)), [true, true, false]);
        sender.put(4);
        let all = [receiver.try_recv(), receiver.try_recv(), receiver.try_recv()];
        assert_eq!(all, [Some(1), Some(2), Some(4)], "what nobody says again is kept");
        assert_eq!(receiver.try_recv(), None);
    }

    #[test]
    fn a_receiver_waits_for_things_and_hears_of_the_end_behind_them() {
        let (sender, mut receiver) = bounded(1);
        let mut next = Box::pin(receiver.recv());
        assert_eq!((&mut next).now_or_never(), None);
        assert!(sender.send(1));
        drop(sender);
        assert_eq!(next.now_or_never(), Some(Some(1)));
        assert_eq!(receiver.recv().now_or_never(), Some(None));
    }
}
