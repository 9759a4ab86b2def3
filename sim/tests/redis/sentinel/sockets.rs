//! The machine as a simulated Sentinel sees it: kernel sockets at an address of its own, real time,
//! and a disk in memory.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "real servers take real time, and the tasks are tokio's"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use im::env::{Addr, Env, Nanos, TaskHandle};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

/// A host at an address of this machine.
#[derive(Clone)]
pub struct Host(Rc<Inner>);

struct Inner {
    origin: Instant,
    ip: Ipv4Addr,
    random: Cell<u64>,
    disk: RefCell<BTreeMap<String, Vec<u8>>>,
    tasks: RefCell<Vec<AbortHandle>>,
}

impl Host {
    pub fn new(origin: Instant, ip: Ipv4Addr) -> Self {
        let random = Cell::new(u64::from(u32::from(ip)));
        let (disk, tasks) = (RefCell::default(), RefCell::default());
        Self(Rc::new(Inner { origin, ip, random, disk, tasks }))
    }

    /// Ends everything that runs on it.
    #[allow(dead_code, reason = "Sentinels end with their own task")]
    pub fn kill(&self) {
        self.0.tasks.take().into_iter().for_each(|task| task.abort());
    }
}

pub struct Task(JoinHandle<()>);

impl TaskHandle for Task {
    fn abort(self) {
        self.0.abort();
    }
}

impl Env for Host {
    type Stream = TcpStream;
    type Listener = TcpListener;
    type Task = Task;
    type Sleep = Pin<Box<dyn Future<Output = ()>>>;

    fn connect(&self, to: Addr) -> impl Future<Output = io::Result<TcpStream>> + 'static {
        TcpStream::connect((Ipv4Addr::from(to.node), to.port))
    }

    fn listen(&self, port: u16) -> io::Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind((self.0.ip, port).into())?;
        socket.listen(511)
    }

    async fn accept(&self, listener: &mut TcpListener) -> io::Result<TcpStream> {
        Ok(listener.accept().await?.0)
    }

    fn keep_alive(&self, _: &TcpStream, _: Nanos) {}

    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Task {
        let task = tokio::task::spawn_local(task);
        self.0.tasks.borrow_mut().push(task.abort_handle());
        Task(task)
    }

    fn now(&self) -> Nanos {
        self.0.origin.elapsed().as_nanos() as Nanos
    }

    fn wall_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
        since.as_millis() as u64
    }

    fn sleep_until(&self, at: Nanos) -> Self::Sleep {
        Box::pin(tokio::time::sleep(Duration::from_nanos(at.saturating_sub(self.now()))))
    }

    /// SplitMix64.
    fn rand_u64(&self) -> u64 {
        let state = self.0.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn disk_append(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.disk.borrow_mut().entry(file.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }

    fn disk_sync(&self, _: &str) -> impl Future<Output = io::Result<()>> + 'static {
        std::future::ready(Ok(()))
    }

    fn disk_read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        std::future::ready(Ok(self.0.disk.borrow().get(file).cloned().unwrap_or_default()))
    }

    fn disk_truncate(&self, file: &str, len: u64) -> io::Result<()> {
        let mut disk = self.0.disk.borrow_mut();
        disk.entry(file.to_owned()).or_default().truncate(len as usize);
        Ok(())
    }

    fn fail_stop(&self, why: &str) -> impl Future<Output = Infallible> + 'static {
        panic!("{why}");
        #[allow(unreachable_code)]
        std::future::pending()
    }
}
