//! What happened at the devices' edge: the only thing checkers may see of a run.
//!
//! The harness writes it, never a server node. An event is recorded at the instant at which it
//! became true for the user: an ack when the device read it, a show when the row was synced into
//! the device's own database.

use std::hash::{Hash, Hasher};

use im::client::Question;
use im::env::Nanos;
use im::model::{ClientMsgId, ConversationId, DeviceId, MessageId, SendKey, Seq, UserId};
use xxhash_rust::xxh3::Xxh3;

/// One thing that happened on one device.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Event {
    /// Virtual time.
    pub at: Nanos,
    /// The device.
    pub device: DeviceId,
    /// What happened.
    pub what: What,
}

/// What a user asks for. Each operation that is accepted takes one seq of its conversation.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// Open a conversation with these members (the asking user among them). Takes seq 1.
    Create(Vec<UserId>),
    /// Join it.
    Join,
    /// Leave it.
    Leave,
    /// Say something of that many bytes.
    Send(u32),
}

/// Kinds of events. `client_msg_id` is the device's own number of the operation; with the device's
/// user it is the idempotency key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum What {
    /// The device's login was acked. From its first login on a device is owed its rows.
    LoggedIn,
    /// The device's host crashed (it keeps its disk).
    Crashed,
    /// The device's host is back, with its disk.
    Restarted,
    /// The operation is synced into the device's database; from now on it may take effect.
    Invoked {
        /// The operation's number on its device.
        client_msg_id: ClientMsgId,
        /// Where it applies.
        conversation: ConversationId,
        /// What it asks for.
        operation: Operation,
        /// When the workload wanted it (open loop): latency counts from here.
        intended: Nanos,
    },
    /// The device sent the operation off, for the `attempt`-th time (from 1).
    Attempted {
        /// Which operation.
        client_msg_id: ClientMsgId,
        /// How often by now.
        attempt: u32,
    },
    /// The send ack: the operation is durable at this place.
    Acked {
        /// Which operation.
        client_msg_id: ClientMsgId,
        /// Its place in the conversation.
        seq: Seq,
        /// Its id in the cluster.
        message_id: MessageId,
    },
    /// The servers refused the operation for good: it has no effect, now or later.
    Refused {
        /// Which operation.
        client_msg_id: ClientMsgId,
        /// The servers' reason.
        reason: String,
    },
    /// The row was synced into the device's database.
    Shown {
        /// The conversation.
        conversation: ConversationId,
        /// Its place there.
        seq: Seq,
        /// Its id in the cluster.
        message_id: MessageId,
        /// Which operation it is.
        key: SendKey,
    },
    /// The answer to a question for rows came; what it brings is not synced yet.
    Answered {
        /// What was asked for.
        question: Question,
        /// Of which conversation.
        conversation: ConversationId,
        /// When it was asked for first.
        asked: Nanos,
        /// How many rows it brought.
        rows: u32,
    },
    /// At the end of the run: the device's own durable cursor, the last gap-free seq it has.
    Cursor {
        /// The conversation.
        conversation: ConversationId,
        /// The last seq of the gap-free prefix.
        seq: Seq,
    },
}

/// All events of a run, in the order of virtual time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct History {
    /// The events.
    pub events: Vec<Event>,
    /// False when the run was cut short (interrupted): what is missing then proves nothing.
    pub complete: bool,
    /// The time in which what is owed is promised; without it everything is due by the end.
    pub promised: Option<Promised>,
}

/// In which time what is owed is promised to be shown, and how much of it there was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promised {
    /// When everything had healed. What was accepted before is promised from here on.
    pub healed: Nanos,
    /// What is accepted is shown within this time: detection + largest backoff + one sync.
    pub within: Nanos,
    /// When the run ended.
    pub end: Nanos,
}

impl History {
    /// A hash over all events.
    pub fn digest(&self) -> u64 {
        let mut hasher = Xxh3::new();
        self.events.hash(&mut hasher);
        hasher.finish()
    }
}
