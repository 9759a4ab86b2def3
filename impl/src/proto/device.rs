//! Frames between a device and its gateway.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::gateway::What;
use crate::model::{ClientMsgId, ConversationId, DeviceId, MessageId, Row, Seq, UserId};

/// What a user asks of a conversation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Operation {
    /// Open it with these members, the asking user among them.
    Create(Vec<UserId>),
    /// Join it.
    Join,
    /// Leave it.
    Leave,
    /// Say something.
    Send(Bytes),
}

/// From a device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ToGateway {
    /// First frame of a connection.
    Login(DeviceId),
    /// An operation; repeated with the same `client_msg_id` until its outcome is known.
    Submit {
        /// The device's own number of the operation.
        client_msg_id: ClientMsgId,
        /// Where it applies.
        conversation: ConversationId,
        /// What it asks for.
        operation: Operation,
    },
    /// Delivery ack: the device has every row it may see up to `upto`, durably.
    Ack {
        /// The conversation.
        conversation: ConversationId,
        /// The device's cursor.
        upto: Seq,
    },
    /// Asks for the rows after the device's cursor.
    Sync {
        /// The conversation.
        conversation: ConversationId,
        /// The device's cursor.
        after: Seq,
        /// The highest seq that the device has heard of.
        heard_of: Seq,
        /// The first row after the gap that the device holds already, if any: only what is before it is missing.
        before: Option<Seq>,
    },
    /// The device is there; asks for a comparison of cursors.
    Heartbeat,
    /// Asks for the list of the user's conversations.
    Conversations,
    /// The user opens a conversation that is read from its timeline: asks for what there is after the
    /// device's cursor.
    Open {
        /// The conversation.
        conversation: ConversationId,
        /// The device's cursor.
        after: Seq,
    },
    /// How often the user has opened conversations since the device last told.
    OpenCounts(Vec<(ConversationId, u32)>),
}

/// To a device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ToDevice {
    /// The login is accepted.
    LoggedIn,
    /// Send ack: the operation is durable.
    Accepted {
        /// Which operation.
        client_msg_id: ClientMsgId,
        /// Its place.
        seq: Seq,
        /// Its id.
        message_id: MessageId,
    },
    /// The operation is refused for good and has no effect.
    Refused {
        /// Which operation.
        client_msg_id: ClientMsgId,
        /// Why.
        reason: Refusal,
    },
    /// A row.
    Push(Row),
    /// The conversation has rows up to `seq` for this device.
    Notify {
        /// The conversation.
        conversation: ConversationId,
        /// A seq that the device may see.
        seq: Seq,
    },
    /// Answer to `Sync`.
    Synced {
        /// The conversation.
        conversation: ConversationId,
        /// What the device may see after its cursor, up to `covered`.
        page: Page,
    },
    /// Answer to `Heartbeat`.
    Heartbeat,
    /// The user's conversations, the latest first; those left behind too. For display only.
    Conversations(Vec<ConversationId>),
    /// Of the user's conversations, some that are read from their timelines when they are opened.
    OnTimeline(Vec<ConversationId>),
    /// Answer to `Open`.
    Opened {
        /// The conversation.
        conversation: ConversationId,
        /// What the device may see after its cursor; nothing if that is at the end.
        page: Option<Page>,
    },
    /// Several pushes that left together.
    Pushes(Vec<What>),
}

/// Part of a timeline, as one user may see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Page {
    /// Every row up to `covered` that the user may see, in order, after what was asked for.
    pub rows: Vec<Row>,
    /// The user has nothing else to see up to here.
    pub covered: Seq,
    /// The last seq of the conversation.
    pub head: Seq,
}

/// Why an operation is refused for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// No such conversation.
    #[error("no such conversation")]
    NoConversation,
    /// The conversation exists already.
    #[error("the conversation exists already")]
    Exists,
    /// The sender is not a member.
    #[error("not a member")]
    NotAMember,
    /// The sender is a member already.
    #[error("a member already")]
    AlreadyAMember,
}
