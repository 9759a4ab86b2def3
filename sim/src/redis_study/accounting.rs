//! Where every lost write and every repeated value was lost: the hop, the window, the missing guard.
//!
//! It sees the clients' history and what was done to the nodes, and nothing of how they work.

use std::collections::BTreeMap;

use im::env::Nanos;
use serde::{Deserialize, Serialize};

use super::checkers::{lost_writes, values_repeated};
use super::history::{History, Operation};

/// Something that happened to a Redis node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Nanos,
    /// To whom.
    pub node: u32,
    /// What.
    pub what: Change,
}

/// What can happen to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Its process was killed.
    Killed,
    /// Its process came back, with the data that it had synced if it `keeps` any.
    Restarted {
        /// Whether it persists.
        keeps: bool,
    },
    /// The others cannot reach it any more.
    CutOff,
    /// They can again.
    Healed,
    /// It became the master.
    Promoted,
    /// It became a replica and took over the data of another.
    Demoted,
}

/// On which hop a write was lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hop {
    /// On its way from the master to a replica that was promoted without it.
    MasterToReplica,
    /// On a master that others had replaced, and that gave up what it had.
    DivergedMaster,
    /// From memory to disk: the master came back without it.
    Restart,
    /// None of these explains it.
    Unknown,
}

/// In which time it was acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// Before anything happened to the master.
    BeforeFault,
    /// While the master was cut off, before another was promoted.
    CutBeforePromotion,
    /// While the master was cut off and another one was in place.
    CutAfterPromotion,
    /// When the network had healed, until the old master was demoted.
    UntilDemotion,
    /// While two nodes were masters and both could be reached.
    TwoMasters,
}

/// What would have prevented it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// `WAIT` for a replica before the write counts.
    Wait,
    /// A master without replicas refuses writes (`min-replicas-to-write`).
    MinReplicas,
    /// A log of all writes, synced before the answer (`appendfsync always`).
    AofAlways,
    /// Values that carry an epoch, or begin above a floor that is kept elsewhere.
    EpochOrFloor,
}

/// What explains the loss of an effect.
pub type Cause = (Hop, Window, Guard);

/// Losses and repetitions by cause.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// Acknowledged writes that are gone.
    pub lost: BTreeMap<Cause, u64>,
    /// Increments of which the value was given out again.
    pub repeated: BTreeMap<Cause, u64>,
}

/// Attributes everything that was lost or repeated. `events` are in the order of their times.
pub fn account(history: &History, events: &[Event]) -> Account {
    let mut account = Account::default();
    for write in lost_writes(history) {
        *account.lost.entry(cause(write, events)).or_default() += 1;
    }
    for twins in values_repeated(history).values() {
        // The value came again because the state behind an earlier answer was lost. Of two
        // masters at once, that of the one which gave its data up.
        let explained = twins.iter().map(|twin| cause(twin, events));
        let (hop, window, _) = explained
            .min_by_key(|(hop, ..)| *hop == Hop::Unknown)
            .expect("a repeated value was given out twice");
        *account.repeated.entry((hop, window, Guard::EpochOrFloor)).or_default() += 1;
    }
    account
}

/// Why a write that its master acknowledged is not there.
pub fn cause(write: &Operation, events: &[Event]) -> Cause {
    // It was written before its answer came: a kill in between took it, too.
    let own = |what: fn(Change) -> bool| {
        let later = events.iter().filter(|event| event.node == write.node && what(event.what));
        later.filter(|event| event.at >= write.invoked).map(|event| event.at).min()
    };
    let killed = own(|what| what == Change::Killed);
    let demoted = own(|what| what == Change::Demoted);
    let restarted = own(|what| matches!(what, Change::Restarted { .. }));
    let replaced = |before: Option<Nanos>| {
        let later = events.iter().filter(|event| event.at >= write.ended);
        let promoted = later.filter(|event| event.what == Change::Promoted);
        let mut others = promoted.filter(|event| event.node != write.node);
        others.any(|event| before.is_none_or(|before| event.at < before))
    };
    let window = window(write, events);
    match (killed, demoted) {
        (Some(killed), demoted) if demoted.is_none_or(|demoted| killed < demoted) => {
            match restarted.is_some() && !replaced(restarted) {
                true => (Hop::Restart, window, Guard::AofAlways),
                false => (Hop::MasterToReplica, window, Guard::Wait),
            }
        }
        (_, Some(_)) if window == Window::BeforeFault => {
            (Hop::MasterToReplica, window, Guard::Wait)
        }
        // Also one that is still to give up what it has.
        _ if window == Window::TwoMasters => (Hop::DivergedMaster, window, Guard::Wait),
        (_, Some(_)) => (Hop::DivergedMaster, window, Guard::MinReplicas),
        _ => (Hop::Unknown, window, Guard::Wait),
    }
}

