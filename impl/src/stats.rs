//! Counters that nodes keep of their own work, and how much waits in their queues. They belong to the
//! harness, which may read them from another thread; counters outlive a crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count that one thread raises and any thread reads.
#[derive(Default, Debug)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Raises the count. A load and a store, since only one thread ever does.
    pub fn add(&self, count: u64) {
        self.0.store(self.get() + count, Ordering::Relaxed);
    }
}

/// How much waits in a queue at the moment.
#[derive(Default, Debug)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// How much waits now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The queues of a node whose depth is told. A closed set, so that names are spelled in one place.
#[derive(Default, Debug)]
pub struct Queues {
    /// Operations that wait for their commit in a chat node; those under way do not count.
    pub operations: Gauge,
    /// Rows of a store shard that its relay has not brought into the log.
    pub outbox_rows: Gauge,
    /// Records of the log that no dispatcher has committed as done.
    pub log_records: Gauge,
    /// Pushes of a gateway that no device has acked, those that wait for their next try among them.
    pub pushes_unacked: Gauge,
}

impl Queues {
    /// Every depth with its name.
    pub fn all(&self) -> [(&'static str, u64); 4] {
        [
            ("operations", self.operations.get()),
            ("outbox_rows", self.outbox_rows.get()),
            ("log_records", self.log_records.get()),
            ("pushes_unacked", self.pushes_unacked.get()),
        ]
    }
}

/// Tells the depth of one queue, and 0 when the process with the queue is gone.
pub struct Depth {
    stats: Arc<Stats>,
    of: fn(&Queues) -> &Gauge,
}

impl Depth {
    /// Of this queue.
    pub fn new(stats: &Arc<Stats>, of: fn(&Queues) -> &Gauge) -> Self {
        let depth = Self { stats: stats.clone(), of };
        depth.set(0);
        depth
    }

    fn gauge(&self) -> &AtomicU64 {
        &(self.of)(&self.stats.queues).0
    }

    /// So much waits now.
    pub fn set(&self, depth: u64) {
        self.gauge().store(depth, Ordering::Relaxed);
    }

    /// So much more waits.
    pub fn rise(&self, by: u64) {
        self.set(self.gauge().load(Ordering::Relaxed) + by);
    }

    /// So much less waits.
    pub fn fall(&self, by: u64) {
        let before = self.gauge().load(Ordering::Relaxed);
        assert!(before >= by, "{by} left a queue of {before}");
        self.set(before - by);
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        self.set(0);
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// One node's counters.
        #[derive(Default, Debug)]
        pub struct Stats {
            $($(#[$doc])+ pub $name: Counter,)+
            /// How much waits in the node's queues.
            pub queues: Queues,
        }

        impl Stats {
            /// Every counter with its name.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get()),)+]
            }
        }
    };
}

counters! {
    /// Operations that reached a chat node.
    submits_received,
    /// Operations committed.
    commits,
    /// Operations recognised as repeats by a server.
    server_duplicates,
    /// Operations refused for good.
    refusals,
    /// Times a chat node took a conversation over.
    ownerships_taken,
    /// Ids taken from a counter in Redis.
    ids_from_redis,
    /// Locks on conversations taken.
    locks_taken,
    /// Locks on conversations that were asked for and not got.
    locks_not_taken,
    /// Locks on conversations renewed.
    locks_renewed,
    /// Tries for a lock on several masters that got some of them, but not most.
    lock_votes_split,
    /// Epochs of ids taken from the store.
    id_epochs,
    /// Times a counter in Redis was found below ids that had been claimed.
    id_counters_behind,
    /// Appends refused because another chat node owns the conversation.
    appends_fenced,
    /// Sync requests answered.
    syncs,
    /// Rows that sync answered from the recent-message cache.
    rows_from_cache,
    /// Rows that sync answered from the store.
    rows_from_store,
    /// Rows written to the store: timelines, inboxes, cursors, conversation lists.
    store_rows_written,
    /// Rows read from the store.
    store_rows_read,
    /// Bytes appended to write-ahead logs.
    wal_bytes,
    /// Disk syncs completed.
    fsyncs,
    /// Records that were refused because the disk had no room, or failed.
    appends_failed,
    /// Times a process ended itself because its disk had failed.
    fail_stops,
    /// Rows that a chat node committed in the store and could not bring into the log.
    rows_unpublished,
    /// Records appended to the log.
    log_records_appended,
    /// Records that the log recognised as repeats of the relay.
    log_duplicates,
    /// Records delivered to dispatchers.
    log_records_read,
    /// Rows expanded by dispatchers.
    rows_dispatched,
    /// Rows that dispatchers brought from the log into timelines, repeats included.
    rows_written_behind,
    /// Copies written into inboxes.
    inbox_copies,
    /// Member snapshots found in Redis.
    members_from_cache,
    /// Member snapshots asked of the store.
    members_from_store,
    /// Rows put into queues in Redis.
    rows_queued,
    /// Rows read from queues in Redis.
    rows_from_queue,
    /// Comparisons that a queue in Redis answered without the store's copies.
    comparisons_from_queue,
    /// Conversation lists that Redis had.
    lists_from_redis,
    /// Conversation lists asked of the store.
    lists_from_store,
    /// Sends that got no answer because their user had sent too many.
    sends_limited,
    /// Sends of which Redis did not say whether they are too many.
    limits_unknown,
    /// Pushes handed to gateways, one per device.
    pushes,
    /// Pushes not tried because the gateway was down or had no room; left to sync.
    pushes_left_to_sync,
    /// Pushes that reached a gateway without the device.
    pushes_stale,
    /// Frames with pushes that left for devices, tries after the first included.
    push_frames,
    /// Of the pushes in them, those with a row itself.
    rows_pushed,
    /// Tries of a push after its first.
    push_retries,
    /// Tries that there was no budget for: pushes of a conversation were left to sync instead.
    push_retries_denied,
    /// Pushes caused by a comparison of cursors.
    pushes_reconciled,
    /// Logins answered.
    logins,
    /// Connections of devices closed for silence.
    idle_closes,
    /// Commands sent to Redis.
    redis_commands,
    /// Commands to Redis that failed or were not tried because Redis was away.
    redis_failures,
    /// Round trips to Redis that failed, and of whose commands it is known what became.
    redis_failures_definite,
    /// Round trips to Redis of which nobody knows what became.
    redis_failures_indefinite,
    /// Tries of Redis commands after their first.
    redis_retries,
    /// Connections to Redis after a node's first.
    redis_reconnects,
    /// Rows a device received again and did not show again.
    device_duplicates,
    /// Rows a device held back because an earlier one was missing.
    rows_held_back,
    /// Sync requests of devices.
    sync_requests,
    /// Times a user opened a conversation.
    opens,
    /// Of these, the ones for which the device asked the servers: the others found all there is in its
    /// database.
    opens_asked,
    /// Answers to these that brought rows.
    opens_with_news,
    /// Conversation lists that came to a device.
    lists_received,
    /// Conversations that a device has rows of, and that a list with room for them left out.
    conversations_unlisted,
    /// Times a device lost its connection.
    disconnects,
}

/// Adds to a counter.
pub fn add(counter: &Counter, count: u64) {
    counter.add(count);
}

/// Adds one to a counter.
pub fn bump(counter: &Counter) {
    counter.add(1);
}
