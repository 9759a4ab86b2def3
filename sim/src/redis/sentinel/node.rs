//! A Sentinel at work: connections, clock and disk of an [`Env`], one input at a time.
//!
//! As in the real one, everything waits while something is made durable, the timer too.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;

use im::env::{Addr, Env, Nanos, TaskHandle, Work};
use im::redis_client::Names;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::clients::ClientId;
use super::core::{Action, Input, Sentinel};
use super::instance::{ConnectionId, Ms, Place};
use super::memory::{FILES, Memory};
use super::{Config, Events};
use crate::redis::durable::Durable;
use crate::redis::instance::is_of_http;
use crate::redis::parse::Parser;
use crate::redis::request::{ProtocolError, Reader};

/// A read takes at most so many bytes: `PROTO_IOBUF_LEN`.
const READ_BYTES_MAX: usize = 16 * 1024;

const MS: Nanos = 1_000_000;

/// An id has so many hexadecimal digits.
const ID_LEN: usize = 40;

/// Runs a Sentinel at `node` for ever. Fails when the port is taken or the listener breaks, and
/// when its disk cannot be read.
pub async fn serve<E: Env>(env: E, names: Names, node: u32, config: Config) -> io::Result<()> {
    let mut listener = env.listen(config.port)?;
    let (store, memory) = Durable::open(env.clone(), FILES).await?;
    let memory = memory.unwrap_or_else(|| {
        let id: String = (0..3).map(|_| format!("{:016x}", env.rand_u64())).collect();
        let (ip, port) = (names.ip(config.address.node), config.address.port);
        Memory::first(id[..ID_LEN].to_owned(), &config, Place { ip, port })
    });
    let at = Place { ip: names.ip(node), port: config.port };
    let work = Rc::new(Node {
        env: env.clone(),
        names,
        events: config.events.clone(),
        inputs: RefCell::default(),
        arrived: Notify::new(),
        links: RefCell::default(),
        clients: RefCell::default(),
    });
    let random = env.clone();
    let core = Sentinel::new(at, &memory, work.wall_ms(), move || random.rand_u64());
    tokio::select! {
        biased;
        end = work.accept_all(&mut listener) => end,
        () = work.run(core, store) => Ok(()),
    }
}

/// What is to be written to a connection.
#[derive(Default)]
struct Outbox {
    bytes: RefCell<Vec<u8>>,
    /// To be hung up behind the bytes.
    closing: Cell<bool>,
    changed: Notify,
}

impl Outbox {
    fn add(&self, bytes: &[u8]) {
        self.bytes.borrow_mut().extend_from_slice(bytes);
        self.changed.notify_one();
    }
}

/// A connection that was dialled, and the task that serves it.
struct Link<T> {
    outbox: Rc<Outbox>,
    task: T,
}

struct Node<E: Env> {
    env: E,
    names: Names,
    events: Events,
    inputs: RefCell<VecDeque<Input>>,
    arrived: Notify,
    /// Connections that were dialled.
    links: RefCell<BTreeMap<ConnectionId, Link<E::Task>>>,
    clients: RefCell<BTreeMap<ClientId, Rc<Outbox>>>,
}

impl<E: Env> Drop for Node<E> {
    fn drop(&mut self) {
        for (_, link) in std::mem::take(&mut *self.links.borrow_mut()) {
            link.task.abort();
        }
    }
}

impl<E: Env> Node<E> {
    fn wall_ms(&self) -> Ms {
        Ms::try_from(self.env.wall_ms()).expect("clocks are set to our age")
    }

    fn put(&self, input: Input) {
        self.inputs.borrow_mut().push_back(input);
        self.arrived.notify_one();
    }

    /// One input after the other, and the timer whenever it is due.
    async fn run(self: &Rc<Self>, mut core: Sentinel, mut store: Durable<E, Memory>) {
        self.perform(&mut core, &mut store).await;
        let mut due = self.env.now() + MS;
        loop {
            let input = self.inputs.borrow_mut().pop_front();
            if let Some(input) = input {
                core.take(self.wall_ms(), input);
                self.perform(&mut core, &mut store).await;
            } else {
                tokio::select! {
                    biased;
                    () = self.arrived.notified() => {}
                    () = self.env.sleep_until(due) => {}
                }
            }
            if self.env.now() >= due {
                let again = core.tick(self.wall_ms());
                self.perform(&mut core, &mut store).await;
                due = self.env.now() + Nanos::try_from(again).expect("it is not in the past") * MS;
            }
        }
    }

