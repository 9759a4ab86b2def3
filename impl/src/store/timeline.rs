//! One conversation in the store: its rows, and what decides on the next one.

use crate::admission::Admission;
use crate::model::{MessageId, Row, Seq};

/// A conversation's timeline.
#[derive(Default)]
pub struct Timeline {
    /// What decides on the next row.
    pub admission: Admission,
    rows: Vec<Row>,
}

impl Timeline {
    /// The last seq.
    pub fn head(&self) -> Seq {
        self.rows.len() as Seq
    }

    /// Appends a row that was admitted.
    pub fn append(&mut self, row: Row) {
        self.admission.append(&row);
        self.rows.push(row);
    }

    /// At most `limit` rows after `after`.
    pub fn after(&self, after: Seq, limit: usize) -> &[Row] {
        let from = (after as usize).min(self.rows.len());
        &self.rows[from..(from + limit).min(self.rows.len())]
    }

    /// The id of the last row, if there is any.
    pub fn latest(&self) -> Option<MessageId> {
        self.rows.last().map(|row| row.message_id)
    }

    /// The row at a seq that exists.
    pub fn row(&self, seq: Seq) -> &Row {
        &self.rows[seq as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{Body, ClientMsgId, ConversationId, Delivery, SendKey, UserId};

    fn row(seq: Seq, number: u64) -> Row {
        Row {
            conversation: ConversationId(1),
            seq,
            message_id: MessageId(100 + number),
            key: SendKey { sender: UserId(1), client_msg_id: ClientMsgId(number) },
            delivery: Delivery::Write,
            members_version: 1,
            body: Body::Content(Bytes::from_static(b"hello")),
        }
    }

    #[test]
    fn pages_end_at_the_head() {
        let mut timeline = Timeline::default();
        (1..=5).for_each(|seq| timeline.append(row(seq, seq)));
        let seqs = |after, limit| timeline.after(after, limit).iter().map(|row| row.seq).collect();
        let pages: [Vec<Seq>; 3] = [seqs(1, 2), seqs(4, 9), seqs(9, 9)];
        assert_eq!(pages, [vec![2, 3], vec![5], vec![]]);
    }
}
