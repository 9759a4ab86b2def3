//! What all checkers need to know of a history, gathered in one pass over it.
//!
//! It knows the events at the devices' edge and nothing else: no server, no scenario, no fault. It
//! judges nothing; it only puts every event where a checker will look for it. Events are named by
//! their position in the history, devices and conversations by their position in this index.

use std::collections::BTreeMap;
use std::ops::Range;

use im::env::Nanos;
use im::model::{ConversationId, DeviceId, MessageId, SendKey, Seq, UserId};
use indexmap::IndexMap;

use super::lateness::Lateness;
use super::membership::{Change, Segment, segments};
use crate::history::{Event, History, Operation, What};

/// A history, arranged for checking.
pub struct Index<'h> {
    /// The history itself.
    pub history: &'h History,
    /// Every invoked operation, in the order of invocation.
    pub operations: IndexMap<SendKey, Asked<'h>>,
    /// Every device that appears, with the event of its first login.
    pub devices: IndexMap<DeviceId, Option<usize>>,
    /// The devices of each user.
    pub users: BTreeMap<UserId, Vec<usize>>,
    /// Every conversation that appears.
    pub conversations: IndexMap<ConversationId, Timeline>,
    /// Every show, by (conversation, device) and then in the order of the history.
    pub shows: Vec<Show>,
    /// Which rows are too late to judge.
    pub lateness: Lateness,
}

/// An operation that a device asked for, and what came of it.
pub struct Asked<'h> {
    /// The asking device.
    pub device: usize,
    /// Where the operation applies.
    pub conversation: usize,
    /// What it asks for.
    pub operation: &'h Operation,
    /// The event of its invocation.
    pub invoked: usize,
    /// The highest seq of the conversation that any device had seen before the invocation.
    pub observed: Seq,
    /// The event of its first ack, and the seq acked there.
    pub acked: Option<(usize, Seq)>,
    /// The event of its refusal.
    pub refused: Option<usize>,
    /// Where it was first seen, in an ack or a show, and the event that saw it there.
    pub place: Option<(Place, usize)>,
}

/// Where an operation ended up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The conversation.
    pub conversation: usize,
    /// Its place there.
    pub seq: Seq,
    /// Its id in the cluster.
    pub message_id: MessageId,
}

/// An ack or a show: proof that an operation has a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Sighting {
    /// The operation.
    pub key: SendKey,
    /// Its place.
    pub place: Place,
    /// Whether it is a show rather than an ack.
    pub shown: bool,
}

/// What is known of a conversation.
#[derive(Default)]
pub struct Timeline {
    /// The rows that were acked or shown, in the order of their seqs.
    pub rows: Vec<Row>,
    /// For each user, where they are owed rows.
    pub members: BTreeMap<UserId, Vec<Segment>>,
    /// The durable cursor of each device at the end of the run.
    pub cursors: BTreeMap<usize, Seq>,
    /// Operations that were neither acked, nor refused, nor shown.
    pub unresolved: u64,
    /// The invocation of the first of them.
    pub unresolved_since: Option<usize>,
    /// Its part of [`Index::shows`].
    shows: Range<usize>,
}

/// A row known to exist, as first seen.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its place in the timeline.
    pub seq: Seq,
    /// Its id.
    pub message_id: MessageId,
    /// Which operation it is.
    pub key: SendKey,
    /// That operation's position in [`Index::operations`]; absent when nobody asked for it.
    pub operation: Option<usize>,
    /// The event that first showed or acked it.
    pub seen: usize,
    /// The event of its first ack.
    pub acked: Option<usize>,
    /// When it and every row before it that is known had been seen: nobody can show it earlier.
    pub accepted: Nanos,
}

/// A row synced into a device's database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Show {
    /// The conversation.
    pub conversation: u32,
    /// The device.
    pub device: u32,
    /// The event.
    pub event: usize,
    /// The row's place.
    pub seq: Seq,
}

impl Timeline {
    /// The row at `seq`, when it is known.
    pub fn row(&self, seq: Seq) -> Option<&Row> {
        // Without holes the row stands at its own number; try there before searching.
        let guess = usize::try_from(seq.wrapping_sub(1)).ok().and_then(|at| self.rows.get(at));
        guess.filter(|row| row.seq == seq).or_else(|| {
            let at = self.rows.binary_search_by_key(&seq, |row| row.seq).ok()?;
            Some(&self.rows[at])
        })
    }
}

