//! The fault points of the IM: moments in its programs at which a node can be killed.
//!
//! Only their names, and which role reaches them; where they stand is the IM's affair.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nodes::Role;

/// A moment in a node's program, named by what has just been done, or is being done.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// The chat node is about to ask the store to append.
    ChatAppending,
    /// The store has committed, and the chat node has not acked the send yet.
    ChatCommitted,
    /// The store has written to its log, and has not synced it.
    StoreAppended,
    /// The store has synced, and has not replied.
    StoreSynced,
    /// The log broker has synced, and has not replied.
    LogSynced,
    /// The dispatcher has fetched records, and has done nothing with them.
    DispatcherFetched,
    /// The dispatcher has handed out pushes, and has not committed its offset.
    DispatcherPushed,
    /// The gateway has pushed a row to a device.
    GatewayPushed,
    /// The gateway has stored delivery acks.
    GatewayAcksStored,
    /// The device has written to its database, and has not synced it.
    ClientWritten,
    /// The device has shown a row, and has not acked it.
    ClientShown,
}

impl Point {
    /// Every point, in the order of a message's path.
    pub const ALL: [Self; 11] = [
        Self::ChatAppending,
        Self::StoreAppended,
        Self::StoreSynced,
        Self::ChatCommitted,
        Self::LogSynced,
        Self::DispatcherFetched,
        Self::DispatcherPushed,
        Self::GatewayPushed,
        Self::ClientWritten,
        Self::ClientShown,
        Self::GatewayAcksStored,
    ];

    /// The name by which the engine and scenarios know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatAppending => "chat-appending",
            Self::ChatCommitted => "chat-committed",
            Self::StoreAppended => "store-appended",
            Self::StoreSynced => "store-synced",
            Self::LogSynced => "log-synced",
            Self::DispatcherFetched => "dispatcher-fetched",
            Self::DispatcherPushed => "dispatcher-pushed",
            Self::GatewayPushed => "gateway-pushed",
            Self::GatewayAcksStored => "gateway-acks-stored",
            Self::ClientWritten => "client-written",
            Self::ClientShown => "client-shown",
        }
    }
}

/// The role whose nodes reach the point.
pub const fn role_of(point: Point) -> Role {
    match point {
        Point::ChatAppending | Point::ChatCommitted => Role::Chat,
        Point::StoreAppended | Point::StoreSynced => Role::Store,
        Point::LogSynced => Role::Log,
        Point::DispatcherFetched | Point::DispatcherPushed => Role::Dispatcher,
        Point::GatewayPushed | Point::GatewayAcksStored => Role::Gateway,
        Point::ClientWritten | Point::ClientShown => Role::Device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_scenario_files() {
        for point in Point::ALL {
            assert_eq!(serde_json::to_value(point).expect("text"), point.name());
        }
    }
}
