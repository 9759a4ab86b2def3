//! Flags of commands, with the meaning that they have in the tables of Redis 7.0.

/// It changes data: replicas and the append-only file hear of it.
pub(crate) const WRITE: u32 = 1 << 0;
/// It reads data.
pub(crate) const READ: u32 = 1 << 1;
/// It is refused when memory is full and nothing may be evicted.
pub(crate) const DENY_OOM: u32 = 1 << 2;
/// It takes constant or logarithmic time.
pub(crate) const FAST: u32 = 1 << 3;
/// Scripts may not call it.
pub(crate) const NO_SCRIPT: u32 = 1 << 4;
/// It may not stand in a transaction.
pub(crate) const NO_MULTI: u32 = 1 << 5;
/// It may make its client wait.
pub(crate) const BLOCKING: u32 = 1 << 6;
/// It runs without authentication.
pub(crate) const NO_AUTH: u32 = 1 << 7;
/// It runs while a replica has lost its master and must not serve stale data.
pub(crate) const STALE: u32 = 1 << 8;
/// It runs while data is loaded.
pub(crate) const LOADING: u32 = 1 << 9;
/// It is for administrators.
pub(crate) const ADMIN: u32 = 1 << 10;
/// It may have effects that replicas must hear of although it writes no key.
pub(crate) const MAY_REPLICATE: u32 = 1 << 12;
/// Monitors are not told of it.
pub(crate) const SKIP_MONITOR: u32 = 1 << 13;
/// It belongs to publishing and subscribing.
pub(crate) const PUBSUB: u32 = 1 << 11;
