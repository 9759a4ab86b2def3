//! What a request does to a shard's state, and the same again from the write-ahead log.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::mailbox::Mailbox;
use super::timeline::Timeline;
use crate::admission::{Admission, Conflict};
use crate::config::{Commit, Config, Sabotage};
use crate::model::{Body, ConversationId, DeviceId, Row, SendKey, Seq, UserId};
use crate::proto::device::Refusal;
use crate::proto::store::{ListChange, Reply, Request};
use crate::stats::{self, Depth, Stats};

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
    /// A new epoch of ids.
    IdEpochRaised,
    /// Ids up to this one are claimed.
    IdsClaimed(u64),
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

/// What a request leads to.
pub enum Decision {
    /// This reply, and no change.
    Reply(Reply),
    /// This change; what making it gives is the reply.
    Change(Mutation),
}

/// One shard.
pub struct State {
    sabotage: Sabotage,
    /// Whether a send key may stand in one row only.
    unique: bool,
    /// Whether appends of an outdated epoch are refused.
    fencing: bool,
    /// Whether the relay brings commits into the log.
    relays: bool,
    stats: Arc<Stats>,
    timelines: BTreeMap<ConversationId, Timeline>,
    /// What a conversation has that nobody has opened.
    no_timeline: Timeline,
    mailboxes: BTreeMap<UserId, Mailbox>,
    /// Commits in their order; the first has number `relayed`.
    outbox: VecDeque<Outgoing>,
    outbox_depth: Depth,
    relayed: u64,
    /// The last epoch of ids that was given.
    id_epoch: u64,
    /// Ids up to this one are claimed.
    ids_claimed: u64,
}

impl State {
    pub fn new(config: &Config, stats: Arc<Stats>) -> Self {
        Self {
            sabotage: config.sabotage,
            unique: config.keys_are_unique(),
            fencing: config.fencing && !config.sabotaged(Sabotage::NoFencing),
            outbox_depth: Depth::new(&stats, |queues| &queues.outbox_rows),
            relays: config.commit == Commit::Store,
            stats,
            timelines: BTreeMap::new(),
            no_timeline: Timeline::default(),
            mailboxes: BTreeMap::new(),
            outbox: VecDeque::new(),
            relayed: 0,
            id_epoch: 0,
            ids_claimed: 0,
        }
    }

