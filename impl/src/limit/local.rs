//! Counters in the memory of one gateway. A user who has devices on several gateways, or goes from
//! one to the next, has the limit on each of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::Limit;
use crate::env::{Env, Nanos};
use crate::model::UserId;
use crate::node::Node;

/// Counters in this node's memory.
pub struct Local<E: Env> {
    env: E,
    windows: RefCell<Windows>,
}

impl<E: Env> Local<E> {
    pub fn new(node: &Node<E>) -> Self {
        let windows = Windows::new(node.config.limit_sends, node.config.limit_window.0);
        Self { env: node.env.clone(), windows: RefCell::new(windows) }
    }
}

impl<E: Env> Limit for Local<E> {
    fn admit(&self, user: UserId) -> LocalBoxFuture<'_, bool> {
        let admitted = self.windows.borrow_mut().count(user, self.env.now());
        std::future::ready(admitted).boxed_local()
    }
}

/// The windows that are open.
struct Windows {
    sends_max: u32,
    length: Nanos,
    open: BTreeMap<UserId, u32>,
    /// When each ends. All are equally long, so that they end in the order of their beginnings.
    ends: VecDeque<(Nanos, UserId)>,
}

impl Windows {
    fn new(sends_max: u32, length: Nanos) -> Self {
        Self { sends_max, length, open: BTreeMap::new(), ends: VecDeque::new() }
    }

    /// Counts a send; whether it is within the limit.
    fn count(&mut self, user: UserId, now: Nanos) -> bool {
        while let Some((_, over)) = self.ends.pop_front_if(|(end, _)| *end <= now) {
            self.open.remove(&over);
        }
        let count = self.open.entry(user).or_insert_with(|| {
            self.ends.push_back((now + self.length, user));
            0
        });
        *count = count.saturating_add(1);
        *count <= self.sends_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn admitted(windows: &mut Windows, user: UserId, at: Nanos, tries: u32) -> usize {
        (0..tries).filter(|_| windows.count(user, at)).count()
    }

    #[test]
    fn a_window_takes_its_limit_of_each_user() {
        let mut windows = Windows::new(3, 100);
        assert_eq!(admitted(&mut windows, ALICE, 0, 5), 3);
        assert_eq!(admitted(&mut windows, BOB, 50, 5), 3);
        assert_eq!(admitted(&mut windows, ALICE, 99, 5), 0);
        assert_eq!(admitted(&mut windows, ALICE, 100, 5), 3, "a new window");
        assert_eq!(admitted(&mut windows, BOB, 149, 5), 0);
        assert_eq!(windows.open.len(), 2);
        assert_eq!(admitted(&mut windows, BOB, 900, 1), 1);
        assert_eq!(windows.open.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn a_fixed_window_admits_twice_its_limit_around_its_edge() {
        let mut windows = Windows::new(10, 100);
        assert_eq!(admitted(&mut windows, ALICE, 0, 1), 1, "it opens the window");
        let late = admitted(&mut windows, ALICE, 99, 20);
        let early = admitted(&mut windows, ALICE, 100, 20);
        assert_eq!(late + early, 9 + 10, "within two instants");
    }
}
