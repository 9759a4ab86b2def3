//! absence→shown: how long a device that was away takes to show what it missed, from its login.
//!
//! A device is away while its program does not run. What was accepted meanwhile, and is shown after the login,
//! is a sample.

use std::collections::BTreeMap;
use std::ops::Range;

use hdrhistogram::Histogram;
use im::env::Nanos;
use im::model::{DeviceId, SendKey};

use super::{Sends, histogram, record};
use crate::history::{History, What};

/// A show on a device that had been away, at the earliest when it was back.
struct Candidate {
    key: SendKey,
    away: Range<Nanos>,
    shown: Nanos,
}

/// The samples, one per (message, device).
pub fn to_shown(history: &History, sends: &Sends<'_>) -> Histogram<u64> {
    let mut samples = histogram();
    let candidates = candidates(history);
    if candidates.is_empty() {
        return samples;
    }
    let counted = sends.conversations(history);
    let keys = candidates.iter().map(|candidate| (candidate.key, None));
    let mut accepted: BTreeMap<SendKey, Option<Nanos>> = keys.collect();
    accepted.retain(|key, _| counted.contains_key(key));
    for event in &history.events {
        let key = match &event.what {
            What::Acked { client_msg_id, .. } => {
                SendKey { sender: event.device.user, client_msg_id: *client_msg_id }
            }
            What::Shown { key, .. } => *key,
            _ => continue,
        };
        if let Some(first) = accepted.get_mut(&key) {
            first.get_or_insert(event.at);
        }
    }
    for Candidate { key, away, shown } in candidates {
        if accepted.get(&key).copied().flatten().is_some_and(|at| away.contains(&at)) {
            record(&mut samples, shown - away.end);
        }
    }
    samples
}

fn candidates(history: &History) -> Vec<Candidate> {
    let mut last: BTreeMap<DeviceId, (Nanos, Option<Nanos>)> = BTreeMap::new();
    let mut candidates = Vec::new();
    for event in &history.events {
        match &event.what {
            What::Crashed => drop(last.insert(event.device, (event.at, None))),
            _ if last.is_empty() => {}
            What::LoggedIn => {
                if let Some((_, login)) = last.get_mut(&event.device) {
                    login.get_or_insert(event.at);
                }
            }
            What::Shown { key, .. } => {
                if let Some((from, Some(login))) = last.get(&event.device) {
                    candidates.push(Candidate { key: *key, away: *from..*login, shown: event.at });
                }
            }
            _ => {}
        }
    }
    candidates
}

/// How often devices logged in again whose programs had run on: each time a connection was lost.
pub fn connections_lost(history: &History, from: Nanos) -> u64 {
    let mut online: BTreeMap<DeviceId, bool> = BTreeMap::new();
    let mut lost = 0;
    for event in &history.events {
        match &event.what {
            What::Crashed | What::Restarted => drop(online.insert(event.device, false)),
            What::LoggedIn => {
                let again = online.insert(event.device, true) == Some(true);
                lost += u64::from(again && event.at >= from);
            }
            _ => {}
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkers::story::{ANN, BOB, MS, Story};

    #[test]
    fn what_was_accepted_while_a_device_was_away_counts_from_its_login() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN, BOB]);
        story.crash(BOB);
        let missed = story.said(ANN, 3, &[ANN]);
        story.restart(BOB);
        story.log_in(BOB);
        story.said(ANN, 4, &[ANN, BOB]);
        story.show(BOB, missed, 3);
        story.log_in(ANN);
        let history = story.end();
        let samples = to_shown(&history, &Sends { from: 0, only: None });
        assert_eq!(
            samples.len(),
            1,
            "row 4 was accepted after the login, row 2 before the absence"
        );
        assert!(samples.equivalent(samples.max(), 6 * MS), "{}", samples.max());
        assert_eq!(
            connections_lost(&history, 0),
            1,
            "Bob's program was started again, Ann's was not"
        );
    }
}
