//! Processes that end, and the supervisor that starts those again which ended themselves.
//!
//! Whoever was crashed from outside, or lost its power, stays down until [`super::Sim::start`].

use async_task::{Runnable, Task};
use im::env::Nanos;

use crate::engine::HostId;
use crate::engine::sim::digest::Noted;
use crate::engine::sim::env::SimEnv;
use crate::engine::sim::executor;
use crate::engine::sim::world::{self, Event, World};

/// How long a supervisor waits unless it is told otherwise: a second, as a service manager that
/// holds back restarts does (assumed).
pub const RESTART_AFTER: Nanos = 1_000_000_000;

/// A host's process, as its supervisor sees it.
#[derive(Default)]
pub struct Supervised {
    /// Rises whenever the process starts or ends, so that an outdated restart finds nothing to do.
    number: u64,
    /// How often it ended itself, and why at the last time.
    fail_stops: u64,
    last_why: String,
}

/// What was left of a process when it ended.
pub struct Remains {
    /// Its tasks; for [`Remains::clear`], outside the world.
    pub tasks: Vec<Task<(), HostId>>,
    /// Those of them that were ready and waited for the processor.
    pub waiting: Vec<Runnable<HostId>>,
    /// Connections that had an end on the host.
    pub connections: u64,
}

impl Remains {
    /// Drops the tasks, and then what of them waited for the processor.
    pub fn clear(self) {
        drop(self.tasks);
        drop(self.waiting);
    }
}

impl Supervised {
    pub fn fail_stops(&self) -> u64 {
        self.fail_stops
    }

    pub fn last_why(&self) -> &str {
        &self.last_why
    }
}

impl World {
    /// Ends the process of a host. Its kernel closes its connections, if the machine stays
    /// up.
    pub fn end_process(&mut self, id: HostId, machine_up: bool) -> Remains {
        let host = self.host(id);
        host.alive = false;
        host.powered &= machine_up;
        host.supervised.number += 1;
        let tasks = host.tasks.take_all();
        let waiting = self.stop_processor(id);
        let host = self.host(id);
        if machine_up {
            self.drop_listeners(id);
        } else {
            host.listeners.clear();
        }
        let ends = self.take_ends(id);
        for end in &ends {
            if machine_up {
                self.close(*end);
            } else {
                self.vanish(*end);
            }
        }
        if !machine_up {
            self.forget_unsent(id);
        }
        Remains { tasks, waiting, connections: ends.len() as u64 }
    }

    /// The process of a host begins, unless it runs already; whether it does.
    pub fn begin_process(&mut self, id: HostId) -> bool {
        let host = self.host(id);
        host.powered = true;
        host.supervised.number += 1;
        !std::mem::replace(&mut host.alive, true)
    }

    /// It is time to start the process again; whether it has not been started, or ended, since.
    pub fn restart_is_due(&mut self, id: HostId, number: u64) -> bool {
        let host = self.host(id);
        !host.alive && host.supervised.number == number
    }
}

/// The host's process ends itself.
pub fn fail_stop(id: HostId, why: &str) {
    let remains = world::with(|world| {
        if !world.host(id).alive {
            return None;
        }
        let remains = world.end_process(id, true);
        let host = world.host(id);
        host.supervised.fail_stops += 1;
        why.clone_into(&mut host.supervised.last_why);
        let number = host.supervised.number;
        let at = world.now.saturating_add(world.restart_after);
        world.note(Noted::FailStop, u64::from(id));
        world.events.push(at, Event::Restart(id, number));
        Some(remains)
    });
    if let Some(remains) = remains {
        remains.clear();
    }
}

/// Runs the host's program from its beginning. Nothing happens when it runs already.
pub fn start(id: HostId) {
    let boot = world::with(|world| world.begin_process(id).then(|| world.host(id).boot.clone()));
    if let Some(boot) = boot {
        executor::spawn(id, boot(SimEnv::new(id)));
    }
}
