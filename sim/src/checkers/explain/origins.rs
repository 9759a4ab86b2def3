//! Where the messages of a finding's events came from: which send led to which show, and which send
//! led to none.
//!
//! The history does not say which try of a send became a message. The last one that had left when
//! the message was first seen is taken: no later one can have made it.

use im::model::{ConversationId, DeviceId, SendKey, Seq};
use im_reports::record::Origin;

use super::{DeviceIndex, Subject};
use crate::history::{Event, History, What};

/// The origin of each told event. `told` has their places in the history; faults have none.
pub fn origins(
    history: &History,
    subject: &Subject,
    told: &[Option<usize>],
) -> Vec<Option<Origin>> {
    let origin = |place: &Option<usize>| {
        let event = &history.events[(*place)?];
        let (key, before, arrived) = match event.what {
            What::Shown { conversation, seq, key, .. } if event.device != device_of(key) => {
                (key, first_seen(history, conversation, seq, key)?, true)
            }
            What::Cursor { .. } => {
                let missing = subject.rows.first()?;
                (missing.key, history.events.len(), false)
            }
            _ => return None,
        };
        let sent = sent_before(history, told, key, before)?;
        Some(Origin { event: sent, arrived })
    };
    told.iter().map(origin).collect()
}

fn device_of(key: SendKey) -> DeviceId {
    DeviceId { user: key.sender, index: key.device_index() }
}

/// When a message was first seen at a place: shown anywhere, or acked.
fn first_seen(
    history: &History,
    conversation: ConversationId,
    seq: Seq,
    key: SendKey,
) -> Option<usize> {
    history.events.iter().position(|event| match event.what {
        What::Shown { conversation: at, seq: shown, key: of, .. } => {
            (at, shown, of) == (conversation, seq, key)
        }
        What::Acked { client_msg_id, seq: acked, .. } => {
            acked == seq && is_of(event, key) && client_msg_id == key.client_msg_id
        }
        _ => false,
    })
}

/// The place in `told` of the last try before an event; of the ask, where no try is told.
fn sent_before(
    history: &History,
    told: &[Option<usize>],
    key: SendKey,
    before: usize,
) -> Option<usize> {
    let sent = |event: &Event| match event.what {
        What::Invoked { client_msg_id, .. } | What::Attempted { client_msg_id, .. } => {
            is_of(event, key) && client_msg_id == key.client_msg_id
        }
        _ => false,
    };
    told.iter().rposition(|place| {
        place.is_some_and(|place| place < before && sent(&history.events[place]))
    })
}

fn is_of(event: &Event, key: SendKey) -> bool {
    event.device == device_of(key)
}
