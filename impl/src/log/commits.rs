//! Conversations whose operations are committed in the log (`im.commit = "log"`): what decides on
//! each of them. It must not know where rows stand in their partition.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::admission::Admission;
use crate::model::{ConversationId, Row, SendKey};
use crate::proto::commit::{Reply, Request};
use crate::proto::device::Refusal;

/// A change of one conversation, as the write-ahead log keeps it.
#[derive(PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Change {
    Acquired,
    Appended(Vec<Row>),
    Refused(Vec<(SendKey, Refusal)>),
}

/// All conversations.
pub struct Commits {
    /// Whether a send key may stand in one row only.
    unique: bool,
    admissions: BTreeMap<ConversationId, Admission>,
    /// What a conversation has that nobody has opened.
    unopened: Admission,
}

impl Commits {
    /// No conversations.
    pub fn new(unique: bool) -> Self {
        Self { unique, admissions: BTreeMap::new(), unopened: Admission::default() }
    }

    /// What a request leads to: a change, or this reply and no change.
    pub fn decide(&self, id: ConversationId, request: Request) -> Result<Change, Reply> {
        let admission = self.admissions.get(&id).unwrap_or(&self.unopened);
        let change = match request {
            Request::Acquire => Change::Acquired,
            Request::Append { epoch, rows } => {
                admission.admits(epoch, &rows, self.unique)?;
                Change::Appended(rows)
            }
            Request::Refuse { epoch, refusals } => {
                admission.may_refuse(epoch, &refusals)?;
                Change::Refused(refusals)
            }
        };
        Ok(change)
    }

    /// Makes a change that was decided on; the reply to it.
    pub fn apply(&mut self, id: ConversationId, change: &Change) -> Reply {
        let admission = self.admissions.entry(id).or_default();
        match change {
            Change::Acquired => {
                admission.epoch += 1;
                return admission.owned();
            }
            Change::Appended(rows) => rows.iter().for_each(|row| admission.append(row)),
            Change::Refused(refusals) => admission.refuse(refusals),
        }
        Reply::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, ClientMsgId, Delivery, MessageId, UserId};

    const ID: ConversationId = ConversationId(1);

    fn row(seq: u64) -> Row {
        let sender = UserId(1);
        Row {
            conversation: ID,
            seq,
            message_id: MessageId(seq),
            key: SendKey { sender, client_msg_id: ClientMsgId(seq) },
            delivery: Delivery::Write,
            members_version: 1,
            body: Body::Created(vec![sender]),
        }
    }

    fn ask(commits: &mut Commits, request: Request) -> Reply {
        match commits.decide(ID, request) {
            Ok(change) => commits.apply(ID, &change),
            Err(reply) => reply,
        }
    }

    #[test]
    fn a_new_owner_hears_what_the_last_one_committed_and_shuts_it_out() {
        let mut commits = Commits::new(true);
        let append = |epoch, seq| Request::Append { epoch, rows: vec![row(seq)] };
        assert!(matches!(
            ask(&mut commits, Request::Acquire),
            Reply::Owned { epoch: 1, head: 0, .. }
        ));
        assert_eq!(ask(&mut commits, append(1, 1)), Reply::Done);
        let Reply::Owned { epoch, head, members } = ask(&mut commits, Request::Acquire) else {
            panic!("the conversation is the caller's")
        };
        assert_eq!((epoch, head, members.contains(UserId(1))), (2, 1, true));
        assert_eq!(ask(&mut commits, append(1, 2)), Reply::Fenced, "the last owner's append");
        let again = Row { seq: 2, ..row(1) };
        let repeat = ask(&mut commits, Request::Append { epoch: 2, rows: vec![again] });
        assert_eq!(repeat, Reply::Taken(vec![(row(1).key, 1, MessageId(1))]));
    }
}
