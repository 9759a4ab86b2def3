//! Calls to a store shard.

use serde::{Deserialize, Serialize};

use super::device::Refusal;
use crate::call::Service;
use crate::members::Members;
use crate::model::{ConversationId, DeviceId, MessageId, Row, SendKey, Seq, UserId};

/// The store's service.
pub struct Store;

impl Service for Store {
    type Request = Request;
    type Reply = Reply;
}

/// What is asked. Each request concerns timelines or users that this shard holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Take a conversation over: raises its epoch.
    Acquire(ConversationId),
    /// Append rows, if the epoch is current, the first seq is the next one and no key is taken.
    Append {
        /// The conversation.
        conversation: ConversationId,
        /// The appender's epoch.
        epoch: u64,
        /// The rows, with consecutive seqs.
        rows: Vec<Row>,
    },
    /// Refuse operations for good, if the epoch is current and no key is taken: whatever try of
    /// them comes later is refused too.
    Refuse {
        /// The conversation.
        conversation: ConversationId,
        /// The refusing owner's epoch.
        epoch: u64,
        /// The operations and why.
        refusals: Vec<(SendKey, Refusal)>,
    },
    /// Rows after a seq, at most `limit`.
    Timeline {
        /// The conversation.
        conversation: ConversationId,
        /// Rows after this seq.
        after: Seq,
        /// At most so many.
        limit: usize,
    },
    /// Members at a version.
    Members(ConversationId, Seq),
    /// Last seqs of conversations.
    Heads(Vec<ConversationId>),
    /// Enter a device, on its first login.
    RegisterDevice(DeviceId),
    /// Write fan-out: entries of conversation lists, and copies into inboxes.
    FanOut {
        /// Changes of conversation lists.
        entries: Vec<ListChange>,
        /// Copies and whose inboxes they go into.
        copies: Vec<(Row, Vec<UserId>)>,
    },
    /// Delivery acks: cursors rise, copies that all devices have acked go.
    Ack(Vec<(DeviceId, ConversationId, Seq)>),
    /// What the device has not acked: copies after a place, and its cursors.
    Pending {
        /// The device.
        device: DeviceId,
        /// Copies after this place.
        after: (ConversationId, Seq),
        /// At most so many copies.
        limit: usize,
    },
    /// A new epoch of ids, above all earlier ones. Asked of the first shard only.
    NextIdEpoch,
    /// The ids in `from + 1 ..= upto` for the caller alone, if all of them lie above all ids claimed
    /// before. Asked of the first shard only.
    ClaimIds {
        /// Ids behind this one,
        from: u64,
        /// up to this one.
        upto: u64,
    },
    /// Conversations that the user is or was a member of.
    Conversations(UserId),
    /// Last messages of conversations, of those that have any.
    Latest(Vec<ConversationId>),
    /// Write rows into timelines that were committed in the log, in the log's order. Those that are
    /// there already are left out.
    WriteBehind(Vec<Row>),
}

/// A change of a user's conversation list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ListChange {
    /// Whose list.
    pub user: UserId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// What changes.
    pub change: Listing,
}

/// What changes in a conversation list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Listing {
    /// The user is a member from that seq on.
    Joined(Seq),
    /// The user is a member up to that seq.
    Left(Seq),
    /// Rows of the conversation are read from its timeline, so cursors must be compared with it.
    OnTimeline,
}

/// What the store answers.
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
    /// Somebody else has taken the conversation over, or rows before these are missing.
    Fenced,
    /// These keys are taken, by the message at that seq; nothing was appended or refused.
    Taken(Vec<(SendKey, Seq, MessageId)>),
    /// These keys were refused before; nothing was appended.
    Refused(Vec<(SendKey, Refusal)>),
    /// Rows in order.
    Rows(Vec<Row>),
    /// Members.
    Users(Vec<UserId>),
    /// Last seqs.
    Heads(Vec<(ConversationId, Seq)>),
    /// What a device has not acked.
    Pending(Pending),
    /// The disk has no room; nothing has changed.
    NoRoom,
    /// The new epoch of ids.
    IdEpoch(u64),
    /// Nothing was claimed: ids up to this one are taken.
    IdsTaken(u64),
    /// Conversations, in the order of their ids.
    Conversations(Vec<ConversationId>),
    /// Last messages.
    Latest(Vec<(ConversationId, MessageId)>),
}

/// What a device has not acked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Pending {
    /// Copies in its inbox, in the order of conversation and seq.
    pub copies: Vec<Row>,
    /// Conversations whose timeline the device reads: its cursor, and the last seq it may see if
    /// its user has left.
    pub cursors: Vec<(ConversationId, Seq, Option<Seq>)>,
}
