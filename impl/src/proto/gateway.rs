//! Calls to a gateway.

use serde::{Deserialize, Serialize};

use crate::call::Service;
use crate::model::{ConversationId, DeviceId, Row, Seq};

/// The gateways' service.
pub struct Gateway;

impl Service for Gateway {
    type Request = Vec<Push>;
    type Reply = ();
}

/// Something for devices that the gateway is believed to hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Push {
    /// The recipients.
    pub devices: Vec<DeviceId>,
    /// What they get.
    pub what: What,
}

/// What is pushed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum What {
    /// The row itself.
    Row(Row),
    /// That the conversation is at this seq; the device pulls.
    Head(ConversationId, Seq),
}

impl What {
    /// The place in a timeline that a delivery ack of this push covers.
    pub fn place(&self) -> (ConversationId, Seq) {
        match self {
            Self::Row(row) => (row.conversation, row.seq),
            Self::Head(conversation, seq) => (*conversation, *seq),
        }
    }
}
