//! Hosts whose programs run on tokio: what the `turmoil` and the `live` engine have in common.
//!
//! A [`Host`] is switched on for good and has at most one process, which is a set of tasks that is
//! dropped as a whole when the process dies. What differs between the engines is the [`Fabric`]: its
//! sockets, its clock and its disks. In reading order: `host` (the process and what is done to it),
//! `gate` (tasks that may be held), `points` (fault points), `stream` (what a host counts), `env`
//! (what programs see).

mod env;
mod gate;
mod host;
mod points;
mod stream;

use std::future::Future;
use std::io;

use im::env::{Addr, Nanos};
use tokio::io::{AsyncRead, AsyncWrite};

use super::HostId;

pub use env::HostEnv;
pub use host::{Boot, Host, Machine, Notice};
pub use stream::Tally;

/// The sockets, the clock and the disk of one host.
pub trait Fabric: Sized + 'static {
    /// A connected byte stream.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// A listening port.
    type Listener: 'static;

    /// Time since the world began.
    fn now(&self) -> Nanos;

    /// Dials; see [`im::env::Env::connect`].
    fn connect(
        &self,
        from: HostId,
        to: Addr,
    ) -> impl Future<Output = io::Result<Self::Stream>> + 'static;

    /// Listens; see [`im::env::Env::listen`].
    fn listen(&self, on: Addr) -> io::Result<Self::Listener>;

    /// Waits for the next connection.
    fn accept(listener: &mut Self::Listener) -> impl Future<Output = io::Result<Self::Stream>>;

    /// See [`im::env::Env::keep_alive`].
    fn keep_alive(stream: &Self::Stream, silence: Nanos);

    /// See [`im::env::Env::disk_append`].
    fn append(&self, file: &str, bytes: &[u8]) -> io::Result<()>;

    /// See [`im::env::Env::disk_sync`].
    fn sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + 'static;

    /// See [`im::env::Env::disk_read`].
    fn read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static;

    /// See [`im::env::Env::disk_truncate`].
    fn truncate(&self, file: &str, len: u64) -> io::Result<()>;
}
