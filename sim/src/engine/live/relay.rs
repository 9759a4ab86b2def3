//! Relays between nodes, for a network that misbehaves: every connection is dialled through them,
//! and what they carry can be held, delayed or reset.
//!
//! One thread carries all connections. In reading order: [`Relays`] (the thread, and what the
//! engine asks of it), `dial` (how nodes get a connection), `conditions` (what is in force) and
//! `pump` (one direction of a connection). They must not know nodes, only their numbers.
//!
//! Both legs are kernel sockets, so a relay's kernel acks what a node sends even when nothing
//! reaches the other node: kernel keepalives and user timeouts see the relay and not the peer.
#![allow(
    clippy::disallowed_methods,
    reason = "relays stand outside of the nodes and live in real time; their tasks are tokio's"
)]

mod conditions;
mod dial;
mod pump;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use im::env::Addr;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use self::conditions::{Conditions, Path};
pub use self::dial::Dialler;
use self::pump::Leg;
use crate::engine::{Condition, ConditionId, HostId, LinkKind};

/// Where a node really listens; `None` when nobody does.
type Lookup = Arc<dyn Fn(Addr) -> Option<SocketAddr> + Send + Sync>;
/// What kind of link lies between two hosts.
type Kind = Arc<dyn Fn(HostId, HostId) -> LinkKind + Send + Sync>;

/// How long the relay waits when the machine has no room for another connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

/// The relays of a world. Dropping them ends their thread and closes every connection.
pub struct Relays {
    shared: Arc<Shared>,
    dialler: Dialler,
    /// Dropping it stops the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relays {
    /// Starts the thread. `lookup` says where an address really is, `kind` what kind of link lies
    /// between two hosts; both are called on the relays' thread.
    pub fn start(lookup: Lookup, kind: Kind) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let dialler = Dialler::new(listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let conditions = Conditions::new(kind);
        let shared = Arc::new(Shared { lookup, conditions, carried: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let serving = shared.clone();
        let run = move || live(&runtime, listener, &serving, stopped);
        let thread = thread::Builder::new().name("relays".to_owned()).spawn(run)?;
        Ok(Self { shared, dialler, stop: Some(stop), thread: Some(thread) })
    }

    /// A handle with which nodes dial, from any thread.
    pub fn dialler(&self) -> Dialler {
        self.dialler.clone()
    }

    /// Imposes a delay or a cut; relays can do nothing else, and asking for it is a bug.
    pub fn impose(&self, condition: Condition) -> ConditionId {
        assert!(
            matches!(
                condition,
                Condition::Delay(..) | Condition::Cut(..) | Condition::CutOneWay(..)
            ),
            "relays impose delays and cuts, not {condition:?}"
        );
        self.shared.conditions.impose(condition)
    }

    /// Ends a condition; returns how many chunks and dials it held up or delayed.
    pub fn lift(&self, id: ConditionId) -> u64 {
        self.shared.conditions.lift(id)
    }

    /// Resets the connections between the host and the hosts that `with` names, at both ends and
    /// whatever is in force; returns how many. Dials that are under way go on.
    pub fn reset(&self, host: HostId, with: &dyn Fn(HostId) -> bool) -> u64 {
        let mut carried = self.shared.carried();
        let meant = carried.connections.extract_if(.., |_, connection| {
            let (a, b) = connection.hosts;
            a == host && with(b) || b == host && with(a)
        });
        let mut count = 0;
        for (_, connection) in meant {
            connection.reset.notify_one();
            count += 1;
        }
        count
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        let panicked = ended.is_some_and(|ended| ended.is_err());
        assert!(!panicked || thread::panicking(), "the relays' thread panicked");
    }
}

/// What the thread and its owner share.
struct Shared {
    lookup: Lookup,
    conditions: Conditions,
    carried: Mutex<Carried>,
}

/// The connections that stand, by number.
#[derive(Default)]
struct Carried {
    next: u64,
    connections: BTreeMap<u64, Connection>,
}

struct Connection {
    hosts: Path,
    /// Notified when both ends are to be reset.
    reset: Arc<Notify>,
}

impl Shared {
    fn carried(&self) -> MutexGuard<'_, Carried> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's entry among those that stand, for as long as it does.
struct Entry {
    shared: Arc<Shared>,
    number: u64,
    reset: Arc<Notify>,
}

impl Entry {
    fn new(shared: &Arc<Shared>, hosts: Path) -> Self {
        let reset = Arc::new(Notify::new());
        let mut carried = shared.carried();
        let number = carried.next;
        carried.next += 1;
        carried.connections.insert(number, Connection { hosts, reset: reset.clone() });
        Self { shared: shared.clone(), number, reset }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.shared.carried().connections.remove(&self.number);
    }
}

/// The whole life of the thread.
fn live(
    runtime: &Runtime,
    listener: std::net::TcpListener,
    shared: &Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a runtime with sockets");
        tokio::select! {
            biased;
            _ = stopped => {}
            () = serve(&listener, shared) => {}
        }
    });
}

/// Takes in dials until it is dropped, and all that it carries with it.
async fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut carrying = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(ended) = carrying.join_next() => ended.expect("a connection never panics"),
            dialled = listener.accept() => match dialled {
                Ok((leg, _)) => {
                    carrying.spawn(take_in(shared.clone(), leg));
                }
                // Either the dialler is gone again, or file descriptors are short: closed
                // connections give them back.
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
            },
        }
    }
}

/// One connection from its dial to its end.
async fn take_in(shared: Arc<Shared>, mut leg: TcpStream) {
    let Ok((from, to)) = dial::read_preamble(&mut leg).await else { return };
    let hosts = (from, to.node);
    let dialled = tokio::select! {
        biased;
        () = dial::given_up(&leg) => return,
        dialled = dial::connect(&shared, from, to) => dialled,
    };
    // The entry stands before the dialler hears of the connection, so that a reset finds it.
    let standing = dialled.map(|target| (Entry::new(&shared, hosts), target));
    let told = dial::answer(&mut leg, &standing).await;
    if let (Ok(()), Ok((entry, target))) = (told, standing) {
        carry(&entry, hosts, leg, target).await;
    }
}

/// Carries bytes both ways until both directions have ended, or until one of them fails or the
/// connection is reset: then both ends are.
async fn carry(entry: &Entry, (from, to): Path, mut near: TcpStream, mut far: TcpStream) {
    let conditions = &entry.shared.conditions;
    let (near_broken, far_broken) = (AtomicBool::new(false), AtomicBool::new(false));
    let (from_near, to_near) = near.split();
    let (from_far, to_far) = far.split();
    let (from_near, to_near) = (Leg::new(from_near, &near_broken), Leg::new(to_near, &near_broken));
    let (from_far, to_far) = (Leg::new(from_far, &far_broken), Leg::new(to_far, &far_broken));
    let carried = tokio::select! {
        biased;
        () = entry.reset.notified() => Err(io::ErrorKind::ConnectionReset.into()),
        carried = async {
            tokio::try_join!(
                pump::pump(conditions, (from, to), from_near, to_far),
                pump::pump(conditions, (to, from), from_far, to_near),
            )
        } => carried,
    };
    if carried.is_err() {
        // A closed socket that lingers for no time sends a reset. One that has failed already may
        // refuse the option; its peer has heard of it.
        let _ = (near.set_zero_linger(), far.set_zero_linger());
    }
}

#[cfg(test)]
mod tests;
