//! The cores of one machine on which all hosts run, if they share one.
//!
//! A host is a single-threaded process: it needs a core for as long as a poll lasts, and never two.
//! When no core is free, hosts wait for one, and whoever has waited longest goes next. After each
//! poll a host that has more to do queues again behind the others.
//!
//! Not modelled: Linux divides time more finely. It lets a process run for a slice of some
//! milliseconds if nobody more deserving wakes up, interrupts it in the middle of what is one poll
//! here, weighs processes by what they have had, and keeps a queue per core. Nor do cores share
//! caches, clocks or hardware threads.
//!
//! Must not know what hosts do with a core, or what that costs.

use std::collections::VecDeque;

use im::env::Nanos;

use crate::engine::HostId;

/// Until when a core is taken whose poll is under way: nobody knows yet.
const NOT_KNOWN_YET: Nanos = Nanos::MAX;

/// What the cores have done since they were last asked to count from zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CoreStats {
    /// Time for which cores were taken, summed over the cores.
    pub busy_ns: Nanos,
}

/// All cores of the machine, and who waits for one.
pub struct Cores {
    cores: Vec<Core>,
    /// Hosts that lack nothing but a core, the longest-waiting first.
    queue: VecDeque<HostId>,
    /// When the event comes that gives a core to the first of them; an event at another time is
    /// stale.
    next_turn: Option<Nanos>,
    stats: CoreStats,
}

#[derive(Clone, Default)]
struct Core {
    /// Who has it, or had it last.
    host: Option<HostId>,
    /// It is free from then on.
    until: Nanos,
    /// Somebody else had it before.
    switched: bool,
}

impl Cores {
    pub fn new(count: u32) -> Self {
        assert!(count >= 1, "a machine without a core does nothing");
        Self {
            cores: vec![Core::default(); count as usize],
            queue: VecDeque::new(),
            next_turn: None,
            stats: CoreStats::default(),
        }
    }

    pub fn stats(&self) -> CoreStats {
        self.stats
    }

    pub fn count_from_zero(&mut self) {
        self.stats = CoreStats::default();
    }

    /// Gives the host a core for its next poll; or else it waits for one, and says so.
    pub fn take(&mut self, host: HostId, now: Nanos) -> bool {
        let taken = self.queue.is_empty() && self.occupy(host, now);
        if !taken {
            self.queue.push_back(host);
        }
        taken
    }

    /// Whether the event at `now` is the one that was announced.
    pub fn is_due(&mut self, now: Nanos) -> bool {
        self.next_turn.take_if(|at| *at == now).is_some()
    }

    /// Gives a core to the host that has waited longest, if there are both.
    pub fn give(&mut self, now: Nanos) -> Option<HostId> {
        let host = *self.queue.front()?;
        self.occupy(host, now).then(|| self.queue.pop_front()).flatten()
    }

    fn occupy(&mut self, host: HostId, now: Nanos) -> bool {
        let has_one = |core: &Core| core.host == Some(host) && core.until > now;
        assert!(!self.cores.iter().any(has_one), "host {host} takes a second core");
        let free = || self.cores.iter().enumerate().filter(|(_, core)| core.until <= now);
        let its_last = free().find(|(_, core)| core.host == Some(host));
        let Some((place, _)) = its_last.or_else(|| free().next()) else { return false };
        let core = &mut self.cores[place];
        let switched = core.host.is_some_and(|last| last != host);
        *core = Core { host: Some(host), until: NOT_KNOWN_YET, switched };
        true
    }

    /// Whether the core that the host has taken for its next poll ran another host before.
    pub fn has_switched(&self, host: HostId) -> bool {
        let has_it = |core: &Core| core.host == Some(host) && core.until == NOT_KNOWN_YET;
        self.cores.iter().any(|core| has_it(core) && core.switched)
    }

    /// The poll for which the host took its core lasts that long; a host that has none needed none.
    pub fn keep(&mut self, host: HostId, now: Nanos, span: Nanos) {
        let has_it = |core: &&mut Core| core.host == Some(host) && core.until == NOT_KNOWN_YET;
        if let Some(core) = self.cores.iter_mut().find(has_it) {
            core.until = now + span;
            self.stats.busy_ns += span;
        }
    }

    /// The host has no use for a core any more, whether it has one or waits for one.
    pub fn release(&mut self, host: HostId, now: Nanos) {
        self.queue.retain(|waiting| *waiting != host);
        for core in &mut self.cores {
            if core.host == Some(host) && core.until > now {
                if core.until != NOT_KNOWN_YET {
                    // Not below zero: counting may have begun in the middle of the poll.
                    self.stats.busy_ns = self.stats.busy_ns.saturating_sub(core.until - now);
                }
                core.until = now;
            }
        }
    }

    /// When the next core must be given away, unless that has been announced for then or earlier,
    /// or nobody waits, or nobody knows yet.
    pub fn announce(&mut self, now: Nanos) -> Option<Nanos> {
        if self.queue.is_empty() {
            return None;
        }
        let free_from = self.cores.iter().map(|core| core.until).min().expect("one core or more");
        let sooner = self.next_turn.is_none_or(|announced| free_from.max(now) < announced);
        if free_from == NOT_KNOWN_YET || !sooner {
            return None;
        }
        self.next_turn = Some(free_from.max(now));
        self.next_turn
    }
}
