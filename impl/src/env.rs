//! What a node may ask of the outside world, as one small trait.
//!
//! Everything a node does outside its own memory goes through [`Env`]. A node is single-threaded:
//! its tasks share `Rc`s and never locks, and capacity comes from more nodes. This module must not
//! know which engine stands behind the trait.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::points::Point;

/// A point or length of monotonic time, in nanoseconds.
pub type Nanos = u64;

/// Where a node listens. Each engine maps it to a host name or an IP address of its own.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
pub struct Addr {
    /// The node's number, unique in its cluster.
    pub node: u32,
    /// The port on that node.
    pub port: u16,
}

/// A step that costs a node noticeable processor time beside polls and system calls. Real engines
/// burn that time by themselves; simulated ones price it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Work {
    /// A value encoded into a frame or a record.
    Encode,
    /// A value decoded from a frame or a record.
    Decode,
    /// Each byte of such a value.
    CodedByte,
    /// A record appended to a write-ahead log, its system call included.
    JournalRecord,
    /// Each byte of such a record.
    JournalByte,
    /// A sync that is asked for, without the device's time.
    JournalSync,
    /// An operation that a chat node decides.
    Operation,
    /// A row that the store writes or reads.
    StoreRow,
    /// A record that the log takes in or hands out.
    LogRecord,
    /// A recipient of a row that a dispatcher addresses.
    Recipient,
    /// A push to a device that a gateway looks up and keeps until its ack.
    Push,
    /// A command that Redis runs.
    RedisCommand,
}

impl Work {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 12] = [
        Self::Encode,
        Self::Decode,
        Self::CodedByte,
        Self::JournalRecord,
        Self::JournalByte,
        Self::JournalSync,
        Self::Operation,
        Self::StoreRow,
        Self::LogRecord,
        Self::Recipient,
        Self::Push,
        Self::RedisCommand,
    ];
}

/// A handle to a spawned task. Dropping it detaches the task.
pub trait TaskHandle: 'static {
    /// Stops the task; its future is dropped before it is polled again.
    fn abort(self);
}

/// What a node may ask of the outside world.
///
/// Clones are handles to the same host. Streams are ordered bytes with flow control and fail with
/// the errors of kernel sockets (`ConnectionReset`, `ConnectionRefused`, `TimedOut`, …).
pub trait Env: Clone + 'static {
    /// A connected byte stream. `Send` only because the Redis client asks for it.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// A listening port; dropping it closes the port.
    type Listener: 'static;
    /// See [`TaskHandle`].
    type Task: TaskHandle;
    /// A pending sleep.
    type Sleep: Future<Output = ()> + 'static;

    /// Opens a stream to `to`. Fails with `ConnectionRefused` when nobody listens there and with
    /// `TimedOut` when nobody answers for as long as the engine retries (minutes: bound it with
    /// [`Env::timeout`]).
    fn connect(&self, to: Addr) -> impl Future<Output = io::Result<Self::Stream>> + 'static;

    /// Starts to listen on `port` of this host. Fails with `AddrInUse`.
    fn listen(&self, port: u16) -> io::Result<Self::Listener>;

    /// Waits for the next connection.
    fn accept(
        &self,
        listener: &mut Self::Listener,
    ) -> impl Future<Output = io::Result<Self::Stream>>;

    /// From now on the stream fails with `TimedOut` once nothing has been heard of its peer's
    /// machine for about `silence`, although it was asked: by probes while nothing is under way, by
    /// retransmissions otherwise.
    fn keep_alive(&self, stream: &Self::Stream, silence: Nanos);

    /// Runs `task` on this host until it ends, is aborted, or the host crashes.
    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Self::Task;

    /// Monotonic time since the world began.
    fn now(&self) -> Nanos;

    /// This host's wall clock, in milliseconds since the Unix epoch. It may be wrong, and may step.
    fn wall_ms(&self) -> u64;

    /// Completes once [`Env::now`] has reached `at`.
    fn sleep_until(&self, at: Nanos) -> Self::Sleep;

    /// A random number from this host's own stream.
    fn rand_u64(&self) -> u64;

    /// Appends to a file of this host's disk, creating it when absent. The bytes can be read back
    /// at once, survive a crash of the process, and are lost with the machine's power unless a
    /// later [`Env::disk_sync`] of the file completed; a part of them may then be left, damaged or
    /// not. Fails with `StorageFull`, or with another error when the disk does not work. After a
    /// failure some of the bytes may stand at the end of the file: the caller cuts them off.
    fn disk_append(&self, file: &str, bytes: &[u8]) -> io::Result<()>;

    /// Completes once all bytes appended to `file` before the call survive a loss of power. After a
    /// failure nobody knows what the file holds behind the last sync that succeeded, and a later
    /// sync that succeeds says nothing of it: see [`Env::fail_stop`].
    fn disk_sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + 'static;

    /// The whole file; empty when it does not exist.
    fn disk_read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static;

    /// Cuts the file to `len` bytes (to drop a torn tail).
    fn disk_truncate(&self, file: &str, len: u64) -> io::Result<()>;

    /// Declares `count` heavy steps that the running task does now. What a node does must not
    /// depend on it.
    fn work(&self, work: Work, count: u64) {
        let _ = (work, count);
    }

    /// Ends this process, because going on could break a promise; `why` is for the operator. Its
    /// supervisor starts it again after a while. The process ends at the call; the future never
    /// completes, so that whoever awaits it goes no further.
    fn fail_stop(&self, why: &str) -> impl Future<Output = Infallible> + 'static;

    /// The program has come to a fault point. Completes at once, unless somebody waits for the
    /// program there.
    fn point(&self, point: Point) -> impl Future<Output = ()> + 'static {
        let _ = point;
        std::future::ready(())
    }

    /// Sleeps for `span` nanoseconds.
    fn sleep(&self, span: Nanos) -> Self::Sleep {
        self.sleep_until(self.now().saturating_add(span))
    }

    /// A uniform number in `0..bound` (`bound > 0`). The bias is below `bound / 2^64`.
    fn rand_below(&self, bound: u64) -> u64 {
        ((u128::from(self.rand_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Runs `work` for at most `span` nanoseconds; `None` when the time is up. When both are ready
    /// at the same instant the work wins.
    fn timeout<F: Future>(&self, span: Nanos, work: F) -> impl Future<Output = Option<F::Output>> {
        let clock = self.sleep(span);
        async move { race(work, clock).await }
    }
}

/// Polls `work` before `clock`, always in that order; `None` when the clock won.
async fn race<F: Future>(work: F, clock: impl Future<Output = ()>) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut clock = pin!(clock);
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        Pin::as_mut(&mut clock).poll(cx).map(|()| None)
    })
    .await
}
