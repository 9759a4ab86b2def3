//! What a consumer of a group gets, and what becomes of the group by that.

use super::super::Reply;
use super::{claim_request, set_id_request, told, told_id};
use crate::redis::request::Request;
use crate::redis::values::Stream;
use crate::redis::values::stream::{Group, Id, Pending};

/// Behind which id a consumer reads that asks for `>`.
pub(super) const NEW: Id = Id::MAX;

/// A consumer that reads. Its group must be there.
pub(super) struct Reader<'a> {
    pub(super) key: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) consumer: &'a [u8],
    pub(super) no_ack: bool,
    pub(super) now_ms: i64,
}

impl Reader<'_> {
    /// What it gets without waiting; `None` if nothing is new.
    pub(super) fn read(
        &self,
        stream: &mut Stream,
        behind: Id,
        count: Option<usize>,
        log: &mut Vec<Request>,
    ) -> Option<Vec<Reply>> {
        if behind != NEW {
            self.appear(stream, log);
            return Some(self.history(stream, behind, count));
        }
        let last_id = stream.groups[self.name].last_id;
        let new = stream.last_entry_id().is_some_and(|last| last > last_id);
        new.then(|| self.consume(stream, count, log))
    }

    /// The consumer is there from now on.
    fn appear(&self, stream: &mut Stream, log: &mut Vec<Request>) {
        let group = stream.groups.get_mut(self.name).expect("the group was looked up");
        // Replicas know a consumer from what is pending for it, unless nothing ever is.
        if group.see(self.consumer, self.now_ms) && self.no_ack {
            let words = [b"XGROUP", &b"CREATECONSUMER"[..], self.key, self.name, self.consumer];
            log.push(words.map(<[u8]>::to_vec).to_vec());
        }
    }

    /// Entries that the group has not read yet.
    pub(super) fn consume(
        &self,
        stream: &mut Stream,
        count: Option<usize>,
        log: &mut Vec<Request>,
    ) -> Vec<Reply> {
        self.appear(stream, log);
        let mut group = stream.groups.remove(self.name).expect("the group was looked up");
        let start = group.last_id.next();
        let entries = start.map(|start| stream.range(start, Id::MAX));
        let entries = entries.into_iter().flatten().take(count.unwrap_or(usize::MAX));
        let mut replies = Vec::new();
        for (id, fields) in entries {
            group.entries_read = stream.entries_read(&group, id);
            group.last_id = id;
            replies.push(told((id, fields)));
            if !self.no_ack {
                log.push(self.deliver(&mut group, id));
            }
        }
        if self.no_ack && !replies.is_empty() {
            log.push(set_id_request(self.key, self.name, &group));
        }
        stream.groups.insert(self.name.to_vec(), group);
        replies
    }

    fn deliver(&self, group: &mut Group, id: Id) -> Request {
        let (consumer, delivered_ms) = (self.consumer.to_vec(), self.now_ms);
        let pending = Pending { consumer, delivered_ms, deliveries: 1 };
        let told = claim_request(self.key, (self.name, group), id, &pending);
        group.assign(id, pending);
        told
    }

    /// Entries that were delivered before; those that are deleted without their fields.
    fn history(&self, stream: &mut Stream, behind: Id, count: Option<usize>) -> Vec<Reply> {
        let mut group = stream.groups.remove(self.name).expect("the group was looked up");
        let pending = group.consumers()[self.consumer].pending();
        let ids = behind.next().map(|start| pending.range(start..));
        let ids = ids.into_iter().flatten().take(count.unwrap_or(usize::MAX)).copied();
        let mut replies = Vec::new();
        for id in ids.collect::<Vec<Id>>() {
            let Some(fields) = stream.entry(id) else {
                replies.push(Reply::Array(vec![told_id(id), Reply::NullArray]));
                continue;
            };
            replies.push(told((id, fields)));
            let pending = group.pending_mut(id).expect("it is pending for the consumer");
            pending.delivered_ms = self.now_ms;
            pending.deliveries = pending.deliveries.wrapping_add(1);
        }
        stream.groups.insert(self.name.to_vec(), group);
        replies
    }
}
