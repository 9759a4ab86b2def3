//! Frames on a byte stream: a four-byte length (big-endian), then a value in postcard.
//!
//! Values are encoded into, and decoded from, the buffers of the stream. A connection that is silent has next
//! to none: a cluster has many more connections than are busy at a time.
//!
//! Each connection has one task, which reads. What is sent leaves at once, from the task that has something to
//! say, as far as the stream takes it; the connection's task writes the rest.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::env::{Env, Nanos, Work};

/// Frames larger than this are refused.
const FRAME_BYTES_MAX: usize = 64 << 20;
/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 4;
/// A read yields as many bytes as there are, up to this.
const READ_BYTES: usize = 8 << 10;
/// What a silent connection keeps of a buffer.
const KEPT_BYTES: usize = 512;

/// The receiving half of a stream of frames. The connection ends when it is dropped.
pub struct Frames<E: Env> {
    env: E,
    line: Rc<RefCell<Line<E>>>,
    /// What has been read, of which the first `taken` bytes are frames that have been taken.
    read: Vec<u8>,
    taken: usize,
}

/// The sending half of a stream of frames of one kind. Clones are handles to the same.
pub struct Outlet<E: Env, T> {
    env: E,
    line: Rc<RefCell<Line<E>>>,
    kind: PhantomData<fn(&T)>,
}

/// What both halves share.
struct Line<E: Env> {
    /// `None` when the connection has ended.
    stream: Option<E::Stream>,
    /// Frames that have not left yet, but for their first `written` bytes.
    frames: Vec<u8>,
    written: usize,
    /// How many bytes the stream has taken since it began.
    taken: u64,
    /// When bytes last came, or the connection began.
    heard: Nanos,
    /// Bytes that may wait before more is refused.
    limit: usize,
    /// The connection's task, which writes what the stream did not take.
    task: Option<Waker>,
}

/// Why a frame was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// Too much waits to leave at the moment.
    #[error("too much waits to leave")]
    Full,
    /// The connection has ended.
    #[error("the connection has ended")]
    Closed,
}

/// Splits a byte stream into its two halves of frames. What is sent is refused while `limit` bytes or more
/// wait to leave.
pub fn frames<E: Env, T: Serialize>(
    env: &E,
    stream: E::Stream,
    limit: usize,
) -> (Frames<E>, Outlet<E, T>) {
    let line = Rc::new(RefCell::new(Line {
        stream: Some(stream),
        frames: Vec::new(),
        written: 0,
        taken: 0,
        heard: env.now(),
        limit,
        task: None,
    }));
    let incoming = Frames { env: env.clone(), line: line.clone(), read: Vec::new(), taken: 0 };
    (incoming, Outlet { env: env.clone(), line, kind: PhantomData })
}

impl<E: Env> Frames<E> {
    /// The next value. An end of the stream is `UnexpectedEof`, a malformed frame `InvalidData`. A call
    /// that is given up loses nothing.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// See [`Frames::next`].
    pub fn poll_next<T: DeserializeOwned>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            if let Some(value) = self.take()? {
                return Poll::Ready(Ok(value));
            }
            if ready!(self.poll_read(cx))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Whether a part of a frame has come.
    pub fn is_amid_frame(&self) -> bool {
        self.taken < self.read.len()
    }

    /// The value of the next frame, if all of it has been read.
    fn take<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let unread = &self.read[self.taken..];
        let Some(end) = first_frame_end(unread)? else { return Ok(None) };
        let Some(frame) = unread.get(LENGTH_BYTES..end) else { return Ok(None) };
        self.env.work(Work::Decode, 1);
        self.env.work(Work::CodedByte, frame.len() as u64);
        let value = decode(frame)?;
        self.taken += end;
        Ok(Some(value))
    }

    /// Reads what there is, behind what is no whole frame yet; how many bytes.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.read.drain(..std::mem::take(&mut self.taken));
        if self.read.is_empty() {
            self.read.shrink_to(KEPT_BYTES);
        }
        let mut room = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut into = ReadBuf::uninit(&mut room);
        let mut line = self.line.borrow_mut();
        let stream = line.stream.as_mut().expect("it stands as long as this half");
        ready!(Pin::new(stream).poll_read(cx, &mut into))?;
        self.read.extend_from_slice(into.filled());
        line.heard = self.env.now();
        Poll::Ready(Ok(into.filled().len()))
    }
}

impl<E: Env> Drop for Frames<E> {
    fn drop(&mut self) {
        let mut line = self.line.borrow_mut();
        let stream = line.stream.take();
        line.frames = Vec::new();
        line.written = 0;
        line.task = None;
        drop(line);
        drop(stream);
    }
}

impl<E: Env, T> Clone for Outlet<E, T> {
    fn clone(&self) -> Self {
        Self { env: self.env.clone(), line: self.line.clone(), kind: PhantomData }
    }
}

impl<E: Env, T: Serialize> Outlet<E, T> {
    /// Sends one value: it leaves at once if the stream takes it.
    pub fn send(&self, value: &T) -> Result<(), Refused> {
        self.add(value)?;
        self.flush();
        Ok(())
    }

    /// Sends an answer, however much waits: there are no more answers than questions.
    pub fn answer(&self, value: &T) -> Result<(), Refused> {
        self.add_answer(value)?;
        self.flush();
        Ok(())
    }

