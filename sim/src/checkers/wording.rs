//! The sentences in which violations and events are told.
//!
//! It only phrases: which events belong to a violation is decided in `explain.rs`.

use im::env::Nanos;
use im::model::{ConversationId, Seq};
use im_reports::record::FaultReport;

use super::violation::{Broken, RowName};
use crate::history::{Event, History, Operation, What};

/// Times as the record has them: counted from the start of `duration`, 0 during the set-up.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Start of `duration` in the history's time.
    pub origin: Nanos,
}

impl Clock {
    /// A point of the history's time, in the record's time.
    pub fn since_start(self, at: Nanos) -> Nanos {
        at.saturating_sub(self.origin)
    }

    fn tell(self, at: Nanos) -> String {
        seconds(self.since_start(at))
    }
}

/// A time in the record, as in `21.304 s`.
fn seconds(ns: Nanos) -> String {
    format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1000)
}

/// `message u7.d0#12 (c31 seq 40, acked at 21.304 s)`.
fn message(history: &History, clock: Clock, row: &RowName) -> String {
    let acked = match row.acked {
        Some(event) => format!("acked at {}", clock.tell(history.events[event].at)),
        None => "never acked".to_owned(),
    };
    format!("message {} ({}, {acked})", row.key, place(row.conversation, row.seq))
}

fn place(conversation: ConversationId, seq: Seq) -> String {
    format!("{conversation} seq {seq}")
}

/// What is wrong, in one sentence.
pub fn summary(history: &History, clock: Clock, broken: &Broken, event: usize) -> String {
    let name = |row: &RowName| message(history, clock, row);
    let at = |event: usize| clock.tell(history.events[event].at);
    match broken {
        Broken::Lost { row, device } => format!("{} was never shown on {device}", name(row)),
        Broken::ShownAgain { row, device, first } => format!(
            "{} was shown twice on {device}: at {} and again at {}",
            name(row),
            at(*first),
            at(event)
        ),
        Broken::SameIdTwice { row, device, first } => format!(
            "{} was shown on {device} under the id {} that it had already shown elsewhere at {}",
            name(row),
            row.message_id,
            at(*first)
        ),
        Broken::TwoCopies { row, first, second } => format!(
            "{} became a second message {} at {}, seen at {}; the first was seen at {}",
            name(row),
            row.message_id,
            place(row.conversation, row.seq),
            at(*second),
            at(*first)
        ),
        Broken::RefusedYetThere { row, refused } => format!(
            "{} was refused for good at {} and yet was seen as a message at {}",
            name(row),
            at(*refused),
            at(event)
        ),
        Broken::NobodySent { row, device } => format!(
            "{} was shown on {device} at {}, but nobody asked for it in {}",
            name(row),
            at(event),
            row.conversation
        ),
        Broken::Skipped { row, missing, device } => format!(
            "{device} showed seq {} of {} at {} without {}",
            row.seq,
            row.conversation,
            at(event),
            name(missing)
        ),
        Broken::Late { row, after, device } => {
            format!("{} was shown on {device} at {}, after seq {after}", name(row), at(event))
        }
        Broken::Disagree { row, other, other_id, .. } => format!(
            "{} is {} ({}) to some and {other} ({other_id}) to others",
            place(row.conversation, row.seq),
            row.key,
            row.message_id
        ),
        Broken::SendsReordered { row, earlier } => format!(
            "{} came before {}, which its device had asked for earlier",
            name(row),
            name(earlier)
        ),
        Broken::Dropped { row, device, cursor } => format!(
            "{} was never shown on {device}, whose cursor passed it and stands at {cursor}",
            name(row)
        ),
        Broken::Pending { row, device, cursor } => {
            format!("{} is still to come on {device}, whose cursor stands at {cursor}", name(row))
        }
        Broken::Leaked { row, device } => format!(
            "{} was shown on {device} at {}, whose user was no member then",
            name(row),
            at(event)
        ),
        Broken::Hole { seq, count: 1, next } => format!(
            "nobody ever saw {}, although seq {} was seen",
            place(next.conversation, *seq),
            next.seq
        ),
        Broken::Hole { seq, count, next } => format!(
            "nobody ever saw {} and the following, {count} in all, although seq {} was seen",
            place(next.conversation, *seq),
            next.seq
        ),
    }
}

