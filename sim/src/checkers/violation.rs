//! What a checker may find broken, and a bounded collection of such finds.
//!
//! It names things by their ids and by positions in the history, so that a violation outlives the
//! index it was found in. It knows no words: `wording.rs` has them.

use std::collections::BTreeMap;

use im::env::Nanos;
use im::model::{ConversationId, DeviceId, MessageId, SendKey, Seq};

use super::index::{Index, Row, Sighting};

/// How many violations of each promise are kept to be counted by cause.
pub const EXAMPLES_MAX: usize = 20_000;

/// A broken promise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Id of the promise.
    pub promise: &'static str,
    /// When the event happened that it turns on.
    pub at: Nanos,
    /// That event's position in the history.
    pub event: usize,
    /// What is wrong.
    pub broken: Broken,
}

/// A row as a violation names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowName {
    /// The conversation.
    pub conversation: ConversationId,
    /// The row's place there.
    pub seq: Seq,
    /// Its id.
    pub message_id: MessageId,
    /// Which operation it is.
    pub key: SendKey,
    /// The event of its first ack.
    pub acked: Option<usize>,
}

impl RowName {
    /// Names a known row.
    pub fn of(index: &Index<'_>, conversation: usize, row: &Row) -> Self {
        Self {
            conversation: index.conversation(conversation),
            seq: row.seq,
            message_id: row.message_id,
            key: row.key,
            acked: row.acked,
        }
    }

    /// Names what a sighting saw, which need not be what others saw there.
    pub fn seen(index: &Index<'_>, sighting: &Sighting) -> Self {
        let place = sighting.place;
        let asked = index.operations.get(&sighting.key);
        Self {
            conversation: index.conversation(place.conversation),
            seq: place.seq,
            message_id: place.message_id,
            key: sighting.key,
            acked: asked.and_then(|asked| asked.acked).map(|(event, _)| event),
        }
    }
}

/// The ways in which a promise breaks. `event` fields are positions in the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Broken {
    /// A device never showed a row that it is owed.
    Lost {
        /// The row.
        row: RowName,
        /// The device.
        device: DeviceId,
    },
    /// A device showed the same seq twice.
    ShownAgain {
        /// The row.
        row: RowName,
        /// The device.
        device: DeviceId,
        /// The event of the earlier show.
        first: usize,
    },
    /// A device showed one message id at two places.
    SameIdTwice {
        /// The row as it was shown the second time.
        row: RowName,
        /// The device.
        device: DeviceId,
        /// The event of the earlier show.
        first: usize,
    },
    /// One operation became two messages.
    TwoCopies {
        /// The second copy.
        row: RowName,
        /// The event that first proved the first copy.
        first: usize,
        /// The event that first proved the second copy.
        second: usize,
    },
    /// An operation was refused for good and yet became a message.
    RefusedYetThere {
        /// The row.
        row: RowName,
        /// The event of the refusal.
        refused: usize,
    },
    /// A row shows an operation that nobody asked for in this conversation.
    NobodySent {
        /// The row.
        row: RowName,
        /// The device that first showed it.
        device: DeviceId,
    },
    /// A device showed a row while an earlier one that it is owed was still missing.
    Skipped {
        /// The row that came too early.
        row: RowName,
        /// The first of the rows that were still missing.
        missing: RowName,
        /// The device.
        device: DeviceId,
    },
    /// A device showed a row after one of a higher seq.
    Late {
        /// The row that came too late.
        row: RowName,
        /// The highest seq shown before.
        after: Seq,
        /// The device.
        device: DeviceId,
    },
    /// Two sightings disagree on what stands at a seq.
    Disagree {
        /// The row as first seen.
        row: RowName,
        /// The other operation seen there.
        other: SendKey,
        /// The other id seen there.
        other_id: MessageId,
        /// The event that first saw the row.
        first: usize,
    },
    /// An operation came before an earlier one of the same device.
    SendsReordered {
        /// The later operation, which came too early.
        row: RowName,
        /// The earlier operation.
        earlier: RowName,
    },
    /// An owed row lies at or below the device's durable cursor and was never shown.
    Dropped {
        /// The row.
        row: RowName,
        /// The device.
        device: DeviceId,
        /// Its cursor.
        cursor: Seq,
    },
    /// An owed row lies above the device's durable cursor when the run is over.
    Pending {
        /// The row.
        row: RowName,
        /// The device.
        device: DeviceId,
        /// Its cursor; 0 when it has none.
        cursor: Seq,
    },
    /// A device showed a row from a time at which its user was no member.
    Leaked {
        /// The row.
        row: RowName,
        /// The device.
        device: DeviceId,
    },
    /// Nobody ever saw a seq below one that was seen.
    Hole {
        /// The first seq that is missing.
        seq: Seq,
        /// How many are missing from there on.
        count: u64,
        /// The next row that was seen.
        next: RowName,
    },
}

/// Counts violations and keeps the earliest.
#[derive(Debug)]
pub struct Violations {
    promise: &'static str,
    total: u64,
    kept: BTreeMap<(Nanos, u64), Violation>,
}

impl Violations {
    /// None yet.
    pub fn new(promise: &'static str) -> Self {
        Self { promise, total: 0, kept: BTreeMap::new() }
    }

    /// Counts a violation that turns on the event at `event`, which happened at `at`; builds it
    /// only when it is early enough to be kept.
    pub fn add(&mut self, at: Nanos, event: usize, broken: impl FnOnce() -> Broken) {
        let place = (at, self.total);
        self.total += 1;
        let early = self.kept.last_key_value().is_none_or(|(last, _)| place < *last);
        if early || self.kept.len() < EXAMPLES_MAX {
            let broken = broken();
            self.kept.insert(place, Violation { promise: self.promise, at, event, broken });
        }
        if self.kept.len() > EXAMPLES_MAX {
            self.kept.pop_last();
        }
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The earliest, in the order of time.
    pub fn examples(self) -> Vec<Violation> {
        self.kept.into_values().collect()
    }
}
