//! The longest span in which sends waited and none was accepted.

use std::collections::BTreeMap;
use std::ops::Range;

use im::env::Nanos;
use im::model::SendKey;

use super::Sends;
use crate::history::{History, What};

/// A turn in the queue of sends that wait for their outcome.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Accepted,
    Refused,
    Intended,
}

/// How many of the sends have no outcome, and the longest span without an acceptance while some waited: from
/// the intended time of the first that waited, or the last acceptance.
pub fn unaccepted(history: &History, sends: &Sends<'_>, end: Nanos) -> (u64, Range<Nanos>) {
    let mut waiting: BTreeMap<SendKey, ()> = BTreeMap::new();
    let mut turns: Vec<(Nanos, Turn)> = Vec::new();
    for event in &history.events {
        let key = |client_msg_id| SendKey { sender: event.device.user, client_msg_id };
        match &event.what {
            What::Invoked { client_msg_id, intended, .. } if sends.counts(event) => {
                waiting.insert(key(*client_msg_id), ());
                turns.push((*intended, Turn::Intended));
            }
            What::Acked { client_msg_id, .. } if waiting.remove(&key(*client_msg_id)).is_some() => {
                turns.push((event.at, Turn::Accepted));
            }
            What::Refused { client_msg_id, .. }
                if waiting.remove(&key(*client_msg_id)).is_some() =>
            {
                turns.push((event.at, Turn::Refused));
            }
            _ => {}
        }
    }
    turns.sort_unstable();
    (waiting.len() as u64, longest(&turns, end))
}

fn longest(turns: &[(Nanos, Turn)], end: Nanos) -> Range<Nanos> {
    let mut longest = 0..0;
    let (mut waiting, mut since) = (0u64, 0);
    let mut close = |since: Nanos, at: Nanos| {
        if at - since > longest.end - longest.start {
            longest = since..at;
        }
    };
    for (at, turn) in turns {
        match turn {
            Turn::Intended => {
                since = if waiting == 0 { *at } else { since };
                waiting += 1;
            }
            Turn::Accepted => {
                close(since, *at);
                (waiting, since) = (waiting - 1, *at);
            }
            Turn::Refused => {
                waiting -= 1;
                if waiting == 0 {
                    close(since, *at);
                }
            }
        }
    }
    if waiting > 0 {
        close(since, end.max(since));
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_in_which_somebody_waits_counts() {
        use Turn::{Accepted, Intended, Refused};
        let of = |turns: &[(Nanos, Turn)]| longest(turns, 100);
        assert_eq!(of(&[]), 0..0);
        assert_eq!(of(&[(1, Intended), (3, Accepted), (50, Intended), (51, Accepted)]), 1..3);
        let queue = [(1, Intended), (2, Intended), (3, Accepted), (20, Accepted), (90, Intended)];
        assert_eq!(of(&queue), 3..20);
        assert_eq!(of(&[(1, Intended), (9, Refused), (30, Intended)]), 30..100);
    }
}
