//! The work on one log partition: fetch, expand, write, push, commit.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::join_all;

use super::Dispatcher;
use crate::call::BACKOFF;
use crate::config::Commit;
use crate::env::{Env, Work};
use crate::fanout;
use crate::model::{Body, ConversationId, Delivery, Row, Seq, UserId};
use crate::points::Point;
use crate::proto::log;
use crate::proto::store::{ListChange, Listing, Reply, Request};
use crate::stats;

/// A row and whom it is for.
pub type Addressed = (Row, Rc<Vec<UserId>>);

impl<E: Env> Dispatcher<E> {
    /// Works through the partition from `offset`, for ever.
    pub(super) async fn work(&self, partition: u32, mut offset: u64) {
        let limit = self.node.config.fetch_records;
        loop {
            let fetch = self.log.call(log::Request::Fetch { partition, offset, limit }).await;
            let Ok(log::Reply::Records(rows)) = fetch else {
                self.node.env.sleep(BACKOFF.0).await;
                continue;
            };
            if rows.is_empty() {
                continue;
            }
            self.node.env.point(Point::DispatcherFetched).await;
            offset += rows.len() as u64;
            stats::add(&self.node.stats.rows_dispatched, rows.len() as u64);
            if self.node.config.commit == Commit::Log {
                self.write_behind(&rows).await;
            }
            self.dispatch(rows).await;
            self.node.env.point(Point::DispatcherPushed).await;
            let generation = self.generation.get();
            // A commit that fails is made good by the next one, or repeats the work.
            let _ = self.log.call(log::Request::Commit { partition, offset, generation }).await;
        }
    }

