//! How far a group has read, told as a number of entries.
//!
//! Only where nothing was deleted can that be known.

use super::{Group, Id, Stream};

impl Stream {
    /// How many entries a group has not read yet, if that is known.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        let counted = group.entries_read.filter(|_| !self.has_deleted_from(group.last_id));
        let read = counted.or_else(|| self.entries_up_to(group.last_id))?;
        Some(self.entries_added.wrapping_sub(read))
    }

    /// How many entries the group has read when it is given this one, if that is known.
    pub fn entries_read(&self, group: &Group, id: Id) -> Option<i64> {
        match group.entries_read {
            Some(read) if !self.has_deleted_from(id) => Some(read.wrapping_add(1)),
            _ if self.entries_added > 0 => self.entries_up_to(id),
            read => read,
        }
    }

    /// Whether an entry was deleted that had this id or a later one, and came behind one that is
    /// still there.
    fn has_deleted_from(&self, id: Id) -> bool {
        let between = self.first_id <= self.max_deleted_id && id <= self.max_deleted_id;
        self.len > 0 && self.max_deleted_id != Id::MIN && between
    }

    /// How many entries were ever added up to this id, if that is known.
    fn entries_up_to(&self, id: Id) -> Option<i64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id || id == self.last_id {
            return Some(self.entries_added);
        }
        if id > self.last_id {
            return None;
        }
        let whole = self.max_deleted_id == Id::MIN || self.max_deleted_id < self.first_id;
        let len = i64::try_from(self.len).expect("no collection is that large");
        let before = self.entries_added.wrapping_sub(len);
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less if whole => Some(before),
            std::cmp::Ordering::Equal if whole => Some(before.wrapping_add(1)),
            _ => None,
        }
    }
}
