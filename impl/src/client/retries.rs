//! How many sends a device may send once more on a connection that is open: some between two heartbeats, and two
//! for every outcome that comes.
//!
//! A gateway that takes longer than `im.send_retry` would otherwise get more sends the slower it is, and be slower
//! for it. Sends that must wait leave in the order in which they asked, so after an outage retries grow as
//! outcomes come: 10, 20, 40. Source of the idea: Finagle's `RetryBudget`, and TCP's slow start for how it
//! grows. A new connection gets every send once, outside of this.

use tokio::sync::Semaphore;

/// Retries that an outcome allows: more than one, so that what waits becomes less.
const PER_OUTCOME: usize = 2;
/// A budget that nobody uses grows up to so many times its reserve.
const RESERVES_MAX: usize = 10;

/// The budget of one device.
pub struct Retries {
    reserve: usize,
    left: Semaphore,
}

impl Retries {
    /// A budget that is refilled up to `reserve`, one at the least: a send that nobody answers must be sent again
    /// some time.
    pub fn new(reserve: u32) -> Self {
        let reserve = reserve.max(1) as usize;
        Self { reserve, left: Semaphore::new(reserve) }
    }

    /// The gateway has answered a heartbeat.
    pub fn heartbeat(&self) {
        self.add(self.reserve, self.reserve);
    }

    /// The outcome of a send has come.
    pub fn outcome(&self) {
        self.add(PER_OUTCOME, RESERVES_MAX * self.reserve);
    }

    /// Completes when one more retry is allowed.
    pub async fn withdraw(&self) {
        self.left.acquire().await.expect("it is never closed").forget();
    }

    /// Those who wait get theirs first, and only what nobody waits for is bounded.
    fn add(&self, retries: usize, most: usize) {
        self.left.add_permits(retries);
        self.left.forget_permits(self.left.available_permits().saturating_sub(most));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// How many retries are allowed now.
    fn allowed(retries: &Retries) -> usize {
        std::iter::from_fn(|| retries.withdraw().now_or_never()).count()
    }

    #[test]
    fn retries_are_bounded_by_a_reserve_and_twice_the_outcomes() {
        let retries = Retries::new(3);
        assert_eq!(allowed(&retries), 3);
        retries.outcome();
        assert_eq!(allowed(&retries), 2);
        retries.heartbeat();
        retries.heartbeat();
        assert_eq!(allowed(&retries), 3, "the reserve is not heaped up");
        (0..100).for_each(|_| retries.outcome());
        assert_eq!(allowed(&retries), 30, "nor is what nobody uses");
    }

    #[test]
    fn those_who_wait_get_theirs_in_order() {
        let retries = Retries::new(0);
        assert_eq!(allowed(&retries), 1, "without a reserve there is one");
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(retries.withdraw())).collect();
        let done = |waiting: &mut Vec<_>| -> Vec<bool> {
            waiting.iter_mut().map(|retry| FutureExt::now_or_never(retry).is_some()).collect()
        };
        assert_eq!(done(&mut waiting), [false; 3]);
        retries.outcome();
        assert_eq!(done(&mut waiting), [true, true, false]);
    }
}
