//! Properties of the checkers on histories that a simple sequential model makes up: what the model
//! tells is valid, and a small lie in it is found by the checker whose business it is.

use std::collections::BTreeMap;

use im::model::{ClientMsgId, ConversationId, DeviceId, MessageId, SendKey, Seq, UserId};
use im_reports::record::Verdict;
use proptest::prelude::*;

use super::{Report, check_all};
use crate::history::{Event, History, Operation, What};

const USERS: u32 = 4;
const CONVERSATIONS: u64 = 2;

/// A step of the model; numbers are reduced to what exists.
#[derive(Clone, Debug)]
enum Step {
    /// The device asks for a change of its membership: to leave when it is in, else to join.
    Change { device: usize, conversation: u64, acked: bool },
    /// The device sends.
    Send { device: usize, conversation: u64, fate: Fate },
    /// The device shows the next row that waits for it in the conversation.
    Show { device: usize, conversation: u64 },
    /// The device crashes, comes back and logs in again.
    Restart { device: usize },
    /// A second device of the user logs in for the first time.
    Late { user: u32 },
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Acked,
    AckLost,
    Refused,
    Vanished,
}

/// The whole system as one sequential machine.
#[derive(Default)]
struct Model {
    events: Vec<Event>,
    devices: Vec<DeviceId>,
    operations: u64,
    timelines: BTreeMap<u64, Vec<SendKey>>,
    members: BTreeMap<(u64, UserId), bool>,
    waiting: BTreeMap<(usize, u64), Vec<Seq>>,
    shown: BTreeMap<(usize, u64), Seq>,
}

impl Model {
    fn begin() -> Self {
        let mut model = Self::default();
        (0..USERS).for_each(|user| model.log_in(DeviceId { user: UserId(user), index: 0 }));
        for conversation in 0..CONVERSATIONS {
            // The last user is in no conversation at first.
            let members: Vec<UserId> = (0..USERS - 1).map(UserId).collect();
            let create = Operation::Create(members.clone());
            let key = model.ask(0, conversation, create);
            members.into_iter().for_each(|user| {
                model.members.insert((conversation, user), true);
            });
            model.commit(0, conversation, key, true);
        }
        model
    }

    fn log_in(&mut self, device: DeviceId) {
        self.devices.push(device);
        self.tell(self.devices.len() - 1, What::LoggedIn);
    }

    fn tell(&mut self, device: usize, what: What) {
        let at = self.events.len() as u64;
        self.events.push(Event { at, device: self.devices[device], what });
    }

    fn ask(&mut self, device: usize, conversation: u64, operation: Operation) -> SendKey {
        self.operations += 1;
        let DeviceId { user, index } = self.devices[device];
        let client_msg_id = ClientMsgId::new(index, self.operations);
        let conversation = ConversationId(conversation);
        let invoked = What::Invoked { client_msg_id, conversation, operation, intended: 0 };
        self.tell(device, invoked);
        self.tell(device, What::Attempted { client_msg_id, attempt: 1 });
        SendKey { sender: user, client_msg_id }
    }

    /// Gives the operation its seq and queues the row for every device of a member.
    fn commit(&mut self, by: usize, conversation: u64, key: SendKey, acked: bool) {
        let timeline = self.timelines.entry(conversation).or_default();
        timeline.push(key);
        let seq = timeline.len() as Seq;
        for (at, device) in self.devices.iter().enumerate() {
            if self.members.get(&(conversation, device.user)) == Some(&true) {
                self.waiting.entry((at, conversation)).or_default().push(seq);
            }
        }
        if acked {
            let (client_msg_id, message_id) = (key.client_msg_id, id_of(conversation, seq));
            self.tell(by, What::Acked { client_msg_id, seq, message_id });
        }
    }

