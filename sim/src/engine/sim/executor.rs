//! The run queue: ready tasks of all hosts, first in first out, or in random order.
//!
//! It lies outside the world, so that waking is possible while the world is borrowed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;

use async_task::{Builder, Runnable, Task};

use super::host::processor;
use super::world;
use crate::engine::HostId;
use crate::engine::rng::{self, Stream};

struct Ready {
    tasks: VecDeque<Runnable<HostId>>,
    /// Where the choice among tasks is drawn from; without it the oldest runs first.
    choice: Option<Stream>,
    /// Some host's processor is modelled: tasks may have to wait for it.
    processors: bool,
    /// A program of this host has come to where somebody waits for it: nothing runs until
    /// [`take_halted`].
    halted: Option<HostId>,
}

thread_local! {
    static READY: RefCell<Ready> =
        const {
            RefCell::new(Ready {
                tasks: VecDeque::new(),
                choice: None,
                processors: false,
                halted: None,
            })
        };
}

/// Names one use of one slot of a host's task table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskId {
    slot: u32,
    generation: u32,
}

/// The tasks of one host; dropping an entry cancels the task.
#[derive(Default)]
pub struct TaskTable {
    slots: Vec<(u32, Option<Task<(), HostId>>)>,
    free: Vec<u32>,
}

impl TaskTable {
    fn reserve(&mut self) -> TaskId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 tasks")
        });
        TaskId { slot, generation: self.slots[slot as usize].0 }
    }

    fn fill(&mut self, id: TaskId, task: Task<(), HostId>) {
        self.slots[id.slot as usize].1 = Some(task);
    }

    /// Takes the task out, unless its slot is in other use by now.
    pub fn remove(&mut self, id: TaskId) -> Option<Task<(), HostId>> {
        let (generation, task) = self.slots.get_mut(id.slot as usize)?;
        if *generation != id.generation {
            return None;
        }
        *generation = generation.wrapping_add(1);
        self.free.push(id.slot);
        task.take()
    }

    /// Takes all tasks out, in the order of their slots.
    pub fn take_all(&mut self) -> Vec<Task<(), HostId>> {
        let mut tasks = Vec::new();
        for (slot, (generation, task)) in self.slots.iter_mut().enumerate() {
            if let Some(task) = task.take() {
                *generation = generation.wrapping_add(1);
                self.free.push(slot as u32);
                tasks.push(task);
            }
        }
        tasks
    }
}

/// Makes `future` a task of `host`; `None` when the host's process does not run.
pub fn spawn(host: HostId, future: impl Future<Output = ()> + 'static) -> Option<TaskId> {
    let id = world::with_if_alive(|world| {
        let host = world.host(host);
        host.alive.then(|| host.tasks.reserve())
    })??;
    // Futures may be kilobytes large, and are moved several times before they are a task.
    let future = Box::pin(future);
    let until_done = async move {
        future.await;
        if let Some(task) = world::with(|world| world.host(host).tasks.remove(id)) {
            task.detach();
        }
    };
    let schedule = |runnable| READY.with(|ready| ready.borrow_mut().tasks.push_back(runnable));
    let (runnable, task) = Builder::new().metadata(host).spawn_local(|_| until_done, schedule);
    world::with(|world| world.host(host).tasks.fill(id, task));
    runnable.schedule();
    Some(id)
}

/// Stops a task. Its future is dropped when its turn in the run queue comes.
pub fn abort(host: HostId, id: TaskId) {
    drop(world::with_if_alive(|world| world.host(host).tasks.remove(id)).flatten());
}

/// From now on the choice among ready tasks is drawn from `choice`, or the oldest runs first.
pub fn choose_by(choice: Option<Stream>) {
    READY.with(|ready| ready.borrow_mut().choice = choice);
}

/// A program of `host` has come to where somebody waits for it: nothing else runs at this instant.
pub fn halt(host: HostId) {
    READY.with(|ready| ready.borrow_mut().halted = Some(host));
}

/// Ends a halt; for the host that brought it about.
pub fn take_halted() -> Option<HostId> {
    READY.with(|ready| ready.borrow_mut().halted.take())
}

/// From now on tasks pass by their host's processor, or run as soon as they are ready.
pub fn model_processors(modelled: bool) {
    READY.with(|ready| ready.borrow_mut().processors = modelled);
}

/// Which of `count` tasks runs next.
pub fn choose(count: usize) -> usize {
    READY.with(|ready| ready.borrow_mut().choose(count))
}

/// Polls ready tasks until none is left, or those that are wait for their processors, or one
/// halts the rest.
pub fn run_ready() {
    while let Some((runnable, processors)) = READY.with(|ready| ready.borrow_mut().next()) {
        if processors {
            processor::run(runnable);
        } else {
            runnable.run();
        }
    }
}

impl Ready {
    fn next(&mut self) -> Option<(Runnable<HostId>, bool)> {
        if self.halted.is_some() {
            return None;
        }
        let place = self.choose(self.tasks.len());
        Some((self.tasks.swap_remove_front(place)?, self.processors))
    }

    fn choose(&mut self, count: usize) -> usize {
        match &mut self.choice {
            Some(choice) if count > 1 => rng::below(choice, count as u64) as usize,
            _ => 0,
        }
    }
}