    /// Does what the core wants, in its order.
    async fn perform(self: &Rc<Self>, core: &mut Sentinel, store: &mut Durable<E, Memory>) {
        for action in std::mem::take(&mut core.actions) {
            match action {
                Action::Open(connection, to) => self.open(connection, to),
                Action::Send(connection, bytes) => {
                    if let Some(link) = self.links.borrow().get(&connection) {
                        link.outbox.add(&bytes);
                    }
                }
                Action::Close(connection) => {
                    if let Some(link) = self.links.borrow_mut().remove(&connection) {
                        link.task.abort();
                    }
                }
                Action::Event(text) => {
                    let now = self.env.now();
                    let mut events = self.events.lock().expect("nobody panics while holding it");
                    events.push((now, text));
                }
                // A Sentinel that cannot write goes on with what it has in memory.
                Action::Flush(memory) => drop(store.keep(&memory).await),
                Action::Tell(client, bytes) => {
                    if let Some(outbox) = self.clients.borrow().get(&client) {
                        outbox.add(&bytes);
                    }
                }
                Action::HangUp(client) => {
                    if let Some(outbox) = self.clients.borrow().get(&client) {
                        outbox.closing.set(true);
                        outbox.changed.notify_one();
                    }
                }
            }
        }
    }

    fn open(self: &Rc<Self>, connection: ConnectionId, to: Place) {
        let outbox = Rc::<Outbox>::default();
        let (node, theirs) = (Rc::downgrade(self), outbox.clone());
        let dialled =
            self.names.node(to.ip).map(|node| self.env.connect(Addr { node, port: to.port }));
        let task = self.env.spawn(async move {
            let mut parser = Parser::default();
            if let Some(Ok(stream)) = match dialled {
                Some(dialled) => Some(dialled.await),
                None => None,
            } {
                let take = |bytes: &[u8]| {
                    let Some(node) = node.upgrade() else { return false };
                    parser.feed(bytes);
                    loop {
                        match parser.next_reply() {
                            Ok(Some(reply)) => node.put(Input::Reply(connection, reply)),
                            Ok(None) => return true,
                            Err(_) => return false,
                        }
                    }
                };
                // However it ended, it is lost.
                let _ = pump(stream, &theirs, take).await;
            }
            if let Some(node) = node.upgrade() {
                node.links.borrow_mut().remove(&connection);
                node.put(Input::Closed(connection));
            }
        });
        self.links.borrow_mut().insert(connection, Link { outbox, task });
    }

    async fn accept_all(self: &Rc<Self>, listener: &mut E::Listener) -> io::Result<()> {
        for client in 1.. {
            let stream = self.env.accept(listener).await?;
            let (node, outbox) = (Rc::downgrade(self), Rc::<Outbox>::default());
            self.clients.borrow_mut().insert(client, outbox.clone());
            self.put(Input::ClientCame(client));
            self.env.spawn(async move {
                let mut reader = Reader::default();
                // What comes now is not read.
                let mut garbage = false;
                let take = |bytes: &[u8]| {
                    let Some(node) = node.upgrade() else { return false };
                    reader.feed(bytes);
                    while !garbage {
                        match reader.next_request() {
                            Ok(Some(words)) if is_of_http(&words[0]) => return false,
                            Ok(Some(words)) => {
                                garbage = words[0].eq_ignore_ascii_case(b"quit");
                                node.env.work(Work::RedisCommand, 1);
                                node.put(Input::Request(client, words));
                            }
                            Ok(None) => break,
                            Err(ProtocolError(text)) => {
                                garbage = true;
                                node.put(Input::Garbage(client, text));
                            }
                        }
                    }
                    true
                };
                // A client that goes away, in whatever manner, is no trouble.
                let _ = pump(stream, &outbox, take).await;
                if let Some(node) = node.upgrade() {
                    node.clients.borrow_mut().remove(&client);
                    node.put(Input::ClientWent(client));
                }
            });
        }
        unreachable!("clients are counted for ever")
    }
}

/// Writes what lies in the outbox and hands on what is read, until either side ends, `take` says
/// no, or the outbox is closed and empty.
async fn pump(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite,
    outbox: &Outbox,
    mut take: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let (mut from, mut to) = tokio::io::split(stream);
    let mut bytes = vec![0; READ_BYTES_MAX];
    let (mut sending, mut sent) = (Vec::new(), 0);
    loop {
        if sent == sending.len() {
            sending = outbox.bytes.take();
            sent = 0;
            if sending.is_empty() && outbox.closing.get() {
                return to.shutdown().await;
            }
        }
        tokio::select! {
            biased;
            count = to.write(&sending[sent..]), if sent < sending.len() => sent += count?,
            () = outbox.changed.notified() => {}
            count = from.read(&mut bytes) => {
                let count = count?;
                if count == 0 || !take(&bytes[..count]) {
                    return Ok(());
                }
            }
        }
    }
}
