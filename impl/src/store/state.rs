//! What a request does to a shard's state, and the same again from the write-ahead log.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::mailbox::Mailbox;
use super::timeline::{Conflict, Timeline};
use crate::config::Sabotage;
use crate::model::{ConversationId, DeviceId, Row, SendKey, Seq, UserId};
use crate::proto::device::Refusal;
use crate::proto::store::{ListChange, Reply, Request};
use crate::stats::{self, Stats};

/// A change of state, as the write-ahead log keeps it.
#[derive(Serialize, Deserialize)]
pub enum Mutation {
    Acquired(ConversationId),
    Appended(Vec<Row>),
    Refused(ConversationId, Vec<(SendKey, Refusal)>),
    Registered(DeviceId),
    FannedOut(Vec<ListChange>, Vec<(Row, Vec<UserId>)>),
    Acked(Vec<(DeviceId, ConversationId, Seq)>),
    /// The relay has brought all commits before this number into the log.
    Relayed(u64),
}

impl From<Conflict> for Reply {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Fenced => Self::Fenced,
            Conflict::Taken(keys) => Self::Taken(keys),
            Conflict::Refused(keys) => Self::Refused(keys),
        }
    }
}

/// A commit that the relay has not yet brought into the log.
#[derive(Clone, Copy)]
struct Outgoing {
    conversation: ConversationId,
    seq: Seq,
    /// Where in the write-ahead log it becomes durable.
    position: u64,
}

/// One shard.
pub struct State {
    sabotage: Sabotage,
    stats: Rc<Stats>,
    timelines: BTreeMap<ConversationId, Timeline>,
    mailboxes: BTreeMap<UserId, Mailbox>,
    /// Commits in their order; the first has number `relayed`.
    outbox: VecDeque<Outgoing>,
    relayed: u64,
    /// Rows written and read since somebody last asked.
    rows_touched: u64,
}

impl State {
    pub fn new(sabotage: Sabotage, stats: Rc<Stats>) -> Self {
        Self {
            sabotage,
            stats,
            timelines: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            outbox: VecDeque::new(),
            relayed: 0,
            rows_touched: 0,
        }
    }

    /// Does what is asked. The mutation, if any, is applied already and must be logged.
    pub fn handle(&mut self, request: Request) -> (Reply, Option<Mutation>) {
        match request {
            Request::Acquire(conversation) => {
                let mutation = Mutation::Acquired(conversation);
                self.apply(&mutation);
                let timeline = &self.timelines[&conversation];
                let (epoch, head) = (timeline.epoch, timeline.head());
                (Reply::Owned { epoch, head, members: timeline.members.clone() }, Some(mutation))
            }
            Request::Append { conversation, epoch, rows } => {
                self.handle_append(conversation, epoch, rows)
            }
            Request::RegisterDevice(device) => {
                let known = self.mailboxes.get(&device.user);
                if known.is_some_and(|mailbox| mailbox.knows(device.index)) {
                    return (Reply::Done, None);
                }
                self.done(Mutation::Registered(device))
            }
            Request::FanOut { entries, copies } => self.done(Mutation::FannedOut(entries, copies)),
            Request::Ack(acks) => self.done(Mutation::Acked(acks)),
            Request::Refuse { conversation, epoch, refusals } => {
                let timeline = self.timelines.entry(conversation).or_default();
                match timeline.may_refuse(epoch, &refusals) {
                    Ok(()) => self.done(Mutation::Refused(conversation, refusals)),
                    Err(conflict) => (conflict.into(), None),
                }
            }
            Request::Timeline { conversation, after, limit } => {
                let timeline = self.timelines.get(&conversation);
                let rows = timeline.map_or(Vec::new(), |found| found.after(after, limit).to_vec());
                self.count_read(rows.len());
                (Reply::Rows(rows), None)
            }
            Request::Members(conversation, version) => {
                let timeline = self.timelines.get(&conversation);
                let users = timeline.map_or(Vec::new(), |found| found.members.at(version));
                self.count_read(users.len());
                (Reply::Users(users), None)
            }
            Request::Heads(conversations) => {
                self.count_read(conversations.len());
                let head = |id| self.timelines.get(&id).map_or(0, Timeline::head);
                (Reply::Heads(conversations.into_iter().map(|id| (id, head(id))).collect()), None)
            }
            Request::Pending { device, after, limit } => {
                let mailbox = self.mailboxes.get(&device.user);
                let pending =
                    mailbox.map_or_else(Default::default, |m| m.pending(device, after, limit));
                let rows = pending.copies.len() + pending.cursors.len();
                self.count_read(rows);
                (Reply::Pending(pending), None)
            }
        }
    }

