//! A host: its process, what is done to it, and the machine that runs it.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use im::env::{Addr, Nanos};
use im::points::Point;
use tokio::task::LocalSet;
use tokio::time::Sleep;

use super::Fabric;
use super::env::HostEnv;
use super::gate::{Gate, Gated};
use super::points::Points;
use super::stream::{Line, Tally};
use crate::engine::HostId;
use crate::engine::clock::Clock;
use crate::engine::rng::{self, Stream};

/// Starts a host's program; called at boot and again at each restart.
pub type Boot<F> = Arc<dyn Fn(HostEnv<F>) -> Pin<Box<dyn Future<Output = ()>>> + Send + Sync>;

/// What an engine must hear of at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// The host's program has come to a fault point that is armed, and stands still.
    Reached(HostId),
    /// A program on the host has panicked.
    Panicked(HostId),
}

/// What the machine does at its next turn.
enum Order {
    Start,
    Kill,
}

/// A host that is switched on. Everything here happens on the thread on which its machine runs.
pub struct Host<F: Fabric> {
    pub id: HostId,
    pub fabric: F,
    pub tally: Arc<Tally>,
    pub clock: RefCell<Clock>,
    pub rng: RefCell<Stream>,
    boot: Boot<F>,
    restart_after: Nanos,
    notify: Box<dyn Fn(Notice)>,
    /// The process runs, or does as soon as the machine has obeyed its orders.
    alive: Cell<bool>,
    /// The gate of that process, or of the one before.
    gate: RefCell<Rc<Gate>>,
    points: Points,
    /// Why the process has ended itself, until the machine sees to it.
    failed: RefCell<Option<String>>,
    lines: RefCell<Vec<Weak<Line>>>,
    orders: RefCell<Vec<Order>>,
    machine: RefCell<Option<Waker>>,
}

impl<F: Fabric> Host<F> {
    pub fn new(
        id: HostId,
        seed: u64,
        fabric: F,
        boot: Boot<F>,
        restart_after: Nanos,
        tally: Arc<Tally>,
        notify: impl Fn(Notice) + 'static,
    ) -> Rc<Self> {
        Rc::new(Self {
            id,
            fabric,
            tally,
            clock: RefCell::default(),
            rng: RefCell::new(rng::indexed(seed, "host", u64::from(id))),
            boot,
            restart_after,
            notify: Box::new(notify),
            alive: Cell::new(false),
            gate: RefCell::default(),
            points: Points::default(),
            failed: RefCell::default(),
            lines: RefCell::default(),
            orders: RefCell::default(),
            machine: RefCell::default(),
        })
    }

    /// Time since the world began.
    pub fn now(&self) -> Nanos {
        self.fabric.now()
    }

    /// Starts the process, unless it runs already.
    pub fn start(&self) {
        if self.live() {
            self.order(Order::Start);
        }
    }

    /// Ends the process at the machine's next turn; returns how many connections and tasks it had.
    /// It does nothing more meanwhile.
    pub fn kill(&self) -> (u64, u64) {
        // Also without a process: its supervisor may be about to start one.
        self.order(Order::Kill);
        if !self.die() {
            return (0, 0);
        }
        let open = self.lines.borrow().iter().filter(|line| line.strong_count() > 0).count();
        (open as u64, self.gate.borrow().tasks())
    }

    /// No task gets a turn until [`Host::resume`], or until the process ends.
    pub fn pause(&self) {
        if self.alive.get() {
            self.gate.borrow().pause();
        }
    }

    /// Ends a pause; returns how many tasks it held up.
    pub fn resume(&self) -> u64 {
        self.gate.borrow().resume()
    }

    /// See [`crate::engine::Engine::arm`].
    pub fn arm(&self, point: Point, nth: u64) {
        self.points.arm(point, nth);
    }

    /// Forgets what was armed; what stands at a point goes on.
    pub fn disarm(&self) {
        self.points.disarm();
        self.gate.borrow().go_on();
    }

    /// Resets the connections that this host dialled and that `meant` picks by dialler and dialled,
    /// each once; returns how many.
    pub fn reset(&self, meant: impl Fn(HostId, HostId) -> bool) -> u64 {
        let lines = self.lines.borrow();
        let lines = lines.iter().filter_map(Weak::upgrade);
        let meant = lines.filter(|line| line.hosts.is_some_and(|(from, to)| meant(from, to)));
        meant.filter(|line| line.reset()).count() as u64
    }

    /// A process begins, with a gate of its own: whatever still holds the one of the process before
    /// must not hold this one up. Returns whether none ran.
    fn live(&self) -> bool {
        let begins = !self.alive.replace(true);
        if begins {
            self.gate.replace(Rc::default());
        }
        begins
    }