    fn show_next(&mut self, device: usize, conversation: u64) {
        let waiting = self.waiting.entry((device, conversation)).or_default();
        if waiting.is_empty() {
            return;
        }
        let seq = waiting.remove(0);
        let key = self.timelines[&conversation][seq as usize - 1];
        let message_id = id_of(conversation, seq);
        self.shown.insert((device, conversation), seq);
        let conversation = ConversationId(conversation);
        self.tell(device, What::Shown { conversation, seq, message_id, key });
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Change { device, conversation, acked } => {
                let device = device % self.devices.len();
                let user = self.devices[device].user;
                let member = self.members.get(&(conversation, user)) == Some(&true);
                let operation = if member { Operation::Leave } else { Operation::Join };
                let key = self.ask(device, conversation, operation);
                self.members.insert((conversation, user), !member);
                self.commit(device, conversation, key, acked);
            }
            Step::Send { device, conversation, fate } => {
                let device = device % self.devices.len();
                let user = self.devices[device].user;
                let member = self.members.get(&(conversation, user)) == Some(&true);
                let key = self.ask(device, conversation, Operation::Send(1));
                let client_msg_id = key.client_msg_id;
                match (fate, member) {
                    (Fate::Acked, true) => self.commit(device, conversation, key, true),
                    (Fate::AckLost, true) => self.commit(device, conversation, key, false),
                    (Fate::Vanished, _) => {}
                    (Fate::Refused, _) | (_, false) => {
                        let reason = "no".to_owned();
                        self.tell(device, What::Refused { client_msg_id, reason });
                    }
                }
            }
            Step::Show { device, conversation } => {
                self.show_next(device % self.devices.len(), conversation);
            }
            Step::Restart { device } => {
                let device = device % self.devices.len();
                self.tell(device, What::Crashed);
                self.tell(device, What::Restarted);
                self.tell(device, What::LoggedIn);
            }
            Step::Late { user } => {
                let device = DeviceId { user: UserId(user), index: 1 };
                if !self.devices.contains(&device) {
                    // What nobody saw before this login is maybe owed to the new device.
                    self.show_all();
                    self.log_in(device);
                }
            }
        }
    }

    fn show_all(&mut self) {
        for (device, conversation) in self.waiting.clone().into_keys() {
            while !self.waiting[&(device, conversation)].is_empty() {
                self.show_next(device, conversation);
            }
        }
    }

    fn end(mut self) -> History {
        self.show_all();
        for ((device, conversation), seq) in self.shown.clone() {
            let conversation = ConversationId(conversation);
            self.tell(device, What::Cursor { conversation, seq });
        }
        History { events: self.events, complete: true, promised: None }
    }
}

fn id_of(conversation: u64, seq: Seq) -> MessageId {
    MessageId(conversation << 32 | seq)
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Acked),
        2 => Just(Fate::AckLost),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Vanished),
    ]
}

fn step(acks_of_changes: bool) -> impl Strategy<Value = Step> {
    let device = 0..8usize;
    let conversation = 0..CONVERSATIONS;
    let acked = if acks_of_changes { Just(true).boxed() } else { any::<bool>().boxed() };
    prop_oneof![
        2 => (device.clone(), conversation.clone(), acked).prop_map(
            |(device, conversation, acked)| Step::Change { device, conversation, acked }),
        6 => (device.clone(), conversation.clone(), fate()).prop_map(
            |(device, conversation, fate)| Step::Send { device, conversation, fate }),
        12 => (device.clone(), conversation).prop_map(
            |(device, conversation)| Step::Show { device, conversation }),
        1 => device.prop_map(|device| Step::Restart { device }),
        1 => (0..USERS).prop_map(|user| Step::Late { user }),
    ]
}

fn history(acks_of_changes: bool) -> impl Strategy<Value = History> {
    prop::collection::vec(step(acks_of_changes), 0..80).prop_map(|steps| {
        let mut model = Model::begin();
        steps.into_iter().for_each(|step| model.take(step));
        model.end()
    })
}

fn verdicts(history: &History) -> Vec<Verdict> {
    check_all(history).promises.into_iter().map(|promise| promise.verdict).collect()
}

fn verdict_of(report: &Report, id: &str) -> Verdict {
    report.promises.iter().find(|promise| promise.id == id).expect("a known id").verdict
}

