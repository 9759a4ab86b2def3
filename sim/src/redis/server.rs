//! Connections: a Redis that listens on a port of an [`Env`].
//!
//! It moves bytes between streams and the [`Instance`]; what commands mean is not its business.
//! The data lives as long as [`serve`] runs: a crash of the host empties it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use im::env::{Env, Nanos, Work};
use im::stats::Counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::commands::{Instance, Session};
use super::reply::{Protocol, Reply};
use super::request::{ProtocolError, Reader};

/// How often expired keys are swept while there are keys that will expire: `hz 10`, the default.
const SWEEP_EVERY: Nanos = 100_000_000;

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
    let instance = Rc::new(RefCell::new(Instance::default()));
    let expiring = Rc::new(Notify::new());
    let _sweeper =
        AbortOnDrop::of(env.spawn(sweep(env.clone(), instance.clone(), expiring.clone())));
    loop {
        let stream = env.accept(&mut listener).await?;
        counters.connections.add(1);
        let session = instance.borrow_mut().connect();
        let connection = Connection {
            env: env.clone(),
            instance: instance.clone(),
            expiring: expiring.clone(),
            counters: counters.clone(),
            session,
        };
        // A client that goes away, in whatever manner, is no trouble to the server.
        env.spawn(async move { drop(connection.run(stream).await) });
    }
}

/// Aborts a task with its owner.
struct AbortOnDrop<T: im::env::TaskHandle>(Option<T>);

impl<T: im::env::TaskHandle> AbortOnDrop<T> {
    fn of(task: T) -> Self {
        Self(Some(task))
    }
}

impl<T: im::env::TaskHandle> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

/// Sweeps expired keys; sleeps without a clock while no key will expire.
async fn sweep<E: Env>(env: E, instance: Rc<RefCell<Instance>>, expiring: Rc<Notify>) {
    loop {
        if !instance.borrow().expiring() {
            expiring.notified().await;
        }
        env.sleep(SWEEP_EVERY).await;
        instance.borrow_mut().sweep(now_ms(&env));
    }
}

fn now_ms<E: Env>(env: &E) -> i64 {
    i64::try_from(env.now() / 1_000_000).expect("a run is shorter than the ages")
}

struct Connection<E> {
    env: E,
    instance: Rc<RefCell<Instance>>,
    expiring: Rc<Notify>,
    counters: Arc<Counters>,
    session: Session,
}

impl<E: Env> Connection<E> {
    async fn run(mut self, mut stream: E::Stream) -> io::Result<()> {
        let mut reader = Reader::default();
        let mut bytes = vec![0; READ_BYTES_MAX];
        let mut replies = Vec::new();
        loop {
            let count = stream.read(&mut bytes).await?;
            if count == 0 {
                return Ok(());
            }
            reader.feed(&bytes[..count]);
            let understood = self.execute_all(&mut reader, &mut replies);
            stream.write_all(&replies).await?;
            stream.flush().await?;
            replies.clear();
            if let Err(ProtocolError(_)) = understood {
                return stream.shutdown().await;
            }
        }
    }

    /// Runs every request that has arrived in full; a pipeline is answered at once.
    fn execute_all(
        &mut self,
        reader: &mut Reader,
        replies: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let mut instance = self.instance.borrow_mut();
        let (now_ms, before) = (now_ms(&self.env), instance.commands_total);
        let understood = loop {
            match reader.next_request() {
                Ok(Some(words)) => {
                    instance.execute(&mut self.session, now_ms, &words, replies);
                }
                Ok(None) => break Ok(()),
                Err(error) => {
                    Reply::Error(error.0.clone()).write(Protocol::Resp2, replies);
                    break Err(error);
                }
            }
        };
        let ran = instance.commands_total - before;
        self.counters.commands.add(ran);
        self.env.work(Work::RedisCommand, ran);
        if instance.expiring() {
            self.expiring.notify_one();
        }
        understood
    }
}

#[cfg(test)]
mod tests;
