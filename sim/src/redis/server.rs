//! Connections: a Redis that listens on a port of an [`Env`].
//!
//! It moves bytes between streams and the [`Instance`]; what commands mean is not its business.
//! The data lives as long as [`serve`] runs: a crash of the host empties it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex as StdMutex};

use im::env::{Addr, Env, Nanos, TaskHandle, Work};
use im::redis_client::Names;
use im::stats::Counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, Notify};

use super::configuration::{self, Rewritten};
use super::durable::Durable;
use super::instance::{ClientId, Instance};
use super::persistence::{Durability, Persistence};
use super::replication::Settings;
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
    /// Full resynchronisations that were served to replicas.
    pub full_resyncs: Counter,
    /// Partial ones.
    pub partial_resyncs: Counter,
    roles: StdMutex<Vec<RoleChange>>,
}

/// A Redis took a role, at its start or later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoleChange {
    /// When, on the clock of its [`Env`].
    pub at: Nanos,
    /// Whether it was the master from then on.
    pub master: bool,
}

impl Counters {
    /// The roles that it has had, in the order of their times.
    pub fn roles(&self) -> Vec<RoleChange> {
        self.roles.lock().expect("nobody panics while holding it").clone()
    }

    /// Since when it has been the master; `None` if it is a replica, or was never started.
    pub fn master_since(&self) -> Option<Nanos> {
        let roles = self.roles.lock().expect("nobody panics while holding it");
        let reign = roles.iter().rev().take_while(|change| change.master);
        reign.last().map(|change| change.at)
    }

    /// How often it was made the master.
    pub fn promotions(&self) -> u64 {
        let roles = self.roles();
        let turns = roles.windows(2).filter(|pair| !pair[0].master && pair[1].master);
        turns.count() as u64
    }

    fn note(&self, change: RoleChange) {
        self.roles.lock().expect("nobody panics while holding it").push(change);
    }
}

/// What a Redis is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens.
    pub port: u16,
    /// Its node, by which its master knows it.
    pub node: Option<u32>,
    /// What nodes are called.
    pub names: Names,
    /// Whom it is a replica of, if it begins as one.
    pub master: Option<Addr>,
    /// What of replication is set.
    pub replication: Settings,
    /// What it keeps across its restart.
    pub persistence: Persistence,
    /// What else is set, by the names of `CONFIG`.
    pub settings: Vec<(String, String)>,
    /// What it has done.
    pub counters: Arc<Counters>,
}

impl Options {
    /// A master on this port.
    pub fn new(port: u16, counters: Arc<Counters>) -> Self {
        let (names, replication) = (Names::PRIVATE, Settings::default());
        Self {
            port,
            node: None,
            names,
            master: None,
            replication,
            persistence: Persistence::None,
            settings: Vec::new(),
            counters,
        }
    }
}

/// Listens on `port` and serves clients for ever, beginning with nothing. Fails when the port is
/// taken or the listener breaks.
pub async fn serve<E: Env>(env: E, port: u16, counters: Arc<Counters>) -> io::Result<()> {
    serve_as(env, Options::new(port, counters)).await
}

