//! A violation turned into a finding: what is wrong, what should have been, and the events that
//! led there.
//!
//! It looks at the history once per violation, picks what concerns the message and the device, and
//! puts the faults of that time between. It sees of a fault only its report.

mod origins;

use im::env::Nanos;
use im::model::{DeviceId, SendKey};
use im_reports::record::{FaultReport, Finding, FindingEvent};

use super::violation::{Broken, RowName, Violation};
use super::wording::{self, Clock};
use crate::history::{Event, History, Operation, What};

/// How many events a finding tells at most.
pub const EVENTS_MAX: usize = 30;

/// On how many devices beside the violating one the shows of a message are told.
const OTHER_SHOWS_MAX: usize = 3;

/// How many faults stand between the events at most.
const FAULTS_MAX: usize = 8;

/// Explains a violation that was found in `history`. `origin` is the start of `duration` in the
/// history's time; the faults' times and the finding's count from there.
pub fn explain(
    history: &History,
    violation: &Violation,
    faults: &[FaultReport],
    origin: Nanos,
) -> Finding {
    let clock = Clock { origin };
    let subject = Subject::of(&violation.broken);
    let key = key_event(history, violation);
    let mut picked = pick(history, &subject, key);
    let first_ask = picked.iter().find(|pick| pick.weight == Weight::ASKED);
    let from = first_ask.map_or(violation.at, |pick| history.events[pick.event].at);
    let until = match subject.open_ended {
        true => history.events.last().map_or(violation.at, |last| last.at),
        false => violation.at,
    };
    picked.retain(|pick| {
        let at = history.events[pick.event].at;
        pick.weight != Weight::LIFE || (from <= at && at <= until)
    });
    picked.sort_by_key(|pick| (pick.weight, pick.event));
    let window = (clock.since_start(from), clock.since_start(until));
    let faults = faults_within(faults, window, clock.since_start(history.events[key].at));
    picked.truncate(EVENTS_MAX - faults.len());
    picked.sort_by_key(|pick| pick.event);
    picked.dedup_by_key(|pick| pick.event);

    let mut told: Vec<(Option<usize>, FindingEvent)> =
        faults.into_iter().map(|fault| (None, tell_fault(fault))).collect();
    told.extend(picked.iter().map(|pick| {
        let event = &history.events[pick.event];
        let told = FindingEvent {
            at_ns: clock.since_start(event.at),
            actor: event.device.to_string(),
            text: wording::event(event),
            key: pick.event == key,
            brief: Some(wording::brief(event)),
            until_ns: None,
            origin: None,
        };
        (Some(pick.event), told)
    }));
    // Stable: at the same instant the fault comes first, events keep the order of the history.
    told.sort_by_key(|(_, event)| event.at_ns);
    let places: Vec<Option<usize>> = told.iter().map(|(place, _)| *place).collect();
    let mut events: Vec<FindingEvent> = told.into_iter().map(|(_, event)| event).collect();
    for (event, origin) in events.iter_mut().zip(origins::origins(history, &subject, &places)) {
        event.origin = origin;
    }
    Finding {
        promise: violation.promise.to_owned(),
        also: Vec::new(),
        count: 1,
        cause: String::new(),
        summary: wording::summary(history, clock, &violation.broken, violation.event),
        expected: wording::expected(&violation.broken),
        events,
    }
}

/// Whom and what a violation is about.
struct Subject {
    device: Option<DeviceId>,
    rows: Vec<RowName>,
    keys: Vec<SendKey>,
    /// Whether it was broken only by the end of the run.
    open_ended: bool,
    /// Whether it turns on who was a member.
    membership: bool,
}

