//! Conversations that the user opens. What is pushed is in the device's database; of a conversation
//! that is read from its timeline the servers are asked, until they answer.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tokio::sync::oneshot;

use super::{Device, Question};
use crate::env::Env;
use crate::model::ConversationId;
use crate::proto::device::ToGateway;
use crate::stats;

struct Shared<E: Env> {
    device: Rc<Device<E>>,
    /// Conversations that must be asked for, as the servers told since the device started.
    on_timeline: RefCell<BTreeSet<ConversationId>>,
    /// Conversations that are asked for; told when the answer is there.
    waiting: RefCell<BTreeMap<ConversationId, Option<oneshot::Sender<u32>>>>,
}

/// The part of a device that opens conversations. Clones are handles to the same one.
pub struct Opener<E: Env>(Rc<Shared<E>>);

impl<E: Env> Clone for Opener<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: Env> Opener<E> {
    pub fn new(device: Rc<Device<E>>) -> Self {
        let (on_timeline, waiting) = (RefCell::default(), RefCell::default());
        Self(Rc::new(Shared { device, on_timeline, waiting }))
    }

    /// The user opens a conversation.
    pub fn open(&self, conversation: ConversationId) {
        let node = &self.0.device.node;
        stats::bump(&node.stats.opens);
        if node.config.counts_opens() {
            *self.0.device.open_counts.borrow_mut().entry(conversation).or_default() += 1;
        }
        let here = !self.0.on_timeline.borrow().contains(&conversation);
        // One question at a time is enough.
        if here || self.0.waiting.borrow().contains_key(&conversation) {
            return;
        }
        stats::bump(&node.stats.opens_asked);
        self.0.waiting.borrow_mut().insert(conversation, None);
        let shared = self.0.clone();
        node.env.spawn(async move { shared.ask(conversation).await });
    }

    /// These conversations must be asked for from now on.
    pub fn learn(&self, on_timeline: Vec<ConversationId>) {
        self.0.on_timeline.borrow_mut().extend(on_timeline);
    }

    /// A copy was pushed: until the servers tell otherwise the conversation is in the device's database.
    pub fn forget(&self, conversation: ConversationId) {
        self.0.on_timeline.borrow_mut().remove(&conversation);
    }

    /// The answer is there, with so many rows.
    pub fn answered(&self, conversation: ConversationId, rows: u32) {
        let waiting = self.0.waiting.borrow_mut().get_mut(&conversation).and_then(Option::take);
        if let Some(waiting) = waiting {
            // Its time may be up; then the next answer counts.
            let _ = waiting.send(rows);
        }
    }
}

impl<E: Env> Shared<E> {
    /// Asks for a conversation until there is an answer.
    async fn ask(&self, conversation: ConversationId) {
        let (env, config) = (&self.device.node.env, &self.device.node.config);
        let asked = env.now();
        loop {
            let out = self.device.online().await;
            let (told, answer) = oneshot::channel();
            self.waiting.borrow_mut().insert(conversation, Some(told));
            let after = self.device.db.cursor(conversation);
            // A connection that ends here is a try without an answer.
            let _ = out.send(&ToGateway::Open { conversation, after });
            if let Some(Ok(rows)) = env.timeout(config.device_timeout.0, answer).await {
                self.device.observer.answered(Question::Open, conversation, asked, rows);
                break;
            }
        }
        self.waiting.borrow_mut().remove(&conversation);
    }
}
