//! What a host of an idle cluster does: it tells every other host once a period that it lives. It
//! must not know the engine.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::echo::Delivered;

/// Bytes of one heartbeat.
pub const HEARTBEAT_BYTES: usize = 32;

/// Writes a heartbeat to every peer, then waits for the `next` period, until a connection fails.
pub async fn beat(
    mut peers: Vec<impl AsyncWrite + Unpin>,
    mut next: impl AsyncFnMut(),
) -> io::Result<()> {
    loop {
        for peer in &mut peers {
            peer.write_all(&[0x5a; HEARTBEAT_BYTES]).await?;
        }
        next().await;
    }
}

/// Reads the heartbeats of one peer until its connection fails.
pub async fn hear(mut peer: impl AsyncRead + Unpin, delivered: Delivered) -> io::Result<()> {
    let mut heartbeat = [0; HEARTBEAT_BYTES];
    loop {
        let count = peer.read(&mut heartbeat).await?;
        assert_eq!(count, HEARTBEAT_BYTES, "a heartbeat arrives whole");
        delivered.add_one();
    }
}
