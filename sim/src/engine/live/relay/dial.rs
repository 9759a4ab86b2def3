//! How nodes get a connection through the relays: both sides of the dial. It must not know what is
//! carried later.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use im::env::Addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;
use crate::engine::HostId;

/// A handle with which nodes dial through the relays.
#[derive(Clone, Debug)]
pub struct Dialler {
    relay: SocketAddr,
}

impl Dialler {
    pub(super) fn new(relay: SocketAddr) -> Self {
        Self { relay }
    }

    /// Opens a connection from a host to an address. Fails with `ConnectionRefused` when nobody
    /// listens there, and waits while the two are cut off from each other, as lost SYNs would.
    /// Giving it up takes the dial back.
    pub fn dial(
        &self,
        from: HostId,
        to: Addr,
    ) -> impl Future<Output = io::Result<TcpStream>> + Send + use<> {
        let relay = self.relay;
        async move {
            let mut leg = TcpStream::connect(relay).await?;
            leg.set_nodelay(true)?;
            leg.write_all(&preamble(from, to)).await?;
            match leg.read_u8().await {
                Ok(CONNECTED) => Ok(leg),
                Ok(REFUSED) => Err(io::ErrorKind::ConnectionRefused.into()),
                Ok(_) => Err(io::Error::other("the relay could not connect")),
                Err(_) => Err(io::ErrorKind::ConnectionReset.into()),
            }
        }
    }
}

/// What the dialler hears before anything else.
const CONNECTED: u8 = 0;
const REFUSED: u8 = 1;
const FAILED: u8 = 2;

const PREAMBLE_BYTES: usize = 10;

/// What the dialler says before anything else.
fn preamble(from: HostId, to: Addr) -> [u8; PREAMBLE_BYTES] {
    let mut bytes = [0; PREAMBLE_BYTES];
    bytes[..4].copy_from_slice(&from.to_be_bytes());
    bytes[4..8].copy_from_slice(&to.node.to_be_bytes());
    bytes[8..].copy_from_slice(&to.port.to_be_bytes());
    bytes
}

pub async fn read_preamble(leg: &mut TcpStream) -> io::Result<(HostId, Addr)> {
    let from = leg.read_u32().await?;
    let to = Addr { node: leg.read_u32().await?, port: leg.read_u16().await? };
    Ok((from, to))
}

/// Completes when the dialler no longer waits; it says nothing before its dial is answered.
pub async fn given_up(leg: &TcpStream) {
    let _ = leg.peek(&mut [0]).await;
}

/// Dials the real target, once a SYN would get there and its answer back.
pub async fn connect(shared: &Shared, from: HostId, to: Addr) -> io::Result<TcpStream> {
    let (there, back) = ((from, to.node), (to.node, from));
    shared.conditions.hold(&[there, back]).await;
    let delay = shared.conditions.delay(&[there, back]);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
        shared.conditions.hold(&[there, back]).await;
    }
    let Some(target) = (shared.lookup)(to) else {
        return Err(io::ErrorKind::ConnectionRefused.into());
    };
    let leg = TcpStream::connect(target).await?;
    leg.set_nodelay(true)?;
    Ok(leg)
}

/// Tells the dialler how its dial went.
pub async fn answer<T>(leg: &mut TcpStream, dialled: &io::Result<T>) -> io::Result<()> {
    let status = match dialled {
        Ok(_) => CONNECTED,
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => REFUSED,
        Err(_) => FAILED,
    };
    leg.set_nodelay(true)?;
    leg.write_all(&[status]).await
}
