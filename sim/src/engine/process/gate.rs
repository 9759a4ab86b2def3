//! Tasks that may be held: while the gate of a process is closed none of its tasks is polled.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The gate of one process.
#[derive(Default)]
pub struct Gate {
    closed: Cell<bool>,
    /// Tasks that came to the closed gate.
    held: RefCell<Vec<Waker>>,
    tasks: Cell<u64>,
    /// A task has panicked.
    panicked: Cell<bool>,
}

impl Gate {
    /// From now on no task goes through.
    pub fn close(&self) {
        self.closed.set(true);
    }

    /// Lets everybody through; returns how many were held.
    pub fn open(&self) -> u64 {
        self.closed.set(false);
        let held = std::mem::take(&mut *self.held.borrow_mut());
        let count = held.len() as u64;
        held.into_iter().for_each(Waker::wake);
        count
    }

    /// Tasks that live.
    pub fn tasks(&self) -> u64 {
        self.tasks.get()
    }

    /// Whether a task has panicked.
    pub fn has_panicked(&self) -> bool {
        self.panicked.get()
    }
}

/// A task behind a gate.
pub struct Gated<F> {
    gate: Rc<Gate>,
    /// Called before each poll.
    count: Box<dyn Fn()>,
    task: Pin<Box<F>>,
    held: bool,
}

impl<F: Future<Output = ()>> Gated<F> {
    pub fn new(gate: Rc<Gate>, count: Box<dyn Fn()>, task: F) -> Self {
        gate.tasks.set(gate.tasks.get() + 1);
        Self { gate, count, task: Box::pin(task), held: false }
    }
}

impl<F: Future<Output = ()>> Future for Gated<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.gate.closed.get() {
            if !std::mem::replace(&mut self.held, true) {
                self.gate.held.borrow_mut().push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        self.held = false;
        (self.count)();
        let _watch = Watch(self.gate.clone());
        self.task.as_mut().poll(cx)
    }
}

impl<F> Drop for Gated<F> {
    fn drop(&mut self) {
        self.gate.tasks.set(self.gate.tasks.get() - 1);
    }
}

/// Notices a panic in a poll: tokio would swallow it.
struct Watch(Rc<Gate>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panicked.set(true);
        }
    }
}
