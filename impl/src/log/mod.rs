//! The log broker: partitions of records, durable on the Env disk, and one consumer group.
//!
//! As in the store, no reply leaves before everything it rests on is synced. One broker, one
//! replica. In reading order: `partition` (records), `commits` (what decides on a conversation, where
//! operations are committed here), `group` (who consumes what).

mod commits;
mod group;
mod partition;

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::call;
use crate::env::{Env, Work};
use crate::journal::Journal;
use crate::model::{ConversationId, Row};
use crate::node::{Node, Roster};
use crate::points::Point;
use crate::proto::commit;
use crate::proto::log::{Log, Reply, Request};
use crate::stats::{self, Depth};
use crate::topology::{CALL_PORT, Role};

use commits::{Change, Commits};
use group::Group;
use partition::Partition;

/// A change of state, as the write-ahead log keeps it.
#[derive(Serialize, Deserialize)]
enum Mutation {
    Produced { producer: u32, partition: u32, records: Vec<(u64, Row)> },
    Committed { partition: u32, offset: u64 },
    Published { partition: u32, rows: Vec<Row> },
    Decided { partition: u32, conversation: ConversationId, change: Change },
}

struct Broker<E: Env> {
    node: Node<E>,
    journal: Journal<E, Mutation>,
    partitions: RefCell<Vec<Partition>>,
    commits: RefCell<Commits>,
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
        commits: RefCell::new(Commits::new(node.config.keys_are_unique())),
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
    let (env, slow) = (broker.node.env.clone(), broker.node.config.slow_call());
    let handle = move |request| {
        let broker = broker.clone();
        let begun = broker.begin(request);
        async move { broker.finish(begun).await }
    };
    call::serve::<E, Log, _>(env, CALL_PORT, slow, handle).await;
}

/// A request whose changes are applied and logged.
enum Begun {
    /// Nothing must become durable before the reply.
    Replied(Reply),
    /// The reply, once everything before the position is durable.
    Changed { position: u64, reply: Reply },
    /// The same, and the partition then has records up to `end`.
    Grown { position: u64, reply: Reply, partition: u32, end: u64 },
    /// Records are asked for.
    Fetch { partition: u32, offset: u64, limit: usize },
}

impl<E: Env> Broker<E> {
    /// What must happen in the order of requests: changes are applied and logged.
    fn begin(&self, request: Request) -> Begun {
        let now = self.node.env.now();
        match request {
            Request::Produce { producer, partition, records } => {
                let fresh = self.partitions.borrow()[partition as usize].fresh(producer, &records);
                stats::add(&self.node.stats.log_duplicates, (records.len() - fresh.len()) as u64);
                self.node.env.work(Work::LogRecord, records.len() as u64);
                match fresh.is_empty() {
                    true => self.grown(partition, Reply::Done),
                    false => self.grow(Mutation::Produced { producer, partition, records: fresh }),
                }
            }
            Request::Publish { partition, rows } => {
                self.node.env.work(Work::LogRecord, rows.len() as u64);
                self.grow(Mutation::Published { partition, rows })
            }
            Request::Decide { partition, conversation, request } => {
                self.decide(partition, conversation, request)
            }
            Request::Commit { partition, offset, generation } => {
                if generation != self.group.borrow_mut().generation(now) {
                    return Begun::Replied(Reply::Stale);
                }
                self.change(Mutation::Committed { partition, offset })
            }
            Request::Beat { member } => Begun::Replied(self.group.borrow_mut().beat(member, now)),
            Request::Fetch { partition, offset, limit } => {
                Begun::Fetch { partition, offset, limit }
            }
        }
    }

    /// Decides on a conversation that is committed here. What is not granted rests on what is there,
    /// and waits for its sync too.
    fn decide(&self, partition: u32, id: ConversationId, request: commit::Request) -> Begun {
        let decision = self.commits.borrow().decide(id, request);
        match decision {
            Ok(Change::Appended(rows)) => {
                self.node.env.work(Work::LogRecord, rows.len() as u64);
                let change = Change::Appended(rows);
                self.grow(Mutation::Decided { partition, conversation: id, change })
            }
            Ok(change) => self.change(Mutation::Decided { partition, conversation: id, change }),
            Err(reply) => {
                Begun::Changed { position: self.journal.position(), reply: Reply::Decided(reply) }
            }
        }
    }

    /// Makes a change that adds no records.
    fn change(&self, mutation: Mutation) -> Begun {
        if self.journal.append(&mutation).is_err() {
            return Begun::Replied(no_room(&mutation));
        }
        let reply = self.apply(mutation);
        Begun::Changed { position: self.journal.position(), reply }
    }

    /// Makes a change that adds records to a partition.
    fn grow(&self, mutation: Mutation) -> Begun {
        let (partition, count) = match &mutation {
            Mutation::Produced { partition, records, .. } => (*partition, records.len()),
            Mutation::Published { partition, rows }
            | Mutation::Decided { partition, change: Change::Appended(rows), .. } => {
                (*partition, rows.len())
            }
            Mutation::Decided { .. } | Mutation::Committed { .. } => unreachable!("adds nothing"),
        };
        if self.journal.append(&mutation).is_err() {
            return Begun::Replied(no_room(&mutation));
        }
        stats::add(&self.node.stats.log_records_appended, count as u64);
        let reply = self.apply(mutation);
        self.grown(partition, reply)
    }

    /// The partition has grown, or has what it was to grow by.
    fn grown(&self, partition: u32, reply: Reply) -> Begun {
        let end = self.partitions.borrow()[partition as usize].end();
        Begun::Grown { position: self.journal.position(), reply, partition, end }
    }

    /// Applies a change; the reply to it.
    fn apply(&self, mutation: Mutation) -> Reply {
        match mutation {
            Mutation::Produced { producer, partition, records } => {
                self.lag.rise(records.len() as u64);
                self.partitions.borrow_mut()[partition as usize].append(producer, records);
            }
            Mutation::Committed { partition, offset } => {
                self.lag.fall(self.group.borrow_mut().commit(partition, offset));
            }
            Mutation::Published { partition, rows } => {
                self.lag.rise(rows.len() as u64);
                self.partitions.borrow_mut()[partition as usize].extend(rows);
            }
            Mutation::Decided { partition, conversation, change } => {
                let reply = self.commits.borrow_mut().apply(conversation, &change);
                if let Change::Appended(rows) = change {
                    self.lag.rise(rows.len() as u64);
                    self.partitions.borrow_mut()[partition as usize].extend(rows);
                }
                return Reply::Decided(reply);
            }
        }
        Reply::Done
    }

    async fn finish(&self, begun: Begun) -> Reply {
        match begun {
            Begun::Replied(reply) => reply,
            Begun::Changed { position, reply } => {
                self.journal.durable(position).await;
                reply
            }
            Begun::Grown { position, reply, partition, end } => {
                self.journal.durable(position).await;
                self.partitions.borrow_mut()[partition as usize].durable_up_to(end);
                self.grown[partition as usize].notify_waiters();
                self.node.env.point(Point::LogSynced).await;
                reply
            }
            Begun::Fetch { partition, offset, limit } => self.fetch(partition, offset, limit).await,
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

/// The answer to a change for which the disk has no room.
fn no_room(mutation: &Mutation) -> Reply {
    match mutation {
        Mutation::Decided { .. } => Reply::Decided(commit::Reply::NoRoom),
        _ => Reply::NoRoom,
    }
}
