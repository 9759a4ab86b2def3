//! A stream that counts what passes, for its host.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use im::env::Work;
use im::stats::Counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::{HostId, WorkDone};

/// What a host has done. It outlives its processes.
#[derive(Default, Debug)]
pub struct Tally {
    /// Polls of tasks.
    pub polls: Counter,
    /// How often the thread went to sleep; of hosts that share a thread, with the first.
    pub wakes: Counter,
    /// Writes that a stream took.
    pub packets_written: Counter,
    /// Reads that yielded bytes.
    pub packets_read: Counter,
    /// Bytes of such writes.
    pub bytes_written: Counter,
    /// Bytes of such reads.
    pub bytes_read: Counter,
    /// Connections dialled.
    pub dials: Counter,
    /// Heavy steps, in the order of [`Work::ALL`].
    pub work: [Counter; Work::ALL.len()],
}

impl Tally {
    /// The counts so far.
    pub fn so_far(&self) -> WorkDone {
        WorkDone {
            polls: self.polls.get(),
            wakes: self.wakes.get(),
            packets_written: self.packets_written.get(),
            packets_read: self.packets_read.get(),
            bytes_written: self.bytes_written.get(),
            bytes_read: self.bytes_read.get(),
            work: std::array::from_fn(|place| self.work[place].get()),
        }
    }
}

/// One end of a connection, as its engine sees it.
pub struct Line {
    /// Who dialled and who was; unknown to the end that accepted.
    pub hosts: Option<(HostId, HostId)>,
    reset: AtomicBool,
    /// Its process has ended, and may be in a poll that goes on.
    closed: AtomicBool,
    /// Two tasks may share a stream, one to read and one to write.
    reading: AtomicWaker,
    writing: AtomicWaker,
}

impl Line {
    pub fn new(hosts: Option<(HostId, HostId)>) -> Arc<Self> {
        let (reading, writing) = (AtomicWaker::new(), AtomicWaker::new());
        let [reset, closed] = [false, false].map(AtomicBool::new);
        Arc::new(Self { hosts, reset, closed, reading, writing })
    }

    /// The end gets an error at its next read or write. Returns whether it has not been reset before.
    pub fn reset(&self) -> bool {
        let first = !self.reset.swap(true, Ordering::Relaxed);
        self.reading.wake();
        self.writing.wake();
        first
    }

    /// The end's process is no more: nothing goes in or out.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.reset.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        match self.closed.load(Ordering::Relaxed) {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    }
}

/// A stream of a host.
pub struct HostStream<S> {
    inner: S,
    line: Arc<Line>,
    tally: Arc<Tally>,
}

impl<S> HostStream<S> {
    pub fn new(inner: S, line: Arc<Line>, tally: Arc<Tally>) -> Self {
        Self { inner, line, tally }
    }

    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HostStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.line.check()?;
        let before = into.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(cx, into);
        if result.is_pending() {
            self.line.reading.register(cx.waker());
        }
        let bytes = into.filled().len() - before;
        if bytes > 0 {
            self.tally.packets_read.add(1);
            self.tally.bytes_read.add(bytes as u64);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HostStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.check()?;
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        match result {
            Poll::Ready(Ok(written)) => {
                self.tally.packets_written.add(1);
                self.tally.bytes_written.add(written as u64);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.line.writing.register(cx.waker()),
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