/// Positions of the shows of acked content: rows that are owed beyond doubt where they are shown.
fn owed_shows(history: &History) -> Vec<usize> {
    let mut sends = Vec::new();
    let mut acked = Vec::new();
    for event in &history.events {
        let sender = event.device.user;
        match event.what {
            What::Invoked { client_msg_id, operation: Operation::Send(_), .. } => {
                sends.push(SendKey { sender, client_msg_id });
            }
            What::Acked { client_msg_id, .. } => acked.push(SendKey { sender, client_msg_id }),
            _ => {}
        }
    }
    let owed = |event: &Event| match event.what {
        What::Shown { key, .. } => {
            event.device.index == 0 && sends.contains(&key) && acked.contains(&key)
        }
        _ => false,
    };
    let events = history.events.iter().enumerate();
    events.filter(|(_, event)| owed(event)).map(|(position, _)| position).collect()
}

/// Positions of two shows of one device in one conversation, of which the later row was asked for
/// before the earlier show: swapped, they still show only what somebody has asked for.
fn pairs_of_shows(history: &History) -> Vec<(usize, usize)> {
    let mut last = BTreeMap::new();
    let mut asked = BTreeMap::new();
    let mut pairs = Vec::new();
    for (position, event) in history.events.iter().enumerate() {
        match event.what {
            What::Invoked { client_msg_id, .. } => {
                asked.insert(SendKey { sender: event.device.user, client_msg_id }, position);
            }
            What::Shown { conversation, key, .. } => {
                let earlier = last.insert((event.device, conversation), position);
                let asked = asked.get(&key).copied();
                if let (Some(earlier), Some(asked)) = (earlier, asked)
                    && asked < earlier
                {
                    pairs.push((earlier, position));
                }
            }
            _ => {}
        }
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_model_tells_is_valid(history in history(true)) {
        let report = check_all(&history);
        for promise in &report.promises {
            prop_assert_eq!(promise.verdict, Verdict::Valid, "{:?}", promise);
        }
        prop_assert_eq!(report.violations, vec![]);
    }

    #[test]
    fn without_acks_of_joins_and_leaves_it_is_never_invalid(history in history(false)) {
        prop_assert!(!verdicts(&history).contains(&Verdict::Invalid));
    }

    #[test]
    fn a_prefix_of_what_the_model_tells_is_never_invalid(
        history in history(false),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut history = history;
        history.events.truncate(cut.index(history.events.len() + 1));
        history.complete = false;
        prop_assert!(!verdicts(&history).contains(&Verdict::Invalid));
    }

    #[test]
    fn a_dropped_show_is_a_loss(history in history(true), which in any::<prop::sample::Index>()) {
        let shows = owed_shows(&history);
        prop_assume!(!shows.is_empty());
        let mut history = history;
        history.events.remove(shows[which.index(shows.len())]);
        let report = check_all(&history);
        prop_assert_eq!(verdict_of(&report, "A1"), Verdict::Invalid);
        prop_assert_eq!(verdict_of(&report, "A2"), Verdict::Valid);
        prop_assert_eq!(verdict_of(&report, "ledger"), Verdict::Invalid);
    }

    #[test]
    fn a_repeated_show_is_a_duplicate(
        history in history(true),
        which in any::<prop::sample::Index>(),
        later in any::<prop::sample::Index>(),
    ) {
        let shows = owed_shows(&history);
        prop_assume!(!shows.is_empty());
        let mut history = history;
        let show = shows[which.index(shows.len())];
        let event = history.events[show].clone();
        let at = show + 1 + later.index(history.events.len() - show);
        history.events.insert(at, event);
        let report = check_all(&history);
        prop_assert_eq!(verdict_of(&report, "A1"), Verdict::Valid);
        prop_assert_eq!(verdict_of(&report, "A2"), Verdict::Invalid);
        prop_assert_eq!(verdict_of(&report, "A3"), Verdict::Valid);
    }

    #[test]
    fn two_swapped_shows_are_out_of_order(
        history in history(true),
        which in any::<prop::sample::Index>(),
    ) {
        let pairs = pairs_of_shows(&history);
        prop_assume!(!pairs.is_empty());
        let mut history = history;
        let (one, other) = pairs[which.index(pairs.len())];
        let swapped = history.events[one].what.clone();
        history.events[one].what = std::mem::replace(&mut history.events[other].what, swapped);
        let report = check_all(&history);
        prop_assert_eq!(verdict_of(&report, "A3"), Verdict::Invalid);
        prop_assert_eq!(verdict_of(&report, "A2"), Verdict::Valid);
    }
}
