//! A host's processor: a queue with one server, in virtual time.
//!
//! A poll of a task costs virtual time: so much for itself, for what it reads and writes, and for
//! the heavy steps that the node declares. Until that time is over the host is busy, and tasks that
//! become ready wait in its queue; one event per host lets the next one go on. What a poll does to
//! the network happens after the cost that has accrued by then.
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
    /// How long tasks that were ready waited, in all.
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

    pub fn stats(&self) -> ProcessorStats {
        self.stats
    }

    pub fn count_from_zero(&mut self) {
        self.stats = ProcessorStats::default();
    }

    /// The process is gone: nothing is busy, paused or due. The tasks that waited are the caller's
    /// to drop, outside of the world.
    pub fn stop(&mut self) -> Vec<Runnable<HostId>> {
        self.busy_until = 0;
        self.paused = None;
        self.next_turn = None;
        self.granted = false;
        self.waiting.drain(..).map(|(runnable, _)| runnable).collect()
    }

    fn must_wait(&self, now: Nanos) -> bool {
        self.paused.is_some() || self.busy_until > now || !self.waiting.is_empty()
    }

    /// When the next turn must be announced, unless it has been or nobody waits for it.
    fn announce(&mut self, now: Nanos) -> Option<Nanos> {
        if self.waiting.is_empty() || self.paused.is_some() || self.next_turn.is_some() {
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
        if !std::mem::take(&mut processor.granted) && processor.must_wait(now) {
            processor.waiting.push_back((runnable, now));
            self.announce_turn(id);
            return None;
        }
        processor.stats.polls += 1;
        let costs = processor.costs.clone();
        let accrued_ps = costs.as_ref().map_or(0, |costs| costs.poll_ps);
        self.poll = Poll { host: id, costs, accrued_ps };
        Some(runnable)
    }

    fn end_poll(&mut self) {
        let Poll { host: id, accrued_ps, .. } = std::mem::take(&mut self.poll);
        let (now, cost) = (self.now, accrued_ps / PS_PER_NS);
        let processor = &mut self.host(id).processor;
        if cost > 0 {
            processor.busy_until = now + cost;
            processor.stats.busy_ns += cost;
        }
        self.announce_turn(id);
    }

    fn announce_turn(&mut self, id: HostId) {
        let now = self.now;
        if let Some(at) = self.host(id).processor.announce(now) {
            self.events.push(at, Event::ProcessorFree(id));
        }
    }

    /// The processor has time for the next task.
    pub fn processor_free(&mut self, id: HostId) {
        let now = self.now;
        let processor = &mut self.host(id).processor;
        if processor.next_turn != Some(now) {
            return;
        }
        processor.next_turn = None;
        let place = executor::choose(processor.waiting.len());
        let (runnable, since) =
            processor.waiting.swap_remove_front(place).expect("a turn is announced to somebody");
        let waited = now - since;
        processor.stats.waited_ns += waited;
        processor.stats.longest_wait_ns = processor.stats.longest_wait_ns.max(waited);
        processor.granted = true;
        self.note(Noted::ProcessorFree, u64::from(id));
        runnable.schedule();
    }

    /// The process gets no processor time until it is resumed. What a poll that is under way has
    /// written leaves all the same.
    pub fn pause_processor(&mut self, id: HostId) {
        let now = self.now;
        let host = self.host(id);
        let processor = &mut host.processor;
        if host.alive && processor.paused.is_none() {
            processor.paused = Some(processor.busy_until.saturating_sub(now));
            processor.next_turn = None;
        }
    }

    /// Ends a pause; returns how many tasks it held up.
    pub fn resume_processor(&mut self, id: HostId) -> u64 {
        let now = self.now;
        let processor = &mut self.host(id).processor;
        let Some(left) = processor.paused.take() else { return 0 };
        processor.busy_until = now + left;
        let held_up = processor.waiting.len() as u64;
        self.announce_turn(id);
        held_up
    }
}

#[cfg(test)]
mod tests;