    /// Writes rows that were committed in the log into their timelines; returns once they are durable
    /// there. Nobody hears of a row before, and the offset stays where it was.
    async fn write_behind(&self, rows: &[Row]) {
        let mut shards: Vec<Vec<Row>> = vec![Vec::new(); self.stores.len()];
        for row in rows {
            shards[self.node.topology.timeline_shard(row.conversation)].push(row.clone());
        }
        let written = shards.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty());
        join_all(written.map(|(shard, rows)| async move {
            let request = Request::WriteBehind(rows);
            while self.stores[shard].call(request.clone()).await != Ok(Reply::Done) {
                self.node.env.sleep(BACKOFF.0).await;
            }
        }))
        .await;
        stats::add(&self.node.stats.rows_written_behind, rows.len() as u64);
    }

    async fn dispatch(&self, rows: Vec<Row>) {
        let mut addressed: Vec<Addressed> = Vec::with_capacity(rows.len());
        for row in rows {
            let recipients = self.recipients(&row).await;
            self.node.env.work(Work::Recipient, recipients.len() as u64);
            addressed.push((row, recipients));
        }
        self.write(&addressed).await;
        self.queue(&addressed).await;
        self.touch_lists(&addressed);
        self.pusher.push(addressed).await;
    }

    /// The members of the row's version, and who has just left with it.
    async fn recipients(&self, row: &Row) -> Rc<Vec<UserId>> {
        let members = self.members_at(row).await;
        if row.body != Body::Left {
            return members;
        }
        let mut with_leaver = (*members).clone();
        with_leaver.push(row.key.sender);
        Rc::new(with_leaver)
    }

    async fn members_at(&self, row: &Row) -> Rc<Vec<UserId>> {
        let (id, version) = (row.conversation, row.members_version);
        let known = self.members.borrow().get(&id).cloned();
        if let Some((_, members)) = known.filter(|(at, _)| *at == version) {
            return members;
        }
        let cache = self.member_cache.as_ref();
        if let Some(cache) = cache
            && let Some(users) = cache.read(id, version).await
        {
            stats::bump(&self.node.stats.members_from_cache);
            let users = Rc::new(users);
            self.members.borrow_mut().insert(id, (version, users.clone()));
            return users;
        }
        let shard = &self.stores[self.node.topology.timeline_shard(id)];
        loop {
            if let Ok(Reply::Users(users)) = shard.call(Request::Members(id, version)).await {
                stats::bump(&self.node.stats.members_from_store);
                let users = Rc::new(users);
                self.members.borrow_mut().insert(id, (version, users.clone()));
                if let Some(cache) = cache {
                    cache.keep(id, version, &users).await;
                }
                return users;
            }
            self.node.env.sleep(BACKOFF.0).await;
        }
    }

    /// Writes copies and conversation lists; returns once all of it is durable.
    async fn write(&self, addressed: &[Addressed]) {
        let topology = &self.node.topology;
        let count = self.stores.len();
        let mut entries: Vec<Vec<ListChange>> = vec![Vec::new(); count];
        let mut copies: Vec<Vec<(Row, Vec<UserId>)>> = vec![Vec::new(); count];
        for (row, recipients) in addressed {
            for change in fanout::list_changes(row).into_iter().chain(self.mark(row, recipients)) {
                entries[topology.user_shard(change.user)].push(change);
            }
            if fanout::copies(row) && self.node.config.inbox.in_store() {
                let mut users: Vec<Vec<UserId>> = vec![Vec::new(); count];
                for user in recipients.iter() {
                    users[topology.user_shard(*user)].push(*user);
                }
                for (shard, users) in users.into_iter().enumerate() {
                    if !users.is_empty() {
                        copies[shard].push((row.clone(), users));
                    }
                }
            }
        }
        let shards = entries.into_iter().zip(copies).enumerate();
        join_all(shards.map(|(shard, (entries, copies))| async move {
            if entries.is_empty() && copies.is_empty() {
                return;
            }
            loop {
                let request = Request::FanOut { entries: entries.clone(), copies: copies.clone() };
                if self.stores[shard].call(request).await == Ok(Reply::Done) {
                    return;
                }
                self.node.env.sleep(BACKOFF.0).await;
            }
        }))
        .await;
    }

    /// Puts rows into queues in Redis. Where there are no copies in the store, this goes on until it
    /// is done.
    async fn queue(&self, addressed: &[Addressed]) {
        let Some(queue) = &self.queue else { return };
        let copied = addressed.iter().filter(|(row, _)| fanout::copies(row));
        let copies: Vec<_> = copied.map(|(row, users)| (row, users.to_vec())).collect();
        let rows = copies.iter().map(|(_, users)| users.len() as u64).sum();
        while queue.put(&copies, self.node.env.wall_ms()).await.is_err() {
            if self.node.config.inbox.in_store() {
                return;
            }
            self.node.env.sleep(BACKOFF.0).await;
        }
        stats::add(&self.node.stats.rows_queued, rows);
    }

    /// Moves the rows' conversations up in their recipients' lists in Redis. Nobody waits for it.
    fn touch_lists(&self, addressed: &[Addressed]) {
        let Some(lists) = &self.lists else { return };
        // Of each version the last row: the recipients of all its rows are the same.
        let mut latest: BTreeMap<(ConversationId, Seq), &Addressed> = BTreeMap::new();
        for one in addressed {
            latest.insert((one.0.conversation, one.0.members_version), one);
        }
        for (row, recipients) in latest.into_values() {
            let (lists, recipients) = (lists.clone(), recipients.clone());
            let touched = (row.conversation, row.message_id);
            self.node.env.spawn(async move { lists.touch(&recipients, touched).await });
        }
    }

    /// Entries that tell members to compare cursors with the timeline: for all when the
    /// conversation's rows begin to be read, and for each who joins while they are.
    fn mark(&self, row: &Row, recipients: &Rc<Vec<UserId>>) -> Vec<ListChange> {
        let conversation = row.conversation;
        if row.delivery == Delivery::Write {
            self.on_timeline.borrow_mut().remove(&conversation);
            return Vec::new();
        }
        let entry = |user: UserId| ListChange { user, conversation, change: Listing::OnTimeline };
        if self.on_timeline.borrow_mut().insert(conversation) {
            return recipients.iter().copied().map(entry).collect();
        }
        if row.body == Body::Joined { vec![entry(row.key.sender)] } else { Vec::new() }
    }
}
