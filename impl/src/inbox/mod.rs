//! Per-member inboxes of write fan-out: one storage scheme per file.

mod copy_until_ack;
mod redis_queue;

pub use copy_until_ack::CopyUntilAck;
pub use redis_queue::RedisQueue;