impl Subject {
    fn of(broken: &Broken) -> Self {
        let (device, rows) = match broken {
            Broken::Lost { row, device }
            | Broken::Dropped { row, device, .. }
            | Broken::Pending { row, device, .. }
            | Broken::Leaked { row, device }
            | Broken::NobodySent { row, device }
            | Broken::ShownAgain { row, device, .. }
            | Broken::SameIdTwice { row, device, .. }
            | Broken::Late { row, device, .. } => (Some(*device), vec![*row]),
            Broken::Skipped { row, missing, device } => (Some(*device), vec![*missing, *row]),
            Broken::SendsReordered { row, earlier } => (None, vec![*earlier, *row]),
            Broken::TwoCopies { row, .. }
            | Broken::RefusedYetThere { row, .. }
            | Broken::Disagree { row, .. }
            | Broken::Hole { next: row, .. } => (None, vec![*row]),
        };
        let mut keys: Vec<SendKey> = rows.iter().map(|row| row.key).collect();
        if let Broken::Disagree { other, .. } = broken {
            keys.push(*other);
        }
        let open_ended =
            matches!(broken, Broken::Lost { .. } | Broken::Dropped { .. } | Broken::Pending { .. });
        let membership = matches!(broken, Broken::Leaked { .. });
        Self { device, rows, keys, open_ended, membership }
    }

    /// The devices whose crashes and logins may have to do with it.
    fn concerns(&self, device: DeviceId) -> bool {
        let asked = |key: &SendKey| key.sender == device.user && key.device_index() == device.index;
        self.device == Some(device) || self.keys.iter().any(asked)
    }
}

/// The device part of an operation's number.
trait DeviceIndex {
    fn device_index(&self) -> u16;
}

impl DeviceIndex for SendKey {
    fn device_index(&self) -> u16 {
        (self.client_msg_id.0 >> 48) as u16
    }
}

/// The event that a reader should look at first.
fn key_event(history: &History, violation: &Violation) -> usize {
    let Broken::TwoCopies { row, second, .. } = &violation.broken else { return violation.event };
    let retry = history.events[..*second].iter().rposition(|event| {
        event.device.user == row.key.sender
            && matches!(event.what, What::Attempted { client_msg_id, .. }
                if client_msg_id == row.key.client_msg_id)
    });
    retry.unwrap_or(violation.event)
}

/// How much an event matters when there is no room for all; the least number matters most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Weight(u8);

impl Weight {
    const KEY: Self = Self(0);
    const ASKED: Self = Self(1);
    const ANSWERED: Self = Self(2);
    const OUTCOME: Self = Self(3);
    const NEIGHBOUR: Self = Self(4);
    const LIFE: Self = Self(5);
    const ATTEMPT: Self = Self(6);
    const BEFORE: Self = Self(7);
}

struct Pick {
    weight: Weight,
    event: usize,
}

/// All that concerns the subject, in the order of the history.
fn pick(history: &History, subject: &Subject, key: usize) -> Vec<Pick> {
    let mut picked = Vec::new();
    let mut other_shows = 0;
    let mut member_keys: Vec<SendKey> = Vec::new();
    let mut last_life = None;
    let mut asked = false;
    for (position, event) in history.events.iter().enumerate() {
        if let What::Invoked { client_msg_id, operation, conversation, .. } = &event.what {
            let mine = subject.device.is_some_and(|device| device.user == event.device.user);
            let changes = matches!(operation, Operation::Join | Operation::Leave);
            if subject.membership
                && mine
                && changes
                && subject.rows.iter().any(|row| row.conversation == *conversation)
            {
                let sender = event.device.user;
                member_keys.push(SendKey { sender, client_msg_id: *client_msg_id });
            }
        }
        let Some(mut weight) = weigh(event, subject, &member_keys) else { continue };
        if weight == Weight::NEIGHBOUR && subject.device != Some(event.device) {
            other_shows += 1;
            if other_shows > OTHER_SHOWS_MAX && position != key {
                continue;
            }
        }
        if weight == Weight::ASKED && !asked {
            asked = true;
            // How the device stood when it all began.
            picked.extend(last_life.map(|event| Pick { weight: Weight::BEFORE, event }));
        }
        if weight == Weight::LIFE && subject.device.is_none_or(|device| device == event.device) {
            last_life = Some(position);
        }
        if position == key && weight != Weight::ASKED {
            weight = Weight::KEY;
        }
        picked.push(Pick { weight, event: position });
    }
    picked
}

