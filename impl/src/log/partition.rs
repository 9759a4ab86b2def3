//! One log partition: records by offset, and each producer's last number.

use std::collections::BTreeMap;

use crate::model::Row;

/// A log partition.
#[derive(Default)]
pub struct Partition {
    rows: Vec<Row>,
    /// Records before this offset are durable, and only they are read.
    durable: u64,
    last_numbers: BTreeMap<u32, u64>,
}

impl Partition {
    /// The records that the producer has not appended before.
    pub fn fresh(&self, producer: u32, records: &[(u64, Row)]) -> Vec<(u64, Row)> {
        let last = self.last_numbers.get(&producer);
        records.iter().filter(|(number, _)| last.is_none_or(|l| number > l)).cloned().collect()
    }

    /// Appends fresh records.
    pub fn append(&mut self, producer: u32, records: Vec<(u64, Row)>) {
        if let Some((number, _)) = records.last() {
            self.last_numbers.insert(producer, *number);
        }
        self.extend(records.into_iter().map(|(_, row)| row));
    }

    /// Appends records that have no number.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
    }

    /// The offset behind the last record.
    pub fn end(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Records before `offset` are durable now.
    pub fn durable_up_to(&mut self, offset: u64) {
        self.durable = self.durable.max(offset);
    }

    /// All records are durable (after recovery).
    pub fn all_durable(&mut self) {
        self.durable = self.end();
    }

    /// At most `limit` durable records from `offset`.
    pub fn read(&self, offset: u64, limit: usize) -> Vec<Row> {
        let from = offset.min(self.durable) as usize;
        let until = (from + limit).min(self.durable as usize);
        self.rows[from..until].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{Body, ClientMsgId, ConversationId, Delivery, MessageId, SendKey, UserId};

    fn record(number: u64) -> (u64, Row) {
        let row = Row {
            conversation: ConversationId(1),
            seq: number,
            message_id: MessageId(number),
            key: SendKey { sender: UserId(1), client_msg_id: ClientMsgId(number) },
            delivery: Delivery::Write,
            members_version: 1,
            body: Body::Content(Bytes::new()),
        };
        (number, row)
    }

    #[test]
    fn repeats_of_a_producer_are_not_fresh() {
        let mut partition = Partition::default();
        partition.append(1, vec![record(4), record(6)]);
        assert_eq!(partition.fresh(1, &[record(4), record(6), record(7)]), [record(7)]);
        assert_eq!(partition.fresh(2, &[record(4)]), [record(4)], "numbers are per producer");
    }

    #[test]
    fn only_durable_records_are_read() {
        let mut partition = Partition::default();
        partition.append(1, (0..5).map(record).collect());
        assert_eq!(partition.read(0, 10), []);
        partition.durable_up_to(3);
        assert_eq!(partition.read(1, 10), [record(1).1, record(2).1]);
        assert_eq!(partition.read(9, 10), []);
    }
}
