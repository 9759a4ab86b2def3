//! Trimming: the removal of the oldest entries.

use super::{Id, NodeLimits, Stream};

/// How many entries an approximate trim removes at most when nobody says otherwise: those of a
/// hundred nodes, within bounds.
pub fn limit_default(limits: NodeLimits) -> i64 {
    let entries = i64::try_from(limits.entries).expect("it was set as such a number");
    match entries.wrapping_mul(100) {
        ..=0 => 10_000,
        limit => limit.min(1_000_000),
    }
}

/// What is to be trimmed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trim {
    /// What remains.
    pub threshold: Threshold,
    /// Only whole nodes are removed.
    pub approximate: bool,
    /// So many entries are removed at most; any number when 0.
    pub limit: i64,
}

/// What remains of a stream that is trimmed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threshold {
    /// So many entries.
    Length(usize),
    /// Entries from this id on.
    Id(Id),
}

impl Stream {
    /// Removes the oldest entries; how many.
    pub fn trim(&mut self, trim: &Trim) -> usize {
        let limit = usize::try_from(trim.limit).unwrap_or(0);
        let mut removed = 0;
        while let Some((first, node)) = self.nodes.first_key_value() {
            if matches!(trim.threshold, Threshold::Length(len) if self.len <= len) {
                break;
            }
            let live = node.live;
            if limit > 0 && removed + live > limit {
                break;
            }
            let whole = match trim.threshold {
                Threshold::Length(len) => self.len - live >= len,
                Threshold::Id(id) => node.entries.last().is_some_and(|entry| entry.id < id),
            };
            if !whole {
                if !trim.approximate {
                    removed += self.trim_first_node(trim.threshold);
                }
                break;
            }
            let first = *first;
            self.nodes.remove(&first);
            self.len -= live;
            removed += live;
        }
        if self.len == 0 || removed > 0 {
            self.find_first_id();
        }
        removed
    }

    /// Deletes the oldest entries of the first node, which remains; how many.
    fn trim_first_node(&mut self, threshold: Threshold) -> usize {
        let Some(mut first) = self.nodes.first_entry() else { return 0 };
        let node = first.get_mut();
        let mut removed = 0;
        for entry in &mut node.entries {
            let enough = match threshold {
                Threshold::Length(len) => self.len <= len,
                Threshold::Id(id) => entry.id >= id,
            };
            if enough {
                break;
            }
            if !std::mem::replace(&mut entry.deleted, true) {
                node.live -= 1;
                self.len -= 1;
                removed += 1;
            }
        }
        removed
    }

    /// The first id that a node holds, deleted or not; the greatest of all when there is none.
    pub fn edge_id(&self) -> Id {
        let first = self.nodes.first_key_value();
        first.and_then(|(_, node)| node.entries.first()).map_or(Id::MAX, |entry| entry.id)
    }
}
