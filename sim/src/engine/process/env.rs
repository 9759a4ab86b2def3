//! The outside world as programs on a [`Host`] see it.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use im::env::{Addr, Env, Nanos, TaskHandle, Work};
use im::points::Point;
use rand::Rng as _;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::stream::HostStream;
use super::{Fabric, Host};

/// A handle to a host.
pub struct HostEnv<F: Fabric>(Rc<Host<F>>);

impl<F: Fabric> Clone for HostEnv<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Fabric> HostEnv<F> {
    pub fn new(host: Rc<Host<F>>) -> Self {
        Self(host)
    }
}

/// A task of a process.
pub struct HostTask(JoinHandle<()>);

impl TaskHandle for HostTask {
    fn abort(self) {
        self.0.abort();
    }
}

impl<F: Fabric> Env for HostEnv<F> {
    type Stream = HostStream<F::Stream>;
    type Listener = F::Listener;
    type Task = HostTask;
    type Sleep = Pin<Box<Sleep>>;

    fn connect(&self, to: Addr) -> impl Future<Output = io::Result<Self::Stream>> + 'static {
        let host = self.0.clone();
        host.tally.dials.add(1);
        async move {
            let stream = host.fabric.connect(host.id, to).await?;
            Ok(HostStream::new(stream, host.line(Some(to)), host.tally.clone()))
        }
    }

    fn listen(&self, port: u16) -> io::Result<F::Listener> {
        self.0.fabric.listen(Addr { node: self.0.id, port })
    }

    async fn accept(&self, listener: &mut F::Listener) -> io::Result<Self::Stream> {
        let stream = F::accept(listener).await?;
        Ok(HostStream::new(stream, self.0.line(None), self.0.tally.clone()))
    }

    fn keep_alive(&self, stream: &Self::Stream, silence: Nanos) {
        F::keep_alive(stream.inner(), silence);
    }

    #[allow(clippy::disallowed_methods, reason = "the tasks of this engine are tokio's")]
    fn spawn(&self, task: impl Future<Output = ()> + 'static) -> HostTask {
        HostTask(tokio::task::spawn_local(self.0.gated(task)))
    }

    fn now(&self) -> Nanos {
        self.0.fabric.now()
    }

    fn wall_ms(&self) -> u64 {
        self.0.clock.borrow_mut().read(self.now())
    }

    #[allow(clippy::disallowed_methods, reason = "the clock of this engine is tokio's")]
    fn sleep_until(&self, at: Nanos) -> Self::Sleep {
        let wait = Duration::from_nanos(at.saturating_sub(self.now()));
        Box::pin(tokio::time::sleep(wait))
    }

    fn rand_u64(&self) -> u64 {
        self.0.rng.borrow_mut().next_u64()
    }

    fn disk_append(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.fabric.append(file, bytes)
    }

    fn disk_sync(&self, file: &str) -> impl Future<Output = io::Result<()>> + 'static {
        self.0.fabric.sync(file)
    }

    fn disk_read(&self, file: &str) -> impl Future<Output = io::Result<Vec<u8>>> + 'static {
        self.0.fabric.read(file)
    }

    fn disk_truncate(&self, file: &str, len: u64) -> io::Result<()> {
        self.0.fabric.truncate(file, len)
    }

    fn work(&self, work: Work, count: u64) {
        self.0.tally.work[work as usize].add(count);
    }

    fn fail_stop(&self, why: &str) -> impl Future<Output = Infallible> + 'static {
        self.0.fail_stop(why);
        std::future::pending()
    }

    fn point(&self, point: Point) -> impl Future<Output = ()> + 'static {
        let host = self.0.clone();
        async move {
            if host.stops_at(point) {
                // The gate is closed by now: this task waits at it like the others.
                tokio::task::yield_now().await;
            }
        }
    }
}