fn weigh(event: &Event, subject: &Subject, member_keys: &[SendKey]) -> Option<Weight> {
    let sender = event.device.user;
    let about = |client_msg_id| {
        let key = SendKey { sender, client_msg_id };
        subject.keys.contains(&key) || member_keys.contains(&key)
    };
    match event.what {
        What::Invoked { client_msg_id, .. } => about(client_msg_id).then_some(Weight::ASKED),
        What::Acked { client_msg_id, .. } | What::Refused { client_msg_id, .. } => {
            about(client_msg_id).then_some(Weight::ANSWERED)
        }
        What::Attempted { client_msg_id, .. } => about(client_msg_id).then_some(Weight::ATTEMPT),
        What::Shown { conversation, seq, key, .. } => {
            let same = |row: &RowName| row.conversation == conversation && row.seq == seq;
            let next =
                |row: &RowName| row.conversation == conversation && row.seq.abs_diff(seq) == 1;
            let mine = subject.device == Some(event.device);
            if subject.keys.contains(&key) || subject.rows.iter().any(same) {
                Some(if mine { Weight::OUTCOME } else { Weight::NEIGHBOUR })
            } else {
                (mine && subject.rows.iter().any(next)).then_some(Weight::NEIGHBOUR)
            }
        }
        What::Cursor { conversation, .. } => {
            let here = subject.rows.iter().any(|row| row.conversation == conversation);
            let ends_it = subject.open_ended && subject.device == Some(event.device) && here;
            ends_it.then_some(Weight::OUTCOME)
        }
        What::Answered { .. } => None,
        What::LoggedIn | What::Crashed | What::Restarted => {
            subject.concerns(event.device).then_some(Weight::LIFE)
        }
    }
}

/// The faults that overlap the window, those nearest to the key event when there are many; or
/// else the last that started before it.
fn faults_within(
    faults: &[FaultReport],
    (from, until): (Nanos, Nanos),
    key: Nanos,
) -> Vec<&FaultReport> {
    let overlaps = |fault: &&FaultReport| fault.from_ns <= until && fault.until_ns >= from;
    let done = || faults.iter().filter(|fault| fault.left_out.is_none());
    let mut found: Vec<&FaultReport> = done().filter(overlaps).collect();
    if found.is_empty() {
        let before = done().filter(|fault| fault.from_ns <= from);
        found.extend(before.max_by_key(|fault| fault.from_ns));
    }
    found.sort_by_key(|fault| (fault.from_ns.abs_diff(key), fault.number));
    found.truncate(FAULTS_MAX);
    found.sort_by_key(|fault| (fault.from_ns, fault.number));
    found
}

