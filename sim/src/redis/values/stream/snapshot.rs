//! A stream taken apart for a snapshot, and put together again.

use std::collections::BTreeMap;

use super::node::Node;
use super::{Group, Id, Stream};

/// What a stream consists of, as snapshots have it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parts {
    /// The listpack of each node, with the id under which it is kept.
    pub nodes: Vec<(Id, Vec<u8>)>,
    /// How many entries there are.
    pub len: usize,
    /// The last id that was given.
    pub last_id: Id,
    /// The id of the first entry.
    pub first_id: Id,
    /// The greatest id that was deleted.
    pub max_deleted_id: Id,
    /// How many entries were ever added.
    pub entries_added: i64,
    /// The groups by name.
    pub groups: BTreeMap<Vec<u8>, Group>,
}

impl Stream {
    /// What it consists of.
    pub fn parts(&self) -> Parts {
        Parts {
            nodes: self.nodes.iter().map(|(first, node)| (*first, node.pack(*first))).collect(),
            len: self.len,
            last_id: self.last_id,
            first_id: self.first_id,
            max_deleted_id: self.max_deleted_id,
            entries_added: self.entries_added,
            groups: self.groups.clone(),
        }
    }

    /// The stream of which these are the parts; `None` if they do not fit.
    pub fn from_parts(parts: Parts) -> Option<Self> {
        let node = |(first, bytes): (Id, Vec<u8>)| Some((first, Node::unpack(first, &bytes)?));
        let nodes = parts.nodes.into_iter().map(node).collect::<Option<BTreeMap<_, _>>>()?;
        let live: usize = nodes.values().map(|node| node.live).sum();
        (live == parts.len).then_some(Self {
            nodes,
            len: parts.len,
            last_id: parts.last_id,
            first_id: parts.first_id,
            max_deleted_id: parts.max_deleted_id,
            entries_added: parts.entries_added,
            groups: parts.groups,
        })
    }
}