/// What should have been.
pub fn expected(broken: &Broken) -> String {
    match broken {
        Broken::Lost { device, .. } | Broken::Pending { device, .. } => {
            format!("{device} is owed the message and shows it by the end of the run")
        }
        Broken::Dropped { device, .. } => {
            format!("the cursor of {device} moves only over rows that it has")
        }
        Broken::ShownAgain { .. } | Broken::SameIdTwice { .. } => {
            "a device shows a message at most once, also across its restarts".to_owned()
        }
        Broken::TwoCopies { row, .. } => {
            format!("{} becomes one message, however often it is sent", row.key)
        }
        Broken::RefusedYetThere { .. } => {
            "a refused operation has no effect, then or later".to_owned()
        }
        Broken::NobodySent { .. } => {
            "what is shown in a conversation was asked for in it".to_owned()
        }
        Broken::Skipped { missing, device, .. } => {
            format!("{device} shows seq {} before any higher seq", missing.seq)
        }
        Broken::Late { .. } => "a device shows a conversation by rising seq".to_owned(),
        Broken::Disagree { .. } => "all devices agree on what stands at a seq".to_owned(),
        Broken::SendsReordered { .. } => "one device's operations keep their order".to_owned(),
        Broken::Leaked { .. } => {
            "a device shows only what was said while its user was a member".to_owned()
        }
        Broken::Hole { .. } => {
            "seqs are dense, and what takes one reaches those who are owed it".to_owned()
        }
    }
}

/// What happened, without who and when.
pub fn event(event: &Event) -> String {
    let device = event.device;
    match &event.what {
        What::LoggedIn => "logs in".to_owned(),
        What::Answered { .. } => "has the rows that it asked for".to_owned(),
        What::Crashed => "crashes".to_owned(),
        What::Restarted => "is back, with its disk".to_owned(),
        What::Invoked { client_msg_id, conversation, operation, .. } => {
            let wish = match operation {
                Operation::Create(members) => format!("open it with {} members", members.len()),
                Operation::Join => "join".to_owned(),
                Operation::Leave => "leave".to_owned(),
                Operation::Send(bytes) => format!("send {bytes} bytes"),
            };
            format!("asks in {conversation} to {wish} ({}.d{client_msg_id})", device.user)
        }
        What::Attempted { client_msg_id, attempt } => {
            format!("sends {}.d{client_msg_id} off (attempt {attempt})", device.user)
        }
        What::Acked { client_msg_id, seq, message_id } => {
            format!("has the ack of {}.d{client_msg_id}: seq {seq}, id {message_id}", device.user)
        }
        What::Refused { client_msg_id, reason } => {
            format!("is refused {}.d{client_msg_id} for good: {reason}", device.user)
        }
        What::Shown { conversation, seq, message_id, key } => {
            format!("shows {} ({key}, id {message_id})", place(*conversation, *seq))
        }
        What::Cursor { conversation, seq } => {
            format!("ends with its cursor in {conversation} at {seq}")
        }
    }
}

/// What happened, in a few words beside a mark that says who and when.
pub fn brief(event: &Event) -> String {
    let user = event.device.user;
    match &event.what {
        What::Answered { .. } => "has its rows".to_owned(),
        What::LoggedIn => "logs in".to_owned(),
        What::Crashed => "crashes".to_owned(),
        What::Restarted => "is back".to_owned(),
        What::Invoked { client_msg_id, operation, .. } => match operation {
            Operation::Create(_) => format!("asks to open ({user}.d{client_msg_id})"),
            Operation::Join => format!("asks to join ({user}.d{client_msg_id})"),
            Operation::Leave => format!("asks to leave ({user}.d{client_msg_id})"),
            Operation::Send(_) => format!("asks to send {user}.d{client_msg_id}"),
        },
        What::Attempted { client_msg_id, attempt } => {
            format!("sends {user}.d{client_msg_id}, attempt {attempt}")
        }
        What::Acked { client_msg_id, seq, .. } => {
            format!("has the ack of {user}.d{client_msg_id}: seq {seq}")
        }
        What::Refused { client_msg_id, .. } => format!("is refused {user}.d{client_msg_id}"),
        What::Shown { seq, key, .. } => format!("shows {key} at seq {seq}"),
        What::Cursor { seq, .. } => format!("ends with its cursor at {seq}"),
    }
}

/// What a fault was, in a few words.
pub fn brief_fault(fault: &FaultReport) -> String {
    format!("{} of {}", fault.kind, fault.target)
}

/// What a fault was and touched.
pub fn fault(fault: &FaultReport) -> String {
    let FaultReport { kind, target, .. } = fault;
    let touched = fault.effect.iter().filter(|(_, count)| **count > 0);
    let touched: Vec<String> = touched.map(|(name, count)| format!("{name} {count}")).collect();
    let touched = if touched.is_empty() { "nothing".to_owned() } else { touched.join(", ") };
    format!("{kind} of {target} until {}; touched: {touched}", seconds(fault.until_ns))
}
