//! Loopback sockets, the machine's clock, and files.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use im::env::{Addr, Nanos};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use super::files::FileDisk;
use super::relay::Dialler;
use crate::engine::process::Fabric;
use crate::engine::rng::Stream;
use crate::engine::{DiskFault, HostId};

/// What all hosts share: the one clock, and where everybody listens.
pub struct Shared {
    origin: Instant,
    ports: Mutex<BTreeMap<Addr, u16>>,
    /// The world ends: nobody need be found any more.
    pub ending: AtomicBool,
}

impl Shared {
    pub fn new() -> Self {
        Self { origin: Instant::now(), ports: Mutex::default(), ending: AtomicBool::new(false) }
    }

    pub fn now(&self) -> Nanos {
        self.origin.elapsed().as_nanos() as Nanos
    }

    /// The socket that listens for `to`, if one does.
    pub fn lookup(&self, to: Addr) -> Option<SocketAddr> {
        if self.ending.load(Ordering::Relaxed) {
            return None;
        }
        let port = *self.ports.lock().expect("no holder panics").get(&to)?;
        Some((Ipv4Addr::LOCALHOST, port).into())
    }
}

/// What a host has beside its process.
pub struct LiveFabric {
    shared: Arc<Shared>,
    disk: FileDisk,
    /// Without it connections are direct.
    dialler: Option<Dialler>,
}

impl LiveFabric {
    pub fn new(shared: Arc<Shared>, disk: PathBuf, dialler: Option<Dialler>) -> Self {
        let opened = FileDisk::new(disk.clone());
        let disk = opened.unwrap_or_else(|error| panic!("no folder {}: {error}", disk.display()));
        Self { shared, disk, dialler }
    }

    pub fn lose_power(&self, torn: bool, rng: &mut Stream) -> u64 {
        self.disk.lose_power(torn, rng)
    }

    pub fn impose_on_disk(&self, fault: DiskFault) {
        self.disk.impose(fault);
    }

    pub fn heal_disk(&self) -> u64 {
        self.disk.heal()
    }
}

/// A listening port; dropping it closes the port.
pub struct LiveListener {
    inner: TcpListener,
    on: Addr,
    shared: Arc<Shared>,
}

impl Drop for LiveListener {
    fn drop(&mut self) {
        self.shared.ports.lock().expect("no holder panics").remove(&self.on);
    }
}

/// Dials a socket. What is written is sent at once.
pub async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Fabric for LiveFabric {
    type Stream = TcpStream;
    type Listener = LiveListener;

    fn now(&self) -> Nanos {
        self.shared.now()
    }

    fn connect(
        &self,
        from: HostId,
        to: Addr,
    ) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        let (shared, dialler) = (self.shared.clone(), self.dialler.clone());
        async move {
            if let Some(dialler) = dialler {
                return dialler.dial(from, to).await;
            }
            let to = shared.lookup(to).ok_or(io::ErrorKind::ConnectionRefused)?;
            connect(to).await
        }
    }

    fn listen(&self, on: Addr) -> io::Result<LiveListener> {
        let mut ports = self.shared.ports.lock().expect("no holder panics");
        if ports.contains_key(&on) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let inner = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        inner.set_nonblocking(true)?;
        let inner = TcpListener::from_std(inner)?;
        ports.insert(on, inner.local_addr()?.port());
        Ok(LiveListener { inner, on, shared: self.shared.clone() })
    }

    async fn accept(listener: &mut LiveListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.inner.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn keep_alive(stream: &TcpStream, silence: Nanos) {
        let silence = Duration::from_nanos(silence);
        let socket = SockRef::from(stream);
        let probes = TcpKeepalive::new().with_time(silence * 2 / 5).with_interval(silence / 5);
        // A socket that is dead by now tells so at its next use.
        let _ = socket.set_tcp_keepalive(&probes.with_retries(3));
        #[cfg(target_os = "linux")]
        let _ = socket.set_tcp_user_timeout(Some(silence));
    }

    fn append(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.append(file, bytes)
    }

    fn sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + 'static {
        self.disk.sync(file)
    }

    fn read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        self.disk.read(file)
    }

    fn truncate(&self, file: &str, len: u64) -> io::Result<()> {
        self.disk.truncate(file, len)
    }
}