    /// The process ends. Returns whether one ran.
    fn die(&self) -> bool {
        self.gate.borrow().shut();
        self.lines.borrow().iter().filter_map(Weak::upgrade).for_each(|line| line.close());
        self.alive.replace(false)
    }

    fn order(&self, order: Order) {
        self.orders.borrow_mut().push(order);
        self.wake();
    }

    fn wake(&self) {
        if let Some(machine) = self.machine.borrow_mut().take() {
            machine.wake();
        }
    }

    /// A new connection.
    pub(super) fn line(&self, to: Option<Addr>) -> Arc<Line> {
        let line = Line::new(to.map(|to| (self.id, to.node)));
        let mut lines = self.lines.borrow_mut();
        if lines.len() == lines.capacity() {
            lines.retain(|line| line.strong_count() > 0);
        }
        lines.push(Arc::downgrade(&line));
        line
    }

    /// A task of the process.
    pub(super) fn gated<T: Future<Output = ()>>(&self, task: T) -> Gated<T> {
        let tally = self.tally.clone();
        Gated::new(self.gate.borrow().clone(), Box::new(move || tally.polls.add(1)), task)
    }

    /// The process ends itself.
    pub(super) fn fail_stop(&self, why: &str) {
        if self.die() {
            self.failed.replace(Some(why.to_owned()));
            self.wake();
        }
    }

    /// The program is at a fault point; whether it must stand still there.
    pub(super) fn stops_at(&self, point: Point) -> bool {
        let reached = self.points.arrive(point);
        if reached {
            self.gate.borrow().stop();
            (self.notify)(Notice::Reached(self.id));
        }
        reached
    }
}

/// Runs a host, for ever. Its process is polled, and dropped, within the turns of this future, which
/// is where the sockets of an engine can be used.
pub struct Machine<F: Fabric> {
    host: Rc<Host<F>>,
    process: Option<Process>,
    /// When the supervisor starts the process again that has ended itself.
    restart: Option<Pin<Box<Sleep>>>,
}

/// The tasks of a process, and the gate that they stand behind.
struct Process {
    tasks: LocalSet,
    gate: Rc<Gate>,
}

impl<F: Fabric> Machine<F> {
    pub fn new(host: Rc<Host<F>>) -> Self {
        Self { host, process: None, restart: None }
    }

    fn obey(&mut self) {
        let orders = self.host.orders.take();
        for order in orders {
            self.restart = None;
            match order {
                Order::Start => self.start(),
                Order::Kill => self.end(),
            }
        }
    }

    fn start(&mut self) {
        assert!(self.process.is_none(), "the process before has been ended");
        let tasks = LocalSet::new();
        let host = self.host.clone();
        // What the program does before its first await is a part of the process, too.
        let program = async move { (host.boot)(HostEnv::new(host.clone())).await };
        tasks.spawn_local(self.host.gated(program));
        self.process = Some(Process { tasks, gate: self.host.gate.borrow().clone() });
    }

    fn end(&mut self) {
        if let Some(Process { tasks, gate }) = self.process.take() {
            drop(tasks);
            self.tell_of_panics(&gate);
        }
        self.host.failed.take();
    }

    fn tell_of_panics(&self, gate: &Gate) {
        if gate.has_panicked() {
            (self.host.notify)(Notice::Panicked(self.host.id));
        }
    }

    #[allow(clippy::disallowed_methods, reason = "the clock of this engine is tokio's")]
    fn see_to_failure(&mut self) {
        if self.host.failed.borrow().is_some() {
            self.end();
            let wait = Duration::from_nanos(self.host.restart_after);
            self.restart = Some(Box::pin(tokio::time::sleep(wait)));
        }
    }
}

impl<F: Fabric> Future for Machine<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let machine = &mut *self;
        let _watch = Watch(machine.host.clone());
        machine.host.machine.replace(Some(cx.waker().clone()));
        machine.obey();
        if let Some(process) = &mut machine.process {
            // A process without tasks is one that waits for its end.
            let _ = Pin::new(&mut process.tasks).poll(cx);
        }
        if let Some(process) = &machine.process {
            machine.tell_of_panics(&process.gate);
        }
        machine.see_to_failure();
        if machine.restart.as_mut().is_some_and(|restart| restart.as_mut().poll(cx).is_ready()) {
            machine.restart = None;
            machine.host.live();
            machine.start();
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Tells of a panic of the machine itself: tokio would swallow it.
struct Watch<F: Fabric>(Rc<Host<F>>);

impl<F: Fabric> Drop for Watch<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0.notify)(Notice::Panicked(self.0.id));
        }
    }
}
