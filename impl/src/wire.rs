//! Frames on a byte stream: a four-byte length, then a value in postcard.

use std::io;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// Frames larger than this are refused.
const FRAME_BYTES_MAX: usize = 64 << 20;

/// The receiving half of a stream of frames.
pub struct Frames<S>(FramedRead<ReadHalf<S>, LengthDelimitedCodec>);

/// The sending half of a stream of frames.
pub struct FrameSink<S>(FramedWrite<WriteHalf<S>, LengthDelimitedCodec>);

/// Splits a byte stream into its two halves of frames.
pub fn frames<S: AsyncRead + AsyncWrite>(stream: S) -> (Frames<S>, FrameSink<S>) {
    let codec = LengthDelimitedCodec::builder().max_frame_length(FRAME_BYTES_MAX).new_codec();
    let (read, write) = tokio::io::split(stream);
    (Frames(FramedRead::new(read, codec.clone())), FrameSink(FramedWrite::new(write, codec)))
}

impl<S: AsyncRead + AsyncWrite> Frames<S> {
    /// The next value. A clean end of the stream is `UnexpectedEof`, a malformed frame
    /// `InvalidData`.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let frame = self.0.next().await.ok_or(io::ErrorKind::UnexpectedEof)??;
        decode(&frame)
    }
}

impl<S: AsyncRead + AsyncWrite> FrameSink<S> {
    /// Sends one value.
    pub async fn send<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        self.0.send(encode(value)).await
    }

    /// Sends what comes from `queue` until the queue closes or the stream fails. What is ready at
    /// the same time leaves in one write.
    pub async fn drain<T: Serialize>(&mut self, queue: &mut mpsc::Receiver<T>) -> io::Result<()> {
        while let Some(first) = queue.recv().await {
            self.0.feed(encode(&first)).await?;
            while let Ok(next) = queue.try_recv() {
                self.0.feed(encode(&next)).await?;
            }
            SinkExt::<Bytes>::flush(&mut self.0).await?;
        }
        Ok(())
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
