//! What may become part of a conversation: the owner's epoch, the next seq, the members, and the
//! keys of sends.
//!
//! It stands where operations are committed (`im.commit`), in the store or in the log, and must not
//! know which of them it is, nor where rows are kept.

use std::collections::BTreeMap;

use crate::members::Members;
use crate::model::{MessageId, Row, SendKey, Seq};
use crate::proto::commit;
use crate::proto::device::Refusal;

/// What decides on a conversation's next row.
#[derive(Default)]
pub struct Admission {
    /// Raised whenever a chat node takes the conversation over.
    pub epoch: u64,
    /// Who is in it.
    pub members: Members,
    head: Seq,
    keys: BTreeMap<SendKey, (Seq, MessageId)>,
    refused: BTreeMap<SendKey, Refusal>,
}

/// Why rows or refusals are not admitted.
#[derive(PartialEq, Eq, Debug)]
pub enum Conflict {
    /// The epoch is outdated, or the first seq is not the next one.
    Fenced,
    /// These keys are taken.
    Taken(Vec<(SendKey, Seq, MessageId)>),
    /// These keys were refused before.
    Refused(Vec<(SendKey, Refusal)>),
}

impl From<Conflict> for commit::Reply {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Fenced => Self::Fenced,
            Conflict::Taken(keys) => Self::Taken(keys),
            Conflict::Refused(keys) => Self::Refused(keys),
        }
    }
}

impl Admission {
    /// The last seq.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Whether the rows may be appended. `unique` asks for unused keys.
    pub fn admits(&self, epoch: u64, rows: &[Row], unique: bool) -> Result<(), Conflict> {
        let in_order = (self.head + 1..).zip(rows).all(|(seq, row)| row.seq == seq);
        if epoch != self.epoch || !in_order {
            return Err(Conflict::Fenced);
        }
        let taken = self.taken(rows.iter().map(|row| row.key));
        if unique && !taken.is_empty() {
            return Err(Conflict::Taken(taken));
        }
        let keys = rows.iter().map(|row| row.key);
        let refused: Vec<_> =
            keys.filter_map(|key| self.refused.get(&key).map(|reason| (key, *reason))).collect();
        if refused.is_empty() { Ok(()) } else { Err(Conflict::Refused(refused)) }
    }

    /// Whether these keys may be refused for good.
    pub fn may_refuse(&self, epoch: u64, keys: &[(SendKey, Refusal)]) -> Result<(), Conflict> {
        if epoch != self.epoch {
            return Err(Conflict::Fenced);
        }
        let taken = self.taken(keys.iter().map(|(key, _)| *key));
        if taken.is_empty() { Ok(()) } else { Err(Conflict::Taken(taken)) }
    }

    /// Refuses keys that may be refused; the first reason stays.
    pub fn refuse(&mut self, keys: &[(SendKey, Refusal)]) {
        for (key, reason) in keys {
            self.refused.entry(*key).or_insert(*reason);
        }
    }

    /// Takes in a row that was admitted.
    pub fn append(&mut self, row: &Row) {
        assert_eq!(row.seq, self.head + 1, "admitted rows are in order");
        self.members.apply(row);
        self.keys.entry(row.key).or_insert((row.seq, row.message_id));
        self.head = row.seq;
    }

    /// What a node is told that has just taken the conversation over.
    pub fn owned(&self) -> commit::Reply {
        commit::Reply::Owned { epoch: self.epoch, head: self.head, members: self.members.clone() }
    }

    /// Which of these keys are taken, and by what.
    fn taken(&self, keys: impl Iterator<Item = SendKey>) -> Vec<(SendKey, Seq, MessageId)> {
        keys.filter_map(|key| self.keys.get(&key).map(|(seq, id)| (key, *seq, *id))).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{Body, ClientMsgId, ConversationId, Delivery, UserId};

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
    fn an_append_needs_the_epoch_the_next_seq_and_unused_keys() {
        let mut admission = Admission { epoch: 3, ..Admission::default() };
        assert_eq!(admission.admits(3, &[row(1, 7), row(2, 8)], true), Ok(()));
        admission.append(&row(1, 7));
        assert_eq!(admission.admits(2, &[row(2, 8)], true), Err(Conflict::Fenced));
        assert_eq!(admission.admits(3, &[row(3, 8)], true), Err(Conflict::Fenced));
        let taken = vec![(row(1, 7).key, 1, MessageId(107))];
        assert_eq!(admission.admits(3, &[row(2, 8), row(3, 7)], true), Err(Conflict::Taken(taken)));
        assert_eq!(admission.admits(3, &[row(2, 7)], false), Ok(()), "the planted bug");
    }

    #[test]
    fn a_refusal_sticks_and_what_is_taken_cannot_be_refused() {
        let mut admission = Admission { epoch: 3, ..Admission::default() };
        admission.append(&row(1, 7));
        let refusal = |number| (row(1, number).key, Refusal::NotAMember);
        assert_eq!(admission.may_refuse(2, &[refusal(8)]), Err(Conflict::Fenced));
        let taken = vec![(row(1, 7).key, 1, MessageId(107))];
        assert_eq!(admission.may_refuse(3, &[refusal(8), refusal(7)]), Err(Conflict::Taken(taken)));
        assert_eq!(admission.may_refuse(3, &[refusal(8)]), Ok(()));
        admission.refuse(&[refusal(8)]);
        let refused = Err(Conflict::Refused(vec![refusal(8)]));
        assert_eq!(admission.admits(3, &[row(2, 8)], true), refused);
    }
}
