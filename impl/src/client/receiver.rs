//! Rows until they are shown: dedupe, holding early rows back, asking for gaps, delivery acks.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::opener::Opener;
use super::queue;
use super::{Device, Question};
use crate::config::Sabotage;
use crate::env::{Env, Nanos};
use crate::fanout;
use crate::model::{ConversationId, Row, Seq};
use crate::points::Point;
use crate::proto::device::{Page, ToDevice, ToGateway};
use crate::proto::gateway::What;
use crate::stats;

/// Frames taken together: their rows share one disk sync.
const BATCH: usize = 256;

/// One conversation, as the device has it.
#[derive(Default)]
struct Timeline {
    /// Last seq of the gap-free prefix.
    cursor: Seq,
    /// The highest seq the device has heard of.
    heard_of: Seq,
    /// Rows that came early.
    held: BTreeMap<Seq, Row>,
    /// A sync is under way until then.
    syncing_until: Nanos,
    /// Since when it has been waited for the answer to a sync.
    asked: Option<Nanos>,
}

/// What a batch of frames leads to.
#[derive(Default)]
struct Outcome {
    shows: BTreeMap<ConversationId, Vec<Row>>,
    acks: BTreeSet<ConversationId>,
    syncs: BTreeSet<ConversationId>,
}

/// The receiving half of a device.
pub struct Receiver<E: Env> {
    device: Rc<Device<E>>,
    opener: Opener<E>,
    timelines: BTreeMap<ConversationId, Timeline>,
}

impl<E: Env> Receiver<E> {
    pub fn new(device: Rc<Device<E>>, opener: Opener<E>) -> Self {
        let known = match device.node.config.sabotaged(Sabotage::ForgetCursors) {
            true => Vec::new(),
            false => device.db.cursors(),
        };
        let timelines = known
            .into_iter()
            .map(|(id, cursor)| (id, Timeline { cursor, heard_of: cursor, ..Timeline::default() }))
            .collect();
        Self { device, opener, timelines }
    }

    /// Takes frames in, for ever.
    pub async fn run(mut self, mut frames: queue::Receiver<ToDevice>) {
        while let Some(first) = frames.recv().await {
            let mut outcome = Outcome::default();
            self.take(first, &mut outcome);
            for _ in 1..BATCH {
                let Some(next) = frames.try_recv() else { break };
                self.take(next, &mut outcome);
            }
            self.carry_out(outcome).await;
        }
    }

    fn take(&mut self, frame: ToDevice, outcome: &mut Outcome) {
        match frame {
            ToDevice::Push(row) => self.take_row(row, outcome),
            ToDevice::Notify { conversation, seq } => self.take_head(conversation, seq, outcome),
            ToDevice::Pushes(pushes) => {
                for push in pushes {
                    match push {
                        What::Row(row) => self.take_row(row, outcome),
                        What::Head(conversation, seq) => self.take_head(conversation, seq, outcome),
                    }
                }
            }
            ToDevice::Synced { conversation, page } => {
                let timeline = self.timelines.entry(conversation).or_default();
                if let Some(asked) = timeline.asked.take() {
                    let rows = page.rows.len() as u32;
                    self.device.observer.answered(Question::Sync, conversation, asked, rows);
                }
                self.take_page(conversation, page, outcome);
            }
            ToDevice::Conversations(list) => self.take_list(&list),
            ToDevice::OnTimeline(conversations) => self.opener.learn(conversations),
            ToDevice::Opened { conversation, page } => {
                let rows = page.as_ref().map_or(0, |page| page.rows.len());
                self.opener.answered(conversation, rows as u32);
                if let Some(page) = page {
                    let news = u64::from(!page.rows.is_empty());
                    stats::add(&self.device.node.stats.opens_with_news, news);
                    self.take_page(conversation, page, outcome);
                }
            }
            ToDevice::LoggedIn
            | ToDevice::Heartbeat
            | ToDevice::Accepted { .. }
            | ToDevice::Refused { .. } => {}
        }
    }

    /// What the user looks at. Which rows are missing, cursors say.
    fn take_list(&self, list: &[ConversationId]) {
        let (stats, kept) = (&self.device.node.stats, self.device.node.config.conversations_kept);
        stats::bump(&stats.lists_received);
        if list.len() < kept {
            let listed: BTreeSet<&ConversationId> = list.iter().collect();
            let shown = self.timelines.iter().filter(|(_, timeline)| timeline.cursor > 0);
            let unlisted = shown.filter(|(id, _)| !listed.contains(id)).count();
            stats::add(&stats.conversations_unlisted, unlisted as u64);
        }
    }

