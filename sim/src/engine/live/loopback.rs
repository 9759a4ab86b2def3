//! This machine as it is: sockets under the ports that programs name, and real time.
//!
//! Unlike a host of [`Live`](super::Live) it can be reached from outside, nothing is done to it, and
//! nobody counts what it does. A node's number is its IP address ([`Names::REAL`]); several nodes may
//! share one and differ in their ports.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use im::env::{Addr, Env, Nanos, TaskHandle};
use im::redis_client::Names;
use rand::Rng as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::Sleep;

use super::fabric::{LiveFabric, connect};
use super::files::FileDisk;
use crate::engine::process::Fabric as _;
use crate::engine::rng::{self, Stream};

/// Connections that wait to be accepted: `tcp-backlog` of Redis, at its default.
const BACKLOG: i32 = 511;

/// A handle to this machine, for the programs of one node.
#[derive(Clone)]
pub struct Loopback(Rc<Inner>);

struct Inner {
    origin: Instant,
    at: SocketAddrV4,
    rng: RefCell<Stream>,
    disk: FileDisk,
    tell: Box<dyn Fn(Told<'_>)>,
}

/// What is told of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told<'a> {
    /// It listens on this port from now on.
    Listens(u16),
    /// A program ends itself, for this reason.
    FailStop(&'a str),
}

impl Loopback {
    /// A node at this address, whose files lie in `disk`. No two nodes of an address have the same
    /// port, or they draw the same at random; one that does not listen may have 0. What is told of
    /// it goes to `tell`. Fails when the folder cannot be made.
    pub fn new(
        seed: u64,
        at: SocketAddrV4,
        disk: PathBuf,
        tell: impl Fn(Told<'_>) + 'static,
    ) -> io::Result<Self> {
        let number = u64::from(u32::from(*at.ip())) << 16 | u64::from(at.port());
        let rng = rng::indexed(seed, "loopback", number).into();
        let (origin, disk) = (Instant::now(), FileDisk::new(disk)?);
        Ok(Self(Rc::new(Inner { origin, at, rng, disk, tell: Box::new(tell) })))
    }

    /// Runs a program on this thread until it ends.
    pub fn run<F: Future>(program: F) -> io::Result<F::Output> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(LocalSet::new().block_on(&runtime, program))
    }
}

/// A task of a program.
pub struct LoopbackTask(JoinHandle<()>);

impl TaskHandle for LoopbackTask {
    fn abort(self) {
        self.0.abort();
    }
}

impl Env for Loopback {
    type Stream = TcpStream;
    type Listener = TcpListener;
    type Task = LoopbackTask;
    type Sleep = Pin<Box<Sleep>>;

    fn connect(&self, to: Addr) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        connect(SocketAddr::from((Names::REAL.ip(to.node), to.port)))
    }

    fn listen(&self, port: u16) -> io::Result<TcpListener> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        // A port that was in use a moment ago may be had at once, as servers do.
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((*self.0.at.ip(), port)).into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from_std(socket.into())?;
        (self.0.tell)(Told::Listens(port));
        Ok(listener)
    }

    async fn accept(&self, listener: &mut TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn keep_alive(&self, stream: &TcpStream, silence: Nanos) {
        LiveFabric::keep_alive(stream, silence);
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> LoopbackTask {
        LoopbackTask(tokio::task::spawn_local(task))
    }

    fn now(&self) -> Nanos {
        self.0.origin.elapsed().as_nanos() as Nanos
    }

    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_millis() as u64
    }

    fn sleep_until(&self, at: Nanos) -> Self::Sleep {
        Box::pin(tokio::time::sleep(Duration::from_nanos(at.saturating_sub(self.now()))))
    }

    fn rand_u64(&self) -> u64 {
        self.0.rng.borrow_mut().next_u64()
    }

    fn disk_append(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.disk.append(file, bytes)
    }

    fn disk_sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + 'static {
        self.0.disk.sync(file)
    }

    fn disk_read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        self.0.disk.read(file)
    }

    fn disk_truncate(&self, file: &str, len: u64) -> io::Result<()> {
        self.0.disk.truncate(file, len)
    }

    fn fail_stop(&self, why: &str) -> impl Future<Output = Infallible> + 'static {
        (self.0.tell)(Told::FailStop(why));
        std::future::pending()
    }
}
