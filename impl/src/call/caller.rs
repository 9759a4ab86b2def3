//! The asking side: one connection to one server, dialled when there is something to say, and again after a
//! failure.
//!
//! A request leaves from the task that calls. One task keeps the connection: it dials, takes replies in, and
//! ends calls whose time is up. When a call is not answered in time and nothing else was, the connection is
//! hung up, because a stream that lost packets in a partition may stay silent long after the partition has
//! healed. A server that says that it is still at work is waited for, up to a bound.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use super::{Answer, CallError, Service, Tagged};
use crate::env::{Addr, Env, Nanos};
use crate::wire::{self, Frames, Outlet};

/// Requests that may wait for a connection; more fail at once as [`CallError::Unreachable`].
const QUEUE: usize = 4_096;
/// Bytes that may wait for a connection that has no room; what is called then fails likewise.
const BACKLOG_BYTES: usize = 4 << 20;

/// A handle for calls to one server. Clones share its connection, which ends with the last of them and of
/// their calls.
pub struct Caller<E: Env, S: Service>(Rc<Line<E, S>>);

impl<E: Env, S: Service> Clone for Caller<E, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

type Outcome<S> = Result<<S as Service>::Reply, CallError>;
type Requests<E, S> = Outlet<E, Tagged<<S as Service>::Request>>;

struct Line<E: Env, S: Service> {
    env: E,
    timeout: Nanos,
    patience: Nanos,
    state: RefCell<State<E, S>>,
}

struct State<E: Env, S: Service> {
    /// The number of the next call.
    next: u64,
    /// Calls without an outcome that anybody has taken.
    calls: BTreeMap<u64, Pending<S>>,
    /// Requests that wait for a connection, with the numbers of their calls.
    queue: VecDeque<Tagged<S::Request>>,
    /// Where requests go while there is a connection.
    out: Option<Requests<E, S>>,
    /// Whether the task that keeps the connection looks after calls whose time is up.
    watched: bool,
    /// That task, while it waits.
    keeper: Option<Waker>,
}

struct Pending<S: Service> {
    /// The end of the caller's patience.
    latest: Nanos,
    until: Nanos,
    outcome: Option<Outcome<S>>,
    /// Who waits for the outcome; nobody does where the caller does not want to know.
    waiter: Waiter,
}

enum Waiter {
    NotYet,
    Task(Waker),
    Nobody,
}

/// A call under way. Dropped, it is given up: its request may have left, and nobody hears of its reply.
pub struct Call<E: Env, S: Service> {
    line: Rc<Line<E, S>>,
    /// `None` when it could not even be queued.
    number: Option<u64>,
}

impl<E: Env, S: Service> Caller<E, S> {
    /// A caller of the server at `to`, whose calls and dials may take `timeout` each; calls up to `patience`
    /// while the server says that it is at work on them.
    pub fn new(env: E, to: Addr, timeout: Nanos, patience: Nanos) -> Self {
        let state = State {
            next: 0,
            calls: BTreeMap::new(),
            queue: VecDeque::new(),
            out: None,
            watched: false,
            keeper: None,
        };
        let line =
            Rc::new(Line { env: env.clone(), timeout, patience, state: RefCell::new(state) });
        env.spawn(keep(env.clone(), to, timeout, Rc::downgrade(&line)));
        Self(line)
    }

    /// Sends the request; the future is its reply. Requests leave in the order of their calls.
    pub fn call(&self, request: S::Request) -> Call<E, S> {
        let now = self.0.env.now();
        let (until, latest) = (now + self.0.timeout, now.saturating_add(self.0.patience));
        let mut state = self.0.state.borrow_mut();
        let number = state.next;
        let request = Tagged { number, body: request };
        let taken = match &state.out {
            Some(out) => out.send(&request).is_ok(),
            None if state.queue.len() < QUEUE => {
                state.queue.push_back(request);
                true
            }
            None => false,
        };
        let mut keeper = None;
        if taken {
            state.next += 1;
            let pending = Pending { latest, until, outcome: None, waiter: Waiter::NotYet };
            state.calls.insert(number, pending);
            keeper = if state.watched { None } else { state.keeper.take() };
        }
        drop(state);
        keeper.into_iter().for_each(Waker::wake);
        Call { line: self.0.clone(), number: taken.then_some(number) }
    }

    /// Calls that have no reply yet and whose time is not up.
    pub fn unanswered(&self) -> usize {
        self.0.state.borrow().calls.values().filter(|call| call.outcome.is_none()).count()
    }
}

impl<E: Env, S: Service> Call<E, S> {
    /// Nobody waits for the reply; until it comes the call counts as unanswered.
    pub fn forget(mut self) {
        let Some(number) = self.number.take() else { return };
        let calls = &mut self.line.state.borrow_mut().calls;
        let call = calls.get_mut(&number).expect("it stays until its outcome is taken");
        match call.outcome {
            Some(_) => drop(calls.remove(&number)),
            None => call.waiter = Waiter::Nobody,
        }
    }
}

