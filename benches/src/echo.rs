//! What the two ends of an echoing connection do. It must not know the engine, so that every engine
//! carries the same bytes in the same writes.
//!
//! A *packet* is one application write of [`PACKET_BYTES`] that the other node has read, whole and
//! in one read. Both directions count; acknowledgements and handshakes do not.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of one write.
pub const PACKET_BYTES: usize = 256;

/// Packets delivered in one world. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Delivered(Rc<Cell<u64>>);

impl Delivered {
    /// Packets so far.
    pub fn get(&self) -> u64 {
        self.0.get()
    }

    pub(crate) fn add_one(&self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Sends numbered packets, each after the echo of the one before and a `pause`, until the
/// connection fails.
pub async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut pause: impl AsyncFnMut(),
    delivered: Delivered,
) -> io::Result<()> {
    for round in 0_u64.. {
        ask_once(&mut stream, round, &delivered).await?;
        pause().await;
    }
    Ok(())
}

/// Sends one packet, reads its echo, and waits for more, which never comes.
pub async fn ask_and_idle(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    delivered: Delivered,
) -> io::Result<()> {
    ask_once(&mut stream, 0, &delivered).await?;
    let byte = stream.read_u8().await?;
    unreachable!("the server sent {byte} unasked");
}

/// Sends every packet back until the connection fails.
pub async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    delivered: Delivered,
) -> io::Result<()> {
    let mut buffer = [0; PACKET_BYTES];
    loop {
        read_packet(&mut stream, &mut buffer, &delivered).await?;
        stream.write_all(&buffer).await?;
    }
}

async fn ask_once(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    round: u64,
    delivered: &Delivered,
) -> io::Result<()> {
    let mut sent = [0x5a; PACKET_BYTES];
    let mut echoed = [0; PACKET_BYTES];
    sent[..8].copy_from_slice(&round.to_le_bytes());
    stream.write_all(&sent).await?;
    read_packet(stream, &mut echoed, delivered).await?;
    assert_eq!(sent, echoed, "round {round}");
    Ok(())
}

async fn read_packet(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut [u8; PACKET_BYTES],
    delivered: &Delivered,
) -> io::Result<()> {
    let count = stream.read(buffer).await?;
    assert_eq!(count, PACKET_BYTES, "a packet arrives whole");
    delivered.add_one();
    Ok(())
}
