//! What a chat node asks of whoever commits (`im.commit`): the store or the log.

use serde::{Deserialize, Serialize};

use super::device::Refusal;
use crate::members::Members;
use crate::model::{MessageId, Row, SendKey, Seq};

/// What is asked, about one conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Take the conversation over: raises its epoch.
    Acquire,
    /// Append rows, if the epoch is current, the first seq is the next one and no key is taken.
    Append {
        /// The appender's epoch.
        epoch: u64,
        /// The rows, with consecutive seqs.
        rows: Vec<Row>,
    },
    /// Refuse operations for good, if the epoch is current and no key is taken: whatever try of
    /// them comes later is refused too.
    Refuse {
        /// The refusing owner's epoch.
        epoch: u64,
        /// The operations and why.
        refusals: Vec<(SendKey, Refusal)>,
    },
}

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Done, durably.
    Done,
    /// The conversation is the caller's.
    Owned {
        /// The new epoch.
        epoch: u64,
        /// Its last seq.
        head: Seq,
        /// Its members.
        members: Members,
    },
    /// Somebody else has taken the conversation over.
    Fenced,
    /// These keys are taken, by the message at that seq; nothing was appended or refused.
    Taken(Vec<(SendKey, Seq, MessageId)>),
    /// These keys were refused before; nothing was appended.
    Refused(Vec<(SendKey, Refusal)>),
    /// The disk has no room; nothing has changed.
    NoRoom,
}
