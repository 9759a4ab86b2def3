//! A stream: entries in the order of their ids, and the groups that consume them.
//!
//! In reading order: `id`, `node` (entries that Redis packs together), `trim`,
//! `group`, `read` (how far a group is), `radix`, `snapshot`.

mod group;
mod id;
mod node;
mod radix;
mod read;
mod snapshot;
mod trim;

use std::collections::BTreeMap;

pub use group::{Consumer, Group, Pending};
pub use id::Id;
use node::Node;
pub use node::NodeLimits;
pub use snapshot::Parts;
pub use trim::{Threshold, Trim, limit_default};

/// The value of a key that is a stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stream {
    /// Nodes by the id of their first entry.
    nodes: BTreeMap<Id, Node>,
    len: usize,
    /// The last id that was given.
    pub last_id: Id,
    first_id: Id,
    /// The greatest id that was deleted.
    pub max_deleted_id: Id,
    /// How many entries were ever added, or so it was said.
    pub entries_added: i64,
    /// The groups by name.
    pub groups: BTreeMap<Vec<u8>, Group>,
}

/// An entry: its id, and field, value, field, value …
pub type Entry<'a> = (Id, &'a [Vec<u8>]);

impl Stream {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// In how many parts Redis keeps the entries.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// A stream is worth keeping even without entries.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The id of the first entry, as Redis has it recorded.
    pub fn first_id(&self) -> Id {
        self.first_id
    }

    /// Adds an entry behind all others: its id must be greater than the last one.
    pub fn append(&mut self, id: Id, words: &[Vec<u8>], limits: NodeLimits) {
        assert!(id > self.last_id, "ids rise");
        let last = self.nodes.last_key_value();
        let full = last.is_none_or(|(_, node)| node.is_full_for(words, limits));
        if full {
            self.nodes.insert(id, Node::new(words));
        }
        let mut last = self.nodes.last_entry().expect("there is a node now");
        let first = *last.key();
        last.get_mut().push(first, id, words);
        self.len += 1;
        self.entries_added = self.entries_added.wrapping_add(1);
        self.last_id = id;
        if self.len == 1 {
            self.first_id = id;
        }
    }

    /// Entries from one id to another, in order.
    pub fn range(&self, start: Id, end: Id) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        let from = self.nodes.range(..=start).next_back().map_or(start, |(first, _)| *first);
        let nodes = (start <= end).then(|| self.nodes.range(from..=end.max(from)));
        let entries = nodes.into_iter().flatten().flat_map(|(_, node)| &node.entries);
        let inside =
            move |entry: &&node::Entry| (start..=end).contains(&entry.id) && !entry.deleted;
        entries.filter(inside).map(|entry| (entry.id, entry.words.as_slice()))
    }

    /// The fields and values of an entry.
    pub fn entry(&self, id: Id) -> Option<&[Vec<u8>]> {
        self.range(id, id).next().map(|(_, fields)| fields)
    }

    /// The id of the last entry that is there.
    pub fn last_entry_id(&self) -> Option<Id> {
        self.range(Id::MIN, Id::MAX).next_back().map(|(id, _)| id)
    }

    /// Deletes an entry; whether it was there.
    pub fn delete(&mut self, id: Id) -> bool {
        let Some((first, node)) = self.nodes.range_mut(..=id).next_back() else { return false };
        let there = |entry: &&mut node::Entry| entry.id == id && !entry.deleted;
        let Some(entry) = node.entries.iter_mut().find(there) else { return false };
        entry.deleted = true;
        node.live -= 1;
        if node.live == 0 {
            let first = *first;
            self.nodes.remove(&first);
        }
        self.len -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if self.len == 0 || self.first_id == id {
            self.find_first_id();
        }
        true
    }

    /// How many nodes there are, and how large the tree is in which Redis keeps them.
    pub fn radix_tree(&self) -> (usize, usize) {
        (self.nodes.len(), radix::nodes(self.nodes.keys().copied()))
    }

    fn find_first_id(&mut self) {
        let first = self.range(Id::MIN, Id::MAX).next();
        self.first_id = first.map_or(Id::MIN, |(id, _)| id);
    }
}