/// Where the acknowledgement lies among the events.
fn window(write: &Operation, events: &[Event]) -> Window {
    let last = |of: &dyn Fn(&Event) -> bool| {
        let before = events.iter().filter(|event| event.at <= write.ended && of(event));
        before.map(|event| event.at).max()
    };
    let cut = last(&|event| event.node == write.node && event.what == Change::CutOff);
    let healed = last(&|event| event.node == write.node && event.what == Change::Healed);
    let other = last(&|event| event.node != write.node && event.what == Change::Promoted);
    let own = last(&|event| event.node == write.node && event.what == Change::Promoted);
    let is_replaced = other.is_some_and(|other| own.is_none_or(|own| own < other));
    match (cut, healed) {
        (Some(cut), healed) if healed.is_none_or(|healed| healed < cut) => match is_replaced {
            true => Window::CutAfterPromotion,
            false => Window::CutBeforePromotion,
        },
        (Some(_), Some(_)) if is_replaced => Window::UntilDemotion,
        _ if is_replaced => Window::TwoMasters,
        _ => Window::BeforeFault,
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkers::samples::{history, operation};
    use super::*;
    use crate::redis_study::history::{Kind, Outcome};

    const S: Nanos = 1_000_000_000;

    fn event(at_s: u64, node: u32, what: Change) -> Event {
        Event { at: at_s * S, node, what }
    }

    /// Node 1 was asked at second `id`.
    fn causes(ids: &[u64], events: &[Event]) -> Vec<Cause> {
        let write = |id: &u64| operation(*id, Kind::Set, Outcome::Done(0));
        ids.iter().map(|id| cause(&write(id), events)).collect()
    }

    #[test]
    fn a_cut_master_loses_from_the_cut_until_it_is_demoted() {
        let events = [
            event(10, 1, Change::CutOff),
            event(12, 2, Change::Promoted),
            event(25, 1, Change::Healed),
            event(36, 1, Change::Demoted),
        ];
        assert_eq!(
            causes(&[9, 11, 20, 30], &events),
            [
                (Hop::MasterToReplica, Window::BeforeFault, Guard::Wait),
                (Hop::DivergedMaster, Window::CutBeforePromotion, Guard::MinReplicas),
                (Hop::DivergedMaster, Window::CutAfterPromotion, Guard::MinReplicas),
                (Hop::DivergedMaster, Window::UntilDemotion, Guard::MinReplicas),
            ]
        );
    }

    #[test]
    fn a_killed_master_loses_to_its_replica_or_to_its_own_restart() {
        let killed = event(10, 1, Change::Killed);
        let back = event(11, 1, Change::Restarted { keeps: false });
        let alone = [killed, back];
        let restart = (Hop::Restart, Window::BeforeFault, Guard::AofAlways);
        assert_eq!(causes(&[9], &alone), [restart]);
        let late = [killed, event(12, 2, Change::Promoted), event(20, 1, Change::Demoted)];
        let unsent = (Hop::MasterToReplica, Window::BeforeFault, Guard::Wait);
        assert_eq!(causes(&[9], &late), [unsent]);
    }

    #[test]
    fn a_second_failover_leaves_two_masters_that_can_be_reached() {
        let events = [event(5, 2, Change::Promoted), event(15, 1, Change::Demoted)];
        let two = (Hop::DivergedMaster, Window::TwoMasters, Guard::Wait);
        assert_eq!(causes(&[8], &events), [two]);
        assert_eq!(causes(&[8], &[]), [(Hop::Unknown, Window::BeforeFault, Guard::Wait)]);
    }

    #[test]
    fn lost_and_repeated_are_counted_by_cause() {
        let events = [event(10, 1, Change::Killed), event(12, 2, Change::Promoted)];
        let operations = vec![
            operation(8, Kind::Set, Outcome::Done(0)),
            operation(9, Kind::Incr, Outcome::Done(7)),
            Operation { node: 2, ..operation(13, Kind::Incr, Outcome::Done(7)) },
        ];
        let account = account(&history(operations, &[]), &events);
        let (hop, window) = (Hop::MasterToReplica, Window::BeforeFault);
        assert_eq!(account.lost, [((hop, window, Guard::Wait), 1)].into());
        assert_eq!(account.repeated, [((hop, window, Guard::EpochOrFloor), 1)].into());
    }
}