impl<'h> Index<'h> {
    /// Arranges `history`.
    pub fn new(history: &'h History) -> Self {
        let mut building = Building::default();
        for (position, event) in history.events.iter().enumerate() {
            building.take(position, event);
        }
        building.finish(history)
    }

    /// When the event at `position` happened.
    pub fn at(&self, position: usize) -> Nanos {
        self.history.events[position].at
    }

    /// The id of a device.
    pub fn device(&self, device: usize) -> DeviceId {
        *self.devices.get_index(device).expect("devices are numbered by this index").0
    }

    /// The id of a conversation.
    pub fn conversation(&self, conversation: usize) -> ConversationId {
        let entry = self.conversations.get_index(conversation);
        *entry.expect("conversations are numbered by this index").0
    }

    /// Whether a device with this cursor that lacks the row may have got it, had the run gone on: a
    /// cursor that passed a row never goes back.
    pub fn too_late(&self, row: &Row, device: usize, cursor: Seq) -> bool {
        row.seq > cursor && self.lateness.excuses_on(device, row.accepted)
    }

    /// Whether the row is something that somebody said.
    pub fn is_message(&self, row: &Row) -> bool {
        let operation = row.operation.map(|operation| self.operations[operation].operation);
        matches!(operation, Some(Operation::Send(_)))
    }

    /// All shows in a conversation.
    pub fn shows_in(&self, conversation: &Timeline) -> &[Show] {
        &self.shows[conversation.shows.clone()]
    }

    /// Every ack and show, in the order of the history. Acks of operations that no device asked
    /// for name no conversation and are left out.
    pub fn sightings(&self) -> impl Iterator<Item = (usize, Sighting)> {
        self.history.events.iter().enumerate().filter_map(|(position, event)| match event.what {
            What::Acked { client_msg_id, seq, message_id } => {
                let key = SendKey { sender: event.device.user, client_msg_id };
                let conversation = self.operations.get(&key)?.conversation;
                let place = Place { conversation, seq, message_id };
                Some((position, Sighting { key, place, shown: false }))
            }
            What::Shown { conversation, seq, message_id, key } => {
                let conversation = self.conversations.get_index_of(&conversation)?;
                let place = Place { conversation, seq, message_id };
                Some((position, Sighting { key, place, shown: true }))
            }
            _ => None,
        })
    }
}

/// The index while it grows.
#[derive(Default)]
struct Building<'h> {
    operations: IndexMap<SendKey, Asked<'h>>,
    devices: IndexMap<DeviceId, Option<usize>>,
    conversations: IndexMap<ConversationId, Growing>,
    shows: Vec<Show>,
}

#[derive(Default)]
struct Growing {
    rows: BTreeMap<Seq, Row>,
    cursors: BTreeMap<usize, Seq>,
    observed: Seq,
}

impl<'h> Building<'h> {
    fn take(&mut self, position: usize, event: &'h Event) {
        let entry = self.devices.entry(event.device);
        let device = entry.index();
        let first_login = entry.or_default();
        match &event.what {
            What::LoggedIn => {
                first_login.get_or_insert(position);
            }
            What::Crashed | What::Restarted | What::Attempted { .. } | What::Answered { .. } => {}
            What::Invoked { client_msg_id, conversation, operation, .. } => {
                let key = SendKey { sender: event.device.user, client_msg_id: *client_msg_id };
                let conversation = self.conversation(*conversation);
                self.operations.entry(key).or_insert(Asked {
                    device,
                    conversation,
                    operation,
                    invoked: position,
                    observed: self.conversations[conversation].observed,
                    acked: None,
                    refused: None,
                    place: None,
                });
            }
            What::Acked { client_msg_id, seq, message_id } => {
                let key = SendKey { sender: event.device.user, client_msg_id: *client_msg_id };
                if let Some(asked) = self.operations.get_mut(&key) {
                    asked.acked.get_or_insert((position, *seq));
                    let conversation = asked.conversation;
                    let place = Place { conversation, seq: *seq, message_id: *message_id };
                    self.saw(position, Sighting { key, place, shown: false });
                }
            }
            What::Refused { client_msg_id, .. } => {
                let key = SendKey { sender: event.device.user, client_msg_id: *client_msg_id };
                if let Some(asked) = self.operations.get_mut(&key) {
                    asked.refused.get_or_insert(position);
                }
            }
            What::Shown { conversation, seq, message_id, key } => {
                let conversation = self.conversation(*conversation);
                let place = Place { conversation, seq: *seq, message_id: *message_id };
                self.saw(position, Sighting { key: *key, place, shown: true });
                self.shows.push(Show {
                    conversation: small(conversation),
                    device: small(device),
                    event: position,
                    seq: *seq,
                });
            }
            What::Cursor { conversation, seq } => {
                let conversation = self.conversation(*conversation);
                self.conversations[conversation].cursors.insert(device, *seq);
            }
        }
    }

