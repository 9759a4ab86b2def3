//! Tasks that may be held: while the gate of a process is closed none of its tasks is polled.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The gate of one process. It is closed for as long as there is any reason.
#[derive(Default)]
pub struct Gate {
    paused: Cell<bool>,
    /// A task stands at a fault point.
    stopped: Cell<bool>,
    /// The process has been killed, or has ended itself.
    dead: Cell<bool>,
    /// Tasks that came to the closed gate.
    held: RefCell<Vec<Waker>>,
    tasks: Cell<u64>,
    /// A task has panicked.
    panicked: Cell<bool>,
}

impl Gate {
    /// No task goes through until [`Gate::resume`].
    pub fn pause(&self) {
        self.paused.set(true);
    }

    /// Ends a pause; returns how many tasks were held by it.
    pub fn resume(&self) -> u64 {
        match self.paused.replace(false) {
            true => self.let_through(),
            false => 0,
        }
    }

    /// No task goes through until [`Gate::go_on`].
    pub fn stop(&self) {
        self.stopped.set(true);
    }

    /// What stands at a fault point goes on.
    pub fn go_on(&self) {
        if self.stopped.replace(false) {
            self.let_through();
        }
    }

    /// No task goes through any more.
    pub fn shut(&self) {
        self.dead.set(true);
    }

    fn is_closed(&self) -> bool {
        self.paused.get() || self.stopped.get() || self.dead.get()
    }

    /// Lets everybody through, unless there is another reason to be closed; returns how many.
    fn let_through(&self) -> u64 {
        if self.is_closed() {
            return 0;
        }
        let held = self.held.take();
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
    /// There until this is dropped.
    task: Option<Pin<Box<F>>>,
    held: bool,
}

impl<F: Future<Output = ()>> Gated<F> {
    pub fn new(gate: Rc<Gate>, count: Box<dyn Fn()>, task: F) -> Self {
        gate.tasks.set(gate.tasks.get() + 1);
        Self { gate, count, task: Some(Box::pin(task)), held: false }
    }
}

impl<F: Future<Output = ()>> Future for Gated<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.gate.is_closed() {
            if !std::mem::replace(&mut self.held, true) {
                self.gate.held.borrow_mut().push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        self.held = false;
        (self.count)();
        let _watch = Watch(self.gate.clone());
        self.task.as_mut().expect("it is there").as_mut().poll(cx)
    }
}

impl<F> Drop for Gated<F> {
    fn drop(&mut self) {
        self.gate.tasks.set(self.gate.tasks.get() - 1);
        let _watch = Watch(self.gate.clone());
        self.task = None;
    }
}

/// Notices a panic while a task is polled or dropped: tokio would swallow it.
struct Watch(Rc<Gate>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panicked.set(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU64);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A task behind a gate that counts its polls and never ends.
    struct Trial {
        gate: Rc<Gate>,
        polls: Rc<Cell<u64>>,
        task: Gated<std::future::Pending<()>>,
        woken: Arc<Woken>,
    }

    impl Trial {
        fn new() -> Self {
            let (gate, polls) = (Rc::<Gate>::default(), Rc::<Cell<u64>>::default());
            let counter = polls.clone();
            let count = Box::new(move || counter.set(counter.get() + 1));
            let task = Gated::new(gate.clone(), count, std::future::pending());
            Self { gate, polls, task, woken: Arc::default() }
        }

        /// Polls the task as often as given; returns how often it got through so far.
        fn poll(&mut self, times: u64) -> u64 {
            let waker = Waker::from(self.woken.clone());
            for _ in 0..times {
                let polled = Pin::new(&mut self.task).poll(&mut Context::from_waker(&waker));
                assert!(polled.is_pending());
            }
            self.polls.get()
        }

        fn woken(&self) -> u64 {
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_pause_holds_each_task_once_and_its_end_wakes_it() {
        let mut trial = Trial::new();
        assert_eq!(trial.gate.tasks(), 1);
        assert_eq!(trial.gate.resume(), 0, "nothing is paused");
        assert_eq!(trial.poll(1), 1);
        trial.gate.pause();
        assert_eq!(trial.poll(3), 1);
        assert_eq!((trial.gate.resume(), trial.woken()), (1, 1));
        assert_eq!(trial.poll(1), 2);
        trial.gate.pause();
        assert_eq!(trial.gate.resume(), 0, "nobody came to it");
        trial.gate.pause();
        assert_eq!(trial.poll(1), 2, "a second pause holds as the first did");
        assert_eq!((trial.gate.resume(), trial.woken()), (1, 2));
    }

    #[test]
    fn neither_the_end_of_a_pause_nor_of_a_stop_ends_the_other() {
        let mut trial = Trial::new();
        trial.gate.pause();
        trial.gate.stop();
        trial.gate.go_on();
        assert_eq!(trial.poll(1), 0, "it is still paused");
        trial.gate.stop();
        assert_eq!(trial.gate.resume(), 0, "it still stands at a point");
        assert_eq!((trial.poll(1), trial.woken()), (0, 0));
        trial.gate.go_on();
        assert_eq!((trial.woken(), trial.poll(1)), (1, 1));
    }

    #[test]
    fn the_dead_do_not_go_on() {
        let mut trial = Trial::new();
        trial.gate.pause();
        trial.poll(1);
        trial.gate.shut();
        assert_eq!(trial.gate.resume(), 0);
        trial.gate.stop();
        trial.gate.go_on();
        assert_eq!((trial.poll(1), trial.woken()), (0, 0));
        let gate = trial.gate.clone();
        drop(trial);
        assert_eq!(gate.tasks(), 0);
    }
}
