//! Fault points: named places in the programs at which a process may be made to die.
//!
//! A program says where it stands with [`crate::env::Env::point`]. That costs nothing unless
//! somebody waits for it. This module must not know who waits, nor what for.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! points {
    ($($(#[$doc:meta])+ $point:ident = $name:literal,)+) => {
        /// A place in a program between two steps that a crash may part.
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Point {
            $($(#[$doc])+ $point,)+
        }

        impl Point {
            /// Every point, along the path of a message.
            pub const ALL: &[Self] = &[$(Self::$point,)+];

            /// The point's name in scenarios and records.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)+
                }
            }
        }
    };
}

points! {
    /// Chat: rows have their seqs and ids; nobody has been asked to append them.
    ChatAppending = "chat-appending",
    /// Store: a change is applied and written; it is not synced.
    StoreAppended = "store-appended",
    /// Store: a change is synced; the reply has not left.
    StoreSynced = "store-synced",
    /// Chat: the rows are committed; nobody has been acked. With dual writes: nor are they in the log.
    ChatCommitted = "chat-committed",
    /// Log: records are synced; the producer has no reply.
    LogSynced = "log-synced",
    /// Dispatcher: records are fetched; nothing is done with them.
    DispatcherFetched = "dispatcher-fetched",
    /// Dispatcher: copies are written and pushes have left for gateways; the offset is not committed.
    DispatcherPushed = "dispatcher-pushed",
    /// Gateway: pushes have left for their devices; the dispatcher has no reply.
    GatewayPushed = "gateway-pushed",
    /// Gateway: a batch of delivery acks is stored.
    GatewayAcksStored = "gateway-acks-stored",
    /// Device: rows are written into the database; they are not synced.
    ClientWritten = "client-written",
    /// Device: rows are shown; the delivery ack has not left.
    ClientShown = "client-shown",
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|point| point.name() == text);
        found.copied().ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(|point| format!("`{point}`")).collect();
            format!("`{text}` is no fault point; the points are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_scenarios_and_lead_back() {
        for point in Point::ALL {
            let quoted = format!("\"{}\"", point.name());
            let schema = schemars::schema_for!(Point).to_value().to_string();
            assert!(schema.contains(&quoted), "serde calls {point:?} otherwise than {quoted}");
            assert_eq!(point.name().parse(), Ok(*point));
        }
        let unknown = "chat-comitted".parse::<Point>().expect_err("misspelt");
        assert!(unknown.contains("`chat-committed`"), "{unknown}");
    }
}
