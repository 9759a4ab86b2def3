//! A bounded queue between tasks of one node. Nodes are single-threaded, so it needs no locks; and an empty one
//! has next to no memory, which counts where every connection has some.

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
    senders: usize,
    received: bool,
    receiver: Option<Waker>,
}

/// Why nothing was put into a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// There is no room at the moment.
    #[error("the queue is full")]
    Full,
    /// Nobody receives any more.
    #[error("nobody receives from the queue any more")]
    Closed,
}

/// The end where things go in. Clones are further ends of the same queue.
pub struct Sender<T>(Rc<RefCell<Shared<T>>>);

/// The end where things come out, in the order in which they went in.
pub struct Receiver<T>(Rc<RefCell<Shared<T>>>);

/// A queue with room for so many.
pub fn bounded<T>(limit: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(RefCell::new(Shared {
        items: VecDeque::new(),
        limit,
        senders: 1,
        received: true,
        receiver: None,
    }));
    (Sender(shared.clone()), Receiver(shared))
}

impl<T> Sender<T> {
    /// Puts it in if there is room now; else it is dropped.
    pub fn try_send(&self, item: T) -> Result<(), Refused> {
        let mut shared = self.0.borrow_mut();
        if !shared.received {
            return Err(Refused::Closed);
        }
        if shared.items.len() >= shared.limit {
            return Err(Refused::Full);
        }
        shared.items.push_back(item);
        if let Some(receiver) = shared.receiver.take() {
            drop(shared);
            receiver.wake();
        }
        Ok(())
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.borrow_mut().senders += 1;
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut shared = self.0.borrow_mut();
        shared.senders -= 1;
        let last = shared.senders == 0;
        let receiver = shared.receiver.take_if(|_| last);
        drop(shared);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The next one; nothing once all senders are gone and the queue is empty.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| {
            if let Some(item) = self.try_recv() {
                return Poll::Ready(Some(item));
            }
            let mut shared = self.0.borrow_mut();
            if shared.senders == 0 {
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

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut shared = self.0.borrow_mut();
        shared.received = false;
        let items = std::mem::take(&mut shared.items);
        drop(shared);
        drop(items);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn things_come_out_in_their_order_and_room_is_bounded() {
        let (sender, mut receiver) = bounded(2);
        assert_eq!((sender.try_send(1), sender.try_send(2)), (Ok(()), Ok(())));
        assert_eq!(sender.try_send(3), Err(Refused::Full));
        assert_eq!(
            (receiver.try_recv(), receiver.try_recv(), receiver.try_recv()),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn a_receiver_waits_for_things() {
        let (sender, mut receiver) = bounded(1);
        assert_eq!(receiver.recv().now_or_never(), None);
        sender.try_send(1).expect("there is room");
        assert_eq!(receiver.recv().now_or_never(), Some(Some(1)));
    }

    #[test]
    fn each_end_learns_that_the_other_is_gone() {
        let (sender, mut receiver) = bounded(1);
        let second = sender.clone();
        drop(sender);
        second.try_send(1).expect("there is room");
        drop(second);
        assert_eq!(receiver.recv().now_or_never(), Some(Some(1)));
        assert_eq!(receiver.recv().now_or_never(), Some(None));
        let (sender, receiver) = bounded(1);
        drop(receiver);
        assert_eq!(sender.try_send(1), Err(Refused::Closed));
    }
}