    fn conversation(&mut self, id: ConversationId) -> usize {
        let entry = self.conversations.entry(id);
        let at = entry.index();
        entry.or_default();
        at
    }

    fn saw(&mut self, position: usize, Sighting { key, place, shown }: Sighting) {
        let operation = self.operations.get_index_of(&key);
        if let Some(at) = operation {
            self.operations[at].place.get_or_insert((place, position));
        }
        let growing = &mut self.conversations[place.conversation];
        growing.observed = growing.observed.max(place.seq);
        let row = growing.rows.entry(place.seq).or_insert(Row {
            seq: place.seq,
            message_id: place.message_id,
            key,
            operation,
            seen: position,
            acked: None,
            accepted: 0,
        });
        if !shown {
            row.acked.get_or_insert(position);
        }
    }

    fn finish(mut self, history: &'h History) -> Index<'h> {
        self.shows.sort_unstable();
        let mut conversations: IndexMap<ConversationId, Timeline> = self
            .conversations
            .into_iter()
            .map(|(id, growing)| (id, growing.grown(history)))
            .collect();
        let mut from = 0;
        for (at, timeline) in conversations.values_mut().enumerate() {
            let len = self.shows[from..].partition_point(|show| show.conversation as usize <= at);
            timeline.shows = from..from + len;
            from += len;
        }
        for asked in self.operations.values() {
            let timeline = &mut conversations[asked.conversation];
            if asked.place.is_none() && asked.refused.is_none() {
                timeline.unresolved += 1;
                timeline.unresolved_since.get_or_insert(asked.invoked);
            }
        }
        for ((conversation, user), changes) in changes(&self.operations) {
            conversations[conversation].members.insert(user, segments(&changes));
        }
        let mut users: BTreeMap<UserId, Vec<usize>> = BTreeMap::new();
        for (at, device) in self.devices.keys().enumerate() {
            users.entry(device.user).or_default().push(at);
        }
        let lateness = Lateness::new(history, &self.shows, conversations.values());
        let (operations, devices, shows) = (self.operations, self.devices, self.shows);
        Index { history, operations, devices, users, conversations, shows, lateness }
    }
}

impl Growing {
    fn grown(self, history: &History) -> Timeline {
        let mut rows: Vec<Row> = self.rows.into_values().collect();
        let mut accepted = 0;
        for row in &mut rows {
            accepted = history.events[row.seen].at.max(accepted);
            row.accepted = accepted;
        }
        Timeline { rows, cursors: self.cursors, ..Timeline::default() }
    }
}

/// What each user asked for that changes their own membership, by conversation and user, in the
/// order of invocation. Refused operations have no effect.
fn changes(operations: &IndexMap<SendKey, Asked<'_>>) -> BTreeMap<(usize, UserId), Vec<Change>> {
    let mut changes: BTreeMap<(usize, UserId), Vec<Change>> = BTreeMap::new();
    for (key, asked) in operations {
        if asked.refused.is_some() {
            continue;
        }
        let change = |joins| Change {
            joins,
            device: asked.device,
            observed: asked.observed,
            acked: asked.acked.map(|(_, seq)| seq),
        };
        let mut add = |user, joins| {
            changes.entry((asked.conversation, user)).or_default().push(change(joins));
        };
        match asked.operation {
            Operation::Create(members) => members.iter().for_each(|user| add(*user, true)),
            Operation::Join => add(key.sender, true),
            Operation::Leave => add(key.sender, false),
            Operation::Send(_) => {}
        }
    }
    changes
}

/// Positions are kept small because there is one per show.
fn small(position: usize) -> u32 {
    u32::try_from(position).expect("fewer than 2^32 devices and conversations")
}
