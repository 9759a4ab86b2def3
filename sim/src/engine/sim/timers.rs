//! Pending sleeps: a slab of wakers with generations, so that a stale event finds nothing.

use std::task::Waker;

/// Names one use of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerId {
    slot: u32,
    generation: u32,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    waker: Option<Waker>,
}

#[derive(Default)]
pub struct Timers {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Timers {
    pub fn insert(&mut self, waker: Waker) -> TimerId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 timers")
        });
        let entry = &mut self.slots[slot as usize];
        entry.waker = Some(waker);
        TimerId { slot, generation: entry.generation }
    }

    /// Keeps the waker of a sleep that was polled again up to date.
    pub fn refresh(&mut self, id: TimerId, waker: &Waker) {
        let entry = &mut self.slots[id.slot as usize];
        if entry.generation == id.generation
            && !entry.waker.as_ref().is_some_and(|known| known.will_wake(waker))
        {
            entry.waker = Some(waker.clone());
        }
    }

    /// Frees the slot; the waker if the timer was still pending.
    pub fn remove(&mut self, id: TimerId) -> Option<Waker> {
        let entry = &mut self.slots[id.slot as usize];
        if entry.generation != id.generation {
            return None;
        }
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(id.slot);
        entry.waker.take()
    }
}
