//! Ids from blocks of a counter in Redis, above a floor that the store keeps.
//!
//! A node counts a block on in Redis and claims it in the store, which gives it away only if all of
//! it lies above every block before. A counter that came back below the floor is raised first. The
//! store decides: two masters that both count, or one that forgot, cost a block and no repeat.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{Counter, NotNow, Source};
use crate::call::Caller;
use crate::env::Env;
use crate::model::MessageId;
use crate::proto::store::{Reply, Request, Store};
use crate::stats;

/// Blocks of a counter above a floor.
pub struct Floor<E: Env> {
    counter: Counter<E>,
    store: Caller<E, Store>,
}

impl<E: Env> Floor<E> {
    pub fn new(counter: Counter<E>, store: Caller<E, Store>) -> Self {
        Self { counter, store }
    }

    /// Takes a block of at least `lacking` ids from a counter that is first raised by `behind`; how
    /// far the counter lies behind the floor, if the store did not give the block.
    async fn take(&self, lacking: u64, behind: u64) -> Result<u64, NotNow> {
        let block = lacking.max(self.counter.node.config.id_block);
        let upto = self.counter.raise(behind + block).await?;
        let from = upto - block;
        match self.store.call(Request::ClaimIds { from, upto }).await {
            Ok(Reply::Done) => {
                self.counter.keep(from, upto);
                Ok(0)
            }
            Ok(Reply::IdsTaken(floor)) => {
                stats::bump(&self.counter.node.stats.id_counters_behind);
                Ok(floor.saturating_sub(upto))
            }
            // If it was given all the same, it is a gap.
            _ => Err(NotNow),
        }
    }
}

impl<E: Env> Source for Floor<E> {
    fn ready(&self, count: usize) -> LocalBoxFuture<'_, Result<(), NotNow>> {
        async move {
            let mut behind = 0;
            for _ in 0..=self.counter.node.config.redis_tries {
                match self.counter.lacks(count) {
                    0 => return Ok(()),
                    lacking => behind = self.take(lacking, behind).await?,
                }
            }
            Err(NotNow)
        }
        .boxed_local()
    }

    fn next(&self) -> MessageId {
        self.counter.next()
    }
}
