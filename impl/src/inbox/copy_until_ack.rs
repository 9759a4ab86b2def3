//! Scheme 2: a copy of every message for every member, deleted when all of the member's devices
//! have acked it.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::{ConversationId, Row, Seq};

/// One user's inbox.
#[derive(Default)]
pub struct CopyUntilAck {
    copies: BTreeMap<(ConversationId, Seq), Row>,
}

impl CopyUntilAck {
    /// Puts a copy in; false when it is there already.
    pub fn put(&mut self, row: Row) -> bool {
        self.copies.insert((row.conversation, row.seq), row).is_none()
    }

    /// All devices have the conversation's rows up to `upto`; returns how many copies went.
    pub fn acked_by_all(&mut self, conversation: ConversationId, upto: Seq) -> usize {
        let acked: Vec<_> = self
            .copies
            .range((conversation, 0)..=(conversation, upto))
            .map(|(place, _)| *place)
            .collect();
        for place in &acked {
            self.copies.remove(place);
        }
        acked.len()
    }

    /// At most `limit` copies after a place that a device with these cursors lacks.
    pub fn lacking(
        &self,
        after: (ConversationId, Seq),
        limit: usize,
        cursor: impl Fn(ConversationId) -> Seq,
    ) -> Vec<Row> {
        self.copies
            .range((Bound::Excluded(after), Bound::Unbounded))
            .filter(|((conversation, seq), _)| *seq > cursor(*conversation))
            .take(limit)
            .map(|(_, row)| row.clone())
            .collect()
    }
}
