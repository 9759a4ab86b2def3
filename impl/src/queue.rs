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
    /// Senders that wait for room, those longest first.
    waiting: Vec<Waker>,
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
        waiting: Vec::new(),
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

    /// Puts it in as soon as there is room.
    pub async fn send(&self, item: T) -> Result<(), Refused> {
        poll_fn(|cx| {
            let mut shared = self.0.borrow_mut();
            let full = shared.received && shared.items.len() >= shared.limit;
            if full {
                shared.waiting.push(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        self.try_send(item)
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
        // All of them: one that was polled twice stands here twice, and one that gave up would keep the room to
        // itself. Those that find none wait again.
        let waiting = std::mem::take(&mut shared.waiting);
        drop(shared);
        waiting.into_iter().for_each(Waker::wake);
        Some(item)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut shared = self.0.borrow_mut();
        shared.received = false;
        let (items, waiting) =
            (std::mem::take(&mut shared.items), std::mem::take(&mut shared.waiting));
        drop(shared);
        waiting.into_iter().for_each(Waker::wake);
        drop(items);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

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
    fn a_sender_waits_for_room_and_a_receiver_for_things() {
        let (sender, mut receiver) = bounded(1);
        assert_eq!(receiver.recv().now_or_never(), None);
        sender.try_send(1).expect("there is room");
        let mut waits = Box::pin(sender.send(2));
        assert_eq!((&mut waits).now_or_never(), None);
        assert_eq!(receiver.recv().now_or_never(), Some(Some(1)));
        assert_eq!(waits.now_or_never(), Some(Ok(())));
        assert_eq!(receiver.recv().now_or_never(), Some(Some(2)));
    }

    #[test]
    fn room_reaches_whoever_waits_for_it_whoever_else_was_looked_at_twice_or_gave_up() {
        let (sender, mut receiver) = bounded(2);
        (0..2).for_each(|item| sender.try_send(item).expect("there is room"));
        let (wakes, waker) = three_wakers();
        let mut waiting = [7, 8, 9].map(|item| Box::pin(sender.send(item)));
        for place in [0, 0, 1, 2] {
            let mut cx = std::task::Context::from_waker(&waker[place]);
            assert!(waiting[place].as_mut().poll(&mut cx).is_pending());
        }
        let [_first, given_up, _third] = waiting;
        drop(given_up);
        while receiver.try_recv().is_some() {}
        assert!([0, 2].iter().all(|place| wakes[*place].0.load(Ordering::Relaxed)));
    }

    /// Three wakers, and whether each was used.
    fn three_wakers() -> ([Arc<Woken>; 3], [Waker; 3]) {
        let wakes: [Arc<Woken>; 3] = std::array::from_fn(|_| Arc::default());
        let wakers = wakes.clone().map(Waker::from);
        (wakes, wakers)
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
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
        assert_eq!(sender.send(1).now_or_never(), Some(Err(Refused::Closed)));
    }
}
