//! A host's processor: a queue with one server, in virtual time.
//!
//! A poll of a task costs virtual time: so much for itself, for what it reads and writes, and for
//! the heavy steps that the node declares. Until that time is over the host is busy, and tasks that
//! become ready wait in its queue; one event per host lets the next one go on. What a poll does to
//! the network happens after the cost that has accrued by then.
//!
//! Where hosts share cores (`cores`), a poll that costs something needs one of them besides.
//!
//! Must not know where the costs come from.

use std::collections::VecDeque;
use std::rc::Rc;

use async_task::Runnable;
use im::env::{Nanos, Work};

use crate::engine::HostId;
use crate::engine::sim::digest::Noted;
use crate::engine::sim::executor;
use crate::engine::sim::world::{self, Event, World};

const PS_PER_NS: u64 = 1_000;

/// What a host's work costs, in picoseconds of virtual time: a byte costs less than a nanosecond.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Costs {
    /// A poll of a task, before it does anything.
    pub poll_ps: u64,
    /// A poll on a shared core that last ran another host, on top of that.
    pub switch_ps: u64,
    /// A poll that finds the process asleep, on top of that.
    pub wake_ps: u64,
    /// A write to a stream that the kernel takes.
    pub packet_written_ps: u64,
    /// A read from a stream that yields bytes.
    pub packet_read_ps: u64,
    /// Each byte of such a write.
    pub byte_written_ps: u64,
    /// Each byte of such a read.
    pub byte_read_ps: u64,
    /// One of each heavy step, in the order of [`Work::ALL`].
    pub work_ps: [u64; Work::ALL.len()],
}

/// What a processor has done since it was last asked to count from zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ProcessorStats {
    /// Polls of tasks; not counted while nothing costs anything and nothing was ever paused.
    pub polls: u64,
    /// Virtual time in which the processor was busy.
    pub busy_ns: Nanos,
    /// How long tasks that were ready waited, in all, be it for the processor or for a core.
    pub waited_ns: Nanos,
    /// The longest of these waits.
    pub longest_wait_ns: Nanos,
}

/// The processor of one host.
#[derive(Default)]
pub struct Processor {
    /// Without it nothing costs anything.
    costs: Option<Rc<Costs>>,
    busy_until: Nanos,
    /// The process is paused; how long the processor was still busy when the pause began.
    paused: Option<Nanos>,
    /// What is left of a poll that a pause interrupted, and that needs a core again.
    rest: Nanos,
    /// It lacks nothing but a core, and stands in the queue for one.
    lacks_core: bool,
    /// Ready tasks, and since when they are ready. Never dropped while the world is borrowed.
    waiting: VecDeque<(Runnable<HostId>, Nanos)>,
    /// When the event comes that lets the next task go on; an event at another time is stale.
    next_turn: Option<Nanos>,
    /// The task that comes next from the run queue had its turn announced by that event.
    granted: bool,
    stats: ProcessorStats,
}

/// The poll that is under way.
#[derive(Default)]
pub struct Poll {
    host: HostId,
    /// Without it the poll costs nothing.
    costs: Option<Rc<Costs>>,
    accrued_ps: u64,
}

/// Polls a task if its host's processor is free, or else lets it wait there.
pub fn run(runnable: Runnable<HostId>) {
    let admitted = world::with(|world| world.begin_poll(runnable));
    if let Some(runnable) = admitted {
        runnable.run();
        world::with(World::end_poll);
    }
}

impl Poll {
    /// See [`World::departure`].
    pub fn departure(&self, now: Nanos, host: HostId) -> Nanos {
        if self.host == host { now + self.accrued_ps / PS_PER_NS } else { now }
    }

    /// The poll under way costs that much more.
    fn charge(&mut self, picoseconds: impl FnOnce(&Costs) -> u64) {
        if let Some(costs) = &self.costs {
            self.accrued_ps = self.accrued_ps.saturating_add(picoseconds(costs));
        }
    }

    pub fn charge_write(&mut self, bytes: usize) {
        self.charge(|costs| of_packet(costs.packet_written_ps, costs.byte_written_ps, bytes));
    }

    pub fn charge_read(&mut self, bytes: usize) {
        self.charge(|costs| of_packet(costs.packet_read_ps, costs.byte_read_ps, bytes));
    }

