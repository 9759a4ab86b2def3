//! Calls to a chat node.

use serde::{Deserialize, Serialize};

use super::device::{Operation, Page, Refusal};
use crate::call::Service;
use crate::model::{ConversationId, MessageId, SendKey, Seq, UserId};

/// The chat nodes' service.
pub struct Chat;

impl Service for Chat {
    type Request = Request;
    type Reply = Reply;
}

/// What a gateway asks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Commit an operation.
    Submit {
        /// Its idempotency key.
        key: SendKey,
        /// Where it applies.
        conversation: ConversationId,
        /// What it asks for.
        operation: Operation,
    },
    /// Read a timeline on behalf of a user.
    Sync {
        /// Who reads.
        user: UserId,
        /// The conversation.
        conversation: ConversationId,
        /// The reader's cursor.
        after: Seq,
        /// The highest seq that the reader has heard of.
        heard_of: Seq,
        /// Only rows before this one are wanted.
        before: Option<Seq>,
    },
    /// How often conversations were opened by devices of one gateway since it last told.
    OpenCounts(Vec<(ConversationId, u32)>),
}

/// What a chat node answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Committed (now or by an earlier try).
    Accepted(Seq, MessageId),
    /// Refused for good.
    Refused(Refusal),
    /// Not now; may or may not have taken effect.
    Unavailable,
    /// What the reader may see.
    Page(Page),
    /// Done.
    Noted,
}
