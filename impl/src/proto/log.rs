//! Calls to the log broker.

use serde::{Deserialize, Serialize};

use super::commit;
use crate::call::Service;
use crate::model::{ConversationId, Row};

/// The log's service.
pub struct Log;

impl Service for Log {
    type Request = Request;
    type Reply = Reply;
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Append records, each with the producer's own rising number. Numbers that the producer has
    /// used in the partition before are dropped: producing is idempotent.
    Produce {
        /// The producer.
        producer: u32,
        /// The log partition.
        partition: u32,
        /// Numbered records.
        records: Vec<(u64, Row)>,
    },
    /// Records from an offset; waits a while when there are none.
    Fetch {
        /// The log partition.
        partition: u32,
        /// The first offset.
        offset: u64,
        /// At most so many.
        limit: usize,
    },
    /// A member of the consumer group is there; answered with its share of partitions.
    Beat {
        /// The member's node number.
        member: u32,
    },
    /// All records of the partition before `offset` are done.
    Commit {
        /// The log partition.
        partition: u32,
        /// The next offset.
        offset: u64,
        /// The generation of the assignment under which they were done.
        generation: u64,
    },
    /// Append records, whoever has them; repeats are appended again. Only the chat nodes of
    /// `im.commit = "dual"` ask for it.
    Publish {
        /// The log partition.
        partition: u32,
        /// Records.
        rows: Vec<Row>,
    },
    /// Where the log is the place of commits: decide on a conversation.
    Decide {
        /// Its log partition.
        partition: u32,
        /// Which one.
        conversation: ConversationId,
        /// What is asked.
        request: commit::Request,
    },
}

/// What the log answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Done, durably.
    Done,
    /// The assignment is outdated; nothing was committed.
    Stale,
    /// Records from the offset that was asked for.
    Records(Vec<Row>),
    /// The member's share.
    Assigned {
        /// Rises with every change of the group.
        generation: u64,
        /// Partitions, each with its committed offset.
        partitions: Vec<(u32, u64)>,
    },
    /// The disk has no room; nothing has changed.
    NoRoom,
    /// What was decided on a conversation.
    Decided(commit::Reply),
}