    pub fn charge_work(&mut self, work: Work, count: u64) {
        self.charge(|costs| costs.work_ps[work as usize].saturating_mul(count));
    }
}

fn of_packet(packet_ps: u64, byte_ps: u64, bytes: usize) -> u64 {
    byte_ps.saturating_mul(bytes as u64).saturating_add(packet_ps)
}

impl Processor {
    /// From now on work costs that much.
    pub fn set_costs(&mut self, costs: Rc<Costs>) {
        self.costs = Some(costs).filter(|costs| **costs != Costs::default());
    }

    /// What it has done until now: of a poll that is not over, the part that is.
    pub fn stats(&self, now: Nanos) -> ProcessorStats {
        let busy_ns = self.stats.busy_ns - self.still_to_do(now);
        ProcessorStats { busy_ns, ..self.stats }
    }

    pub fn count_from_zero(&mut self, now: Nanos) {
        self.stats = ProcessorStats { busy_ns: self.still_to_do(now), ..ProcessorStats::default() };
    }

    /// How much longer it will be busy with what has been reckoned already.
    fn still_to_do(&self, now: Nanos) -> Nanos {
        self.paused.unwrap_or_else(|| self.busy_until.saturating_sub(now) + self.rest)
    }

    /// The process is gone: nothing is busy, paused or due. The tasks that waited are the caller's
    /// to drop, outside of the world.
    pub fn stop(&mut self) -> Vec<Runnable<HostId>> {
        self.busy_until = 0;
        self.paused = None;
        self.rest = 0;
        self.lacks_core = false;
        self.next_turn = None;
        self.granted = false;
        self.waiting.drain(..).map(|(runnable, _)| runnable).collect()
    }

    fn must_wait(&self, now: Nanos) -> bool {
        self.paused.is_some() || self.busy_until > now || self.has_more()
    }

    /// There is something to go on with as soon as it may.
    fn has_more(&self) -> bool {
        !self.waiting.is_empty() || self.rest > 0
    }

    /// When the next turn must be announced, unless it has been or nobody waits for it.
    fn announce(&mut self, now: Nanos) -> Option<Nanos> {
        let announced = self.next_turn.is_some() || self.lacks_core;
        if !self.has_more() || self.paused.is_some() || announced {
            return None;
        }
        self.next_turn = Some(self.busy_until.max(now));
        self.next_turn
    }
}

impl World {
    /// When that happens which a program on `host` does now: after the cost that has accrued in the
    /// poll under way, if it is one of this host.
    pub fn departure(&self, host: HostId) -> Nanos {
        self.poll.departure(self.now, host)
    }

    /// Gives the task back if it may run now.
    fn begin_poll(&mut self, runnable: Runnable<HostId>) -> Option<Runnable<HostId>> {
        let (id, now) = (*runnable.metadata(), self.now);
        let host = self.host(id);
        // A task of a stopped process only drops what it holds.
        if !host.alive {
            return Some(runnable);
        }
        let processor = &mut host.processor;
        let granted = std::mem::take(&mut processor.granted);
        if !granted && (processor.must_wait(now) || !self.take_core(id)) {
            self.host(id).processor.waiting.push_back((runnable, now));
            self.announce_turn(id);
            return None;
        }
        let processor = &mut self.host(id).processor;
        processor.stats.polls += 1;
        let asleep = !granted && processor.busy_until < now;
        let costs = processor.costs.clone();
        let accrued_ps =
            costs.as_ref().map_or(0, |costs| self.cost_of_beginning(id, costs, asleep));
        self.poll = Poll { host: id, costs, accrued_ps };
        Some(runnable)
    }

    fn end_poll(&mut self) {
        let Poll { host: id, accrued_ps, costs } = std::mem::take(&mut self.poll);
        let (now, cost) = (self.now, accrued_ps / PS_PER_NS);
        let processor = &mut self.host(id).processor;
        if cost > 0 {
            processor.busy_until = now + cost;
            processor.stats.busy_ns += cost;
        }
        if let Some(cores) = self.cores.as_mut().filter(|_| costs.is_some()) {
            cores.keep(id, now, cost);
            self.announce_core();
        }
        self.announce_turn(id);
    }

    fn cost_of_beginning(&self, id: HostId, costs: &Costs, asleep: bool) -> u64 {
        let switched = self.cores.as_ref().is_some_and(|cores| cores.has_switched(id));
        let switch_ps = if switched { costs.switch_ps } else { 0 };
        let wake_ps = if asleep { costs.wake_ps } else { 0 };
        costs.poll_ps + switch_ps + wake_ps
    }