impl<E: Env, S: Service> Future for Call<E, S> {
    type Output = Outcome<S>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<S>> {
        let Some(number) = self.number else { return Poll::Ready(Err(CallError::Unreachable)) };
        let mut state = self.line.state.borrow_mut();
        let call = state.calls.get_mut(&number).expect("it stays until its outcome is taken");
        match call.outcome.take() {
            Some(outcome) => {
                state.calls.remove(&number);
                drop(state);
                self.number = None;
                Poll::Ready(outcome)
            }
            None => {
                let known = matches!(&call.waiter, Waiter::Task(w) if w.will_wake(cx.waker()));
                if !known {
                    call.waiter = Waiter::Task(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl<E: Env, S: Service> Drop for Call<E, S> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let given_up = self.line.state.borrow_mut().calls.remove(&number);
            drop(given_up);
        }
    }
}

impl<E: Env, S: Service> Drop for Line<E, S> {
    fn drop(&mut self) {
        self.state.get_mut().keeper.take().into_iter().for_each(Waker::wake);
    }
}

impl<E: Env, S: Service> State<E, S> {
    /// A call has its outcome.
    fn settle(&mut self, number: u64, outcome: Outcome<S>) {
        // The caller may have given up.
        let Some(call) = self.calls.get_mut(&number) else { return };
        match std::mem::replace(&mut call.waiter, Waiter::NotYet) {
            Waiter::Nobody => drop(self.calls.remove(&number)),
            waiter => {
                call.outcome = Some(outcome);
                if let Waiter::Task(waker) = waiter {
                    waker.wake();
                }
            }
        }
    }

    /// The calls without an outcome, in their order.
    fn open(&self) -> impl Iterator<Item = (u64, Nanos)> {
        let open = self.calls.iter().filter(|(_, call)| call.outcome.is_none());
        open.map(|(number, call)| (*number, call.until))
    }

    /// The server is at work on the calls up to this number.
    fn at_work(&mut self, upto: u64, until: Nanos) {
        for (_, call) in self.calls.range_mut(..=upto) {
            call.until = call.until.max(until.min(call.latest));
        }
    }

    fn settle_all(&mut self, error: CallError) {
        let open: Vec<u64> = self.open().map(|(number, _)| number).collect();
        open.into_iter().for_each(|number| self.settle(number, Err(error)));
    }

    /// Sends what has waited for a connection, unless its caller has given up or its time is up.
    fn connect(&mut self, out: Requests<E, S>, now: Nanos) {
        for request in std::mem::take(&mut self.queue) {
            let Some(call) = self.calls.get(&request.number) else { continue };
            if call.until <= now || out.add(&request).is_err() {
                self.settle(request.number, Err(CallError::Unreachable));
            }
        }
        out.flush();
        self.out = Some(out);
    }

    /// The connection could not be made, or has ended.
    fn disconnect(&mut self) {
        self.out = None;
        self.watched = false;
        for request in std::mem::take(&mut self.queue) {
            self.settle(request.number, Err(CallError::Unreachable));
        }
        self.settle_all(CallError::NoReply);
    }

    /// Remembers the keeper's task.
    fn wait(&mut self, cx: &Context<'_>) {
        if !self.keeper.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            self.keeper = Some(cx.waker().clone());
        }
    }
}

/// Keeps the connection until nobody holds the line any more.
async fn keep<E: Env, S: Service>(env: E, to: Addr, timeout: Nanos, line: Weak<Line<E, S>>) {
    while asked(&line).await {
        let dialled = env.timeout(timeout, env.connect(to)).await;
        if let Some(Ok(stream)) = dialled {
            let (incoming, out) = wire::frames(&env, stream, BACKLOG_BYTES);
            let Some(held) = line.upgrade() else { return };
            held.state.borrow_mut().connect(out.clone(), env.now());
            drop(held);
            serve(&env, timeout, &line, incoming, out).await;
        }
        let Some(line) = line.upgrade() else { return };
        line.state.borrow_mut().disconnect();
    }
}

/// Completes when there is something to ask; false when nobody holds the line any more.
async fn asked<E: Env, S: Service>(line: &Weak<Line<E, S>>) -> bool {
    poll_fn(|cx| {
        let Some(line) = line.upgrade() else { return Poll::Ready(false) };
        let mut state = line.state.borrow_mut();
        if !state.queue.is_empty() {
            return Poll::Ready(true);
        }
        state.wait(cx);
        Poll::Pending
    })
    .await
}

/// Takes replies in until the connection ends, is hung up, or nobody holds the line any more.
async fn serve<E: Env, S: Service>(
    env: &E,
    timeout: Nanos,
    line: &Weak<Line<E, S>>,
    mut incoming: Frames<E>,
    out: Requests<E, S>,
) {
    let mut alarm: Option<Pin<Box<E::Sleep>>> = None;
    poll_fn(|cx| {
        let Some(line) = line.upgrade() else { return Poll::Ready(()) };
        let mut state = line.state.borrow_mut();
        loop {
            match incoming.poll_next::<Answer<S::Reply>>(cx) {
                Poll::Ready(Ok(answer)) => match answer {
                    Answer::Reply(Tagged { number, body }) => state.settle(number, Ok(body)),
                    Answer::AtWork(upto) => state.at_work(upto, env.now() + timeout),
                },
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        // One alarm serves all calls: most are answered long before their time is up.
        while alarm.as_mut().is_none_or(|alarm| alarm.as_mut().poll(cx).is_ready()) {
            let (now, heard) = (env.now(), out.heard());
            if incoming.is_amid_frame() {
                // A large reply may come slowly, and nobody can say anything before its end.
                state.at_work(u64::MAX, heard + timeout);
            }
            let overdue = state.open().filter(|(_, until)| *until <= now);
            let overdue: Vec<u64> = overdue.map(|(number, _)| number).collect();
            if !overdue.is_empty() && now >= heard + timeout {
                return Poll::Ready(());
            }
            overdue.into_iter().for_each(|number| state.settle(number, Err(CallError::NoReply)));
            let next = state.open().map(|(_, until)| until).min();
            alarm = next.map(|until| Box::pin(env.sleep_until(until)));
            if alarm.is_none() {
                break;
            }
        }
        state.watched = alarm.is_some();
        state.wait(cx);
        drop(state);
        out.poll_rest(cx).map(|_| ())
    })
    .await;
}