fn tell_fault(fault: &FaultReport) -> FindingEvent {
    FindingEvent {
        at_ns: fault.from_ns,
        actor: format!("fault {}", fault.number),
        text: wording::fault(fault),
        key: false,
        brief: Some(wording::brief_fault(fault)),
        until_ns: Some(fault.until_ns),
        origin: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_all;
    use super::super::story::{ANN, BOB, CY, MS, Story};
    use super::*;
    use im_reports::record::Origin;

    fn fault(number: u32, from_ms: u64, until_ms: u64) -> FaultReport {
        FaultReport {
            number,
            kind: "crash".to_owned(),
            target: "gateway-0".to_owned(),
            from_ns: from_ms * MS,
            until_ns: until_ms * MS,
            effect: [("connections_reset".to_owned(), 3), ("packets_lost".to_owned(), 0)].into(),
            ..FaultReport::default()
        }
    }

    fn findings(story: Story, faults: &[FaultReport], origin: Nanos) -> Vec<Finding> {
        let history = story.end();
        let report = check_all(&history);
        report.violations.iter().map(|one| explain(&history, one, faults, origin)).collect()
    }

    fn lines(finding: &Finding) -> Vec<String> {
        let line = |event: &FindingEvent| {
            let mark = if event.key { "* " } else { "" };
            format!("{mark}{} {} {}", event.at_ns / MS, event.actor, event.text)
        };
        finding.events.iter().map(line).collect()
    }

    #[test]
    fn a_lost_message_is_told_from_the_ask_to_the_end() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN]);
        story.crash(BOB);
        story.restart(BOB);
        let faults = [fault(1, 0, 1), fault(2, 3, 20), fault(3, 90, 99)];
        let findings = findings(story, &faults, 4 * MS);
        assert_eq!(findings[0].promise, "A1");
        assert_eq!(
            findings[0].summary,
            "message u1.d0#2 (c31 seq 2, acked at 0.005 s) was never shown on u2.d0"
        );
        assert_eq!(
            lines(&findings[0]),
            [
                "0 u2.d0 logs in",
                "2 u2.d0 shows c31 seq 1 (u1.d0#1, id m1001)",
                "3 fault 2 crash of gateway-0 until 0.020 s; touched: connections_reset 3",
                "3 u1.d0 asks in c31 to send 5 bytes (u1.d0#2)",
                "4 u1.d0 sends u1.d0#2 off (attempt 1)",
                "* 5 u1.d0 has the ack of u1.d0#2: seq 2, id m1002",
                "6 u1.d0 shows c31 seq 2 (u1.d0#2, id m1002)",
                "7 u2.d0 crashes",
                "8 u2.d0 is back, with its disk",
                "10 u2.d0 ends with its cursor in c31 at 1",
            ]
        );
        let events = &findings[0].events;
        assert_eq!(events[9].origin, Some(Origin { event: 4, arrived: false }));
        assert_eq!(events.iter().filter(|event| event.origin.is_some()).count(), 1);
        assert_eq!((events[2].until_ns, events[3].until_ns), (Some(20 * MS), None));
    }

    #[test]
    fn a_duplicate_turns_on_the_retry_that_made_it() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.send(ANN);
        story.show(BOB, hello, 2);
        story.retry(hello, 2);
        story.accepted(hello, 3, &[ANN, BOB]);
        let findings = findings(story, &[], 0);
        let copies = findings.iter().find(|finding| finding.promise == "A2").expect("a duplicate");
        let key: Vec<&FindingEvent> = copies.events.iter().filter(|event| event.key).collect();
        assert_eq!(key.len(), 1);
        assert_eq!(key[0].text, "sends u1.d0#2 off (attempt 2)");
        // Each copy came from the try that had left when it was first seen.
        let shows = copies.events.iter().filter(|event| event.actor == "u2.d0");
        let sent_off = shows.filter_map(|event| Some(&*copies.events[event.origin?.event].text));
        assert_eq!(
            sent_off.collect::<Vec<_>>(),
            ["sends u1.d0#2 off (attempt 1)", "sends u1.d0#2 off (attempt 2)"]
        );
    }

    #[test]
    fn a_skip_turns_on_the_early_show() {
        let mut story = Story::with(&[ANN, BOB]);
        story.said(ANN, 2, &[ANN]);
        story.said(ANN, 3, &[ANN, BOB]);
        let findings = findings(story, &[fault(1, 0, 1)], 0);
        let skip = findings.iter().find(|finding| finding.promise == "A3").expect("a skip");
        assert!(skip.summary.starts_with("u2.d0 showed seq 3 of c31 at 0.015 s without message"));
        assert_eq!(skip.expected, "u2.d0 shows seq 2 before any higher seq");
        let key = skip.events.iter().find(|event| event.key).expect("a key event");
        assert_eq!((key.actor.as_str(), key.at_ns), ("u2.d0", 15 * MS));
        assert_eq!(skip.events.iter().filter(|event| event.actor == "fault 1").count(), 1);
    }

    #[test]
    fn a_leak_tells_of_the_leave() {
        let mut story = Story::with(&[ANN, BOB, CY]);
        let leave = story.leave(CY);
        story.accepted(leave, 2, &[ANN, BOB]);
        story.said(ANN, 3, &[ANN, BOB, CY]);
        let findings = findings(story, &[], 0);
        let texts: Vec<&str> = findings[0].events.iter().map(|event| event.text.as_str()).collect();
        assert!(texts.contains(&"asks in c31 to leave (u3.d0#2)"), "{texts:?}");
        assert!(texts.contains(&"has the ack of u3.d0#2: seq 2, id m1002"), "{texts:?}");
    }

    #[test]
    fn a_finding_has_room_for_its_key_event_whatever_happened() {
        let mut story = Story::with(&[ANN, BOB]);
        let hello = story.send(ANN);
        for attempt in 2..=100 {
            story.retry(hello, attempt);
            story.crash(BOB);
            story.restart(BOB);
        }
        story.accepted(hello, 2, &[ANN]);
        let faults: Vec<FaultReport> = (1..=50).map(|n| fault(n, u64::from(n), 400)).collect();
        for finding in findings(story, &faults, 0) {
            assert!(finding.events.len() <= EVENTS_MAX);
            assert!(finding.events.iter().any(|event| event.key));
            assert!(finding.events.is_sorted_by_key(|event| event.at_ns));
        }
    }
}
