//! A set of members.
//!
//! Redis keeps small sets of integers in their order, and others in no order; here those are in the
//! order of their bytes.

use std::collections::BTreeSet;

use crate::redis::number::integer;

/// Redis keeps a set of integers in their order up to so many (`set-max-intset-entries`, at its
/// default).
const INTEGERS_MAX: usize = 512;

/// The value of a key that is a set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Set {
    members: BTreeSet<Vec<u8>>,
    /// While all members are integers and few: those.
    integers: Option<BTreeSet<i64>>,
}

impl Default for Set {
    fn default() -> Self {
        Self { members: BTreeSet::new(), integers: Some(BTreeSet::new()) }
    }
}

impl Set {
    /// Adds a member; whether it is new.
    pub fn insert(&mut self, member: &[u8]) -> bool {
        if self.members.contains(member) {
            return false;
        }
        self.members.insert(member.to_vec());
        if let Some(integers) = &mut self.integers {
            match integer(member) {
                Some(number) if integers.len() < INTEGERS_MAX => {
                    integers.insert(number);
                }
                _ => self.integers = None,
            }
        }
        true
    }

    /// Removes a member; whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        let there = self.members.remove(member);
        if let (Some(integers), Some(number)) = (&mut self.integers, integer(member)) {
            integers.remove(&number);
        }
        there
    }

    /// Whether it is a member.
    pub fn contains(&self, member: &[u8]) -> bool {
        self.members.contains(member)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether Redis would keep it as integers in their order.
    pub fn is_integers(&self) -> bool {
        self.integers.is_some()
    }

    /// All members.
    pub fn members(&self) -> Vec<Vec<u8>> {
        match &self.integers {
            Some(integers) => {
                integers.iter().map(|number| number.to_string().into_bytes()).collect()
            }
            None => self.members.iter().cloned().collect(),
        }
    }

    /// Members behind `after` in the order of bytes; all of them when it is `None`.
    pub fn after(&self, after: Option<&[u8]>) -> impl Iterator<Item = &[u8]> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.members.range::<[u8], _>((from, Unbounded)).map(Vec::as_slice)
    }

    /// The member at a place in the order of bytes.
    pub fn at(&self, place: usize) -> Option<&[u8]> {
        self.members.iter().nth(place).map(Vec::as_slice)
    }
}
