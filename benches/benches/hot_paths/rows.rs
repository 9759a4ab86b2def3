//! Rows of one conversation, as the benchmarks of nodes need them.

use bytes::Bytes;
use im::model::{
    Body, ClientMsgId, ConversationId, Delivery, DeviceId, MessageId, Row, SendKey, Seq, UserId,
};

/// The conversation of all rows.
pub const CONVERSATION: ConversationId = ConversationId(1);
/// Its members.
pub const MEMBERS: u32 = 100;
/// What a message says, in bytes.
const CONTENT_BYTES: usize = 256;

/// Every member of the conversation.
pub fn members() -> Vec<UserId> {
    (0..MEMBERS).map(UserId).collect()
}

/// The only device of each member.
pub fn devices() -> impl Iterator<Item = DeviceId> {
    (0..MEMBERS).map(|user| DeviceId { user: UserId(user), index: 0 })
}

/// The row with which the conversation begins.
pub fn created() -> Row {
    row(1, Delivery::Write, Body::Created(members()))
}

/// A message.
pub fn message(seq: Seq, delivery: Delivery) -> Row {
    row(seq, delivery, Body::Content(Bytes::from(vec![0x5a; CONTENT_BYTES])))
}

fn row(seq: Seq, delivery: Delivery, body: Body) -> Row {
    Row {
        conversation: CONVERSATION,
        seq,
        message_id: MessageId(seq),
        key: SendKey { sender: UserId(0), client_msg_id: ClientMsgId(seq) },
        delivery,
        members_version: 1,
        body,
    }
}
