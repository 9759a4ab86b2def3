//! The answering side: requests of a connection begin in their order, are worked on together, and are answered
//! as they are done. What takes long is said to be at work on, again and again.

use std::collections::BTreeMap;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::{Answer, Service, Tagged};
use crate::env::{Env, Nanos};
use crate::units::Span;
use crate::wire;

/// Requests of one connection that a server works on at a time.
const CONCURRENT: usize = 1_024;
/// Bytes of replies that may wait to leave before a server takes no more requests.
const BACKLOG_BYTES: usize = 4 << 20;
/// After so long without a sign of the caller's machine a server drops its connection.
const SILENCE_MAX: Span = Span::s(30);

/// Answers requests on `port` for ever. `handle` is called with the requests of a connection in
/// their order: what must happen in order it does before it returns its future. Replies leave in
/// the order in which their futures complete. What was begun is completed, also when its connection ends. While
/// a request is `slow`, which is to be clearly less than callers wait, they are told that it is being worked on,
/// and again after each such time.
pub async fn serve<E: Env, S: Service, F>(
    env: E,
    port: u16,
    slow: Nanos,
    handle: impl Fn(S::Request) -> F + 'static,
) where
    F: Future<Output = S::Reply> + 'static,
{
    let mut listener = env.listen(port).expect("each server has its port to itself");
    let handle = Rc::new(handle);
    while let Ok(stream) = env.accept(&mut listener).await {
        env.spawn(serve_connection::<E, S, F>(env.clone(), stream, slow, handle.clone()));
    }
}

async fn serve_connection<E: Env, S: Service, F>(
    env: E,
    stream: E::Stream,
    slow: Nanos,
    handle: Rc<impl Fn(S::Request) -> F + 'static>,
) where
    F: Future<Output = S::Reply> + 'static,
{
    env.keep_alive(&stream, SILENCE_MAX.0);
    let (mut incoming, out) = wire::frames(&env, stream, BACKLOG_BYTES);
    // It wakes itself whenever it has polled as many as it has, which one that is never ready prevents.
    let mut begun: FuturesUnordered<LocalBoxFuture<'static, Tagged<S::Reply>>> =
        FuturesUnordered::new();
    begun.push(pending().boxed_local());
    let mut open = Open { env: env.clone(), slow, since: BTreeMap::new(), alarm: None };
    poll_fn(|cx| {
        loop {
            let mut limited = true;
            while begun.len() <= CONCURRENT && !out.is_full() {
                match incoming.poll_next::<Tagged<S::Request>>(cx) {
                    Poll::Ready(Ok(Tagged { number, body })) => {
                        open.begin(number);
                        let reply = handle(body);
                        let reply = async move { Tagged { number, body: reply.await } };
                        begun.push(reply.boxed_local());
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {
                        limited = false;
                        break;
                    }
                }
            }
            while let Poll::Ready(Some(reply)) = begun.poll_next_unpin(cx) {
                open.since.remove(&reply.number);
                // The caller may be gone by now.
                let _ = out.add_answer(&Answer::Reply(reply));
            }
            if let Some(upto) = open.at_work(cx) {
                let _ = out.add_answer(&Answer::AtWork(upto));
            }
            if let Poll::Ready(_failed) = out.poll_rest(cx) {
                return Poll::Ready(());
            }
            if !limited || begun.len() > CONCURRENT || out.is_full() {
                return Poll::Pending;
            }
        }
    })
    .await;
    drop(incoming);
    if begun.len() > 1 {
        env.spawn(async move { while begun.len() > 1 && begun.next().await.is_some() {} });
    }
}

/// Requests of a connection that are being worked on.
struct Open<E: Env> {
    env: E,
    slow: Nanos,
    /// Their numbers, in whose order they have begun, and when.
    since: BTreeMap<u64, Nanos>,
    alarm: Option<Pin<Box<E::Sleep>>>,
}

impl<E: Env> Open<E> {
    fn begin(&mut self, number: u64) {
        self.since.insert(number, self.env.now());
    }

    /// Whether it is time to say that requests are worked on: up to which number. One alarm serves all of them,
    /// since most are answered long before.
    fn at_work(&mut self, cx: &mut Context<'_>) -> Option<u64> {
        let mut said = None;
        loop {
            let ring = self.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(cx).is_ready());
            if self.alarm.is_some() && !ring {
                return said;
            }
            let (now, first) = (self.env.now(), self.since.values().next().copied());
            let Some(first) = first else {
                self.alarm = None;
                return said;
            };
            let mut due = first + self.slow;
            if due <= now {
                said = self.since.keys().next_back().copied();
                due = now + self.slow;
            }
            self.alarm = Some(Box::pin(self.env.sleep_until(due)));
        }
    }
}