    fn handle_append(
        &mut self,
        conversation: ConversationId,
        epoch: u64,
        rows: Vec<Row>,
    ) -> (Reply, Option<Mutation>) {
        let unique = self.sabotage != Sabotage::NoDedupe;
        match self.timelines.entry(conversation).or_default().admits(epoch, &rows, unique) {
            Ok(()) => self.done(Mutation::Appended(rows)),
            Err(conflict) => (conflict.into(), None),
        }
    }

    fn done(&mut self, mutation: Mutation) -> (Reply, Option<Mutation>) {
        let written = self.apply(&mutation);
        stats::add(&self.stats.store_rows_written, written as u64);
        self.rows_touched += written as u64;
        if let Mutation::FannedOut(entries, _) = &mutation {
            stats::add(&self.stats.inbox_copies, (written - entries.len()) as u64);
        }
        (Reply::Done, Some(mutation))
    }

    fn count_read(&mut self, rows: usize) {
        stats::add(&self.stats.store_rows_read, rows as u64);
        self.rows_touched += rows as u64;
    }

    /// How many rows were written and read since this was last called.
    pub fn take_rows_touched(&mut self) -> u64 {
        std::mem::take(&mut self.rows_touched)
    }

    /// Applies a mutation; returns the number of rows written.
    fn apply(&mut self, mutation: &Mutation) -> usize {
        match mutation {
            Mutation::Acquired(conversation) => {
                self.timelines.entry(*conversation).or_default().epoch += 1;
                1
            }
            Mutation::Appended(rows) => {
                for row in rows {
                    self.timelines.entry(row.conversation).or_default().append(row.clone());
                }
                rows.len()
            }
            Mutation::Refused(conversation, refusals) => {
                self.timelines.entry(*conversation).or_default().refuse(refusals);
                refusals.len()
            }
            Mutation::Registered(device) => {
                usize::from(self.mailbox(device.user).register(device.index))
            }
            Mutation::FannedOut(entries, copies) => {
                for entry in entries {
                    self.mailbox(entry.user).list(entry.conversation, entry.change);
                }
                let mut written = 0;
                for (row, users) in copies {
                    for user in users {
                        written += usize::from(self.mailbox(*user).put(row.clone()));
                    }
                }
                entries.len() + written
            }
            Mutation::Acked(acks) => acks
                .iter()
                .map(|(device, conversation, upto)| {
                    self.mailbox(device.user).ack(device.index, *conversation, *upto)
                })
                .sum(),
            Mutation::Relayed(number) => {
                while self.relayed < *number {
                    self.outbox.pop_front();
                    self.relayed += 1;
                }
                0
            }
        }
    }

    fn mailbox(&mut self, user: UserId) -> &mut Mailbox {
        self.mailboxes.entry(user).or_default()
    }

    /// Applies a mutation from the write-ahead log, which is durable.
    pub fn replay(&mut self, mutation: &Mutation) {
        self.apply(mutation);
        self.committed_at(mutation, 0);
    }

    /// Notes where a mutation's commits become durable.
    pub fn committed_at(&mut self, mutation: &Mutation, position: u64) {
        if let Mutation::Appended(rows) = mutation {
            self.outbox.extend(rows.iter().map(|row| Outgoing {
                conversation: row.conversation,
                seq: row.seq,
                position,
            }));
        }
    }

    /// At most `limit` durable commits that are not in the log yet, with their numbers.
    pub fn to_relay(&self, synced: u64, limit: usize) -> Vec<(u64, Row)> {
        (self.relayed..)
            .zip(&self.outbox)
            .take_while(|(_, outgoing)| outgoing.position <= synced)
            .take(limit)
            .map(|(number, outgoing)| {
                (number, self.timelines[&outgoing.conversation].row(outgoing.seq).clone())
            })
            .collect()
    }

    /// All commits before `number` are in the log.
    pub fn relayed(&mut self, number: u64) -> Mutation {
        let mutation = Mutation::Relayed(number);
        self.apply(&mutation);
        mutation
    }
}
