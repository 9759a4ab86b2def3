//! The world of one run: virtual time, hosts, events, and the thread-local place where the handles
//! that nodes hold find it.
//!
//! Exactly one world lives on a thread. It is borrowed for the length of one call and never while
//! a task runs, so that tasks, wakers and destructors may call back into it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::rc::Rc;

use im::env::Nanos;

use super::digest::{Digest, Noted};
use super::env::SimEnv;
use super::executor::TaskTable;
use super::heap::EventQueue;
use super::host::cores::Cores;
use super::host::points::Points;
use super::host::processor::{Poll, Processor};
use super::host::supervise::{RESTART_AFTER, Supervised};
use super::net::conditions::Conditions;
use super::net::conn::{ConnId, Conns, EndId};
use super::net::dial::{AcceptQueue, Listener};
use super::net::link::Queue;
use super::timers::{TimerId, Timers};
use crate::engine::HostId;
use crate::engine::clock::Clock;
use crate::engine::disk::{Disk, DiskProfile};
use crate::engine::network::{Hops, LinkKind, LinkProfile, NetStats, Tier};
use crate::engine::rng::{self, Stream};

/// Events at one instant after which a world is taken to stand still; and some more for each host, since a million
/// devices may all log in at once.
const INSTANT_MAX: u64 = 5_000_000;
const INSTANT_MAX_PER_HOST: u64 = 1_000;

/// Starts a host's program; called at boot and again at each restart.
pub type Boot = Rc<dyn Fn(SimEnv) -> Pin<Box<dyn Future<Output = ()>>>>;

/// What may happen at a point of virtual time.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    Timer(TimerId),
    /// The dialler sends its SYN (again).
    SynLeaves(ConnId),
    SynArrives(ConnId),
    SynAckArrives(ConnId),
    /// A RST that answers a SYN arrives.
    RefusalArrives(ConnId),
    /// The dialler's ack arrives at the listener.
    HandshakeAckArrives(ConnId),
    /// The listener answers a SYN again.
    AnswerAgain(ConnId),
    /// Packets written by this end arrive at the other.
    Deliver(EndId),
    /// Acks of packets written by this end come back.
    AcksArrive(EndId),
    /// What this end has written may have waited long enough for its ack.
    AckDue(EndId),
    /// The retransmission timer of this end may have run out.
    Retransmit(EndId),
    /// This end learns that its peer made room.
    WindowOpens(EndId),
    /// A RST arrives at this end.
    ResetArrives(EndId),
    /// This end may have to ask whether its peer is still there.
    KeepAlive(EndId),
    /// The writer at this end may still wait for room.
    Persist(EndId),
    /// The next of the tasks that wait for this host's processor may run.
    ProcessorFree(HostId),
    /// The host that has waited longest for a core may have one.
    CoreFree,
    /// The supervisor starts this host's process again, if nothing has happened to it since it had
    /// that number.
    Restart(HostId, u64),
}

/// What a step of the world has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// No event is due.
    Idle,
    /// An event was handled.
    Handled,
    /// This host's process must be started.
    Start(HostId),
}

pub struct Host {
    pub name: String,
    pub kind: LinkKind,
    pub tier: Tier,
    /// The machine has power.
    pub powered: bool,
    /// The process runs.
    pub alive: bool,
    pub boot: Boot,
    pub tasks: TaskTable,
    /// Slots of the connections with an end here.
    pub conns: Vec<u32>,
    pub listeners: Vec<Listener>,
    pub dialled: u64,
    pub rng: Stream,
    pub disk: Disk,
    pub uplink: Queue,
    pub downlink: Queue,
    pub processor: Processor,
    pub clock: Clock,
    pub supervised: Supervised,
}

pub struct World {
    pub seed: u64,
    pub now: Nanos,
    pub events: EventQueue<Event>,
    pub timers: Timers,
    pub hosts: Vec<Host>,
    pub conns: Conns,
    pub links: [LinkProfile; 2],
    pub conditions: Conditions,
    pub accept_queue: AcceptQueue,
    /// All hosts are containers of one machine, whose kernel's timers tick for all of them.
    pub one_kernel: bool,
    /// Receivers may hold acks back, as on Linux.
    pub delayed_acks: bool,
    pub listeners_opened: u64,
    pub points: Points,
    /// How long a supervisor waits before it starts a process again that ended itself.
    pub restart_after: Nanos,
    pub digest: Digest,
    pub stats: NetStats,
    /// Events since virtual time last went on, but for the first.
    at_this_instant: u64,
    pub hops: Hops,
    pub poll: Poll,
    /// The cores of the machine that all hosts share; without it each has a processor of its own.
    pub cores: Option<Cores>,
    /// Buffers of rings that ran empty, for the next writes.
    pub spare_rings: Vec<VecDeque<u8>>,
}

thread_local! {
    // What has a destructor is looked at, at each access, for whether that has run. `uninstall` drops the world.
    static WORLD: ManuallyDrop<RefCell<Option<Box<World>>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Calls `f` with this thread's world.
///
/// # Panics
/// When there is none: a handle was used outside its simulation.
pub fn with<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD
        .with(|world| f(world.borrow_mut().as_mut().expect("a handle used outside its simulation")))
}

