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

use super::links::Cuts;
use super::places;
use crate::engine::disk::{Disk, DiskFault, DiskProfile};
use crate::engine::process::Fabric;
use crate::engine::{HostId, rng};

/// How long a dialler waits for the answer to its first SYN and, twice as long each time, to later
/// ones; and how long to the last one. Source: Linux, `tcp_syn_retries` = 6.
const SYN_WAIT: Nanos = 1_000_000_000;
const SYN_WAIT_MAX: Nanos = SYN_WAIT << 6;

/// What a host has beside its process.
pub struct TurmoilFabric {
    disk: Rc<RefCell<Disk>>,
    /// On which turmoil host each host lies.
    places: RefCell<Rc<[usize]>>,
    cuts: Cuts,
}

impl TurmoilFabric {
    pub fn new(host: HostId, seed: u64, disk: DiskProfile, cuts: Cuts) -> Self {
        let rng = rng::indexed(seed, "disk", u64::from(host));
        let disk = Rc::new(RefCell::new(Disk::new(disk, rng)));
        Self { disk, places: RefCell::default(), cuts }
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

    /// Turmoil refuses at once what a cut swallows, and sends its SYN-ACKs past all cuts; here
    /// the dialler waits as for SYNs that are lost.
    fn connect(
        &self,
        from: HostId,
        to: Addr,
    ) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        let places = self.places.borrow();
        let (here, there) = (places[from as usize], places[to.node as usize]);
        let cuts = self.cuts.clone();
        async move {
            let mut wait = SYN_WAIT;
            while wait <= SYN_WAIT_MAX {
                let is_cut =
                    || [(here, there), (there, here)].iter().any(|way| cuts.borrow().contains(way));
                if !is_cut() {
                    match TcpStream::connect((places::name(there), to.port)).await {
                        Err(_) if is_cut() => {}
                        dialled => return dialled,
                    }
                }
                until(now() + wait).await;
                wait *= 2;
            }
            Err(io::ErrorKind::TimedOut.into())
        }
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