    /// What a request leads to. Nothing changes before [`State::change`].
    pub fn decide(&self, request: Request) -> Decision {
        let reply = match request {
            Request::Acquire(conversation) => {
                return Decision::Change(Mutation::Acquired(conversation));
            }
            Request::FanOut { entries, copies } => {
                return Decision::Change(Mutation::FannedOut(entries, copies));
            }
            Request::Ack(acks) => return Decision::Change(Mutation::Acked(acks)),
            Request::Append { conversation, mut epoch, mut rows } => {
                if !self.fencing {
                    self.follow_on(conversation, &mut epoch, &mut rows);
                }
                let admission = &self.timeline(conversation).admission;
                match admission.admits(epoch, &rows, self.unique) {
                    Ok(()) => return Decision::Change(Mutation::Appended(rows)),
                    Err(conflict) => conflict.into(),
                }
            }
            Request::Refuse { conversation, epoch, refusals } => {
                match self.timeline(conversation).admission.may_refuse(epoch, &refusals) {
                    Ok(()) => return Decision::Change(Mutation::Refused(conversation, refusals)),
                    Err(conflict) => conflict.into(),
                }
            }
            Request::RegisterDevice(device) => {
                let mailbox = self.mailboxes.get(&device.user);
                if !mailbox.is_some_and(|mailbox| mailbox.knows(device.index)) {
                    return Decision::Change(Mutation::Registered(device));
                }
                Reply::Done
            }
            Request::Timeline { conversation, after, limit } => {
                let rows = self.timeline(conversation).after(after, limit).to_vec();
                stats::add(&self.stats.store_rows_read, rows.len() as u64);
                Reply::Rows(rows)
            }
            Request::Members(conversation, version) => {
                let unversioned = self.sabotage == Sabotage::UnversionedMembers;
                let version = if unversioned { Seq::MAX } else { version };
                let users = self.timeline(conversation).admission.members.at(version);
                stats::add(&self.stats.store_rows_read, users.len() as u64);
                Reply::Users(users)
            }
            Request::Heads(conversations) => {
                stats::add(&self.stats.store_rows_read, conversations.len() as u64);
                let head = |id| (id, self.timeline(id).head());
                Reply::Heads(conversations.into_iter().map(head).collect())
            }
            Request::Pending { device, after, limit } => {
                let mailbox = self.mailboxes.get(&device.user);
                let pending =
                    mailbox.map_or_else(Default::default, |m| m.pending(device, after, limit));
                let rows = pending.copies.len() + pending.cursors.len();
                stats::add(&self.stats.store_rows_read, rows as u64);
                Reply::Pending(pending)
            }
            Request::Conversations(user) => {
                let mailbox = self.mailboxes.get(&user);
                let listed: Vec<ConversationId> =
                    mailbox.map_or_else(Vec::new, |mailbox| mailbox.conversations().collect());
                stats::add(&self.stats.store_rows_read, listed.len() as u64);
                Reply::Conversations(listed)
            }
            Request::Latest(conversations) => {
                stats::add(&self.stats.store_rows_read, conversations.len() as u64);
                let latest = |id| self.timeline(id).latest().map(|message| (id, message));
                Reply::Latest(conversations.into_iter().filter_map(latest).collect())
            }
            Request::NextIdEpoch => return Decision::Change(Mutation::IdEpochRaised),
            Request::ClaimIds { from, upto } => {
                if from >= self.ids_claimed {
                    return Decision::Change(Mutation::IdsClaimed(upto));
                }
                Reply::IdsTaken(self.ids_claimed)
            }
            Request::WriteBehind(rows) => match self.lacking(rows) {
                Some(rows) if rows.is_empty() => Reply::Done,
                Some(rows) => return Decision::Change(Mutation::Appended(rows)),
                None => Reply::Fenced,
            },
        };
        Decision::Reply(reply)
    }

    /// Without fencing, messages of any epoch are put behind what is there. Changes of the membership
    /// are not, since members that change twice are no members.
    fn follow_on(&self, conversation: ConversationId, epoch: &mut u64, rows: &mut [Row]) {
        if rows.iter().all(|row| matches!(row.body, Body::Content(_))) {
            let timeline = self.timeline(conversation);
            *epoch = timeline.admission.epoch;
            (timeline.head() + 1..).zip(rows).for_each(|(seq, row)| row.seq = seq);
        }
    }

