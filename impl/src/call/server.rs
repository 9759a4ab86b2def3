//! The answering side: requests of a connection begin in their order, are worked on together, and are answered
//! as they are done.

use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::{Service, Tagged};
use crate::env::Env;
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
/// the order in which their futures complete. What was begun is completed, also when its connection ends.
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
    let (mut incoming, out) = wire::frames(&env, stream, BACKLOG_BYTES);
    // It wakes itself whenever it has polled as many as it has, which one that is never ready prevents.
    let mut begun: FuturesUnordered<LocalBoxFuture<'static, Tagged<S::Reply>>> =
        FuturesUnordered::new();
    begun.push(pending().boxed_local());
    poll_fn(|cx| {
        loop {
            let mut limited = true;
            while begun.len() <= CONCURRENT && !out.is_full() {
                match incoming.poll_next::<Tagged<S::Request>>(cx) {
                    Poll::Ready(Ok(Tagged { number, body })) => {
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
                // The caller may be gone by now.
                let _ = out.add_answer(&reply);
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
