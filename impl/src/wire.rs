//! Frames on a byte stream: a four-byte length (big-endian), then a value in postcard.
//!
//! Values are encoded into, and decoded from, the buffers of the stream. A connection that is silent has next
//! to none: a cluster has many more connections than are busy at a time.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio_util::io::poll_read_buf;

use crate::env::{Env, Work};
use crate::queue;

/// Frames larger than this are refused.
const FRAME_BYTES_MAX: usize = 64 << 20;
/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 4;
/// A read yields as many bytes as there are, up to this.
const READ_BYTES: usize = 8 << 10;
/// Frames that are ready together leave in writes of about this size.
const WRITE_BYTES: usize = 8 << 10;
/// What a silent connection keeps of its buffer for writing.
const KEPT_BYTES: usize = 512;

/// The receiving half of a stream of frames.
pub struct Frames<E: Env> {
    env: E,
    stream: ReadHalf<E::Stream>,
    /// What has been read and is no whole frame yet.
    read: BytesMut,
}

/// The sending half of a stream of frames.
pub struct FrameSink<E: Env> {
    env: E,
    stream: WriteHalf<E::Stream>,
    /// Frames that have not left yet, but for their first `written` bytes.
    frames: Vec<u8>,
    written: usize,
}

/// Splits a byte stream into its two halves of frames.
pub fn frames<E: Env>(env: &E, stream: E::Stream) -> (Frames<E>, FrameSink<E>) {
    let (read, write) = tokio::io::split(stream);
    let incoming = Frames { env: env.clone(), stream: read, read: BytesMut::new() };
    let outgoing = FrameSink { env: env.clone(), stream: write, frames: Vec::new(), written: 0 };
    (incoming, outgoing)
}

impl<E: Env> Frames<E> {
    /// The next value. An end of the stream is `UnexpectedEof`, a malformed frame `InvalidData`. A call
    /// that is given up loses nothing.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        loop {
            if let Some(value) = self.take()? {
                return Ok(value);
            }
            if poll_fn(|cx| self.poll_read(cx)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The value of the first frame, if all of it has been read.
    fn take<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let Some(end) = first_frame_end(&self.read)? else { return Ok(None) };
        let Some(frame) = self.read.get(LENGTH_BYTES..end) else {
            self.read.reserve(end - self.read.len());
            return Ok(None);
        };
        self.env.work(Work::Decode, 1);
        self.env.work(Work::CodedByte, frame.len() as u64);
        let value = decode(frame)?;
        self.read.advance(end);
        Ok(Some(value))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.read.reserve(READ_BYTES);
        let polled = poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.read);
        if polled.is_pending() && self.read.is_empty() {
            self.read = BytesMut::new();
        }
        polled
    }
}

impl<E: Env> FrameSink<E> {
    /// Sends one value.
    pub async fn send<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        self.add(value);
        self.flush().await
    }

    /// Sends what comes from `queue` until the queue closes or the stream fails. What is ready at
    /// the same time leaves in one write.
    pub async fn drain<T: Serialize>(&mut self, queue: &mut queue::Receiver<T>) -> io::Result<()> {
        while let Some(first) = queue.recv().await {
            self.add(&first);
            while let Some(next) = queue.try_recv() {
                if self.frames.len() >= WRITE_BYTES {
                    self.flush().await?;
                }
                self.add(&next);
            }
            self.flush().await?;
        }
        Ok(())
    }

    fn add<T: Serialize>(&mut self, value: &T) {
        let start = self.frames.len();
        self.frames.extend([0; LENGTH_BYTES]);
        self.frames = postcard::to_extend(value, std::mem::take(&mut self.frames))
            .expect("values of the protocol always encode");
        let length = self.frames.len() - start - LENGTH_BYTES;
        let told = u32::try_from(length).expect("a frame has less than 4 GiB");
        self.frames[start..][..LENGTH_BYTES].copy_from_slice(&told.to_be_bytes());
        self.env.work(Work::Encode, 1);
        self.env.work(Work::CodedByte, length as u64);
    }

    /// Writes what has not left. A call that is given up leaves the rest to the next one.
    async fn flush(&mut self) -> io::Result<()> {
        while self.written < self.frames.len() {
            let left = &self.frames[self.written..];
            let stream = &mut self.stream;
            let count = poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, left)).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.written += count;
        }
        self.written = 0;
        self.frames.clear();
        self.frames.shrink_to(KEPT_BYTES);
        self.stream.flush().await
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
