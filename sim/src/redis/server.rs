//! Connections: a Redis that listens on a port of an [`Env`].
//!
//! It moves bytes between streams and the [`Instance`]; what commands mean is not its business.
//! The data lives as long as [`serve`] runs: a crash of the host empties it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use im::env::{Env, TaskHandle, Work};
use im::stats::Counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::instance::{ClientId, Instance};
use super::reply::Reply;
use super::request::{ProtocolError, Reader};

/// A read takes at most so many bytes: `PROTO_IOBUF_LEN`.
const READ_BYTES_MAX: usize = 16 * 1024;

/// What a Redis has done, for the harness to report. It outlives crashes of its host.
#[derive(Debug, Default)]
pub struct Counters {
    /// Commands that ran.
    pub commands: Counter,
    /// Connections that were accepted.
    pub connections: Counter,
}

/// Listens on `port` and serves clients for ever, beginning with nothing. Fails when the port is
/// taken or the listener breaks.
pub async fn serve<E: Env>(env: E, port: u16, counters: Arc<Counters>) -> io::Result<()> {
    let mut listener = env.listen(port)?;
    let server = Rc::new(Server {
        env: env.clone(),
        instance: RefCell::default(),
        wakers: RefCell::default(),
        awaited_ms: Cell::new(None),
        nearer: Notify::new(),
        counters,
    });
    let cron = server.clone();
    let _cron = AbortOnDrop::of(env.spawn(async move { cron.run_cron().await }));
    loop {
        let stream = env.accept(&mut listener).await?;
        server.counters.connections.add(1);
        let server = server.clone();
        env.spawn(async move { server.talk(stream).await });
    }
}

/// Aborts a task with its owner.
struct AbortOnDrop<T: TaskHandle>(Option<T>);

impl<T: TaskHandle> AbortOnDrop<T> {
    fn of(task: T) -> Self {
        Self(Some(task))
    }
}

impl<T: TaskHandle> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

/// A Redis and those who are connected to it.
struct Server<E> {
    env: E,
    instance: RefCell<Instance>,
    /// How connections are told that there is something for their clients.
    wakers: RefCell<BTreeMap<ClientId, Rc<Notify>>>,
    /// When time is let to do its work again, if ever; wall clock.
    awaited_ms: Cell<Option<i64>>,
    /// It must do so earlier.
    nearer: Notify,
    counters: Arc<Counters>,
}

impl<E: Env> Server<E> {
    fn now_ms(&self) -> i64 {
        i64::try_from(self.env.wall_ms()).expect("clocks are set to our age")
    }

    /// Lets time do its work; sleeps without a clock while there is none.
    async fn run_cron(&self) {
        loop {
            let now_ms = self.now_ms();
            let due_ms = self.instance.borrow().due_ms(now_ms);
            self.awaited_ms.set(due_ms);
            let Some(due_ms) = due_ms else {
                self.nearer.notified().await;
                continue;
            };
            let left_ms = u64::try_from(due_ms - now_ms).unwrap_or(0);
            tokio::select! {
                biased;
                () = self.env.sleep(left_ms * 1_000_000) => {
                    let now_ms = self.now_ms();
                    self.instance.borrow_mut().tick(now_ms);
                    self.wake();
                }
                () = self.nearer.notified() => {}
            }
        }
    }

    /// Tells connections that there is something for their clients.
    fn wake(&self) {
        let woken = self.instance.borrow_mut().take_woken();
        let wakers = self.wakers.borrow();
        woken.iter().filter_map(|id| wakers.get(id)).for_each(|waker| waker.notify_one());
    }

    /// Serves one client. One that goes away, in whatever manner, is no trouble to the server.
    async fn talk(&self, stream: E::Stream) {
        let id = self.instance.borrow_mut().connect();
        let waker = Rc::<Notify>::default();
        self.wakers.borrow_mut().insert(id, waker.clone());
        let _ = self.exchange(id, stream, &waker).await;
        self.wakers.borrow_mut().remove(&id);
        self.instance.borrow_mut().disconnect(id);
        self.wake();
    }

    /// Reads requests and writes replies, each as soon as it can be.
    async fn exchange(&self, id: ClientId, stream: E::Stream, waker: &Notify) -> io::Result<()> {
        let (mut from, mut to) = tokio::io::split(stream);
        let mut reader = Reader::default();
        let mut bytes = vec![0; READ_BYTES_MAX];
        let (mut out, mut sent) = (Vec::new(), 0);
        loop {
            if sent == out.len() {
                out.clear();
                sent = 0;
                self.instance.borrow_mut().take_output(id, &mut out);
                if out.is_empty() && self.instance.borrow().is_closing(id) {
                    return to.shutdown().await;
                }
            }
            tokio::select! {
                biased;
                count = to.write(&out[sent..]), if sent < out.len() => sent += count?,
                () = waker.notified() => self.execute_all(id, &mut reader),
                count = from.read(&mut bytes) => {
                    let count = count?;
                    if count == 0 {
                        return Ok(());
                    }
                    reader.feed(&bytes[..count]);
                    self.execute_all(id, &mut reader);
                }
            }
        }
    }

    /// Runs every request that has arrived in full, until one waits; a pipeline is answered at
    /// once.
    fn execute_all(&self, id: ClientId, reader: &mut Reader) {
        let mut instance = self.instance.borrow_mut();
        let (now_ms, before) = (self.now_ms(), instance.totals.commands);
        while !instance.is_blocked(id) && !instance.is_closing(id) {
            match reader.next_request() {
                Ok(Some(words)) => instance.execute(id, now_ms, &words),
                Ok(None) => break,
                Err(ProtocolError(text)) => instance.hang_up(id, &Reply::Error(text)),
            }
        }
        let (ran, due_ms) = (instance.totals.commands - before, instance.due_ms(now_ms));
        drop(instance);
        let awaited_ms = self.awaited_ms.get();
        if due_ms.is_some_and(|due_ms| awaited_ms.is_none_or(|awaited_ms| due_ms < awaited_ms)) {
            self.nearer.notify_one();
        }
        self.counters.commands.add(ran);
        self.env.work(Work::RedisCommand, ran);
        self.wake();
    }
}

#[cfg(test)]
mod tests;