/// As [`serve`], in the role that the options say.
pub async fn serve_as<E: Env>(env: E, options: Options) -> io::Result<()> {
    let Options { port, node, names, persistence, .. } = options;
    let (config_file, rewritten) = Durable::open(env.clone(), configuration::FILES).await?;
    let server = Rc::new(Server {
        env: env.clone(),
        instance: RefCell::default(),
        wakers: RefCell::default(),
        awaited_ms: Cell::new(None),
        nearer: Notify::new(),
        role_changed: Notify::new(),
        durability: Durability::default(),
        config_file: Mutex::new(config_file),
        counters: options.counters.clone(),
    });
    if let Some(node) = node {
        server.instance.borrow_mut().replication.own_ip = names.ip(node).to_string();
    }
    server.load(persistence).await?;
    server.configure(&options, rewritten)?;
    server.note_role(&server.instance.borrow());
    let mut listener = env.listen(port)?;
    let syncer = server.clone();
    let _syncer = AbortOnDrop::of(env.spawn(async move { syncer.keep_synced().await }));
    let link = server.clone();
    let _link = AbortOnDrop::of(env.spawn(async move { link.follow_masters(names, port).await }));
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
pub(crate) struct Server<E> {
    pub(crate) env: E,
    pub(crate) instance: RefCell<Instance>,
    /// How connections are told that there is something for their clients.
    wakers: RefCell<BTreeMap<ClientId, Rc<Notify>>>,
    /// When time is let to do its work again, if ever; wall clock.
    awaited_ms: Cell<Option<i64>>,
    /// It must do so earlier.
    nearer: Notify,
    /// The role has changed, or the master.
    pub(crate) role_changed: Notify,
    pub(crate) durability: Durability,
    pub(super) config_file: Mutex<Durable<E, Rewritten>>,
    counters: Arc<Counters>,
}

impl<E: Env> Server<E> {
    fn note_role(&self, instance: &Instance) {
        let master = instance.replication.master.is_none();
        self.counters.note(RoleChange { at: self.env.now(), master });
    }

    pub(crate) fn now_ms(&self) -> i64 {
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
                    self.append_changes().await;
                    self.wake();
                }
                () = self.nearer.notified() => {}
            }
        }
    }

    /// Tells connections that there is something for their clients.
    pub(crate) fn wake(&self) {
        let woken = self.instance.borrow_mut().take_woken();
        let wakers = self.wakers.borrow();
        woken.iter().filter_map(|id| wakers.get(id)).for_each(|waker| waker.notify_one());
    }

    /// Serves one client. One that goes away, in whatever manner, is no trouble to the server.
    async fn talk(&self, stream: E::Stream) {
        let id = {
            let (now_ms, mut instance) = (self.now_ms(), self.instance.borrow_mut());
            instance.set_time(now_ms);
            instance.connect()
        };
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
            self.append_changes().await;
            self.rewrite_configuration().await;
            if sent == out.len() && !self.durability.holds_replies() {
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
                () = self.durability.wait(), if self.durability.holds_replies() => {
                    self.execute_all(id, &mut reader);
                }
                () = waker.notified() => self.execute_all(id, &mut reader),
                count = from.read(&mut bytes), if !self.durability.is_closed() => {
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
        let (epoch, resyncs) = (instance.replication.epoch, instance.replication.resyncs);
        while !instance.is_blocked(id) && !instance.is_closing(id) && !self.durability.is_closed() {
            reader.distrust(!instance.is_authenticated(id));
            let request = reader.next_request();
            if reader.takes_empty_line() {
                instance.shows_life(id, now_ms);
            }
            match request {
                Ok(Some(words)) => instance.execute(id, now_ms, &words),
                Ok(None) => break,
                Err(ProtocolError(text)) => instance.hang_up(id, &Reply::Error(text)),
            }
        }
        let ran = instance.totals.commands - before;
        if instance.replication.epoch != epoch {
            self.role_changed.notify_one();
            self.note_role(&instance);
        }
        let [full, partial] = instance.replication.resyncs;
        self.counters.full_resyncs.add(full - resyncs[0]);
        self.counters.partial_resyncs.add(partial - resyncs[1]);
        drop(instance);
        self.expect_time();
        self.counters.commands.add(ran);
        self.env.work(Work::RedisCommand, ran);
        self.wake();
    }

    /// Time may have something to do earlier than was known.
    pub(crate) fn expect_time(&self) {
        let due_ms = self.instance.borrow().due_ms(self.now_ms());
        let awaited_ms = self.awaited_ms.get();
        if due_ms.is_some_and(|due_ms| awaited_ms.is_none_or(|awaited_ms| due_ms < awaited_ms)) {
            self.nearer.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