    fn take_head(&mut self, id: ConversationId, seq: Seq, outcome: &mut Outcome) {
        let timeline = self.timelines.entry(id).or_default();
        timeline.heard_of = timeline.heard_of.max(seq);
        if timeline.cursor >= seq {
            // The servers do not know yet: the ack was lost.
            outcome.acks.insert(id);
        } else {
            outcome.syncs.insert(id);
        }
    }

    fn take_row(&mut self, row: Row, outcome: &mut Outcome) {
        let config = &self.device.node.config;
        let stats = &self.device.node.stats;
        let id = row.conversation;
        let timeline = self.timelines.entry(id).or_default();
        timeline.heard_of = timeline.heard_of.max(row.seq);
        if fanout::copies(&row) {
            self.opener.forget(id);
        }
        if row.seq <= timeline.cursor || timeline.held.contains_key(&row.seq) {
            if row.seq <= timeline.cursor && config.sabotaged(Sabotage::NoDedupe) {
                outcome.show(row);
            } else {
                stats::bump(&stats.device_duplicates);
            }
            outcome.acks.insert(id);
        } else if config.sabotaged(Sabotage::NoHoldBack) {
            timeline.cursor = row.seq;
            outcome.show(row);
        } else if timeline.held.len() < config.hold_back_rows {
            stats::add(&stats.rows_held_back, u64::from(row.seq > timeline.cursor + 1));
            timeline.held.insert(row.seq, row);
            timeline.release(timeline.cursor, outcome);
        }
        if timeline.cursor < timeline.heard_of && !config.sabotaged(Sabotage::PushOnce) {
            outcome.syncs.insert(id);
        }
    }

    fn take_page(&mut self, id: ConversationId, page: Page, outcome: &mut Outcome) {
        let timeline = self.timelines.entry(id).or_default();
        let before = timeline.cursor;
        timeline.syncing_until = 0;
        timeline.heard_of = timeline.heard_of.max(page.head);
        for row in page.rows {
            if row.seq > timeline.cursor {
                timeline.held.entry(row.seq).or_insert(row);
            }
        }
        timeline.release(page.covered, outcome);
        outcome.acks.insert(id);
        // A page that brings nothing would not bring more at once: what was heard of is not in the store yet. The
        // gateway, which has no ack of it, tells again.
        if timeline.cursor > before && timeline.cursor < timeline.heard_of {
            outcome.syncs.insert(id);
        }
    }

    /// Shows durably, then acks; asks for what is missing.
    async fn carry_out(&mut self, outcome: Outcome) {
        let device = self.device.clone();
        let cursor = |id: &ConversationId| self.timelines[id].cursor;
        let touched: BTreeSet<ConversationId> =
            outcome.shows.keys().chain(&outcome.acks).copied().collect();
        for id in &touched {
            let rows = outcome.shows.get(id).map_or(&[][..], Vec::as_slice);
            if !rows.is_empty() || device.db.cursor(*id) < cursor(id) {
                device.db.show(*id, rows, cursor(id)).await;
            }
        }
        let env = &device.node.env;
        if !outcome.shows.is_empty() {
            env.point(Point::ClientWritten).await;
        }
        if !device.node.config.sabotaged(Sabotage::ShowBeforeSync) {
            device.db.durable().await;
        }
        for row in outcome.shows.values().flatten() {
            device.observer.shown(row.into());
        }
        if !outcome.shows.is_empty() {
            env.point(Point::ClientShown).await;
        }
        for id in &touched {
            device.db.shown(*id, cursor(id));
            device.add(&ToGateway::Ack { conversation: *id, upto: cursor(id) });
        }
        let now = device.node.env.now();
        for conversation in outcome.syncs {
            let timeline = self.timelines.get_mut(&conversation).expect("heard of");
            let heard_of = timeline.heard_of;
            let after = match device.node.config.sabotaged(Sabotage::NoHoldBack) {
                true => heard_of.max(1) - 1,
                false => timeline.cursor,
            };
            if now >= timeline.syncing_until {
                timeline.syncing_until = now + device.node.config.device_timeout.0;
                timeline.asked.get_or_insert(now);
                stats::bump(&device.node.stats.sync_requests);
                let before = timeline.held.keys().next().copied();
                device.add(&ToGateway::Sync { conversation, after, heard_of, before });
            }
        }
        device.flush();
    }
}

impl Timeline {
    /// Everything up to `covered` is here: shows it, and what follows without a gap.
    fn release(&mut self, covered: Seq, outcome: &mut Outcome) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > covered {
                break;
            }
            outcome.show(entry.remove());
        }
        self.cursor = self.cursor.max(covered);
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > self.cursor + 1 {
                break;
            }
            self.cursor = *entry.key();
            outcome.show(entry.remove());
        }
    }
}

impl Outcome {
    fn show(&mut self, row: Row) {
        self.shows.entry(row.conversation).or_default().push(row);
    }
}
