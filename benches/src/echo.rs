//! What the two nodes of a pair do with their connection. It must not know the engine, so that
//! both engines carry the same bytes in the same writes.
//!
//! A *packet* is one application write of [`PACKET_BYTES`] that the other node has read, whole and
//! in one read. Both directions count; acknowledgements and handshakes do not.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of one write.
pub const PACKET_BYTES: usize = 256;
/// One-way latency of every link; the round trip takes twice as long.
pub const LATENCY_MS: u64 = 1;
/// The port that servers listen on.
pub const PORT: u16 = 7;

/// Packets delivered in one world. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Delivered(Rc<Cell<u64>>);

impl Delivered {
    /// Packets so far.
    pub fn get(&self) -> u64 {
        self.0.get()
    }

    fn add_one(&self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Sends numbered packets, each after the echo of the one before, until the connection fails.
pub async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    delivered: Delivered,
) -> io::Result<()> {
    let mut sent = [0x5a; PACKET_BYTES];
    let mut echoed = [0; PACKET_BYTES];
    for round in 0_u64.. {
        sent[..8].copy_from_slice(&round.to_le_bytes());
        stream.write_all(&sent).await?;
        read_packet(&mut stream, &mut echoed, &delivered).await?;
        assert_eq!(sent, echoed, "round {round}");
    }
    Ok(())
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
