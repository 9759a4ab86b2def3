//! Literal histories for the checkers' tests, written as one would tell them.
//!
//! A story plays in one conversation. Each sentence takes a virtual millisecond.

use std::collections::BTreeMap;

use im::model::{ClientMsgId, ConversationId, DeviceId, MessageId, SendKey, Seq, UserId};

use super::index::Index;
use super::{Answer, Checker};
use crate::history::{Event, History, Operation, Promised, What};

/// Ann's phone.
pub const ANN: DeviceId = DeviceId { user: UserId(1), index: 0 };
/// Ann's second device.
pub const ANN_TABLET: DeviceId = DeviceId { user: UserId(1), index: 1 };
/// Bob's phone.
pub const BOB: DeviceId = DeviceId { user: UserId(2), index: 0 };
/// Cy's phone.
pub const CY: DeviceId = DeviceId { user: UserId(3), index: 0 };

/// The conversation of a story.
pub const HERE: ConversationId = ConversationId(31);

/// One virtual millisecond.
pub const MS: u64 = 1_000_000;

/// A history being told.
#[derive(Clone, Default)]
pub struct Story {
    events: Vec<Event>,
    operations: u64,
    cursors: BTreeMap<DeviceId, Seq>,
    /// Milliseconds in which nothing happened.
    skipped: u64,
}

impl Story {
    /// Begins with these devices logged in and a conversation of their users open at seq 1.
    pub fn with(devices: &[DeviceId]) -> Self {
        let mut story = Self::default();
        devices.iter().for_each(|device| story.log_in(*device));
        let members = devices.iter().map(|device| device.user).collect();
        let create = story.ask(devices[0], Operation::Create(members));
        story.accepted(create, 1, devices);
        story
    }

    pub fn log_in(&mut self, device: DeviceId) {
        self.tell(device, What::LoggedIn);
    }

    pub fn crash(&mut self, device: DeviceId) {
        self.tell(device, What::Crashed);
    }

    pub fn restart(&mut self, device: DeviceId) {
        self.tell(device, What::Restarted);
    }

    pub fn send(&mut self, device: DeviceId) -> SendKey {
        self.ask(device, Operation::Send(5))
    }

    pub fn join(&mut self, device: DeviceId) -> SendKey {
        self.ask(device, Operation::Join)
    }

    pub fn leave(&mut self, device: DeviceId) -> SendKey {
        self.ask(device, Operation::Leave)
    }

    /// Sends the operation off once more.
    pub fn retry(&mut self, key: SendKey, attempt: u32) {
        let client_msg_id = key.client_msg_id;
        self.tell(device(key), What::Attempted { client_msg_id, attempt });
    }

    pub fn refuse(&mut self, key: SendKey) {
        let reason = "not a member".to_owned();
        self.tell(device(key), What::Refused { client_msg_id: key.client_msg_id, reason });
    }

    pub fn ack(&mut self, key: SendKey, seq: Seq) {
        let (client_msg_id, message_id) = (key.client_msg_id, id_of(seq));
        self.tell(device(key), What::Acked { client_msg_id, seq, message_id });
    }

    pub fn show(&mut self, device: DeviceId, key: SendKey, seq: Seq) {
        self.show_as(device, key, seq, id_of(seq).0);
    }

    /// Shows the row under an id of its own.
    pub fn show_as(&mut self, device: DeviceId, key: SendKey, seq: Seq, id: u64) {
        let message_id = MessageId(id);
        self.tell(device, What::Shown { conversation: HERE, seq, message_id, key });
    }

    /// The operation is acked at `seq` and these devices show it.
    pub fn accepted(&mut self, key: SendKey, seq: Seq, shown_on: &[DeviceId]) {
        self.ack(key, seq);
        shown_on.iter().for_each(|device| self.show(*device, key, seq));
    }

    /// The device says something, it is acked at `seq`, and these devices show it.
    pub fn said(&mut self, device: DeviceId, seq: Seq, shown_on: &[DeviceId]) -> SendKey {
        let key = self.send(device);
        self.accepted(key, seq, shown_on);
        key
    }

    /// Fixes the device's cursor at the end; without this it stands at the highest seq shown.
    pub fn cursor(&mut self, device: DeviceId, seq: Seq) {
        self.cursors.insert(device, seq);
    }

    /// An operation's number that was never used before.
    pub fn key(&mut self, device: DeviceId) -> SendKey {
        self.operations += 1;
        let client_msg_id = ClientMsgId::new(device.index, self.operations);
        SendKey { sender: device.user, client_msg_id }
    }

    /// The run ended as it should, with every cursor written down.
    pub fn end(mut self) -> History {
        let mut cursors = BTreeMap::new();
        for event in &self.events {
            if let What::Shown { seq, .. } = event.what {
                let cursor = cursors.entry(event.device).or_insert(0);
                *cursor = seq.max(*cursor);
            }
        }
        cursors.append(&mut self.cursors);
        for (device, seq) in cursors {
            self.tell(device, What::Cursor { conversation: HERE, seq });
        }
        History { events: self.events, complete: true, promised: None }
    }

    /// The run healed, and ended, at these virtual milliseconds; what is owed is promised within so many.
    pub fn end_after(self, healed: u64, within: u64, end: u64) -> History {
        let promised = Promised { healed: healed * MS, within: within * MS, end: end * MS };
        History { promised: Some(promised), ..self.end() }
    }

    /// Lets time pass until this virtual millisecond.
    pub fn wait_until(&mut self, ms: u64) {
        self.skipped = ms - self.events.len() as u64;
    }

    /// The run was interrupted here.
    pub fn cut_short(self) -> History {
        History { events: self.events, complete: false, promised: None }
    }

    /// The device asks for something and sends it off once.
    pub fn ask(&mut self, device: DeviceId, operation: Operation) -> SendKey {
        let key = self.key(device);
        let client_msg_id = key.client_msg_id;
        let intended = self.now();
        self.tell(device, What::Invoked { client_msg_id, conversation: HERE, operation, intended });
        self.retry(key, 1);
        key
    }

    fn now(&self) -> u64 {
        (self.events.len() as u64 + self.skipped) * MS
    }

    fn tell(&mut self, device: DeviceId, what: What) {
        let at = self.now();
        self.events.push(Event { at, device, what });
    }
}

/// What the checker says of the history.
pub fn judge(checker: &impl Checker, history: &History) -> Answer {
    checker.check(&Index::new(history))
}

fn device(key: SendKey) -> DeviceId {
    DeviceId { user: key.sender, index: (key.client_msg_id.0 >> 48) as u16 }
}

fn id_of(seq: Seq) -> MessageId {
    MessageId(1000 + seq)
}