/// As [`with`], for destructors: does nothing when the world is gone already.
pub fn with_if_alive<R>(f: impl FnOnce(&mut World) -> R) -> Option<R> {
    WORLD.try_with(|world| world.borrow_mut().as_mut().map(|world| f(world))).ok().flatten()
}

/// Makes `world` this thread's world.
pub fn install(world: World) {
    WORLD.with(|place| {
        let before = place.borrow_mut().replace(Box::new(world));
        assert!(before.is_none(), "two simulations on one thread");
    });
}

/// Removes this thread's world.
pub fn uninstall() {
    let world = WORLD.with(|place| place.borrow_mut().take());
    drop(world);
}

impl World {
    pub fn new(seed: u64, client: LinkProfile, backend: LinkProfile) -> Self {
        Self {
            seed,
            now: 0,
            events: EventQueue::new(),
            timers: Timers::default(),
            hosts: Vec::new(),
            conns: Conns::default(),
            links: [client, backend],
            conditions: Conditions::default(),
            accept_queue: AcceptQueue::default(),
            one_kernel: false,
            delayed_acks: false,
            listeners_opened: 0,
            points: Points::default(),
            restart_after: RESTART_AFTER,
            digest: Digest::new(seed),
            stats: NetStats::default(),
            at_this_instant: 0,
            hops: Hops::default(),
            poll: Poll::default(),
            cores: None,
            spare_rings: Vec::new(),
        }
    }

    pub fn add_host(
        &mut self,
        name: String,
        kind: LinkKind,
        disk: DiskProfile,
        boot: Boot,
    ) -> HostId {
        let id = u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts");
        let rng = rng::indexed(self.seed, "host", u64::from(id));
        let disk = Disk::new(disk, rng::indexed(self.seed, "disk", u64::from(id)));
        self.hosts.push(Host {
            name,
            kind,
            tier: 0,
            powered: true,
            alive: false,
            boot,
            tasks: TaskTable::default(),
            conns: Vec::new(),
            listeners: Vec::new(),
            dialled: 0,
            rng,
            disk,
            uplink: Queue::default(),
            downlink: Queue::default(),
            processor: Processor::default(),
            clock: Clock::default(),
            supervised: Supervised::default(),
        });
        id
    }

    /// Notes that an event is due now; a world in which nothing but this instant goes on would go on for ever.
    fn note_instant(&mut self, at: Nanos) {
        if at > self.now {
            self.at_this_instant = 0;
            return;
        }
        self.at_this_instant += 1;
        let most = INSTANT_MAX + INSTANT_MAX_PER_HOST * self.hosts.len() as u64;
        assert!(
            self.at_this_instant <= most,
            "virtual time stands still at {:.9} s: {most} events at one instant; tasks wake each other without end",
            at as f64 / 1e9
        );
    }

    /// Time passes up to `until`, if it has not come so far; nothing is due by then.
    pub fn pass_to(&mut self, until: Nanos) {
        self.now = self.now.max(until);
        self.events.pass_to(self.now);
    }

    pub fn host(&mut self, id: HostId) -> &mut Host {
        &mut self.hosts[id as usize]
    }

    /// Handles the next event if it is due by `until`.
    pub fn step(&mut self, until: Nanos) -> Step {
        match self.events.peek() {
            Some(at) if at <= until => {}
            _ => return Step::Idle,
        }
        let (at, event) = self.events.pop().expect("peeked");
        self.note_instant(at);
        self.now = at;
        self.stats.events += 1;
        if let Event::Restart(host, number) = event {
            return self.restart(host, number);
        }
        self.handle(event);
        Step::Handled
    }

    fn restart(&mut self, host: HostId, number: u64) -> Step {
        if !self.restart_is_due(host, number) {
            return Step::Handled;
        }
        self.note(Noted::Restart, u64::from(host));
        Step::Start(host)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Timer(id) => {
                if let Some(waker) = self.timers.remove(id) {
                    self.note(Noted::Timer, 0);
                    waker.wake();
                }
            }
            Event::SynLeaves(conn) => self.send_syn(conn),
            Event::SynArrives(conn) => self.syn_arrives(conn),
            Event::SynAckArrives(conn) => self.syn_ack_arrives(conn),
            Event::RefusalArrives(conn) => self.refusal_arrives(conn),
            Event::HandshakeAckArrives(conn) => self.handshake_ack_arrives(conn),
            Event::AnswerAgain(conn) => self.answer_again(conn),
            Event::Deliver(end) => self.deliver(end),
            Event::AcksArrive(end) => self.acks_arrive(end),
            Event::AckDue(end) => self.ack_is_due(end),
            Event::Retransmit(end) => self.retransmit(end),
            Event::WindowOpens(end) => self.window_opens(end),
            Event::ResetArrives(end) => self.reset_arrives(end),
            Event::KeepAlive(end) => self.keep_alive(end),
            Event::Persist(end) => self.persist(end),
            Event::ProcessorFree(host) => self.processor_free(host),
            Event::CoreFree => self.core_free(),
            Event::Restart(..) => unreachable!("a step of its own"),
        }
    }

    /// Takes an event into the digest.
    pub fn note(&mut self, noted: Noted, about: u64) {
        self.digest.add_event(self.now, noted, about);
    }
}
