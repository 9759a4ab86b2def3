//! Frames on a byte stream: a four-byte length, then a value in postcard.

use std::io;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::env::{Env, Work};

/// Frames larger than this are refused.
const FRAME_BYTES_MAX: usize = 64 << 20;

/// The receiving half of a stream of frames.
pub struct Frames<E: Env> {
    env: E,
    framed: FramedRead<ReadHalf<E::Stream>, LengthDelimitedCodec>,
}

/// The sending half of a stream of frames.
pub struct FrameSink<E: Env> {
    env: E,
    framed: FramedWrite<WriteHalf<E::Stream>, LengthDelimitedCodec>,
}

/// Splits a byte stream into its two halves of frames.
pub fn frames<E: Env>(env: &E, stream: E::Stream) -> (Frames<E>, FrameSink<E>) {
    let codec = LengthDelimitedCodec::builder().max_frame_length(FRAME_BYTES_MAX).new_codec();
    let (read, write) = tokio::io::split(stream);
    let incoming = Frames { env: env.clone(), framed: FramedRead::new(read, codec.clone()) };
    let outgoing = FrameSink { env: env.clone(), framed: FramedWrite::new(write, codec) };
    (incoming, outgoing)
}

impl<E: Env> Frames<E> {
    /// The next value. A clean end of the stream is `UnexpectedEof`, a malformed frame
    /// `InvalidData`.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let frame = self.framed.next().await.ok_or(io::ErrorKind::UnexpectedEof)??;
        self.env.work(Work::Decode, 1);
        self.env.work(Work::CodedByte, frame.len() as u64);
        decode(&frame)
    }
}

impl<E: Env> FrameSink<E> {
    /// Sends one value.
    pub async fn send<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let frame = self.encode(value);
        self.framed.send(frame).await
    }

    /// Sends what comes from `queue` until the queue closes or the stream fails. What is ready at
    /// the same time leaves in one write.
    pub async fn drain<T: Serialize>(&mut self, queue: &mut mpsc::Receiver<T>) -> io::Result<()> {
        while let Some(first) = queue.recv().await {
            let frame = self.encode(&first);
            self.framed.feed(frame).await?;
            while let Ok(next) = queue.try_recv() {
                let frame = self.encode(&next);
                self.framed.feed(frame).await?;
            }
            SinkExt::<Bytes>::flush(&mut self.framed).await?;
        }
        Ok(())
    }

    fn encode<T: Serialize>(&self, value: &T) -> Bytes {
        let frame = encode(value);
        self.env.work(Work::Encode, 1);
        self.env.work(Work::CodedByte, frame.len() as u64);
        frame
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
