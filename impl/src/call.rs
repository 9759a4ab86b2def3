//! Calls between servers: requests and replies, many at a time, over one connection.
//!
//! A caller dials when it has something to say and dials again after a failure. Every failed call
//! says whether the request may have taken effect. When a call is not answered in time and nothing
//! else was, the connection is hung up, because a stream that lost packets in a partition may stay
//! silent long after the partition has healed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::env::{Addr, Env, Nanos};
use crate::queue;
use crate::units::Span;
use crate::wire;

/// Requests that may wait in a caller; more fail at once as [`CallError::Unreachable`].
const QUEUE: usize = 4_096;
/// Requests of one connection that a server works on at a time.
const CONCURRENT: usize = 1_024;
/// After so long without a sign of the caller's machine a server drops its connection.
const SILENCE_MAX: Span = Span::s(30);

/// What a server answers: the pair of types that travel on its port.
pub trait Service: 'static {
    /// What is asked.
    type Request: Serialize + DeserializeOwned + 'static;
    /// What is answered.
    type Reply: Serialize + DeserializeOwned + 'static;
}

/// Why a call has no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
    /// The request was never sent: it has no effect (definite).
    #[error("the server cannot be reached; the request was not sent")]
    Unreachable,
    /// The request was sent and no reply came: it may have taken effect (indefinite).
    #[error("no reply; the request may have taken effect")]
    NoReply,
}

#[derive(Serialize, Deserialize)]
struct Tagged<T> {
    number: u64,
    body: T,
}

type Waiting<S> = oneshot::Sender<Result<<S as Service>::Reply, CallError>>;

struct Shared<S: Service> {
    pending: RefCell<BTreeMap<u64, Waiting<S>>>,
    /// Hangs the current connection up; each connection has its own.
    hang_up: RefCell<Rc<Notify>>,
    /// When the server was last heard of.
    heard: Cell<Nanos>,
}

/// A handle for calls to one server.
pub struct Caller<E: Env, S: Service> {
    env: E,
    timeout: Nanos,
    queue: queue::Sender<(S::Request, Waiting<S>)>,
    shared: Rc<Shared<S>>,
}

impl<E: Env, S: Service> Clone for Caller<E, S> {
    fn clone(&self) -> Self {
        Self {
            env: self.env.clone(),
            timeout: self.timeout,
            queue: self.queue.clone(),
            shared: self.shared.clone(),
        }
    }
}

impl<E: Env, S: Service> Caller<E, S> {
    /// A caller of the server at `to`, whose calls and dials may take `timeout` each.
    pub fn new(env: E, to: Addr, timeout: Nanos) -> Self {
        let (queue, requests) = queue::bounded(QUEUE);
        let shared = Rc::new(Shared {
            pending: RefCell::default(),
            hang_up: RefCell::default(),
            heard: Cell::new(0),
        });
        env.spawn(keep_connected::<E, S>(env.clone(), to, timeout, requests, shared.clone()));
        Self { env, timeout, queue, shared }
    }

    /// Sends the request and waits for its reply. Requests leave in the order of their calls.
    pub fn call(
        &self,
        request: S::Request,
    ) -> impl Future<Output = Result<S::Reply, CallError>> + use<E, S> {
        let (reply_to, reply) = oneshot::channel();
        let queued = self.queue.try_send((request, reply_to)).is_ok();
        let (env, timeout, shared) = (self.env.clone(), self.timeout, self.shared.clone());
        async move {
            if !queued {
                return Err(CallError::Unreachable);
            }
            match env.timeout(timeout, reply).await {
                Some(Ok(result)) => result,
                Some(Err(_)) => Err(CallError::NoReply),
                None => {
                    if env.now() >= shared.heard.get() + timeout {
                        shared.hang_up.borrow().notify_one();
                    }
                    Err(CallError::NoReply)
                }
            }
        }
    }
}