    /// Whether the host has a core for its next poll, or needs none; else it waits for one.
    fn take_core(&mut self, id: HostId) -> bool {
        let now = self.now;
        let Some(cores) = &mut self.cores else { return true };
        let processor = &mut self.hosts[id as usize].processor;
        if processor.costs.is_none() || cores.take(id, now) {
            return true;
        }
        processor.lacks_core = true;
        self.announce_core();
        false
    }

    fn release_core(&mut self, id: HostId) {
        let now = self.now;
        if let Some(cores) = &mut self.cores {
            cores.release(id, now);
            self.announce_core();
        }
    }

    fn announce_core(&mut self) {
        let now = self.now;
        if let Some(at) = self.cores.as_mut().and_then(|cores| cores.announce(now)) {
            self.events.push(at, Event::CoreFree);
        }
    }

    fn announce_turn(&mut self, id: HostId) {
        let now = self.now;
        if let Some(at) = self.host(id).processor.announce(now) {
            self.events.push(at, Event::ProcessorFree(id));
        }
    }

    /// A core may be free for the host that has waited longest.
    pub fn core_free(&mut self) {
        let now = self.now;
        let Some(cores) = &mut self.cores else { return };
        if !cores.is_due(now) {
            return;
        }
        if let Some(id) = cores.give(now) {
            self.host(id).processor.lacks_core = false;
            self.go_on(id);
        }
        self.announce_core();
    }

    /// The processor has time for the next task.
    pub fn processor_free(&mut self, id: HostId) {
        let now = self.now;
        let processor = &mut self.host(id).processor;
        if processor.next_turn != Some(now) {
            return;
        }
        processor.next_turn = None;
        if self.take_core(id) {
            self.go_on(id);
        }
    }

    /// The processor, with a core if it needs one, goes on with what a pause interrupted, or with
    /// the next task.
    fn go_on(&mut self, id: HostId) {
        let now = self.now;
        self.note(Noted::ProcessorFree, u64::from(id));
        let processor = &mut self.host(id).processor;
        let rest = std::mem::take(&mut processor.rest);
        if rest > 0 {
            processor.busy_until = now + rest;
            self.cores.iter_mut().for_each(|cores| cores.keep(id, now, rest));
            self.announce_turn(id);
            return;
        }
        let place = executor::choose(processor.waiting.len());
        let (runnable, since) =
            processor.waiting.swap_remove_front(place).expect("a turn is announced to somebody");
        let waited = now - since;
        processor.stats.waited_ns += waited;
        processor.stats.longest_wait_ns = processor.stats.longest_wait_ns.max(waited);
        processor.granted = true;
        runnable.schedule();
    }

    /// The process is gone. What waited is for the caller to drop, outside of the world.
    pub fn stop_processor(&mut self, id: HostId) -> Vec<Runnable<HostId>> {
        let now = self.now;
        let processor = &mut self.host(id).processor;
        // Nobody will do the rest any more.
        processor.stats.busy_ns -= processor.still_to_do(now);
        let waiting = processor.stop();
        self.release_core(id);
        waiting
    }

    /// The process gets no processor time until it is resumed. What a poll that is under way has
    /// written leaves all the same.
    pub fn pause_processor(&mut self, id: HostId) {
        let now = self.now;
        let host = self.host(id);
        let processor = &mut host.processor;
        if host.alive && processor.paused.is_none() {
            processor.paused = Some(processor.still_to_do(now));
            processor.rest = 0;
            processor.next_turn = None;
            processor.lacks_core = false;
            self.release_core(id);
        }
    }

    /// Ends a pause; returns how many tasks it held up.
    pub fn resume_processor(&mut self, id: HostId) -> u64 {
        let (now, shared) = (self.now, self.cores.is_some());
        let processor = &mut self.host(id).processor;
        let Some(left) = processor.paused.take() else { return 0 };
        let needs_core = shared && processor.costs.is_some();
        (processor.busy_until, processor.rest) =
            if needs_core { (now, left) } else { (now + left, 0) };
        let held_up = processor.waiting.len() as u64;
        self.announce_turn(id);
        held_up
    }
}

#[cfg(test)]
mod tests;
