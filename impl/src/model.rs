//! The words of messaging as types: users, devices, conversations, rows of a timeline.

use std::fmt;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A person.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct UserId(pub u32);

/// One device of a user. A device that lost its disk is a new device.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct DeviceId {
    /// Whose device it is.
    pub user: UserId,
    /// Which of the user's devices.
    pub index: u16,
}

/// A 1:1 or group conversation.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct ConversationId(pub u64);

/// A row's place in its conversation's timeline: dense, from 1.
pub type Seq = u64;

/// A message id, unique in the cluster.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct MessageId(pub u64);

/// Chosen by the sending device and kept over its retries. With the sender it is the idempotency
/// key: (sender, client_msg_id) names one message, however often it is sent.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct ClientMsgId(pub u64);

impl ClientMsgId {
    /// The `counter`-th operation of device `index` of its user (`counter < 2^48`).
    pub fn new(index: u16, counter: u64) -> Self {
        debug_assert!(counter < 1 << 48);
        Self(u64::from(index) << 48 | counter)
    }
}

/// The idempotency key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SendKey {
    /// Who sends.
    pub sender: UserId,
    /// The sender's own number for it.
    pub client_msg_id: ClientMsgId,
}

/// What a row of a timeline says. Membership changes take a seq like any message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Body {
    /// The conversation begins with these members. Always seq 1.
    Created(Vec<UserId>),
    /// The sender joined.
    Joined,
    /// The sender left.
    Left,
    /// Somebody said something.
    Content(Bytes),
}

/// How a row reaches its recipients; fixed per row at its commit.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// A copy into each recipient's inbox.
    Write,
    /// Only the timeline; devices pull from it.
    Read,
}

/// One row of a timeline: a message (accepted content, or a membership change) with id and seq.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The conversation whose timeline holds it.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Its id in the cluster.
    pub message_id: MessageId,
    /// Who sent it, under which of their own numbers.
    pub key: SendKey,
    /// How it is fanned out.
    pub delivery: Delivery,
    /// Seq of the last membership change at or before this row: the version of the member
    /// snapshot that the row is owed to.
    pub members_version: Seq,
    /// What it says.
    pub body: Body,
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "u{}", self.0)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "u{}.d{}", self.user.0, self.index)
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}", self.0)
    }
}

impl fmt::Display for ClientMsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.0 >> 48, self.0 & ((1 << 48) - 1))
    }
}

impl fmt::Display for SendKey {
    /// Device and the number of the operation on it, as in `u7.d0#12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.d{}", self.sender, self.client_msg_id)
    }
}
