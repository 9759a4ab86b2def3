//! Ids of an epoch and the value of a counter in Redis.
//!
//! The store gives a node a higher epoch, which nobody else has, for each of its connections to
//! Redis: whatever the counter forgot, ids behind the new connection are other ids. Nobody shares an
//! epoch, so that a master which was cut off and still counts does no harm either.

use std::cell::Cell;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{Counter, NotNow, Source};
use crate::call::Caller;
use crate::env::Env;
use crate::model::MessageId;
use crate::proto::store::{Reply, Request, Store};
use crate::stats;

/// Bits for the counter; the epoch has the 24 above them.
const COUNTER_BITS: u32 = 40;

/// A counter behind an epoch.
pub struct Epoch<E: Env> {
    counter: Counter<E>,
    store: Caller<E, Store>,
    current: Cell<Current>,
}

/// The epoch that a node has.
#[derive(Clone, Copy, Default)]
struct Current {
    epoch: u64,
    /// The connection that it is for.
    generation: u64,
    /// The highest value of the counter that was used with it.
    counted: u64,
}

impl<E: Env> Epoch<E> {
    pub fn new(counter: Counter<E>, store: Caller<E, Store>) -> Self {
        Self { counter, store, current: Cell::default() }
    }

    /// Takes `lacking` ids, or finds that the epoch is not the connection's any more.
    async fn take(&self, lacking: u64) -> Result<(), NotNow> {
        let generation = self.counter.redis.generation();
        if self.current.get().generation != generation {
            self.next_epoch(generation).await?;
        }
        let upto = self.counter.raise(lacking).await?;
        let current = self.current.get();
        let same = [generation, current.generation] == [self.counter.redis.generation(); 2];
        let (from, last) = (upto - lacking, (1 << COUNTER_BITS) - 1);
        if !same || from < current.counted || upto > last {
            // Another master may have answered, or this one has forgotten: nothing here is an id.
            stats::bump(&self.counter.node.stats.id_counters_behind);
            self.current.set(Current { generation: 0, ..current });
            return Ok(());
        }
        self.current.set(Current { counted: upto, ..current });
        let high = current.epoch << COUNTER_BITS;
        self.counter.keep(high | from, high | upto);
        Ok(())
    }

    async fn next_epoch(&self, generation: u64) -> Result<(), NotNow> {
        let Ok(Reply::IdEpoch(epoch)) = self.store.call(Request::NextIdEpoch).await else {
            return Err(NotNow);
        };
        stats::bump(&self.counter.node.stats.id_epochs);
        // Another task may have taken a higher one meanwhile.
        if epoch > self.current.get().epoch {
            self.current.set(Current { epoch, generation, counted: 0 });
        }
        Ok(())
    }
}

impl<E: Env> Source for Epoch<E> {
    fn ready(&self, count: usize) -> LocalBoxFuture<'_, Result<(), NotNow>> {
        async move {
            for _ in 0..=self.counter.node.config.redis_tries {
                match self.counter.lacks(count) {
                    0 => return Ok(()),
                    lacking => self.take(lacking).await?,
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
