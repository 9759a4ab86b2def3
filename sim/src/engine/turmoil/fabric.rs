//! Sockets of turmoil, and the simulator's disk.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use im::env::{Addr, Nanos};
use turmoil::net::{TcpListener, TcpStream};

use super::places;
use crate::engine::disk::{Disk, DiskFault, DiskProfile};
use crate::engine::process::Fabric;
use crate::engine::{HostId, rng};

/// What a host has beside its process.
pub struct TurmoilFabric {
    disk: Rc<RefCell<Disk>>,
    /// On which turmoil host each host lies.
    places: RefCell<Rc<[usize]>>,
}

impl TurmoilFabric {
    pub fn new(host: HostId, seed: u64, disk: DiskProfile) -> Self {
        let rng = rng::indexed(seed, "disk", u64::from(host));
        Self { disk: Rc::new(RefCell::new(Disk::new(disk, rng))), places: RefCell::default() }
    }

    /// Where everybody lies.
    pub fn know(&self, places: &Rc<[usize]>) {
        self.places.replace(places.clone());
    }

    pub fn lose_power(&self, torn: bool) -> u64 {
        self.disk.borrow_mut().lose_power(torn)
    }

    pub fn impose_on_disk(&self, fault: DiskFault) {
        self.disk.borrow_mut().impose(fault);
    }

    pub fn heal_disk(&self) -> u64 {
        self.disk.borrow_mut().heal()
    }
}

#[allow(clippy::disallowed_methods, reason = "turmoil lets tokio's clock show virtual time")]
async fn until(done: Nanos) {
    tokio::time::sleep(Duration::from_nanos(done.saturating_sub(now()))).await;
}

fn now() -> Nanos {
    let elapsed = turmoil::sim_elapsed().expect("programs run on turmoil's hosts");
    elapsed.as_nanos() as Nanos
}

impl Fabric for TurmoilFabric {
    type Stream = TcpStream;
    type Listener = TcpListener;

    fn now(&self) -> Nanos {
        now()
    }

    fn connect(
        &self,
        _: HostId,
        to: Addr,
    ) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        let place = self.places.borrow()[to.node as usize];
        async move { TcpStream::connect((places::name(place), to.port)).await }
    }

    fn listen(&self, on: Addr) -> io::Result<TcpListener> {
        let bound = TcpListener::bind((Ipv4Addr::UNSPECIFIED, on.port)).now_or_never();
        bound.expect("turmoil binds at once")
    }

    async fn accept(listener: &mut TcpListener) -> io::Result<TcpStream> {
        Ok(listener.accept().await?.0)
    }

    /// Turmoil has no keepalive.
    fn keep_alive(_: &TcpStream, _: Nanos) {}

    fn append(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.borrow_mut().append(file, bytes)
    }

    fn sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + 'static {
        let (disk, file) = (self.disk.clone(), file.to_owned());
        let sync = disk.borrow_mut().begin_sync(&file, now());
        async move {
            until(sync.done).await;
            disk.borrow_mut().finish_sync(&file, sync)
        }
    }

    fn read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        let (disk, file) = (self.disk.clone(), file.to_owned());
        let read = disk.borrow_mut().begin_read(&file, now());
        async move {
            until(read.done).await;
            disk.borrow_mut().finish_read(&file, read)
        }
    }

    fn truncate(&self, file: &str, len: u64) -> io::Result<()> {
        self.disk.borrow_mut().truncate(file, len as usize)
    }
}
