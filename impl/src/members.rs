//! Who is in a conversation at which seq.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Body, Row, Seq, UserId};

/// One stay of a member: from the seq of the join to the seq of the leave, both their own rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stay {
    /// Seq of the row that let them in.
    pub joined: Seq,
    /// Seq of the row that let them out.
    pub left: Option<Seq>,
}

/// All stays of all members, ever: the membership at every version.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Members {
    /// Seq of the last change.
    pub version: Seq,
    stays: BTreeMap<UserId, Vec<Stay>>,
    present: u32,
}

impl Members {
    /// Takes a row's membership change in, if it is one. Rows come in the order of their seq.
    pub fn apply(&mut self, row: &Row) {
        match &row.body {
            Body::Created(users) => {
                for user in users {
                    self.join(*user, row.seq);
                }
            }
            Body::Joined => self.join(row.key.sender, row.seq),
            Body::Left => {
                let stay = self.stays.get_mut(&row.key.sender).and_then(|stays| stays.last_mut());
                stay.expect("only members leave").left = Some(row.seq);
                self.present -= 1;
            }
            Body::Content(_) => return,
        }
        self.version = row.seq;
    }

    fn join(&mut self, user: UserId, at: Seq) {
        self.stays.entry(user).or_default().push(Stay { joined: at, left: None });
        self.present += 1;
    }

    /// Whether the user is a member now.
    pub fn contains(&self, user: UserId) -> bool {
        self.stays.get(&user).and_then(|stays| stays.last()).is_some_and(|stay| stay.left.is_none())
    }

    /// Members now.
    pub fn count(&self) -> u32 {
        self.present
    }

    /// Members at a version: whom a row with that `members_version` is for.
    pub fn at(&self, version: Seq) -> Vec<UserId> {
        let stayed =
            |stay: &Stay| stay.joined <= version && stay.left.is_none_or(|left| version < left);
        let mut users = Vec::new();
        for (user, stays) in &self.stays {
            if stays.iter().any(stayed) {
                users.push(*user);
            }
        }
        users
    }

    /// Whether the user may see the row at `seq`: every row of a stay, its first and last included.
    pub fn may_see(&self, user: UserId, seq: Seq) -> bool {
        let within = |stay: &Stay| stay.joined <= seq && stay.left.is_none_or(|left| seq <= left);
        self.stays.get(&user).is_some_and(|stays| stays.iter().any(within))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{ClientMsgId, ConversationId, Delivery, MessageId, SendKey};

    fn row(seq: Seq, sender: u32, body: Body) -> Row {
        Row {
            conversation: ConversationId(1),
            seq,
            message_id: MessageId(seq),
            key: SendKey { sender: UserId(sender), client_msg_id: ClientMsgId(seq) },
            delivery: Delivery::Write,
            members_version: 0,
            body,
        }
    }

    #[test]
    fn stays_follow_joins_and_leaves() {
        let mut members = Members::default();
        members.apply(&row(1, 1, Body::Created(vec![UserId(1), UserId(2)])));
        members.apply(&row(2, 1, Body::Content(Bytes::new())));
        members.apply(&row(3, 2, Body::Left));
        members.apply(&row(5, 2, Body::Joined));
        assert_eq!((members.version, members.count()), (5, 2));
        assert_eq!(members.at(1), [UserId(1), UserId(2)]);
        assert_eq!(members.at(3), [UserId(1)]);
        assert_eq!(members.at(5), [UserId(1), UserId(2)]);
        let seen: Vec<Seq> = (0..8).filter(|seq| members.may_see(UserId(2), *seq)).collect();
        assert_eq!(seen, [1, 2, 3, 5, 6, 7]);
    }
}
