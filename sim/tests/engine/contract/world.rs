//! One of each engine, made ready for a test, and how tests wait. It must not know what is tested.

use std::fmt::Display;
use std::sync::{Arc, Mutex};

use im::env::{Addr, Nanos};
use imsim::engine::live::Live;
use imsim::engine::sim::Sim;
use imsim::engine::turmoil::Turmoil;
use imsim::engine::{DiskProfile, Engine, HostId, HostSpec, Kind, LinkKind, LinkProfile, Network};

pub const MS: Nanos = 1_000_000;
/// How long supervisors wait.
pub const RESTART_AFTER: Nanos = 100 * MS;
/// Whatever has not happened by then will not.
const PATIENCE: Nanos = 30_000 * MS;
/// How often a test looks.
const LOOK: Nanos = 5 * MS;
/// What does not happen in this time is said not to happen.
pub const WHILE: Nanos = 120 * MS;

/// An engine that a test can make.
pub trait World: Engine + Sized {
    const KIND: Kind;

    fn new() -> Self;

    /// Lets the world live until the condition holds.
    #[track_caller]
    fn wait_until(&mut self, what: &str, condition: impl Fn() -> bool) {
        let until = self.now() + PATIENCE;
        while !condition() {
            assert!(self.now() < until, "waited in vain: {what}");
            let stopped = self.live_on(LOOK);
            assert_eq!(stopped, None, "while waiting: {what}");
        }
    }

    /// Lets the world live for so long.
    fn live_on(&mut self, span: Nanos) -> Option<HostId> {
        self.run_until(self.now() + span)
    }
}

impl World for Sim {
    const KIND: Kind = Kind::Sim;

    fn new() -> Self {
        let mut sim = Self::new(7, network());
        sim.set_restart_after(RESTART_AFTER);
        sim
    }
}

impl World for Turmoil {
    const KIND: Kind = Kind::Turmoil;

    fn new() -> Self {
        Self::new(7, network(), RESTART_AFTER)
    }
}

impl World for Live {
    const KIND: Kind = Kind::Live;

    fn new() -> Self {
        Self::new(7, RESTART_AFTER).expect("sockets and a temporary folder")
    }
}

fn network() -> Network {
    let link =
        LinkProfile { median: MS, min: MS, max: MS, sd: 0, loss_ppm: 0, bursts: None, rate: None };
    Network { clients: link, backend: link }
}

/// A server of that name.
pub fn server(name: &str) -> HostSpec {
    let (link, disk) = (LinkKind::Backend, DiskProfile::from(MS));
    HostSpec { name: name.to_owned(), link, disk, costs: None, tier: 0 }
}

/// A device of that name.
pub fn device(name: &str) -> HostSpec {
    HostSpec { link: LinkKind::Client, ..server(name) }
}

/// The first port of a host.
pub fn port(host: HostId) -> Addr {
    Addr { node: host, port: 1 }
}

/// What programs say, in the order in which they say it.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn say(&self, what: impl Display) {
        self.0.lock().expect("no holder panics").push(what.to_string());
    }

    /// How often this was said.
    pub fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|said| *said == what).count()
    }

    pub fn has(&self, what: &str) -> bool {
        self.count(what) > 0
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().expect("no holder panics").clone()
    }

    pub fn len(&self) -> usize {
        self.0.lock().expect("no holder panics").len()
    }
}

/// Says something when it is dropped.
pub struct Last(pub Log, pub &'static str);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.say(self.1);
    }
}