async fn keep_connected<E: Env, S: Service>(
    env: E,
    to: Addr,
    timeout: Nanos,
    mut requests: queue::Receiver<(S::Request, Waiting<S>)>,
    shared: Rc<Shared<S>>,
) {
    let next = Rc::new(Cell::new(0));
    while let Some(first) = requests.recv().await {
        let Some(Ok(stream)) = env.timeout(timeout, env.connect(to)).await else {
            refuse(first);
            while let Some(request) = requests.try_recv() {
                refuse(request);
            }
            continue;
        };
        let (mut incoming, mut outgoing) = wire::frames(&env, stream);
        let hang_up = Rc::new(Notify::new());
        shared.hang_up.replace(hang_up.clone());
        let send = async {
            let mut request = Some(first);
            while let Some((body, reply_to)) = request {
                // A caller that stopped waiting has hung up on the reply.
                if !reply_to.is_closed() {
                    let number = next.replace(next.get() + 1);
                    shared.pending.borrow_mut().insert(number, reply_to);
                    if outgoing.send(&Tagged { number, body }).await.is_err() {
                        break;
                    }
                }
                request = requests.recv().await;
            }
        };
        let receive = async {
            while let Ok(reply) = incoming.next::<Tagged<S::Reply>>().await {
                shared.heard.set(env.now());
                if let Some(reply_to) = shared.pending.borrow_mut().remove(&reply.number) {
                    // The caller may have given up meanwhile.
                    let _ = reply_to.send(Ok(reply.body));
                }
            }
        };
        tokio::select! {
            biased;
            () = receive => {}
            () = hang_up.notified() => {}
            () = send => {}
        }
        for (_, reply_to) in std::mem::take(&mut *shared.pending.borrow_mut()) {
            let _ = reply_to.send(Err(CallError::NoReply));
        }
    }
}

/// Tells a caller that its request was not sent; it may have given up meanwhile.
fn refuse<Q, R>((_, reply_to): (Q, oneshot::Sender<Result<R, CallError>>)) {
    let _ = reply_to.send(Err(CallError::Unreachable));
}

/// Answers requests on `port` for ever. `handle` is called with the requests of a connection in
/// their order: what must happen in order it does before it returns its future. Replies leave in
/// the order in which their futures complete.
pub async fn serve<E: Env, S: Service, F>(
    env: E,
    port: u16,
    handle: impl Fn(S::Request) -> F + 'static,
) where
    F: Future<Output = S::Reply> + 'static,
{
    let mut listener = env.listen(port).expect("each server has its port to itself");
    let handle = Rc::new(handle);
    while let Ok(stream) = env.accept(&mut listener).await {
        env.spawn(serve_connection::<E, S, F>(env.clone(), stream, handle.clone()));
    }
}

async fn serve_connection<E: Env, S: Service, F>(
    env: E,
    stream: E::Stream,
    handle: Rc<impl Fn(S::Request) -> F + 'static>,
) where
    F: Future<Output = S::Reply> + 'static,
{
    env.keep_alive(&stream, SILENCE_MAX.0);
    let (mut incoming, mut outgoing) = wire::frames(&env, stream);
    let (replies, mut queue) = queue::bounded(CONCURRENT);
    let room = Rc::new(Semaphore::new(CONCURRENT));
    let receive = async {
        while let Ok(request) = incoming.next::<Tagged<S::Request>>().await {
            let reply = handle(request.body);
            let (replies, room) = (replies.clone(), room.clone());
            let permit = room.acquire().await.expect("never closed");
            permit.forget();
            let release = room.clone();
            env.spawn(async move {
                let body = reply.await;
                release.add_permits(1);
                // The connection may be gone by now; the caller has then been told.
                let _ = replies.send(Tagged { number: request.number, body }).await;
            });
        }
    };
    tokio::select! {
        biased;
        () = receive => {}
        _ = outgoing.drain(&mut queue) => {}
    }
}