    /// Those of the rows that their timelines lack, which were committed in the log; `None` when
    /// others before them are missing.
    fn lacking(&self, rows: Vec<Row>) -> Option<Vec<Row>> {
        let mut heads: BTreeMap<ConversationId, Seq> = BTreeMap::new();
        let mut lacking = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.conversation;
            let head = heads.entry(id).or_insert_with(|| self.timeline(id).head());
            if row.seq > *head + 1 {
                return None;
            }
            if row.seq == *head + 1 {
                *head = row.seq;
                lacking.push(row);
            }
        }
        Some(lacking)
    }

    /// Makes a change that was decided on and is logged: its record ends at `position`.
    pub fn change(&mut self, mutation: &Mutation, position: u64) -> Reply {
        let written = self.apply(mutation);
        self.committed_at(mutation, position);
        match mutation {
            Mutation::Acquired(conversation) => {
                let Admission { epoch, members, .. } = &self.timeline(*conversation).admission;
                let head = self.timeline(*conversation).head();
                return Reply::Owned { epoch: *epoch, head, members: members.clone() };
            }
            Mutation::FannedOut(entries, _) => {
                stats::add(&self.stats.inbox_copies, (written - entries.len()) as u64);
            }
            Mutation::IdEpochRaised => return Reply::IdEpoch(self.id_epoch),
            _ => {}
        }
        stats::add(&self.stats.store_rows_written, written as u64);
        Reply::Done
    }

    /// The conversation's timeline; an empty one when there is none.
    fn timeline(&self, conversation: ConversationId) -> &Timeline {
        self.timelines.get(&conversation).unwrap_or(&self.no_timeline)
    }

    /// How many rows have been written and read.
    pub fn rows_touched(&self) -> u64 {
        self.stats.store_rows_written.get() + self.stats.store_rows_read.get()
    }

    /// Applies a mutation; returns the number of rows written.
    fn apply(&mut self, mutation: &Mutation) -> usize {
        match mutation {
            Mutation::Acquired(conversation) => {
                self.timelines.entry(*conversation).or_default().admission.epoch += 1;
                1
            }
            Mutation::Appended(rows) => {
                for row in rows {
                    self.timelines.entry(row.conversation).or_default().append(row.clone());
                }
                rows.len()
            }
            Mutation::Refused(conversation, refusals) => {
                self.timelines.entry(*conversation).or_default().admission.refuse(refusals);
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
                self.outbox_depth.set(self.outbox.len() as u64);
                0
            }
            Mutation::IdEpochRaised => {
                self.id_epoch += 1;
                1
            }
            Mutation::IdsClaimed(upto) => {
                self.ids_claimed = *upto;
                1
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
    fn committed_at(&mut self, mutation: &Mutation, position: u64) {
        if let Mutation::Appended(rows) = mutation
            && self.relays
        {
            self.outbox.extend(rows.iter().map(|row| Outgoing {
                conversation: row.conversation,
                seq: row.seq,
                position,
            }));
            self.outbox_depth.set(self.outbox.len() as u64);
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{ClientMsgId, Delivery, MessageId};

    fn change(state: &mut State, request: Request) -> Reply {
        match state.decide(request) {
            Decision::Reply(reply) => reply,
            Decision::Change(mutation) => state.change(&mutation, 0),
        }
    }

    fn row(conversation: u64, seq: Seq) -> Row {
        Row {
            conversation: ConversationId(conversation),
            seq,
            message_id: MessageId(seq),
            key: SendKey { sender: UserId(1), client_msg_id: ClientMsgId(seq) },
            delivery: Delivery::Write,
            members_version: 1,
            body: Body::Content(Bytes::new()),
        }
    }

    #[test]
    fn rows_from_the_log_are_written_once_and_in_order() {
        let config = Config { commit: Commit::Log, ..Config::default() };
        let mut state = State::new(&config, Arc::default());
        let mut write = |rows: &[Row]| change(&mut state, Request::WriteBehind(rows.to_vec()));
        assert_eq!(write(&[row(1, 1), row(2, 1), row(1, 2)]), Reply::Done);
        assert_eq!(write(&[row(1, 2), row(1, 3)]), Reply::Done, "one is there already");
        assert_eq!(write(&[row(1, 1), row(1, 1)]), Reply::Done, "both are");
        assert_eq!(write(&[row(2, 3)]), Reply::Fenced, "seq 2 is missing");
        let heads = Request::Heads(vec![ConversationId(1), ConversationId(2)]);
        let expected = Reply::Heads(vec![(ConversationId(1), 3), (ConversationId(2), 1)]);
        assert_eq!(change(&mut state, heads), expected);
        assert!(state.to_relay(u64::MAX, 10).is_empty(), "they came from the log");
    }

    #[test]
    fn no_id_is_claimed_twice_and_no_epoch_given_twice_also_over_a_restart() {
        let mut state = State::new(&Config::default(), Arc::default());
        let claim = |from, upto| Request::ClaimIds { from, upto };
        assert_eq!(change(&mut state, claim(10, 20)), Reply::Done);
        assert_eq!(change(&mut state, claim(0, 10)), Reply::IdsTaken(20), "below the floor");
        assert_eq!(change(&mut state, claim(19, 29)), Reply::IdsTaken(20), "partly below");
        assert_eq!(change(&mut state, Request::NextIdEpoch), Reply::IdEpoch(1));
        let mut restarted = State::new(&Config::default(), Arc::default());
        for mutation in [Mutation::IdsClaimed(20), Mutation::IdEpochRaised] {
            restarted.replay(&mutation);
        }
        assert_eq!(change(&mut restarted, claim(10, 20)), Reply::IdsTaken(20));
        assert_eq!(change(&mut restarted, claim(20, 30)), Reply::Done);
        assert_eq!(change(&mut restarted, Request::NextIdEpoch), Reply::IdEpoch(2));
    }
}
