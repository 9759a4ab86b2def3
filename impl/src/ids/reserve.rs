//! A node's ids, unique also when its wall clock steps back while its process restarts.
//!
//! No id is given whose time lies behind a bound that is durable on the node's disk, and a
//! restarted node begins behind that bound. The bound is raised ahead of time, so that hardly
//! anybody waits for the disk. Source of the scheme: the timestamp oracle of Percolator (Peng and
//! Dabek, OSDI 2010), which reserves timestamps in the same way.

use std::cell::Cell;
use std::sync::Arc;

use crate::env::Env;
use crate::journal::{Journal, NoRoom};
use crate::model::MessageId;
use crate::stats::Stats;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{NotNow, Snowflake, Source};

/// How far the bound is raised: so far may ids run ahead of a right clock after a restart.
const RESERVE_MS: u64 = 10_000;

/// The ids of one node.
pub struct Ids<E: Env> {
    env: E,
    generator: Snowflake,
    bounds: Journal<E, u64>,
    /// The highest bound that is known to be durable.
    bound_ms: Cell<u64>,
    /// The highest bound that is written, and where in the journal it becomes durable.
    written: Cell<(u64, u64)>,
    /// See [`Ids::reusing`].
    reuse: bool,
}

impl<E: Env> Ids<E> {
    /// The ids of node `number`, behind all that it has given before.
    pub async fn open(env: E, number: u32, stats: Arc<Stats>) -> Self {
        let (bounds, replayed) = Journal::open(env.clone(), "ids.wal", stats).await;
        let bound = replayed.into_iter().max().unwrap_or(0);
        Self {
            env,
            generator: Snowflake::after(number, bound),
            written: Cell::new((bound, bounds.position())),
            bounds,
            bound_ms: Cell::new(bound),
            reuse: false,
        }
    }

    /// A planted bug: the same node's ids when they only count up, from 1 at every start.
    pub fn reusing(self, number: u32) -> Self {
        Self { generator: Snowflake::after(number, 0), reuse: true, ..self }
    }

    /// Completes once `count` ids may be taken. They must be taken before anything else is awaited.
    /// Fails when the disk has no room for a bound that covers them.
    pub async fn ready(&self, count: usize) -> Result<(), NoRoom> {
        loop {
            let needed = self.generator.reaches(self.env.wall_ms(), count);
            let (written, position) = self.written.get();
            if self.bounds.synced() >= position {
                self.bound_ms.set(written);
            }
            if needed + RESERVE_MS / 2 > written {
                self.raise(needed + RESERVE_MS);
            }
            if needed <= self.bound_ms.get() {
                return Ok(());
            }
            let (written, position) = self.written.get();
            if needed > written {
                return Err(NoRoom);
            }
            self.bounds.durable(position).await;
        }
    }

    /// The next id.
    ///
    /// # Panics
    /// When [`Ids::ready`] has not been waited for.
    pub fn next(&self) -> MessageId {
        // A clock that has stepped forward since must not lead behind the bound.
        let until = if self.reuse { 0 } else { self.bound_ms.get() };
        let id = self.generator.next(Snowflake::wall_ms_of(until).min(self.env.wall_ms()));
        assert!(Snowflake::since_epoch_ms(id) <= self.bound_ms.get(), "ids are reserved");
        id
    }

    /// Writes a higher bound and has it synced; without room the old one stays.
    fn raise(&self, bound: u64) {
        let Ok(position) = self.bounds.append(&bound) else { return };
        self.written.set((bound, position));
        let bounds = self.bounds.clone();
        self.env.spawn(async move { bounds.durable(position).await });
    }
}

impl<E: Env> Source for Ids<E> {
    fn ready(&self, count: usize) -> LocalBoxFuture<'_, Result<(), NotNow>> {
        async move { Self::ready(self, count).await.map_err(|NoRoom| NotNow) }.boxed_local()
    }

    fn next(&self) -> MessageId {
        Self::next(self)
    }
}
