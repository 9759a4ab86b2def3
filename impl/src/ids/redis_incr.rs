//! Ids that are the values of a counter in Redis, and nothing else.
//!
//! They repeat when Redis comes back with an older value: after a failover to a replica that lacked
//! the last writes, or after a restart without data.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{Counter, NotNow, Source};
use crate::env::Env;
use crate::model::MessageId;

/// A bare counter.
pub struct Bare<E: Env>(Counter<E>);

impl<E: Env> Bare<E> {
    pub fn new(counter: Counter<E>) -> Self {
        Self(counter)
    }
}

impl<E: Env> Source for Bare<E> {
    fn ready(&self, count: usize) -> LocalBoxFuture<'_, Result<(), NotNow>> {
        async move {
            loop {
                let lacking = self.0.lacks(count);
                if lacking == 0 {
                    return Ok(());
                }
                let upto = self.0.raise(lacking).await?;
                self.0.keep(upto - lacking, upto);
            }
        }
        .boxed_local()
    }

    fn next(&self) -> MessageId {
        self.0.next()
    }
}
