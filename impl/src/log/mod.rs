//! The log broker: partitions of records, durable on the Env disk, and one consumer group.
//!
//! As in the store, no reply leaves before everything it rests on is synced. One broker, one
//! replica. In reading order: `partition` (records), `group` (who consumes what).

mod group;
mod partition;

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::call;
use crate::env::{Env, Work};
use crate::journal::Journal;
use crate::model::Row;
use crate::node::{Node, Roster};
use crate::points::Point;
use crate::proto::log::{Log, Reply, Request};
use crate::stats::{self, Depth};
use crate::topology::{CALL_PORT, Role};

use group::Group;
use partition::Partition;

/// A change of state, as the write-ahead log keeps it.
#[derive(Serialize, Deserialize)]
enum Mutation {
    Produced { producer: u32, partition: u32, records: Vec<(u64, Row)> },
    Committed { partition: u32, offset: u64 },
}

struct Broker<E: Env> {
    node: Node<E>,
    journal: Journal<E, Mutation>,
    partitions: RefCell<Vec<Partition>>,
    group: RefCell<Group>,
    /// For each partition: wakes fetches when records have become durable.
    grown: Vec<Notify>,
    /// Records that no dispatcher has committed as done.
    lag: Depth,
}

/// Runs the log broker.
pub async fn run<E: Env>(node: Node<E>) {
    let (journal, records) =
        Journal::<E, Mutation>::open(node.env.clone(), "log.wal", node.stats.clone()).await;
    let count = node.topology.log_partitions;
    let broker = Rc::new(Broker {
        partitions: RefCell::new((0..count).map(|_| Partition::default()).collect()),
        group: RefCell::new(Group::new(count, node.config.lease.0)),
        journal,
        grown: (0..count).map(|_| Notify::new()).collect(),
        lag: Depth::new(&node.stats, |queues| &queues.log_records),
        node,
    });
    for record in records {
        broker.apply(record);
    }
    broker.partitions.borrow_mut().iter_mut().for_each(Partition::all_durable);
    Roster::join(&broker.node, Role::Log);
    let env = broker.node.env.clone();
    let handle = move |request| {
        let broker = broker.clone();
        let begun = broker.begin(&request);
        async move { broker.finish(request, begun).await }
    };
    call::serve::<E, Log, _>(env, CALL_PORT, handle).await;
}

/// A request whose changes are applied and logged.
struct Begun {
    /// The reply, where nothing must become durable first.
    reply: Option<Reply>,
    /// Where the changes become durable.
    position: u64,
    /// The end of the produced partition just after them.
    end: u64,
}

impl Begun {
    fn replied(reply: Reply) -> Self {
        Self { reply: Some(reply), position: 0, end: 0 }
    }
}

impl<E: Env> Broker<E> {
    /// What must happen in the order of requests: changes are applied and logged.
    fn begin(&self, request: &Request) -> Begun {
        let now = self.node.env.now();
        let mutation = match request {
            Request::Produce { producer, partition, records } => {
                let fresh = self.partitions.borrow()[*partition as usize].fresh(*producer, records);
                stats::add(&self.node.stats.log_duplicates, (records.len() - fresh.len()) as u64);
                self.node.env.work(Work::LogRecord, records.len() as u64);
                let (producer, partition) = (*producer, *partition);
                (!fresh.is_empty()).then_some(Mutation::Produced {
                    producer,
                    partition,
                    records: fresh,
                })
            }
            Request::Commit { partition, offset, generation } => {
                if *generation != self.group.borrow_mut().generation(now) {
                    return Begun::replied(Reply::Stale);
                }
                Some(Mutation::Committed { partition: *partition, offset: *offset })
            }
            Request::Beat { member } => {
                return Begun::replied(self.group.borrow_mut().beat(*member, now));
            }
            Request::Fetch { .. } => return Begun { reply: None, position: 0, end: 0 },
        };
        if let Some(mutation) = mutation {
            if self.journal.append(&mutation).is_err() {
                return Begun::replied(Reply::NoRoom);
            }
            if let Mutation::Produced { records, .. } = &mutation {
                stats::add(&self.node.stats.log_records_appended, records.len() as u64);
            }
            self.apply(mutation);
        }
        let end = match request {
            Request::Produce { partition, .. } => {
                self.partitions.borrow()[*partition as usize].end()
            }
            _ => 0,
        };
        Begun { reply: None, position: self.journal.position(), end }
    }

    fn apply(&self, mutation: Mutation) {
        match mutation {
            Mutation::Produced { producer, partition, records } => {
                self.lag.rise(records.len() as u64);
                self.partitions.borrow_mut()[partition as usize].append(producer, records);
            }
            Mutation::Committed { partition, offset } => {
                self.lag.fall(self.group.borrow_mut().commit(partition, offset));
            }
        }
    }

    async fn finish(&self, request: Request, begun: Begun) -> Reply {
        let Begun { reply, position, end } = begun;
        if let Some(reply) = reply {
            return reply;
        }
        match request {
            Request::Fetch { partition, offset, limit } => {
                self.fetch(partition, offset, limit).await
            }
            Request::Produce { partition, .. } => {
                self.journal.durable(position).await;
                self.partitions.borrow_mut()[partition as usize].durable_up_to(end);
                self.grown[partition as usize].notify_waiters();
                self.node.env.point(Point::LogSynced).await;
                Reply::Done
            }
            Request::Commit { .. } | Request::Beat { .. } => {
                self.journal.durable(position).await;
                Reply::Done
            }
        }
    }

    /// Waits for durable records from `offset`; empty when none come within half a call's time.
    async fn fetch(&self, partition: u32, offset: u64, limit: usize) -> Reply {
        let env = &self.node.env;
        let until = env.now() + self.node.config.call_timeout.0 / 2;
        loop {
            let grown = self.grown[partition as usize].notified();
            let rows = self.partitions.borrow()[partition as usize].read(offset, limit);
            let left = until.saturating_sub(env.now());
            if !rows.is_empty() || left == 0 || env.timeout(left, grown).await.is_none() {
                stats::add(&self.node.stats.log_records_read, rows.len() as u64);
                env.work(Work::LogRecord, rows.len() as u64);
                return Reply::Records(rows);
            }
        }
    }
}
