//! One user in the store: devices, conversation list, cursors and inbox.

use std::collections::{BTreeMap, BTreeSet};

use crate::inbox::CopyUntilAck;
use crate::model::{ConversationId, DeviceId, Row, Seq};
use crate::proto::store::{Listing, Pending};

/// An entry of a conversation list.
#[derive(Default)]
struct Entry {
    joined: Seq,
    left: Option<Seq>,
    /// Rows are read from the timeline, so cursors must be compared with it.
    on_timeline: bool,
}

/// What the store keeps for one user.
#[derive(Default)]
pub struct Mailbox {
    devices: BTreeSet<u16>,
    list: BTreeMap<ConversationId, Entry>,
    cursors: BTreeMap<(u16, ConversationId), Seq>,
    inbox: CopyUntilAck,
}

impl Mailbox {
    /// Enters a device; false when it is known.
    pub fn register(&mut self, device: u16) -> bool {
        self.devices.insert(device)
    }

    /// Whether the device is known.
    pub fn knows(&self, device: u16) -> bool {
        self.devices.contains(&device)
    }

    /// Applies a change of the conversation list. Changes may repeat and older ones may come again:
    /// only a later join or leave replaces an earlier one.
    pub fn list(&mut self, conversation: ConversationId, change: Listing) {
        let entry = self.list.entry(conversation).or_default();
        match change {
            Listing::Joined(seq) if seq > entry.joined => {
                entry.joined = seq;
                entry.left = entry.left.filter(|left| *left > seq);
            }
            Listing::Left(seq) if seq > entry.joined => entry.left = Some(seq),
            Listing::Joined(_) | Listing::Left(_) => {}
            Listing::OnTimeline => entry.on_timeline = true,
        }
    }

    /// Conversations that the user is or was a member of, in the order of their ids.
    pub fn conversations(&self) -> impl Iterator<Item = ConversationId> {
        self.list.keys().copied()
    }

    /// Puts a copy into the inbox, unless every device has acked it before; false when nothing was
    /// written.
    pub fn put(&mut self, row: Row) -> bool {
        row.seq > self.acked_by_all(row.conversation) && self.inbox.put(row)
    }

    /// Raises a cursor; returns the number of rows written or deleted.
    pub fn ack(&mut self, device: u16, conversation: ConversationId, upto: Seq) -> usize {
        let cursor = self.cursors.entry((device, conversation)).or_default();
        if upto <= *cursor {
            return 0;
        }
        *cursor = upto;
        let acked = self.acked_by_all(conversation);
        1 + self.inbox.acked_by_all(conversation, acked)
    }

    fn acked_by_all(&self, conversation: ConversationId) -> Seq {
        self.devices.iter().map(|device| self.cursor(*device, conversation)).min().unwrap_or(0)
    }

    fn cursor(&self, device: u16, conversation: ConversationId) -> Seq {
        self.cursors.get(&(device, conversation)).copied().unwrap_or(0)
    }

    /// What the device has not acked.
    pub fn pending(&self, device: DeviceId, after: (ConversationId, Seq), limit: usize) -> Pending {
        let cursor = |conversation| self.cursor(device.index, conversation);
        let copies = self.inbox.lacking(after, limit, cursor);
        let on_timeline = self.list.iter().filter(|(_, entry)| entry.on_timeline);
        let cursors =
            on_timeline.map(|(conversation, e)| (*conversation, cursor(*conversation), e.left));
        Pending { copies, cursors: cursors.collect() }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{Body, ClientMsgId, Delivery, MessageId, SendKey, UserId};

    const C: ConversationId = ConversationId(1);
    const START: (ConversationId, Seq) = (ConversationId(0), 0);

    fn row(seq: Seq) -> Row {
        Row {
            conversation: C,
            seq,
            message_id: MessageId(seq),
            key: SendKey { sender: UserId(1), client_msg_id: ClientMsgId(seq) },
            delivery: Delivery::Write,
            members_version: 1,
            body: Body::Content(Bytes::new()),
        }
    }

    fn device(index: u16) -> DeviceId {
        DeviceId { user: UserId(1), index }
    }

    #[test]
    fn a_copy_stays_until_every_device_has_acked_it() {
        let mut mailbox = Mailbox::default();
        mailbox.register(0);
        mailbox.register(1);
        assert!((1..=3).all(|seq| mailbox.put(row(seq))));
        assert!(!mailbox.put(row(3)), "a repeat of the dispatcher");
        assert_eq!(mailbox.ack(0, C, 2), 1, "the cursor only");
        assert_eq!(mailbox.pending(device(0), START, 10).copies, [row(3)]);
        assert_eq!(mailbox.pending(device(1), START, 10).copies.len(), 3);
        assert_eq!(mailbox.ack(1, C, 3), 3, "the cursor and two copies");
        assert!(!mailbox.put(row(1)), "acked by all: a late repeat is not kept");
        assert_eq!(mailbox.ack(1, C, 2), 0, "cursors never fall");
    }

    #[test]
    fn repeated_and_late_list_changes_do_no_harm() {
        let mut mailbox = Mailbox::default();
        for change in [
            Listing::Joined(1),
            Listing::OnTimeline,
            Listing::Left(4),
            Listing::Joined(9),
            Listing::Joined(1),
            Listing::Left(4),
        ] {
            mailbox.list(C, change);
        }
        assert_eq!(mailbox.pending(device(0), START, 10).cursors, [(C, 0, None)]);
    }
}