    /// Puts one value behind those that wait to leave. Whoever adds some flushes before it awaits anything: then
    /// they leave together.
    pub fn add(&self, value: &T) -> Result<(), Refused> {
        if self.is_full() { Err(Refused::Full) } else { self.add_answer(value) }
    }

    /// As [`Outlet::add`], however much waits.
    pub fn add_answer(&self, value: &T) -> Result<(), Refused> {
        let mut line = self.line.borrow_mut();
        if line.stream.is_none() {
            return Err(Refused::Closed);
        }
        let length = line.add(value);
        self.env.work(Work::Encode, 1);
        self.env.work(Work::CodedByte, length as u64);
        Ok(())
    }

    /// Writes what the stream takes; the connection's task sees to the rest, and to errors.
    pub fn flush(&self) {
        let mut line = self.line.borrow_mut();
        let mut nobody = Context::from_waker(Waker::noop());
        if matches!(line.poll_write(&mut nobody), Poll::Ready(Ok(()))) {
            return;
        }
        let task = line.task.take();
        drop(line);
        task.into_iter().for_each(Waker::wake);
    }

    /// For the connection's task: writes what waits, and hears of what will. Ready only when the stream has
    /// failed.
    pub fn poll_rest(&self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut line = self.line.borrow_mut();
        if !line.task.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            line.task = Some(cx.waker().clone());
        }
        match line.poll_write(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(error),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    /// Whether so much waits to leave that more is refused.
    pub fn is_full(&self) -> bool {
        let line = self.line.borrow();
        line.backlog() >= line.limit
    }

    /// Where in the stream what was added so far ends, in bytes since it began.
    pub fn position(&self) -> u64 {
        let line = self.line.borrow();
        line.taken + line.backlog() as u64
    }

    /// Up to where the stream has taken it. What it took may still wait in it, behind what went before.
    pub fn written(&self) -> u64 {
        self.line.borrow().taken
    }

    /// Whether what ends there still waits to be taken by a stream that is open.
    pub fn waits(&self, position: u64) -> bool {
        let line = self.line.borrow();
        line.stream.is_some() && line.taken < position
    }

    /// Whether the connection has not ended.
    pub fn is_open(&self) -> bool {
        self.line.borrow().stream.is_some()
    }

    /// When the peer was last heard, be it a part of a frame: a large one may come slowly.
    pub fn heard(&self) -> Nanos {
        self.line.borrow().heard
    }

    /// How many bytes wait to leave.
    pub fn backlog(&self) -> usize {
        self.line.borrow().backlog()
    }
}

impl<E: Env> Line<E> {
    fn backlog(&self) -> usize {
        self.frames.len() - self.written
    }

    /// Encodes a value behind the others; returns its length.
    fn add<T: Serialize>(&mut self, value: &T) -> usize {
        if self.written > self.frames.len() / 2 {
            self.frames.drain(..self.written);
            self.written = 0;
        }
        let start = self.frames.len();
        self.frames.extend([0; LENGTH_BYTES]);
        self.frames = postcard::to_extend(value, std::mem::take(&mut self.frames))
            .expect("values of the protocol always encode");
        let length = self.frames.len() - start - LENGTH_BYTES;
        let told = u32::try_from(length).expect("a frame has less than 4 GiB");
        self.frames[start..][..LENGTH_BYTES].copy_from_slice(&told.to_be_bytes());
        length
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(())) };
        while self.written < self.frames.len() {
            let left = &self.frames[self.written..];
            match ready!(Pin::new(&mut *stream).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => {
                    self.written += count;
                    self.taken += count as u64;
                }
            }
        }
        self.written = 0;
        self.frames.clear();
        self.frames.shrink_to(KEPT_BYTES);
        Poll::Ready(Ok(()))
    }
}

/// Where the first frame ends, read or not; nothing before its length is there.
fn first_frame_end(read: &[u8]) -> io::Result<Option<usize>> {
    let Some(length) = read.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    match u32::from_be_bytes(*length) as usize {
        length if length > FRAME_BYTES_MAX => Err(io::ErrorKind::InvalidData.into()),
        length => Ok(Some(LENGTH_BYTES + length)),
    }
}

/// The value as postcard bytes.
pub fn encode<T: Serialize>(value: &T) -> Bytes {
    postcard::to_stdvec(value).expect("values of the protocol always encode").into()
}

/// The value in `bytes`; `InvalidData` when they hold another shape.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_where_its_length_says() {
        let end = |read: &[u8]| first_frame_end(read).map_err(|error| error.kind());
        assert_eq!(end(&[]), Ok(None));
        assert_eq!(end(&[0, 0, 1]), Ok(None), "its length is cut off");
        assert_eq!(end(&[0, 0, 1, 2]), Ok(Some(LENGTH_BYTES + 258)), "the rest is still to come");
        assert_eq!(end(&[0, 0, 0, 0, 9]), Ok(Some(LENGTH_BYTES)), "the next frame has begun");
        let largest = (FRAME_BYTES_MAX as u32).to_be_bytes();
        assert_eq!(end(&largest), Ok(Some(LENGTH_BYTES + FRAME_BYTES_MAX)));
        let larger = (FRAME_BYTES_MAX as u32 + 1).to_be_bytes();
        assert_eq!(end(&larger), Err(io::ErrorKind::InvalidData));
    }
}
