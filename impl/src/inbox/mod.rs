//! Per-member inboxes of write fan-out: one storage scheme per file.

mod copy_until_ack;

pub use copy_until_ack::CopyUntilAck;
