//! [`SimEnv`]: the simulated outside world as one host sees it. Handles are plain numbers; the
//! world they name lies in a thread-local.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use im::env::{Addr, Env, Nanos, TaskHandle, Work};
use im::points::Point;
use rand::Rng as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::executor::{self, TaskId};
use super::host::points::AtPoint;
use super::host::supervise;
use super::net::conn::{ConnId, EndId};
use super::net::keepalive::KeepAlive;
use super::timers::TimerId;
use super::world::{self, Event};
use crate::engine::HostId;

/// One simulated host, as its programs see it.
#[derive(Clone, Copy, Debug)]
pub struct SimEnv {
    host: HostId,
}

impl SimEnv {
    pub(super) fn new(host: HostId) -> Self {
        Self { host }
    }

    /// The host's number.
    pub fn host(&self) -> HostId {
        self.host
    }
}

/// A simulated byte stream.
#[derive(Debug)]
pub struct SimStream {
    end: EndId,
}

/// A simulated listening port.
#[derive(Debug)]
pub struct SimListener {
    host: HostId,
    port: u16,
}

/// A handle to a simulated task.
#[derive(Debug)]
pub struct SimTask {
    host: HostId,
    id: Option<TaskId>,
}

/// A pending sleep in virtual time.
#[derive(Debug)]
pub struct SimSleep {
    at: Nanos,
    timer: Option<TimerId>,
}

impl Env for SimEnv {
    type Stream = SimStream;
    type Listener = SimListener;
    type Task = SimTask;
    type Sleep = SimSleep;

    fn connect(&self, to: Addr) -> impl Future<Output = io::Result<SimStream>> + 'static {
        let mut dial = Dial { host: self.host, to, conn: None };
        std::future::poll_fn(move |cx| dial.poll(cx))
    }

    fn listen(&self, port: u16) -> io::Result<SimListener> {
        world::with(|world| world.listen(self.host, port))?;
        Ok(SimListener { host: self.host, port })
    }

    async fn accept(&self, listener: &mut SimListener) -> io::Result<SimStream> {
        let (host, port) = (listener.host, listener.port);
        let end = std::future::poll_fn(|cx| world::with(|world| world.poll_accept(host, port, cx)))
            .await?;
        Ok(SimStream { end })
    }

    fn keep_alive(&self, stream: &SimStream, silence: Nanos) {
        let (idle, every) = (silence * 2 / 5, silence / 5);
        stream.set_keep_alive(KeepAlive { idle, every, probes: 3 });
        stream.set_user_timeout(silence);
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> SimTask {
        SimTask { host: self.host, id: executor::spawn(self.host, task) }
    }

    fn now(&self) -> Nanos {
        world::with(|world| world.departure(self.host))
    }

    fn wall_ms(&self) -> u64 {
        world::with(|world| {
            let now = world.now;
            world.host(self.host).clock.read(now)
        })
    }

    fn sleep_until(&self, at: Nanos) -> SimSleep {
        SimSleep { at, timer: None }
    }

    fn rand_u64(&self) -> u64 {
        world::with(|world| world.host(self.host).rng.next_u64())
    }

    fn disk_append(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        world::with(|world| world.host(self.host).disk.append(file, bytes))
    }

    fn disk_sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + 'static {
        let (env, file) = (*self, file.to_owned());
        let sync = world::with(|world| {
            let now = world.departure(env.host);
            world.host(env.host).disk.begin_sync(&file, now)
        });
        async move {
            env.sleep_until(sync.done).await;
            world::with(|world| world.host(env.host).disk.finish_sync(&file, sync))
        }
    }

    fn disk_read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        let (env, file) = (*self, file.to_owned());
        let read = world::with(|world| {
            let now = world.now;
            world.host(env.host).disk.begin_read(&file, now)
        });
        async move {
            env.sleep_until(read.done).await;
            world::with(|world| world.host(env.host).disk.finish_read(&file, read))
        }
    }

    fn disk_truncate(&self, file: &str, len: u64) -> io::Result<()> {
        world::with(|world| world.host(self.host).disk.truncate(file, len as usize))
    }

    fn fail_stop(&self, why: &str) -> impl Future<Output = Infallible> + 'static {
        supervise::fail_stop(self.host, why);
        std::future::pending()
    }

    fn point(&self, point: Point) -> impl Future<Output = ()> + 'static {
        AtPoint::new(self.host, point)
    }

    fn work(&self, work: Work, count: u64) {
        world::with(|world| world.poll.charge_work(work, count));
    }
}

impl TaskHandle for SimTask {
    fn abort(self) {
        if let Some(id) = self.id {
            executor::abort(self.host, id);
        }
    }
}

/// A connection being dialled; gives the attempt up when dropped.
struct Dial {
    host: HostId,
    to: Addr,
    conn: Option<ConnId>,
}

impl Dial {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<io::Result<SimStream>> {
        world::with(|world| {
            let conn = *self.conn.get_or_insert_with(|| world.dial(self.host, self.to));
            let Poll::Ready(result) = world.poll_dialled(conn, cx) else { return Poll::Pending };
            if result.is_ok() {
                self.conn = None;
            }
            Poll::Ready(result.map(|end| SimStream { end }))
        })
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            world::with_if_alive(|world| world.close(EndId { conn, side: 0 }));
        }
    }
}

impl SimStream {
    /// From now on the socket asks from time to time whether its peer is still there.
    pub fn set_keep_alive(&self, rules: KeepAlive) {
        world::with(|world| world.set_keep_alive(self.end, rules));
    }

    /// From now on the connection fails with `TimedOut` when bytes stay unacked for `span` after
    /// they were first sent again (`TCP_USER_TIMEOUT`).
    pub fn set_user_timeout(&self, span: Nanos) {
        world::with(|world| world.set_user_timeout(self.end, span));
    }
}

impl AsyncRead for SimStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        world::with(|world| world.poll_read(self.end, cx, into))
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        world::with(|world| world.poll_write(self.end, cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        world::with(|world| world.shut_down(self.end));
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        world::with_if_alive(|world| world.close(self.end));
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        world::with_if_alive(|world| world.unlisten(self.host, self.port));
    }
}

impl Future for SimSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        world::with(|world| {
            if world.now >= self.at {
                return Poll::Ready(());
            }
            match self.timer {
                Some(timer) => world.timers.refresh(timer, cx.waker()),
                None => {
                    let timer = world.timers.insert(cx.waker().clone());
                    world.events.push(self.at, Event::Timer(timer));
                    self.timer = Some(timer);
                }
            }
            Poll::Pending
        })
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            drop(world::with_if_alive(|world| world.timers.remove(timer)));
        }
    }
}
